"""Time columns: converted by zoneinfo's rules, then truncated; bins from any origin; interval arithmetic."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from sqlglot import exp

from cuboid.errors import CuboidError, UnsupportedFeature
from cuboid.sql.reading import column
from cuboid.sql.time import civil_time
from cuboid.testing import moments
from cuboid.testing.compose import Composer, numbered, select, typed
from cuboid.testing.live import Open, live, wrong_cells
from cuboid.testing.subject import Subject
from cuboid.types import GRANULARITIES, Interval, TimeKind, Value

DATES = ("1970-01-01", "1999-12-31", "2000-02-29", "2011-12-30", "2021-01-03", "2024-02-29", "2024-12-30")

LATE_LIMIT = 100
"""Inputs in one statement."""


class Times(Subject):
    """``to_civil``, ``date_trunc``, ``date_bin``, ``add_interval``."""

    @pytest.mark.parametrize("zone", moments.ZONES)
    @pytest.mark.parametrize("kind", ["instant", "utc"])
    @live
    async def test_times_are_the_zones_right_to_the_second(
        self, source: Open, kind: TimeKind, zone: str
    ) -> None:
        await _check(source, moments.instants(zone), zone, kind)

    @pytest.mark.parametrize("zone", moments.EARLY_ZONES)
    @pytest.mark.parametrize("kind", ["instant", "utc"])
    @live
    async def test_times_before_1970_are_right_or_an_error(
        self, source: Open, kind: TimeKind, zone: str
    ) -> None:
        if self.can("zones_before_1970"):
            await _check(source, moments.EARLY, zone, kind)
            return
        for early in moments.EARLY[-2:]:
            with pytest.raises(CuboidError):
                await _civil(source, [early], zone, kind, [None])

    @live
    async def test_dates_and_utc_before_1970_need_no_zone_and_are_right(self, source: Open) -> None:
        await _check(source, moments.EARLY, "UTC", "utc")
        await _check(source, moments.EARLY, "Asia/Kolkata", "date")

    @pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Pacific/Apia"])
    @live
    async def test_no_zone_moves_a_date(self, source: Open, zone: str) -> None:
        await _check(source, moments.CALENDAR, zone, "date")
        columns = await _civil(source, [typed(date, "DATE") for date in DATES], zone, "date")
        midnights = [datetime.fromisoformat(date) for date in DATES]
        expected = [
            [midnight, *(moments.floored(midnight, g) for g in GRANULARITIES)] for midnight in midnights
        ]
        assert not wrong_cells(columns, [tuple(row) for row in expected], DATES, ["civil", *GRANULARITIES])

    @pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/St_Johns", "Pacific/Apia"])
    @live
    async def test_a_time_column_that_was_declared_utc_may_hold_a_zone_or_a_date(
        self, source: Open, zone: str
    ) -> None:
        """``utc`` is the default: models say it of instants and dates that nobody has looked at."""
        given = moments.instants(zone)[:60]
        composer = source.composer()
        values = [composer.parameter(each.replace(tzinfo=UTC), "instant") for each in given]
        assert not await _wrong(source, composer, values, given, zone, "utc")
        midnights = [datetime.fromisoformat(date) for date in DATES]
        dates = [typed(date, "DATE") for date in DATES]
        assert not await _wrong(source, source.composer(), dates, midnights, zone, "utc")

    @live
    async def test_null_has_no_time(self, source: Open) -> None:
        kinds: tuple[TimeKind, ...] = ("instant", "utc", "date")
        for kind in kinds:
            composer = source.composer()
            values = [
                composer.parameter(None, kind),
                composer.parameter(_bound(moments.CALENDAR[0], kind), kind),
            ]
            rows = await _rows(source, composer, values, "Europe/Berlin", kind, [None, *GRANULARITIES])
            assert rows[0] == (None,) * (1 + len(GRANULARITIES))
            assert None not in rows[1]

    @live
    async def test_both_hours_of_a_clock_set_back_are_one(self, source: Open) -> None:
        """Groups are civil time: 2:30 comes twice that night, and is one group."""
        first = datetime(2024, 10, 27, 0, 30)
        composer = source.composer()
        values = [composer.parameter(first + timedelta(hours=n), "utc") for n in range(3)]
        hour = civil_time(source.dialect, column("value"), "Europe/Berlin", "utc", "hour")
        grouped = select(hour=hour, rows=exp.Count(this=exp.Star())).from_(numbered(values)).group_by("1")
        rows = await source.rows(composer, grouped.order_by("1"), ("hour", "time"), ("rows", "number"))
        assert rows == [(datetime(2024, 10, 27, 2), 2), (datetime(2024, 10, 27, 3), 1)]

    @live
    async def test_truncated_times_join_and_compare_as_times(self, source: Open) -> None:
        """What ``date_trunc`` gives is compared with parameters when a filter meets a grouped time."""
        composer = source.composer()
        value = composer.parameter(datetime(2024, 5, 17, 22, 30), "utc")
        day = civil_time(source.dialect, value, "Europe/Berlin", "utc", "day")
        same = composer.parameter(datetime(2024, 5, 17, 22), "utc")
        test = exp.EQ(this=day, expression=source.dialect.to_civil(same, "Europe/Berlin", "utc"))
        rows = await source.rows(composer, select(hit=exp.Case().when(test, "1")), ("hit", "number"))
        assert rows == [(1,)]

    @pytest.mark.parametrize(("interval", "origin"), moments.INTERVALS, ids=str)
    @live
    async def test_bins_of_any_interval_begin_at_any_origin(
        self, source: Open, interval: Interval, origin: datetime
    ) -> None:
        edges = [moments.moved(origin, interval, n) for n in range(-3, 4)]
        around = [edge + timedelta(milliseconds=step) for edge in edges for step in (-1, 0, 1)]
        given = [*moments.scattered(30, 1950, 2038), *around]
        composer = source.composer()
        civil = source.dialect.to_civil(column("value"), "UTC", "date")
        values = [composer.parameter(each, "date") for each in given]
        tree = select(bin=source.dialect.date_bin(interval, origin, civil)).from_(numbered(values))
        rows = await source.rows(composer, tree.order_by(column("n")), ("bin", "time"))
        assert not wrong_cells(rows, [(moments.binned(each, interval, origin),) for each in given], given)

    def test_an_interval_of_months_and_seconds_or_of_nothing_has_no_bins(self) -> None:
        for interval in (Interval(1, 1), Interval(), Interval(-1), Interval(0, -60)):
            with pytest.raises(UnsupportedFeature):
                self.dialect.date_bin(interval, datetime(2024, 1, 1), column("value"))

    @pytest.mark.parametrize(
        "interval",
        [
            Interval(months=1),
            Interval(months=-1),
            Interval(months=13),
            Interval(months=-48),
            Interval(seconds=1),
            Interval(seconds=-86400),
            Interval(seconds=3_000_000_000),
            Interval(months=1, seconds=-86400),
            Interval(),
        ],
        ids=str,
    )
    @live
    async def test_intervals_are_added_months_first(self, source: Open, interval: Interval) -> None:
        given = [
            datetime(2024, 1, 31, 23, 59, 59),
            datetime(2023, 3, 31),
            datetime(2020, 2, 29, 6),
            datetime(1996, 12, 1, 0, 0, 1),
        ]
        if interval.seconds > 1_000_000_000:
            given = [each.replace(year=1980, day=28) for each in given]
        composer = source.composer()
        civil = source.dialect.to_civil(column("value"), "UTC", "date")
        values = [composer.parameter(each, "date") for each in given]
        tree = select(moved=source.dialect.add_interval(civil, interval)).from_(numbered(values))
        rows = await source.rows(composer, tree.order_by(column("n")), ("moved", "time"))
        assert not wrong_cells(rows, [(moments.moved(each, interval),) for each in given], given)

    @live
    async def test_the_databases_clock_shows_seconds_since_1970(self, source: Open) -> None:
        """Refresh keys count it; whether it is this machine's time is not the driver's business."""
        composer = source.composer()
        rows = await source.rows(composer, select(now=source.dialect.epoch()), ("now", "number"))
        seconds = rows[0][0]
        assert isinstance(seconds, (int, float)) or hasattr(seconds, "as_tuple")
        assert 1_577_836_800 < float(str(seconds)) < 4_102_444_800  # 2020 to 2100


async def _check(source: Open, given: Sequence[datetime], zone: str, kind: TimeKind) -> None:
    for first in range(0, len(given), LATE_LIMIT):
        part = given[first : first + LATE_LIMIT]
        composer = source.composer()
        values = [composer.parameter(_bound(each, kind), kind) for each in part]
        assert not await _wrong(source, composer, values, part, zone, kind)


async def _wrong(
    source: Open,
    composer: Composer,
    values: Sequence[exp.Expr],
    given: Sequence[datetime],
    zone: str,
    kind: TimeKind,
) -> str:
    found = await _rows(source, composer, values, zone, kind, [None, *GRANULARITIES])
    expected = []
    for each in given:
        civil = each.replace(microsecond=0) if kind == "date" else moments.in_zone(each, zone)
        expected.append((civil, *(moments.floored(civil, granularity) for granularity in GRANULARITIES)))
    return wrong_cells(found, expected, given, ["civil", *GRANULARITIES])


async def _civil(
    source: Open,
    given: Sequence[datetime | exp.Expr],
    zone: str,
    kind: TimeKind,
    granularities: Sequence[str | None] = (None, *GRANULARITIES),
) -> list[tuple[Value, ...]]:
    composer = source.composer()
    values = [
        composer.parameter(_bound(each, kind), kind) if isinstance(each, datetime) else each for each in given
    ]
    return await _rows(source, composer, values, zone, kind, granularities)


async def _rows(
    source: Open,
    composer: Composer,
    values: Sequence[exp.Expr],
    zone: str,
    kind: TimeKind,
    granularities: Sequence[str | None],
) -> list[tuple[Value, ...]]:
    """For each value the civil time, in whole seconds, and its truncations."""
    names = [granularity or "civil" for granularity in granularities]
    columns = {
        name: civil_time(source.dialect, column("value"), zone, kind, granularity)
        for name, granularity in zip(names, granularities, strict=True)
    }
    tree = select(n=column("n", "input"), **columns).from_(numbered(values)).order_by(column("n", "input"))
    rows = await source.rows(composer, tree, ("n", "number"), *((name, "time") for name in names))
    return [tuple(_whole(cell, name) for cell, name in zip(row[1:], names, strict=True)) for row in rows]


def _whole(cell: Value, name: str) -> Value:
    return cell.replace(microsecond=0) if name == "civil" and isinstance(cell, datetime) else cell


def _bound(value: datetime, kind: TimeKind) -> datetime:
    """As the planner binds it: instants have their zone."""
    return value.replace(tzinfo=UTC) if kind == "instant" else value
