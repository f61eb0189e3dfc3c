"""Changes of zones' offsets, against what is known of a few and against the zone database itself."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from cuboid.sql.zones import offset, offset_changes


def second(*moment: int) -> int:
    return int((datetime(*moment, tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds())


@pytest.mark.parametrize(
    ("zone", "year", "due"),
    [
        ("Europe/Berlin", 2024, [((3, 31, 1), 3600, 7200), ((10, 27, 1), 7200, 3600)]),
        ("America/St_Johns", 2006, [((4, 2, 3, 31), -12600, -9000), ((10, 29, 2, 31), -9000, -12600)]),
        ("Australia/Lord_Howe", 2023, [((4, 1, 15), 39600, 37800), ((9, 30, 15, 30), 37800, 39600)]),
        (
            "Pacific/Apia",
            2011,
            [((4, 2, 14), -36000, -39600), ((9, 24, 14), -39600, -36000), ((12, 30, 10), -36000, 50400)],
        ),
        ("Asia/Kathmandu", 1986, []),
        ("UTC", 2024, []),
    ],
)
def test_changes_of_a_year(zone: str, year: int, due: list[tuple[tuple[int, ...], int, int]]) -> None:
    found = list(offset_changes(zone, second(year, 1, 1), second(year + 1, 1, 1)))
    assert found == [(second(year, *moment), before, after) for moment, before, after in due]


def test_two_changes_within_four_days_are_both_found() -> None:
    found = list(offset_changes("Africa/Freetown", second(1939, 1, 1), second(1940, 1, 1)))
    assert len(found) == len({at for at, _, _ in found}) >= 1
    for at, before, after in found:
        assert (offset("Africa/Freetown", at - 1), offset("Africa/Freetown", at)) == (before, after)


def test_the_bounds_are_those_asked_for() -> None:
    change = second(2024, 3, 31, 1)
    assert list(offset_changes("Europe/Berlin", change, change + 5)) == []
    assert list(offset_changes("Europe/Berlin", change - 1, change)) == [(change, 3600, 7200)]
