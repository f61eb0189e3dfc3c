"""Parts of time, and their versions by the clock: truth is what a calendar says."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime

import pytest

from cuboid.catalog.pieces import Place
from cuboid.catalog.rollups import RefreshKey
from cuboid.errors import UnsupportedFeature
from cuboid.run.rollups.parts import Part, cut, within
from cuboid.run.rollups.versions import STABLE, version_at
from cuboid.run.stored import StoredRollup
from cuboid.types import Statement


def rollup(parts="month", zone="UTC", **key):
    refresh_key = RefreshKey(Place("orders.yml", 1, 1), **key) if key else None
    return StoredRollup(
        "orders.main",
        zone,
        "t",
        (),
        "default",
        lambda bounds: Statement(""),
        "at",
        parts,
        refresh_key=refresh_key,
    )


def labels(parts, first, last):
    return [
        part.label for part in cut(rollup(parts), datetime.fromisoformat(first), datetime.fromisoformat(last))
    ]


@pytest.mark.parametrize(
    ("parts", "first", "last", "expected"),
    [
        ("hour", "2024-02-29T22:59:59", "2024-03-01T00:00", ["2024022922", "2024022923", "2024030100"]),
        ("day", "2024-02-28T23:00", "2024-03-01T00:00", ["20240228", "20240229", "20240301"]),
        ("week", "2024-01-07T23:59", "2024-01-08T00:00", ["20240101", "20240108"]),  # a Sunday, a Monday
        ("month", "2023-11-30", "2024-02-01", ["20231101", "20231201", "20240101", "20240201"]),
        ("quarter", "2023-09-30T23:59:59.999999", "2023-10-01", ["20230701", "20231001"]),
        ("year", "2023-12-31", "2024-01-01", ["20230101", "20240101"]),
        ("month", "2024-02-29", "2024-02-29", ["20240201"]),
        ("year", "9998-05-01", "9999-12-31T23:59:59", ["99980101", "99990101"]),
    ],
)
def test_parts_hold_both_moments_and_all_between(parts, first, last, expected):
    assert labels(parts, first, last) == expected


@pytest.mark.parametrize("parts", ["hour", "day", "week", "month", "quarter", "year"])
def test_parts_follow_each_other_without_a_gap(parts):
    found = cut(rollup(parts), datetime(2023, 12, 30, 5, 7), datetime(2024, 3, 2))
    assert found[0].bounds[0] <= datetime(2023, 12, 30, 5, 7) < found[0].bounds[1]
    assert found[-1].bounds[0] <= datetime(2024, 3, 2) < found[-1].bounds[1]
    assert all(one.bounds[1] == other.bounds[0] for one, other in itertools.pairwise(found))


def test_ten_thousand_parts_are_the_most():
    assert len(labels("hour", "2020-01-01", "2021-02-20T15:00")) == 10_000  # 416 days of 24 hours, and 16
    with pytest.raises(
        UnsupportedFeature, match=r"orders\.main' would have more than 10,000 parts"
    ) as caught:
        labels("hour", "2020-01-01", "2021-02-20T16:00")
    assert "partition_granularity" in caught.value.hint


def test_a_reader_gets_the_parts_that_have_a_moment_of_its_bounds():
    parts = cut(rollup(), datetime(2024, 1, 1), datetime(2024, 4, 1))

    def of(start, end):
        return [part.label[4:6] for part in within(parts, (datetime(2024, *start), datetime(2024, *end)))]

    assert of((2, 1), (3, 1)) == ["02"]
    assert of((1, 31), (2, 1, 0, 0, 1)) == ["01", "02"]
    assert of((4, 30), (12, 1)) == ["04"]
    assert of((5, 1), (12, 1)) == []
    assert within(parts, (datetime(1999, 1, 1), datetime(2030, 1, 1))) == parts
    assert within(parts, None) is parts


# ---------------------------------------------------------------- versions

JANUARY = Part("20240101", (datetime(2024, 1, 1), datetime(2024, 2, 1)))


def changes(stored, part=JANUARY, *, start, hours):
    """At which hours after ``start`` the version becomes another one."""
    epoch = int(start.timestamp())
    seen = [version_at(stored, part, datetime.fromtimestamp(epoch + 900 * i, UTC)) for i in range(hours * 4)]
    return [i / 4 for i in range(1, len(seen)) if seen[i] != seen[i - 1]]


def test_without_a_refresh_key_a_part_lasts_until_the_hour_is_over():
    assert changes(rollup(), start=datetime(2024, 5, 5, 0, 30, tzinfo=UTC), hours=3) == [0.5, 1.5, 2.5]


def test_an_interval_is_counted_on_the_wall_clock_of_the_zone():
    start = datetime(2024, 5, 5, 12, tzinfo=UTC)
    assert changes(rollup(every="1 day"), start=start, hours=48) == [12, 36]
    # Midnight in New York is 4:00 UTC in May.
    assert changes(rollup(every="1 day", zone="America/New_York"), start=start, hours=48) == [16, 40]


def test_of_incremental_parts_only_those_near_their_end_are_refreshed():
    stored = rollup(every="1 hour", incremental=True, update_window="2 days")
    assert changes(stored, start=datetime(2024, 2, 2, 21, 30, tzinfo=UTC), hours=12) == [0.5, 1.5, 2.5]
    assert version_at(stored, JANUARY, datetime(2024, 2, 3, tzinfo=UTC)) == STABLE
    assert (
        version_at(rollup(every="1 hour", incremental=True), JANUARY, datetime(2024, 2, 1, tzinfo=UTC))
        == STABLE
    )
    in_tokyo = rollup(every="1 hour", incremental=True, zone="Asia/Tokyo")
    assert version_at(in_tokyo, JANUARY, datetime(2024, 1, 31, 15, tzinfo=UTC)) == STABLE
    assert version_at(in_tokyo, JANUARY, datetime(2024, 1, 31, 14, 59, tzinfo=UTC)) != STABLE


def test_what_is_immutable_has_one_version():
    assert changes(rollup(immutable=True), start=datetime(2024, 1, 1, tzinfo=UTC), hours=100) == []


def test_a_cron_expression_has_a_zone_of_its_own():
    # Mondays at 6:00 in Berlin, which are 5:00 UTC in winter; the rollup's own zone does not count.
    stored = rollup(every="0 6 * * 1", timezone="Europe/Berlin", zone="Asia/Tokyo")
    assert changes(stored, start=datetime(2024, 1, 7, tzinfo=UTC), hours=24 * 9) == [24 + 5, 24 * 8 + 5]
    in_utc = rollup(every="30 * * * *", zone="Asia/Tokyo")
    assert changes(in_utc, start=datetime(2024, 1, 7, tzinfo=UTC), hours=3) == [0.5, 1.5, 2.5]
