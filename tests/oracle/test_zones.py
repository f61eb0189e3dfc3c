"""Every hour of five years, in every zone: bounds of ranges and groups of hours are those that zoneinfo says.

``make test`` takes a sample of zones; ``--oracle-zones=all`` takes all, in some minutes.
"""

from __future__ import annotations

import zoneinfo
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from importlib import resources
from zoneinfo import ZoneInfo

import pytest
from tests.oracle.cells import ZONES
from tests.oracle.expressions import Column
from tests.oracle.pipeline import Pipeline
from tests.oracle.world import Cube, Dimension, Measure, Table, TableColumn, World

from cuboid.query.dates import bound
from cuboid.types import Statement

FIRST, LAST = datetime(2022, 1, 1), datetime(2027, 1, 1)
HOUR = timedelta(hours=1)
SAMPLE = (*ZONES, "America/Nuuk", "Antarctica/Troll", "Africa/El_Aaiun", "America/Scoresbysund", "Etc/GMT+12")
Stretch = tuple[datetime, datetime, timedelta]
"""Instants from and until which an offset holds, naive UTC."""


def stretches(info: ZoneInfo) -> list[Stretch]:
    """A zone's offsets around the five years, found by asking zoneinfo about every quarter of an hour of each day in
    which the offset changes."""

    def offset(instant: datetime) -> timedelta:
        found = instant.replace(tzinfo=UTC).astimezone(info).utcoffset()
        assert found is not None
        return found

    found: list[Stretch] = []
    begin = cursor = FIRST - timedelta(days=3)
    held = offset(cursor)
    while cursor < LAST + timedelta(days=3):
        step = timedelta(days=1) if offset(cursor + timedelta(days=1)) == held else timedelta(minutes=1)
        cursor += step
        if (now := offset(cursor)) != held:
            found.append((begin, cursor, held))
            begin, held = cursor, now
    return [*found, (begin, cursor, held)]


def earliest_instants(zone: str) -> Iterator[tuple[datetime, datetime]]:
    """Each hour of the wall clock, and the first instant that shows it or a later one."""
    civil = FIRST
    for begin, stop, offset in stretches(ZoneInfo(zone)):
        while civil < LAST and (instant := max(begin, civil - offset)) < stop:
            yield civil, instant
            civil += HOUR


def zones(config: pytest.Config) -> tuple[str, ...]:
    if config.getoption("--oracle-zones") != "all":
        return SAMPLE
    return tuple(sorted(zoneinfo.available_timezones() - {"localtime", "Factory"}))


@pytest.mark.timeout(0)
def test_every_hour_begins_at_the_first_instant_that_shows_it(pytestconfig: pytest.Config) -> None:
    wrong: Counter[str] = Counter()
    for name in zones(pytestconfig):
        zone = ZoneInfo(name)
        hours = 0
        for civil, instant in earliest_instants(name):
            hours += 1
            wrong[name] += bound(civil, zone, "utc") != instant
        assert hours == (LAST - FIRST) / HOUR, name
    assert +wrong == Counter()


def events() -> World:
    """A cube over a table that the engine fills."""
    table = Table("t_hours", (TableColumn("made_at", "timestamp"),), ())
    at = Dimension("at", "time", Column("hours", "made_at"))
    return World((Cube("hours", table, (at,), (Measure("count", "count"),)),))


@pytest.mark.timeout(0)
@pytest.mark.engine("duckdb")
@pytest.mark.parametrize("pipeline", ["duckdb"], indirect=True)
def test_every_hour_is_in_its_group(pipeline: Pipeline, pytestconfig: pytest.Config) -> None:
    pipeline.show(events())
    series = f"generate_series(TIMESTAMP '{FIRST}', TIMESTAMP '{LAST - HOUR}', INTERVAL 1 HOUR)"
    pipeline.run(Statement(f"INSERT INTO t_hours SELECT unnest({series})"))
    by_hour = [{"dimension": "hours.at", "granularity": "hour"}]
    wrong: dict[str, bool] = {}
    for name in zones(pytestconfig):
        query = {"measures": ["hours.count"], "timeDimensions": by_hour, "timezone": name, "limit": 50_000}
        shown = {row["hours.at.hour"]: int(row["hours.count"]) for row in pipeline.load(query).rows}
        wrong[name] = all(different(shown, each) for each in versions(name))
    assert len(wrong) == len(zones(pytestconfig))
    assert [name for name, is_wrong in wrong.items() if is_wrong] == []


def different(shown: Mapping[str, int], offsets: list[Stretch]) -> int:
    """How many groups of hours are not as these offsets make them."""
    expected = Counter(
        civil.replace(minute=0).isoformat(timespec="milliseconds") for civil in civil_hours(offsets)
    )
    return sum(1 for key in shown.keys() | expected.keys() if shown.get(key) != expected.get(key))


def versions(zone: str) -> Iterator[list[Stretch]]:
    """The zone's offsets as the system has them; and, which may be newer, as the tzdata package has them. An engine may
    know either: DuckDB 2.0.0 knows what Canada and Morocco decided for 2026, tzdata 2025b of a system does not."""
    yield stretches(ZoneInfo(zone))
    package = resources.files("tzdata.zoneinfo").joinpath(*zone.split("/"))
    if package.is_file():
        with package.open("rb") as file:
            yield stretches(ZoneInfo.from_file(file, key=zone))


def civil_hours(offsets: list[Stretch]) -> Iterator[datetime]:
    """What the wall clock shows at each whole hour of UTC."""
    instant = FIRST
    for _, stop, offset in offsets:
        while instant < min(stop, LAST):
            yield instant + offset
            instant += HOUR
