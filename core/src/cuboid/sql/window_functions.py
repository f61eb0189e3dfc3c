"""Rolling windows as window functions: buckets and rows stand in one series of numbers, and each bucket's frame is a
range of it.

Each number is looked at once. A join of frames to the rows in them compares each with all others, so that a year by
hours takes 77 million comparisons. But frames must be ranges of numbers, months or seconds throughout; and where there
are other keys, only pairs are shown that have rows, which a join tells by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sqlglot import exp

from cuboid.catalog.model import Catalog
from cuboid.catalog.timing import Bins, WindowBound, bins_of
from cuboid.plan.frames import Frames
from cuboid.plan.nodes import Windowed
from cuboid.sql.calendar_windows import FRAMES
from cuboid.sql.dialect import Dialect, ShiftUnit, number
from cuboid.sql.members import is_not_null
from cuboid.sql.names import Names
from cuboid.sql.reading import aliased, column, identifier
from cuboid.types import Interval

NUMBER = "n"
_SHOWN = "is_bucket"


@dataclass(frozen=True, slots=True)
class Span:
    """How far after a bucket's number those of the rows in its frame begin and end, both within; None for an open
    side."""

    low: int | None
    high: int | None


def span_of(node: Windowed, catalog: Catalog, dialect: Dialect) -> Span | None:
    """The span of the frames; None where they are no ranges of numbers, or the engine cannot be trusted with them."""
    frames = node.frames
    if node.buckets is None or frames.bins is None or frames.looked_up:
        return None
    rows = bins_of(node.buckets.granularity, catalog.dimension(frames.time.member).granularities)
    months, step = bool(frames.bins.interval.months), frames.bins.step
    if rows is None or (rows.interval.seconds and months and frames.bins.origin.day > _SHORTEST_MONTH):
        return None
    last = rows.step if bool(rows.interval.months) == months else 1  # before the first number that is outside
    if frames.to_date is not None:
        # A bucket that is in two periods has a frame that is in both.
        return Span(None, step - last) if frames.to_date.hold(frames.bins) else None
    before, after = (_length(each, months=months) for each in (frames.window.trailing, frames.window.leading))
    if before is None or after is None:
        return None
    point = 0 if frames.window.offset == "start" else step
    low = None if before == _OPEN else point - before
    high = None if after == _OPEN else point + after - last
    if low is not None and ((high is not None and low > high) or dialect.subtracts_in_windows):
        return None
    return Span(low, high)


_OPEN = -1
_SHORTEST_MONTH = 28


def _length(bound: WindowBound, *, months: bool) -> int | None:
    """How far it reaches in months or in seconds; None if it is no number of these."""
    if bound is None:
        return 0
    if bound == "unbounded":
        return _OPEN
    if not isinstance(bound, Interval) or (bound.seconds if months else bound.months):
        return None
    return bound.months if months else bound.seconds


def bin_begin(dialect: Dialect, bins: Bins, count: exp.Expr) -> exp.Expr:
    """The time so many months or seconds after the origin of the bins."""
    unit: ShiftUnit = "month" if bins.interval.months else "second"
    return dialect.shift(dialect.constant(bins.origin), count, unit)


def series(
    numbers: exp.Select,
    bins: Bins,
    rows: str,
    time: str,
    carried: Sequence[str],
    dialect: Dialect,
    *,
    timeless: bool,
) -> exp.Query:
    """The buckets by number, and among them the rows, each with the number of its time.

    :param rows: their table; ``time`` and ``carried`` are its columns.
    :param timeless: there may be rows without a time, which are in no frame. They get a number and no values: a test
        that drops them is made for each row before rows are added up, by engines that move conditions inwards.
    """
    unit = Interval(months=1) if bins.interval.months else Interval(seconds=1)
    offset = dialect.bin_offset(unit, bins.origin, column(time))
    # COALESCE says to engines which order by no column that may be NULL that this one is not.
    whole = exp.Coalesce(this=exp.cast(offset, exp.DataType.Type.BIGINT), expressions=[number(0)])
    have = exp.select(aliased(whole, NUMBER), aliased(number(0), _SHOWN))
    shown = exp.select(column(NUMBER), aliased(number(1), _SHOWN))
    for name in carried:
        value = column(name)
        timed = exp.Case().when(is_not_null(column(time)), value) if timeless else value
        have = have.select(aliased(timed, name), copy=False)
        shown = shown.select(aliased(exp.null(), name), copy=False)
    have = have.from_(exp.Table(this=identifier(rows)), copy=False)
    shown = shown.from_(numbers.subquery(identifier("numbers"), copy=False), copy=False)
    return exp.union(have, shown, distinct=False, copy=False)


def over_series(
    points: str,
    name: str,
    frames: Frames,
    span: Span,
    leaves: Mapping[str, exp.Expr],
    names: Names,
    dialect: Dialect,
) -> tuple[exp.Select, Callable[[str], exp.Expr]]:
    """A SELECT, still without columns, that has the buckets with the value of each leaf, and where these stand.

    :param points: the table of the :func:`series`; the aggregates of ``leaves`` read it by ``name``.
    """
    source = exp.alias_(exp.Table(this=identifier(points)), identifier(name), table=True, copy=False)
    own = column(NUMBER, name)
    select = exp.Select().from_(source, copy=False).select(own.copy(), column(_SHOWN, name), copy=False)
    values: dict[str, str] = {}
    for leaf, aggregate in leaves.items():
        values[leaf] = names.take(f"value__{leaf.rpartition('.')[2]}")
        select = select.select(
            aliased(_over(aggregate, own, frames, span, dialect), values[leaf]), copy=False
        )
    framed = exp.Select().from_(select.subquery(identifier(FRAMES), copy=False), copy=False)
    is_shown = exp.EQ(this=column(_SHOWN, FRAMES), expression=number(1))
    return framed.where(is_shown, copy=False), lambda leaf: column(values[leaf], FRAMES)


def _over(aggregate: exp.Expr, own: exp.Expr, frames: Frames, span: Span, dialect: Dialect) -> exp.Expr:
    """The expression with each aggregate in it over the frame."""
    (start, start_side), (end, end_side) = _side(span.low, "PRECEDING"), _side(span.high, "FOLLOWING")
    within = []
    if frames.to_date is not None and frames.bins is not None:
        begin = bin_begin(dialect, frames.bins, own.copy())
        within.append(dialect.date_bin(frames.to_date.interval, frames.to_date.origin, begin))
    root = exp.Paren(this=aggregate.copy())
    for found in list(root.find_all(exp.AggFunc)):
        window = exp.Window(
            this=found.copy(),
            partition_by=[each.copy() for each in within],
            order=exp.Order(expressions=[own.copy()]),
            spec=exp.WindowSpec(kind="RANGE", start=start, start_side=start_side, end=end, end_side=end_side),
        )
        found.replace(window)
    value: exp.Expr = root.this
    return value


def _side(distance: int | None, open: str) -> tuple[str, str | None]:
    """An end of a frame, so far after a bucket."""
    if distance is None:
        return "UNBOUNDED", open
    if not distance:
        return "CURRENT ROW", None
    return str(abs(distance)), "FOLLOWING" if distance > 0 else "PRECEDING"
