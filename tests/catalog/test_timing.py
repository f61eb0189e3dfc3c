"""Custom granularities, rolling windows and time shifts: what they are read as, and what is refused."""

from __future__ import annotations

from datetime import datetime

import pytest

from cuboid.catalog.model import Dimension, Measure
from cuboid.catalog.pieces import MemberReference
from cuboid.catalog.timing import BinCount, NamedShift, RollingWindow, TimeShift
from cuboid.types import Interval

TIME = "cubes:\n  - name: a\n    sql_table: a\n    dimensions:\n      - {name: t, sql: t, type: time%s}\n"
DAY = 86_400


def dimension(compile_text, granularity: str, cube: str = "") -> Dimension:
    model = TIME % f", granularities: [{{name: g, {granularity}}}]"
    found = compile_text(model.replace("    dimensions", f"{cube}    dimensions"))
    assert found.errors == ()
    return found.dimension("a.t")


@pytest.mark.parametrize(
    ("written", "interval", "origin"),
    [
        ("interval: 6 months, origin: '2024-04-15'", Interval(months=6), datetime(2024, 4, 15)),
        ("interval: 1 quarter", Interval(months=3), datetime(1970, 1, 1)),
        ("interval: 5 years", Interval(months=60), datetime(1970, 1, 1)),
        ("interval: 1 year, offset: 3 months", Interval(months=12), datetime(1970, 4, 1)),
        ("interval: 1 year, offset: -2 months 3 days", Interval(months=12), datetime(1969, 11, 4)),
        ("interval: 1 week", Interval(seconds=7 * DAY), datetime(1970, 1, 5)),
        ("interval: 1 week, offset: -1 day", Interval(seconds=7 * DAY), datetime(1970, 1, 4)),
        ("interval: 15 minutes", Interval(seconds=900), datetime(1970, 1, 1)),
        ("interval: 1 day, offset: 5 hours 30 minutes", Interval(seconds=DAY), datetime(1970, 1, 1, 5, 30)),
        (
            "interval: 10 days 12 hours, origin: '2024-01-01T06:00:00'",
            Interval(seconds=10 * DAY + 43_200),
            datetime(2024, 1, 1, 6),
        ),
        ("interval: 1 year 2 months, origin: '2024-01-01'", Interval(months=14), datetime(2024, 1, 1)),
    ],
)
def test_a_granularity_is_an_interval_from_an_origin(
    compile_text, written: str, interval: Interval, origin: datetime
) -> None:
    granularity = dimension(compile_text, written).granularities["g"]
    assert (granularity.interval, granularity.origin, granularity.title) == (interval, origin, "G")


def test_a_granularity_keeps_what_is_written_for_meta(compile_text) -> None:
    found = dimension(compile_text, "interval: 1 year, offset: 1 month, title: Fiscal").granularities["g"]
    assert (found.title, found.written) == ("Fiscal", (("interval", "1 year"), ("offset", "1 month")))


def test_a_calendar_replaces_granularities_and_names_shifts_by_columns(compile_text) -> None:
    found = compile_text(
        """
        cubes:
          - name: calendar
            sql_table: calendar
            calendar: true
            dimensions:
              - {name: id, sql: id, type: number, primary_key: true}
              - name: date
                sql: date
                type: time
                granularities: [{name: month, sql: "{CUBE}.retail_month"}]
                time_shift:
                  - {name: a_year_ago, interval: 1 year, type: prior}
                  - {name: 1_retail_year_ago, sql: "{CUBE}.retail_date_prior_year"}
                  - {interval: 1 month, type: next, sql: "{CUBE}.retail_date_next_month"}
        """
    )
    assert found.errors == ()
    assert found.cubes["calendar"].calendar
    date = found.dimension("calendar.date")
    month = date.granularities["month"]
    assert (month.interval, month.sql and month.sql.parts[-1]) == (None, ".retail_month")

    def told(shift: NamedShift) -> tuple[object, ...]:
        return shift.name, shift.interval, shift.sql is not None

    assert [told(shift) for shift in date.time_shifts] == [
        ("a_year_ago", Interval(months=12), False),
        ("1_retail_year_ago", None, True),
        (None, Interval(months=-1), True),
    ]


def test_references_reach_custom_granularities(compile_text) -> None:
    model = TIME % ", granularities: [{name: fiscal, interval: 1 year, offset: 3 months}]"
    found = compile_text(
        model
        + '      - {name: own, sql: "{t.fiscal}", type: time}\n'
        + '      - {name: pathed, sql: "{a.t.fiscal}", type: time}\n'
    )
    assert found.errors == ()
    for name in ("a.own", "a.pathed"):
        sql = found.dimension(name).sql
        assert sql is not None
        assert sql.parts == (MemberReference("a.t", ("a",), "fiscal"),)


def measure(compile_text, written: str) -> Measure:
    found = compile_text(
        TIME % ", granularities: [{name: fiscal, interval: 1 year, offset: 3 months}]"
        + f"    measures:\n      - {{name: m, sql: x, {written}}}\n"
    )
    assert found.errors == ()
    return found.measure("a.m")


@pytest.mark.parametrize(
    ("written", "window"),
    [
        ("trailing: 7 days", RollingWindow(trailing=Interval(seconds=7 * DAY))),
        ("trailing: unbounded", RollingWindow(trailing="unbounded")),
        (
            "trailing: 1 month, leading: 2 quarters, offset: start",
            RollingWindow(Interval(months=1), Interval(months=6), "start"),
        ),
        ("type: fixed, leading: -1 day", RollingWindow(leading=Interval(seconds=-DAY))),
        ("trailing: 2 fiscals", RollingWindow(trailing=BinCount(2, "fiscal"))),
        ("leading: 1 fiscal", RollingWindow(leading=BinCount(1, "fiscal"))),
        ("type: to_date, granularity: month", RollingWindow(to_date="month")),
        ("type: to_date, granularity: fiscal", RollingWindow(to_date="fiscal")),
        ("type: year_to_date", RollingWindow(to_date="year")),
        ("type: quarterToDate", RollingWindow(to_date="quarter")),
        ("type: month_to_date", RollingWindow(to_date="month")),
    ],
)
def test_a_rolling_window_in_all_its_forms(compile_text, written: str, window: RollingWindow) -> None:
    assert measure(compile_text, f"type: sum, rolling_window: {{{written}}}").rolling_window == window


def test_a_running_total_is_a_sum_of_all_before(compile_text) -> None:
    found = measure(compile_text, "type: runningTotal")
    assert (found.type, found.rolling_window) == ("sum", RollingWindow(trailing="unbounded"))


@pytest.mark.parametrize(
    ("written", "shifts"),
    [
        ("[{interval: 1 year, type: prior}]", (TimeShift(None, Interval(months=12)),)),
        ("[{time_dimension: t, interval: 2 weeks, type: next}]", (TimeShift("a.t", Interval(0, -14 * DAY)),)),
        ("[{name: 1_year_ago}]", (TimeShift(None, None, "1_year_ago"),)),
        (
            "[{time_dimension: t, interval: 1 day, type: prior}, {time_dimension: u, interval: 1 day, type: prior}]",
            (TimeShift("a.t", Interval(seconds=DAY)), TimeShift("a.u", Interval(seconds=DAY))),
        ),
    ],
)
def test_prior_adds_to_a_row_and_next_takes_away(compile_text, written: str, shifts) -> None:
    found = compile_text(
        TIME % ""
        + "      - {name: u, sql: u, type: time}\n"
        + "    measures:\n      - {name: n, type: count}\n"
        + f'      - {{name: m, type: number, sql: "{{n}}", multi_stage: true, time_shift: {written}}}\n'
        + "  - name: c\n    sql_table: c\n    calendar: true\n    dimensions:\n"
        + "      - {name: t, sql: t, type: time, time_shift: [{name: 1_year_ago, sql: u}]}\n"
    )
    assert found.errors == ()
    stages = found.measure("a.m").multi_stage
    assert stages is not None
    assert stages.time_shifts == shifts


GRANULARITIES = [
    ("name: g, interval: ¦1 month 3 days, origin: '2024-01-01'", "mixes months with shorter units", "alone"),
    ("name: g, interval: ¦5 months", "the number of months must divide 12", "origin: '2024-01-01'"),
    ("name: g, interval: ¦3 quarters", "the number of quarters must divide 4", None),
    ("name: g, interval: ¦2 weeks", "one week only, not '2 weeks'", None),
    ("name: g, interval: ¦3 days", "one day only, not '3 days'", None),
    ("name: g, interval: ¦7 minutes", "must divide 60", None),
    ("name: g, interval: ¦1 year 6 months", "has one unit", None),
    ("name: g, interval: ¦-1 month, origin: '2024-01-01'", "longer than nothing", None),
    ("name: g, interval: ¦0 days, origin: '2024-01-01'", "longer than nothing", None),
    ("name: g, interval: ¦monthly", "'monthly' is no length of time", "3 months"),
    ("name: g, interval: ¦1 fortnight", "'fortnight' is no unit of time", "second, minute"),
    ("name: g, interval: ¦1 mont", "'mont' is no unit of time", "Did you mean 'month'"),
    ("name: g, interval: ¦9999999 years", "longer than any calendar", None),
    (
        "name: g, interval: 1 day, origin: ¦yesterday",
        "'yesterday' is no date or time without zone",
        "2024-04-01",
    ),
    ("name: g, interval: 1 day, origin: ¦'2024-01-01T00:00:00+02:00'", "without zone", "zone of each query"),
    ("name: g, interval: 1 day, origin: '2024-01-01', offset: ¦1 hour", "either 'origin' or 'offset'", None),
    ("name: ¦month, interval: 1 month, offset: 1 day", "'month' is a built-in granularity", "another name"),
    ("name: g, sql: ¦x", "belongs to calendar cubes", "calendar: true"),
    ("name: g, sql: x, interval: ¦1 day", "either 'sql' or 'interval'", None),
    ("name: g, ¦intervall: 1 day", "a granularity has no key 'intervall'", "'interval'"),
]


@pytest.mark.parametrize(("written", "message", "hint"), GRANULARITIES)
def test_mistakes_of_granularities(assert_error, written: str, message: str, hint: str | None) -> None:
    if "intervall" in written:
        written += ", interval: 1 day"
    assert_error(TIME % f", granularities: [{{{written}}}]", message, hint)


def test_a_granularity_without_interval_is_told_so(assert_error) -> None:
    assert_error(TIME % ", granularities: [¦{name: g}]", "this granularity has no 'interval'", "6 months")


def test_two_granularities_of_one_name(assert_error) -> None:
    twice = ", granularities: [{name: g, interval: 1 day}, ¦{name: g, interval: 1 hour}]"
    assert_error(TIME % twice, "there are two granularities 'g'")


MEASURES = [
    ("type: sum, sql: x, rolling_window: ¦{}", "this rolling window has no 'trailing'", "unbounded"),
    ("type: sum, sql: x, rolling_window: ¦7 days", "a rolling window must be a mapping", None),
    ("type: sum, sql: x, rolling_window: {trailing: ¦2 fiscul}", "'fiscul' is no unit of time", None),
    ("type: sum, sql: x, rolling_window: {trailing: ¦week}", "'week' is no length of time", None),
    ("type: sum, sql: x, rolling_window: {trailing: ¦1 month 2 days}", "has several parts", None),
    ("type: sum, sql: x, rolling_window: {trailing: 1 day, offset: ¦middle}", "'middle' is no offset", None),
    ("type: sum, sql: x, rolling_window: {type: ¦weekly}", "'weekly' is no type", None),
    ("type: sum, sql: x, rolling_window: ¦{type: to_date}", "has no 'granularity'", None),
    ("type: sum, sql: x, rolling_window: {type: to_date, granularity: ¦fisc}", "no granularity", None),
    ("type: sum, sql: x, rolling_window: {type: to_date, trailing: ¦1 day}", "has no 'trailing'", None),
    ("type: sum, sql: x, rolling_window: {trailing: 1 day, granularity: ¦day}", "of type to_date", None),
    (
        "type: number, sql: '{n} * 2', rolling_window: ¦{trailing: 1 day}",
        "a rolling measure over other measures is evaluated in stages",
        "multi_stage: true",
    ),
    ("type: number, sql: '{n}', time_shift: ¦[{interval: 1 day, type: prior}]", "in stages", "multi_stage"),
    (
        "type: number, sql: '{n}', multi_stage: true, time_shift: [¦{interval: 1 day}]",
        "this time shift has no 'type'",
        "prior, next",
    ),
    (
        "type: number, sql: '{n}', multi_stage: true, time_shift: [{interval: 1 day, type: ¦before}]",
        "'before' is no type",
        None,
    ),
    (
        "type: number, sql: '{n}', multi_stage: true, time_shift: [{name: ¦x}]",
        "no calendar has a time shift 'x'",
        "calendar: true",
    ),
    (
        "type: number, sql: '{n}', multi_stage: true,"
        " time_shift: [{time_dimension: ¦n, interval: 1 day, type: prior}]",
        "'a.n' is not a time dimension",
        None,
    ),
    (
        "type: number, sql: '{n}', multi_stage: true, time_shift: [{time_dimension: t, interval: 1 day,"
        " type: prior}, ¦{interval: 1 day, type: prior}]",
        "this time shift has no 'time_dimension'",
        "which of the shifts",
    ),
]


@pytest.mark.parametrize(("written", "message", "hint"), MEASURES)
def test_mistakes_of_windows_and_shifts(assert_error, written: str, message: str, hint: str | None) -> None:
    measures = f"    measures:\n      - {{name: n, type: count}}\n      - {{name: m, {written}}}\n"
    assert_error(TIME % "" + measures, message, hint)


def test_a_dimension_that_is_no_time_has_no_granularities(assert_error) -> None:
    assert_error(
        (TIME % ", granularities: ¦[{name: g, interval: 1 day}]").replace("type: time", "type: string"),
        "'granularities' belongs to dimensions of type time",
    )


def test_shifts_of_dimensions_belong_to_calendars(assert_error) -> None:
    shift = ", time_shift: ¦[{name: s, interval: 1 day, type: prior}]"
    assert_error(TIME % shift, "'time_shift' of a dimension belongs to calendar cubes", "calendar: true")
