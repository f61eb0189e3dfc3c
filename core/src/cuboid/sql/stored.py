"""Stored rows of rollups as SQL: their times are on the wall clock already, their values are aggregates of rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlglot import exp

from cuboid.catalog.model import Catalog, Measure
from cuboid.catalog.timing import Granularity
from cuboid.plan.nodes import Key, Shift, StoredAggregate
from cuboid.query.model import Slot
from cuboid.sql.binding import Pattern, slot_mark
from cuboid.sql.dialect import Dialect
from cuboid.sql.filters import Filters
from cuboid.sql.reading import Reading, aliased, column, identifier, join
from cuboid.sql.time import floored


@dataclass(frozen=True, slots=True)
class StoredTable:
    """Where the rows of a rollup lie: the table's name, and the column of each stored key and measure by name.

    :param select: what the table is, if the store has none of that name.
    :param named: its name is that of an alias too, so that the rows may be put in its place.
    """

    name: str
    columns: Mapping[str, str]
    select: exp.Select | None = None
    named: bool = False

    def read(self) -> exp.Expr:
        """The table, as FROM has it."""
        if self.named:
            return aliased(exp.Table(this=identifier(self.name)), self.name)
        if self.select is None:
            return exp.Table(this=identifier(self.name))
        return exp.Subquery(this=self.select.copy(), alias=exp.TableAlias(this=identifier(self.name)))


def joined(
    first: StoredTable, others: Sequence[tuple[StoredTable, Sequence[tuple[str, str]]]]
) -> StoredTable:
    """The rows of the first table, each with those of the others whose columns are equal.

    :param others: tables with pairs of keys, or measures, by name: one of a table before it and one of its own.
    """
    select = exp.Select().from_(aliased(first.read(), "r0"), copy=False)
    columns = {name: column(own, "r0") for name, own in first.columns.items()}
    for index, (table, pairs) in enumerate(others, 1):
        alias = f"r{index}"
        tests = [
            exp.EQ(this=columns[here].copy(), expression=column(table.columns[there], alias))
            for here, there in pairs
        ]
        join(select, aliased(table.read(), alias), "LEFT", exp.and_(*tests))
        columns = {name: column(own, alias) for name, own in table.columns.items()} | columns
    names = {name: f"c{index}" for index, name in enumerate(columns)}
    select.set("expressions", [aliased(value, names[name]) for name, value in columns.items()])
    return StoredTable("joined", names, select)


class StoredSql:
    """Lowers aggregates over stored rows.

    :param tables: by rollup.
    """

    def __init__(self, catalog: Catalog, dialect: Dialect, tables: Mapping[str, StoredTable]) -> None:
        self._catalog = catalog
        self._dialect = dialect
        self._tables = tables

    def read(self, node: StoredAggregate) -> Reading:
        """The groups of the stored rows; rows that are groups already are read as they are."""
        table = self._tables[node.rollup]
        sources = dict(node.sources)
        filters = Filters(self._dialect, self._as_stored)
        tests = [
            filters.condition(each, lambda name: column(table.columns[sources[Key(name)].name]))
            for each in node.conditions
        ]
        tests += [column(table.columns[name]) for name in node.segments]
        select = exp.Select().from_(table.read(), copy=False)
        if tests:
            select = select.where(exp.and_(*tests), copy=False)
        return Reading(
            select,
            {key: self._key(key, sources[key], table, node.shifts) for key in node.keys},
            lambda measure: self._value(measure, column(table.columns[measure]), node),
            grouped=not node.exact,
        )

    def _key(self, key: Key, source: Key, table: StoredTable, shifts: Sequence[Shift]) -> exp.Expr:
        stored = column(table.columns[source.name])
        if self._catalog.dimension(key.member).type != "time":
            return stored  # which no shift moves
        moved = next((each.intervals for each in shifts if each.member == source.member), ())
        for interval in moved:
            stored = self._dialect.add_interval(stored, interval)
        if key.granularity is None or (key.granularity == source.granularity and not moved):
            return stored
        custom = self._catalog.dimension(key.member).granularities
        granularity: str | Granularity = custom.get(key.granularity, key.granularity)
        return floored(self._dialect, stored, granularity)

    def _value(self, measure: str, stored: exp.Expr, node: StoredAggregate) -> exp.Expr:
        if node.exact:
            return stored
        return aggregated_again(self._catalog.measure(measure), stored, always=bool(node.keys))

    def _as_stored(self, member: str, slot: Slot, placeholder: exp.Expr) -> exp.Expr:
        """What a stored time is compared with: a time on the wall clock."""
        if slot.time_kind is None:
            return placeholder
        pattern: Pattern = "plain" if slot.shifts else "civil"
        mark = slot_mark(Slot(slot.index, "date", slot.shifts), pattern)
        return self._dialect.parameter(mark, "date")


def aggregated_again(measure: Measure, stored: exp.Expr, *, always: bool) -> exp.Expr:
    """The measure over stored values of it.

    :param always: there is a stored row in each group; without one a count is 0.
    """
    match measure.type:
        case "min":
            return exp.Min(this=stored)
        case "max":
            return exp.Max(this=stored)
        case "count":
            total = exp.Sum(this=stored)
            return total if always else exp.Coalesce(this=total, expressions=[exp.Literal.number(0)])
    return exp.Sum(this=stored)
