"""Combining the groups of several aggregates: UNION ALL padded with NULLs, then GROUP BY the keys.

That is a full join in which NULL keys meet. It works on every engine, those without FULL JOIN included, and reads
each input once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlglot import exp

from cuboid.catalog.model import Catalog
from cuboid.plan.nodes import Aggregate, Combine, KeyedAggregate
from cuboid.sql.dialect import Dialect
from cuboid.sql.names import Names
from cuboid.sql.reading import Reading, aliased, column, group_by_position, identifier
from cuboid.sql.sources import Sources
from cuboid.types import SemanticType


@dataclass(frozen=True, slots=True)
class _Input:
    """One aggregate as a CTE: its name, its SELECT, and the column of each of its leaves."""

    name: str
    select: exp.Select
    columns: Mapping[str, str]


class Combination:
    """Lowers one :class:`Combine` node."""

    def __init__(self, node: Combine, catalog: Catalog, dialect: Dialect, sources: Sources) -> None:
        self._catalog = catalog
        self._dialect = dialect
        self._sources = sources
        names = sources.names()
        self._keys = {key: names.take(sources.alias(key.member, key.granularity)) for key in node.keys}
        ctes = sources.names()
        self._inputs = [self._input(part, names, ctes) for part in node.inputs]

    def read(self) -> Reading:
        """The combined groups: one row per key, each leaf a column."""
        groups = exp.Select().from_(
            exp.Subquery(this=self._union(), alias=exp.TableAlias(this=identifier("parts")))
        )
        for name in self._keys.values():
            groups = groups.select(column(name), copy=False)
        for part in self._inputs:
            for measure, name in part.columns.items():
                picked = self._dialect.pick(column(name), self._type(measure))
                groups = groups.select(aliased(picked, name), copy=False)
        select = exp.Select().from_(
            group_by_position(groups, len(self._keys)).subquery(identifier("combined"))
        )
        for part in self._inputs:
            select = select.with_(identifier(part.name), as_=part.select, copy=False)
        by_measure = {measure: name for part in self._inputs for measure, name in part.columns.items()}
        return Reading(
            select,
            {key: column(name) for key, name in self._keys.items()},
            lambda measure: column(by_measure[measure]),
            grouped=False,
        )

    def _input(self, node: Aggregate | KeyedAggregate, names: Names, ctes: Names) -> _Input:
        cube = self._catalog.measure(node.leaves[0].measure).cube
        reading = self._sources.aggregate(node) if isinstance(node, Aggregate) else self._sources.keyed(node)
        columns = {leaf.measure: names.take(self._sources.alias(leaf.measure)) for leaf in node.leaves}
        select = reading.select
        for key, name in self._keys.items():
            select = select.select(aliased(reading.keys[key], name), copy=False)
        for measure, name in columns.items():
            select = select.select(aliased(reading.leaf(measure), name), copy=False)
        name = ctes.take(f"{self._catalog.cubes[cube].alias}__measures")
        return _Input(name, group_by_position(select, len(self._keys)), columns)

    def _union(self) -> exp.Expr:
        branches = [self._branch(part) for part in self._inputs]
        union: exp.Expr = branches[0]
        for branch in branches[1:]:
            union = exp.union(union, branch, distinct=False, copy=False)
        return union

    def _branch(self, part: _Input) -> exp.Select:
        select = exp.select(*(column(name) for name in self._keys.values())).from_(_table(part.name))
        for other in self._inputs:
            for measure, name in other.columns.items():
                value = column(name) if other is part else self._padding(measure, other.name, name)
                select = select.select(aliased(value, name), copy=False)
        return select

    def _padding(self, measure: str, table: str, name: str) -> exp.Expr:
        donor = exp.select(column(name)).from_(_table(table)).where(exp.false()).subquery()
        return self._dialect.padding(self._type(measure), donor)

    def _type(self, measure: str) -> SemanticType:
        return self._catalog.measure(measure).value_type


def _table(name: str) -> exp.Table:
    return exp.Table(this=identifier(name))
