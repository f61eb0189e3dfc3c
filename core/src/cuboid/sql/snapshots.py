"""Semi-additive measures as SQL: the rows of a group that are of its last, first or each snapshot, then aggregated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlglot import exp

from cuboid.catalog.model import Catalog
from cuboid.plan.nodes import Key, Leaf, SnapshotAggregate
from cuboid.sql.members import is_not_null
from cuboid.sql.reading import Reading, aliased, column, identifier
from cuboid.sql.sources import Sources


@dataclass(frozen=True, slots=True)
class _LeafColumns:
    """The columns of one leaf: what a row contributes, and when; NULL where the row does not count."""

    leaf: Leaf
    input: str
    time: str


@dataclass(frozen=True, slots=True)
class _Snapshots:
    """One row per group and row of the cube, under its name."""

    select: exp.Select
    name: str
    keys: Mapping[Key, str]
    by: tuple[str, ...]
    leaves: tuple[_LeafColumns, ...]
    plain: Mapping[Leaf, str]


class Snapshots:
    """Lowers one :class:`SnapshotAggregate`."""

    def __init__(self, node: SnapshotAggregate, catalog: Catalog, sources: Sources) -> None:
        self._node = node
        self._catalog = catalog
        self._sources = sources
        self._names = sources.names()

    def read(self) -> Reading:
        """Groups of the node's keys, each leaf an aggregate."""
        rows = self._rows()
        if self._node.take == "average":
            return self._average(rows)
        edges = {each.leaf: self._names.take(f"edge__{_short(each.leaf)}") for each in rows.leaves}
        marked = exp.Select().from_(rows.select.subquery(identifier(rows.name), copy=False), copy=False)
        for name in (
            *rows.keys.values(),
            *(each for leaf in rows.leaves for each in (leaf.input, leaf.time)),
            *rows.plain.values(),
        ):
            marked = marked.select(column(name, rows.name), copy=False)
        for each in rows.leaves:
            function = exp.Max if self._node.take == "last" else exp.Min
            edge = exp.Window(
                this=function(this=column(each.time, rows.name)),
                partition_by=[column(name, rows.name) for name in (*rows.keys.values(), *rows.by)],
            )
            marked = marked.select(aliased(edge, edges[each.leaf]), copy=False)
        name = self._names.take(f"{self._alias()}__marked")
        select = exp.Select().from_(marked.subquery(identifier(name), copy=False), copy=False)
        values = {}
        for each in rows.leaves:
            kept = exp.EQ(this=column(each.time, name), expression=column(edges[each.leaf], name))
            value = exp.Case().when(kept, column(each.input, name))
            values[each.leaf.measure] = self._sources.leaves.over(each.leaf, value)
        for leaf, carried in rows.plain.items():
            values[leaf.measure] = self._sources.leaves.over(leaf, column(carried, name))
        keys = {key: column(each, name) for key, each in rows.keys.items()}
        return Reading(select, keys, lambda measure: values[measure].copy(), grouped=True)

    def _average(self, rows: _Snapshots) -> Reading:
        """The mean over snapshots of what each of them gives; the leaves of a node have one time."""
        time = rows.leaves[0].time
        grouped = exp.Select().from_(rows.select.subquery(identifier(rows.name), copy=False), copy=False)
        columns = [*rows.keys.values(), time]
        for name in columns:
            grouped = grouped.select(column(name, rows.name), copy=False)
        inner: dict[str, str] = {}
        for each in rows.leaves:
            inner[each.leaf.measure] = self._names.take(f"value__{_short(each.leaf)}")
            value = self._sources.leaves.over(each.leaf, column(each.input, rows.name))
            grouped = grouped.select(aliased(value, inner[each.leaf.measure]), copy=False)
        grouped = grouped.group_by(*(str(number + 1) for number in range(len(columns))), copy=False)
        name = self._names.take(f"{self._alias()}__snapshots")
        select = exp.Select().from_(grouped.subquery(identifier(name), copy=False), copy=False)

        def mean(measure: str) -> exp.Expr:
            value = exp.Case().when(is_not_null(column(time, name)), column(inner[measure], name))
            return exp.Avg(this=exp.cast(value, exp.DataType.Type.DOUBLE))

        keys = {key: column(each, name) for key, each in rows.keys.items()}
        return Reading(select, keys, mean, grouped=True)

    def _rows(self) -> _Snapshots:
        """The joined rows; where joins repeat those of the cube, one per group and primary key."""
        node, members = self._node, self._sources.members
        select, scope, key_values = self._sources.keyed_rows(node.relation, node.keys, node.cube)
        if node.repeated:
            select = select.distinct(copy=False)

        def carry(value: exp.Expr, wanted: str) -> str:
            nonlocal select
            name = self._names.take(wanted)
            select = select.select(aliased(value, name), copy=False)
            return name

        def contributed(leaf: Leaf) -> str:
            measure = self._catalog.measure(leaf.measure)
            value = self._sources.leaves.input(measure, scope)
            if isinstance(value, exp.Star):
                value = exp.Literal.number(1)
            return carry(value, f"input__{measure.name}")

        keys = {
            key: carry(value, self._sources.alias(key.member, key.granularity))
            for key, value in key_values.items()
        }
        for part in self._catalog.cubes[node.cube].primary_key if node.repeated else ():
            carry(members.value(part.full_name, scope), f"key__{part.name}")
        by = tuple(carry(members.value(name, scope), f"by__{name.partition('.')[2]}") for name in node.by)
        leaves = []
        for leaf in node.leaves:
            measure = self._catalog.measure(leaf.measure)
            time = self._sources.leaves.where_counted(
                measure, members.value(node.time_dimension, scope), scope
            )
            leaves.append(_LeafColumns(leaf, contributed(leaf), carry(time, f"time__{measure.name}")))
        plain = {leaf: contributed(leaf) for leaf in node.plain}
        name = self._names.take(f"{self._alias()}__rows")
        return _Snapshots(select, name, keys, by, tuple(leaves), plain)

    def _alias(self) -> str:
        return self._catalog.cubes[self._node.cube].alias


def _short(leaf: Leaf) -> str:
    return leaf.measure.partition(".")[2]
