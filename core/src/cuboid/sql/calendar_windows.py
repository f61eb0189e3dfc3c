"""Windows along the bins of a calendar: which buckets there are, and from when to when, only the calendar's rows say.

A row of the calendar lasts until the next one, and no longer than its day. A bucket is a group of rows, from the
beginning of the first to the end of the last.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sqlglot import exp

from cuboid.catalog.model import Catalog
from cuboid.catalog.timing import BinCount
from cuboid.plan.frames import Frames
from cuboid.plan.nodes import Key, Relation
from cuboid.sql.binding import slot_mark
from cuboid.sql.dialect import Dialect
from cuboid.sql.members import is_not_null
from cuboid.sql.reading import Reading, aliased, column, group_by_position, identifier, join
from cuboid.sql.sources import Reduced, Sources
from cuboid.sql.tables import Tables

FRAMES, BUCKET, START, END = "frames", "bucket", "frame_start", "frame_end"
TIME, BUCKET_END, GROUPS = "row_time", "bucket_end", "groups"
_BINS, _DAYS, _LIMITS, _NEXT, _SHOWN = "bins", "days", "limits", "next_time", "is_shown"
_DAY = 86400


@dataclass(frozen=True, slots=True)
class CalendarBins:
    """The CTE of all bins that a calendar has: its name, and the column of each key of the time."""

    table: str
    keys: Mapping[Key, str]

    def begin_of(self, groups: Reading) -> tuple[Reading, exp.Expr]:
        """Groups by the bins, joined to these; and when the bin of each begins."""
        bins = exp.alias_(exp.Table(this=identifier(self.table)), identifier(_BINS), table=True, copy=False)
        same = [
            exp.EQ(this=groups.keys[key].copy(), expression=column(name, _BINS))
            for key, name in self.keys.items()
        ]
        return replace(groups, select=join(groups.select, bins, "INNER", exp.and_(*same))), column(
            BUCKET, _BINS
        )


class CalendarWindows:
    """Lowers the buckets of windows that are looked up in calendars of one catalog, for one dialect."""

    def __init__(self, catalog: Catalog, dialect: Dialect, sources: Sources) -> None:
        self._catalog = catalog
        self._dialect = dialect
        self._sources = sources

    def bins(self, calendar: Relation, frames: Frames, own: Sequence[Key], tables: Tables) -> CalendarBins:
        """All bins: groups of the calendar's rows by the keys of the time, each with its first time and its end.

        :param own: these keys.
        """
        rows, keys = self._days(calendar, frames, own)
        time = column(TIME, _DAYS)
        bins = exp.Select().from_(rows.subquery(identifier(_DAYS), copy=False), copy=False)
        for name in keys.values():
            bins = bins.select(column(name, _DAYS), copy=False)
        bins = bins.select(aliased(exp.Min(this=time), BUCKET), copy=False)
        bins = bins.select(aliased(exp.Max(this=self._end(frames, time)), BUCKET_END), copy=False)
        if frames.window.to_date is not None:
            bins = bins.select(aliased(exp.Min(this=column(START, _DAYS)), START), copy=False)
        if frames.range is not None:
            start, end = (self._dialect.parameter(slot_mark(slot, "civil"), "date") for slot in frames.range)
            inside = exp.and_(
                exp.GTE(this=time.copy(), expression=start), exp.LT(this=time.copy(), expression=end)
            )
            shown = exp.Case().when(inside, exp.Literal.number(1)).else_(exp.Literal.number(0))
            bins = bins.select(aliased(exp.Max(this=shown), _SHOWN), copy=False)
        known = [is_not_null(column(name, _DAYS)) for name in (*keys.values(), TIME)]
        bins = group_by_position(bins.where(exp.and_(*known), copy=False), len(keys))
        wanted = f"{self._sources.alias(frames.time.member, frames.time.granularity)}__bins"
        comment = f"all bins of {', '.join(key.name for key in own)} that the calendar has"
        return CalendarBins(tables.cte(wanted, self._counted(bins, frames), comment), keys)

    def frames(
        self,
        bins: CalendarBins,
        frames: Frames,
        bounds: tuple[exp.Expr | None, exp.Expr | None],
        rows: str | None,
        tables: Tables,
    ) -> str:
        """The CTE of the bins that are shown, with the bounds of each one's frame: those with a row of the calendar in
        the range, or without one all from the first to the last that has rows.

        :param rows: the CTE of the rows; nothing is asked of it where there is a range.
        """
        select = exp.Select().from_(exp.Table(this=identifier(bins.table)), copy=False)
        for name in (*bins.keys.values(), BUCKET):
            select = select.select(column(name), copy=False)
        for bound, name in zip(bounds, (START, END), strict=True):
            if bound is not None:
                select = select.select(aliased(bound, name), copy=False)
        if frames.range is not None:
            select = select.where(exp.EQ(this=column(_SHOWN), expression=exp.Literal.number(1)), copy=False)
        else:
            first, last = (aliased(each(this=column(TIME)), f"{name}_row") for each, name in _EDGES)
            assert rows is not None
            limits = exp.select(first, last).from_(exp.Table(this=identifier(rows)))
            select = join(select, limits.subquery(identifier(_LIMITS), copy=False), "CROSS")
            begins = exp.LTE(this=column(BUCKET), expression=column("last_row", _LIMITS))
            ends = exp.GT(this=column(BUCKET_END), expression=column("first_row", _LIMITS))
            select = select.where(exp.and_(begins, ends), copy=False)
        wanted = f"{self._sources.alias(frames.time.member, frames.time.granularity)}__frames"
        return tables.cte(wanted, select, f"the bins of {frames.time.name} and the frame of each")

    def _days(
        self, calendar: Relation, frames: Frames, own: Sequence[Key]
    ) -> tuple[exp.Select, Mapping[Key, str]]:
        """The calendar's rows: their keys and time; the beginning of each one's period, if a window is to date; the
        time of the next one, if a day may have several."""
        members, member = self._sources.members, frames.time.member
        select, scope = self._sources.joined(calendar, frozenset())
        days = Reduced(select, _DAYS, self._sources.names())
        keys = {}
        for key in own:
            alias = self._sources.alias(key.member, key.granularity)
            keys[key] = days.carry(members.key(key, scope), alias).name
        time = members.key(Key(member), scope)
        days.carry(time, TIME)
        if frames.window.to_date is not None:
            period = members.key(Key(member, frames.window.to_date), scope)
            first = exp.Window(this=exp.Min(this=time.copy()), partition_by=[period])
            days.carry(exp.Case().when(is_not_null(period.copy()), first), START)
        if not self._has_one_a_day(frames):
            days.carry(_over_next(exp.Min(this=time.copy()), time, 1, 1), _NEXT)
        return days.inner, keys

    def _has_one_a_day(self, frames: Frames) -> bool:
        return self._catalog.dimension(frames.time.member).time_kind == "date"

    def _end(self, frames: Frames, time: exp.Expr) -> exp.Expr:
        """When a row of the calendar ends."""
        midnight = self._dialect.shift(
            self._dialect.date_trunc("day", time.copy()), exp.Literal.number(_DAY), "second"
        )
        if self._has_one_a_day(frames):
            return midnight
        following = column(_NEXT, _DAYS)
        # An engine without NULL for what is not there has some earlier time.
        sooner = exp.and_(
            exp.GTE(this=following, expression=time.copy()),
            exp.LT(this=following.copy(), expression=midnight.copy()),
        )
        return exp.Case().when(sooner, following.copy()).else_(midnight)

    def _counted(self, bins: exp.Select, frames: Frames) -> exp.Select:
        """The bins with the bounds that are told by counting them; at the calendar's edge as many as there are."""
        window = frames.window
        if not isinstance(window.trailing, BinCount) and not isinstance(window.leading, BinCount):
            return bins
        bucket, end = column(BUCKET, _BINS), column(BUCKET_END, _BINS)
        at_end = window.offset == "end"
        select = exp.Select(expressions=[exp.Column(this=exp.Star(), table=identifier(_BINS))])
        select = select.from_(bins.subquery(identifier(_BINS), copy=False), copy=False)
        if isinstance(window.trailing, BinCount):
            before = window.trailing.count - at_end
            low = _over_next(exp.Min(this=bucket.copy()), bucket, -before, 0)
            select = select.select(aliased(low, START), copy=False)
        if isinstance(window.leading, BinCount):
            after = window.leading.count - (not at_end)
            high = _over_next(exp.Max(this=end), bucket, 0, after)
            select = select.select(aliased(high, END), copy=False)
        return select


_EDGES = ((exp.Min, "first"), (exp.Max, "last"))


def _over_next(aggregate: exp.Expr, order: exp.Expr, first: int, last: int) -> exp.Window:
    """The aggregate over the rows from the ``first`` to the ``last`` after a row, in the order of a time; negative ones
    are before it. Times are taken downwards: so all engines have NULL last by themselves."""

    def side(place: int) -> tuple[str, str | None]:
        if not place:
            return "CURRENT ROW", None
        return str(abs(place)), "PRECEDING" if place > 0 else "FOLLOWING"

    (start, start_side), (end, end_side) = side(last), side(first)
    spec = exp.WindowSpec(kind="ROWS", start=start, start_side=start_side, end=end, end_side=end_side)
    by = exp.Ordered(this=order.copy(), desc=True, nulls_first=False)
    return exp.Window(this=aggregate, order=exp.Order(expressions=[by]), spec=spec)
