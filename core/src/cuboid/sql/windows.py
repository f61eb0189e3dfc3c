"""Rolling windows as SQL: the buckets as a series of frames, joined to the rows that are in each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlglot import exp

from cuboid.catalog.model import Catalog
from cuboid.catalog.timing import BinCount, Bins, WindowBound
from cuboid.plan.frames import Buckets, Frames
from cuboid.plan.nodes import Combine, Key, Leaf, Relation, StoredAggregate, Windowed
from cuboid.plan.rollup_windows import reaches
from cuboid.sql.aggregates import RAW
from cuboid.sql.binding import slot_mark
from cuboid.sql.bins import bin_mark
from cuboid.sql.calendar_windows import (
    BUCKET,
    BUCKET_END,
    END,
    FRAMES,
    GROUPS,
    START,
    TIME,
    CalendarBins,
    CalendarWindows,
)
from cuboid.sql.dialect import Dialect
from cuboid.sql.guards import guarded
from cuboid.sql.members import is_not_null
from cuboid.sql.reading import Reading, aliased, column, group_by_position, identifier
from cuboid.sql.scope import Scope
from cuboid.sql.sources import Reduced, Sources
from cuboid.sql.stages import StageSql
from cuboid.sql.stored import aggregated_again
from cuboid.sql.tables import Tables
from cuboid.sql.time import floored
from cuboid.sql.window_functions import NUMBER, Span, bin_begin, over_series, series, span_of
from cuboid.types import Interval

PRESENT = "is_row"


@dataclass(frozen=True, slots=True)
class _Rows:
    """Rows under a name: the columns of their time, of the keys beside the time's, and the leaves' aggregates."""

    name: str
    table: str
    carried: tuple[str, ...]
    time: str
    keys: Mapping[Key, exp.Expr]
    leaves: Mapping[str, exp.Expr]


class WindowSql:
    """Lowers windows of one catalog for one dialect."""

    def __init__(self, catalog: Catalog, dialect: Dialect, sources: Sources, stages: StageSql) -> None:
        self._catalog = catalog
        self._dialect = dialect
        self._sources = sources
        self._stages = stages
        self._calendars = CalendarWindows(catalog, dialect, sources)

    def lower(self, node: Windowed, tables: Tables) -> Reading:
        """The keys and the values of the windows."""
        others = tuple(key for key in node.keys if not self._is_time(key, node.frames))
        looked_up = None
        if node.calendar is not None:
            own = tuple(key for key in node.keys if key not in others)
            looked_up = self._calendars.bins(node.calendar, node.frames, own, tables)
        reach = None
        if looked_up is not None and node.frames.range is not None and _reads_alone(node):
            reach = self._looked_up_frames(node.frames, looked_up, None, tables)
        if isinstance(node.rows, Combine):
            rows = self._child_rows(node, node.rows, others, looked_up, tables)
        elif isinstance(node.rows, StoredAggregate):
            rows = self._stored_rows(node, node.rows, others, tables)
        else:
            rows = self._relation_rows(node, node.rows, others, reach, tables)
        span = None if others else span_of(node, self._catalog, self._dialect)
        if span is not None:
            return self._over_series(node, rows, span, tables)
        shown: Mapping[Key, str] = {}
        if looked_up is not None:
            shown = looked_up.keys
            frames = self._looked_up_frames(node.frames, looked_up, rows.table, tables)
        else:
            frames = self._frames(node.frames, rows, tables)
        joined = self._joined(node, frames, rows, tuple(shown.values()), every_bucket=not others)
        source = rows.name if node.distinct else FRAMES
        keys = {}
        for key in node.keys:
            if key in rows.keys:
                keys[key] = rows.keys[key]
            elif key in shown:
                keys[key] = column(shown[key], source)
            else:
                keys[key] = self._period(key, node.frames, column(BUCKET, source))
        return Reading(joined, keys, lambda name: rows.leaves[name].copy(), grouped=True)

    # ------------------------------------------------------------ rows

    def _relation_rows(
        self,
        node: Windowed,
        relation: Relation,
        others: tuple[Key, ...],
        reach: str | None,
        tables: Tables,
    ) -> _Rows:
        """Rows of the relation.

        :param reach: the frames outside of which none are read, where the relation's conditions cannot say it.
        """
        members, leaves = self._sources.members, self._sources.leaves
        select, scope = self._sources.joined(relation, frozenset({node.cube}))
        exists = members.exists(node.cube, scope)
        if exists is not None:
            select = select.where(exists, copy=False)
        if reach is not None:
            time = members.key(Key(node.frames.time.member), scope)
            select = select.where(*self._within_reach(node.frames, reach, time), copy=False)
        name = f"{self._catalog.cubes[node.cube].alias}__rows"
        reduced = Reduced(
            select.distinct(copy=False) if node.distinct else select, name, self._sources.names()
        )
        keys = {
            key: reduced.carry(members.key(key, scope), self._sources.alias(key.member, key.granularity))
            for key in others
        }
        if node.buckets is not None:
            return self._buckets(node, node.buckets, reduced, keys, scope, tables)
        row_time = reduced.carry(members.key(Key(node.frames.time.member), scope), TIME)
        if node.distinct:
            for part in self._catalog.cubes[node.cube].primary_key:
                reduced.carry_value(members.value(part.full_name, scope), f"key__{part.name}")
        present: exp.Expr | None = None
        values: dict[str, exp.Expr] = {}
        for leaf in node.leaves:
            measure = self._catalog.measure(leaf.measure)
            if measure.type in RAW:
                present = present or reduced.carry(exp.Literal.number(1), PRESENT)
                tree = reduced.carry_columns(leaves.raw(measure, scope))
                values[leaf.measure] = guarded(tree, is_not_null(present.copy()), measure.full_name)
                continue
            contributed = leaves.input(measure, scope)
            if isinstance(contributed, exp.Star):
                contributed = exp.Literal.number(1)
            values[leaf.measure] = leaves.over(
                Leaf(leaf.measure), reduced.carry_value(contributed, f"input__{measure.name}")
            )
        table = tables.cte(name, reduced.inner, f"rows of {node.cube} at {node.frames.time.member}")
        return _Rows(name, table, reduced.columns, row_time.name, keys, values)

    def _buckets(
        self,
        node: Windowed,
        buckets: Buckets,
        reduced: Reduced,
        keys: Mapping[Key, exp.Expr],
        scope: Scope,
        tables: Tables,
    ) -> _Rows:
        """Rows added up, each at the beginning of its bucket."""
        leaves, member = self._sources.leaves, node.frames.time.member
        time = reduced.carry(self._sources.members.key(Key(member, buckets.granularity), scope), TIME)
        values: dict[str, exp.Expr] = {}
        for leaf in buckets.leaves:
            measure = self._catalog.measure(leaf.measure)
            value = leaves.over(leaf, leaves.input(measure, scope))
            carried = reduced.carry_value(value, f"input__{measure.name}")
            values[leaf.measure] = leaves.added_up(leaf, carried, grouped=False)
        select = group_by_position(reduced.inner, len(keys) + 1)
        name = f"{self._catalog.cubes[node.cube].alias}__rows"
        comment = f"rows of {node.cube} added up by {member}.{buckets.granularity}"
        return _Rows(name, tables.cte(name, select, comment), reduced.columns, time.name, keys, values)

    def _child_rows(
        self,
        node: Windowed,
        child: Combine,
        others: tuple[Key, ...],
        looked_up: CalendarBins | None,
        tables: Tables,
    ) -> _Rows:
        """The groups of the child as rows, each at the beginning of its bucket."""
        (leaf,) = node.leaves
        measure = self._catalog.measure(leaf.measure)
        groups = tables.table(child).reading(None if looked_up is None else GROUPS)
        begin = groups.keys[node.frames.time]
        if looked_up is not None:
            groups, begin = looked_up.begin_of(groups)
        name = f"{measure.name}__rows"
        reduced = Reduced(groups.select, name, self._sources.names())
        keys = {
            key: reduced.carry(groups.keys[key], self._sources.alias(key.member, key.granularity))
            for key in others
        }
        time = reduced.carry(begin, TIME)
        value = self._stages.contribution(measure, groups)
        values = {
            leaf.measure: self._sources.leaves.over(leaf, reduced.carry(value, f"input__{measure.name}"))
        }
        table = tables.cte(name, reduced.inner, f"what {leaf.measure} is made of at {node.frames.time.name}")
        return _Rows(name, table, reduced.columns, time.name, keys, values)

    def _stored_rows(
        self, node: Windowed, stored: StoredAggregate, others: tuple[Key, ...], tables: Tables
    ) -> _Rows:
        """Stored buckets as rows, each at its beginning."""
        groups = tables.table(stored).reading()
        name = f"{self._catalog.cubes[node.cube].alias}__rows"
        reduced = Reduced(groups.select, name, self._sources.names())
        keys = {
            key: reduced.carry(groups.keys[key], self._sources.alias(key.member, key.granularity))
            for key in others
        }
        time = reduced.carry(groups.keys[stored.keys[-1]], TIME)
        values: dict[str, exp.Expr] = {}
        for leaf in node.leaves:
            measure = self._catalog.measure(leaf.measure)
            column_ = reduced.carry(groups.leaf(leaf.measure), f"input__{measure.name}")
            values[leaf.measure] = aggregated_again(measure, column_, always=False)
        table = tables.cte(name, reduced.inner, f"buckets of {stored.rollup} at {node.frames.time.member}")
        return _Rows(name, table, reduced.columns, time.name, keys, values)

    # ------------------------------------------------------------ frames

    def _looked_up_frames(
        self, frames: Frames, looked_up: CalendarBins, rows: str | None, tables: Tables
    ) -> str:
        bounds = self._bounds(frames, column(BUCKET), column(BUCKET_END))
        return self._calendars.frames(looked_up, frames, bounds, rows, tables)

    def _within_reach(self, frames: Frames, table: str, time: exp.Expr) -> list[exp.Expr]:
        """That a time is not before all frames of the table, nor after them."""
        low, high = self._bounds(frames, exp.null(), exp.null())
        source = exp.Table(this=identifier(table))
        tests: list[exp.Expr] = []
        if low is not None:
            first = exp.select(exp.Min(this=column(START))).from_(source)
            tests.append(exp.GTE(this=time, expression=first.subquery(copy=False)))
        if high is not None:
            last = exp.select(exp.Max(this=column(END))).from_(source.copy())
            tests.append(exp.LT(this=time.copy(), expression=last.subquery(copy=False)))
        return tests

    def _frames(self, frames: Frames, rows: _Rows, tables: Tables) -> str:
        """The CTE of the buckets, each with the bounds of its frame where it has such."""
        if frames.bins is None:
            assert frames.range is not None
            begin, end = (self._dialect.parameter(slot_mark(slot, "civil"), "date") for slot in frames.range)
            select = exp.Select()
        else:
            number = column(NUMBER)
            begin = bin_begin(self._dialect, frames.bins, number)
            step = exp.Literal.number(frames.bins.step)
            end = bin_begin(self._dialect, frames.bins, exp.Add(this=number.copy(), expression=step))
            numbers = self._numbers(frames, frames.bins, rows)
            select = exp.Select().from_(numbers.subquery(identifier("numbers"), copy=False), copy=False)
        low, high = self._bounds(frames, begin, end)
        select = select.select(aliased(begin, BUCKET), copy=False)
        for bound, name in ((low, START), (high, END)):
            if bound is not None:
                select = select.select(aliased(bound, name), copy=False)
        return tables.cte(
            f"{self._sources.alias(frames.time.member, frames.time.granularity)}__frames",
            select,
            f"the buckets of {frames.time.name} and the frame of each",
        )

    def _numbers(self, frames: Frames, bins: Bins, rows: _Rows) -> exp.Select:
        """How many months or seconds after the origin each bucket begins: those of the range, or all from the first to
        the last that has rows."""
        if frames.range is not None:
            first, last = (bin_mark(*frames.range, bins, last=which) for which in (False, True))
            return self._dialect.steps(first, last, bins.step, None)

        def offset(limit: exp.Expr, nothing: int, name: str) -> exp.Expr:
            found = self._dialect.bin_offset(bins.interval, bins.origin, limit)
            whole = exp.cast(found, exp.DataType.Type.BIGINT)
            return aliased(exp.Coalesce(this=whole, expressions=[exp.convert(nothing)]), name)

        time = column(rows.time)
        bounds = exp.select(
            offset(exp.Min(this=time), 0, "first_n"), offset(exp.Max(this=time.copy()), -bins.step, "last_n")
        ).from_(exp.Table(this=identifier(rows.table)))
        source = bounds.subquery(identifier("bounds"), copy=False)
        return self._dialect.steps(column("first_n"), column("last_n"), bins.step, source)

    def _bounds(
        self, frames: Frames, begin: exp.Expr, end: exp.Expr
    ) -> tuple[exp.Expr | None, exp.Expr | None]:
        """``[low, high)`` of a bucket's frame; None for a side that is open."""
        if frames.looked_up and frames.window.to_date is not None:
            return column(START), end
        if frames.to_date is not None:
            period = self._dialect.date_bin(frames.to_date.interval, frames.to_date.origin, begin.copy())
            return period, end
        point = begin if frames.window.offset == "start" else end
        return self._reach(point, frames.window.trailing, -1), self._reach(point, frames.window.leading, 1)

    def _reach(self, point: exp.Expr, bound: WindowBound, sign: int) -> exp.Expr | None:
        if bound == "unbounded":
            return None
        if isinstance(bound, BinCount):
            return column(START if sign < 0 else END)
        if bound is None:
            return point.copy()
        assert isinstance(bound, Interval)
        return self._dialect.add_interval(point.copy(), Interval(sign * bound.months, sign * bound.seconds))

    # ------------------------------------------------------------ together

    def _over_series(self, node: Windowed, rows: _Rows, span: Span, tables: Tables) -> Reading:
        """Each bucket with the values of its frame, by window functions."""
        frames, bins, dialect = node.frames, node.frames.bins, self._dialect
        assert bins is not None
        carried = [name for name in rows.carried if name != rows.time]
        assert isinstance(node.rows, Relation)
        timeless = bool(node.rows.shifts) or not any(reaches(node.rows, frames))
        numbers = self._numbers(frames, bins, rows)
        unit = "months" if bins.interval.months else "seconds"
        points = tables.cte(
            f"{self._sources.alias(frames.time.member, frames.time.granularity)}__series",
            series(numbers, bins, rows.table, rows.time, carried, dialect, timeless=timeless),
            f"the buckets of {frames.time.name} and what is added up, by {unit} since {bins.origin}",
        )
        leaves = {name: rows.leaves[name] for name in node.values}
        select, leaf = over_series(points, rows.name, frames, span, leaves, self._sources.names(), dialect)
        begin = bin_begin(dialect, bins, column(NUMBER, FRAMES))
        keys = {key: self._period(key, frames, begin) for key in node.keys}
        return Reading(select, keys, leaf, grouped=False)

    def _joined(
        self, node: Windowed, frames: str, rows: _Rows, shown: Sequence[str], *, every_bucket: bool
    ) -> exp.Select:
        """Frames and the rows in them; where rows repeat each once per frame and keys.

        :param shown: the columns of the frames that are keys.
        """
        tests: list[exp.Expr] = []
        low, high = self._bounds(node.frames, exp.null(), exp.null())
        time = column(rows.time, rows.name)
        if low is not None:
            tests.append(exp.GTE(this=time, expression=column(START, FRAMES)))
        if high is not None:
            tests.append(exp.LT(this=time.copy(), expression=column(END, FRAMES)))
        if not tests:
            tests.append(is_not_null(time))
        series = exp.alias_(exp.Table(this=identifier(frames)), identifier(FRAMES), table=True, copy=False)
        source = exp.alias_(
            exp.Table(this=identifier(rows.table)), identifier(rows.name), table=True, copy=False
        )
        select = self._dialect.within(series, BUCKET, source, exp.and_(*tests), left=every_bucket)
        if not node.distinct:
            return select
        select = select.distinct(copy=False)
        for name in (BUCKET, *shown):
            select = select.select(aliased(column(name, FRAMES), name), copy=False)
        for name in rows.carried:
            if name != rows.time:
                select = select.select(aliased(column(name, rows.name), name), copy=False)
        return exp.Select().from_(select.subquery(identifier(rows.name), copy=False), copy=False)

    def _is_time(self, key: Key, frames: Frames) -> bool:
        return key.granularity is not None and self._origin(key) == self._origin(frames.time)

    def _origin(self, key: Key) -> str:
        return self._catalog.dimension(key.member).origin

    def _period(self, key: Key, frames: Frames, bucket: exp.Expr) -> exp.Expr:
        """A key of the time: the bucket, or the longer period that holds it."""
        if key == frames.time or key.granularity == frames.time.granularity:
            return bucket.copy()
        assert key.granularity is not None
        custom = self._catalog.dimension(key.member).granularities
        return floored(self._dialect, bucket.copy(), custom.get(key.granularity, key.granularity))


def _reads_alone(node: Windowed) -> bool:
    """Whether the rows are read for no other window."""
    return isinstance(node.rows, Relation) and (node.buckets is None or node.buckets.leaves == node.leaves)
