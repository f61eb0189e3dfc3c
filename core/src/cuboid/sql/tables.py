"""The CTEs of a statement: groups that are read by name, each computed once however many read it."""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp

from cuboid.catalog.model import Catalog
from cuboid.plan.nodes import (
    Aggregate,
    Combine,
    ConversionAggregate,
    Groups,
    Key,
    KeyedAggregate,
    Regrouped,
    SnapshotAggregate,
    Stage,
    StoredAggregate,
    TopGroups,
    Windowed,
)
from cuboid.sql.combine import combined
from cuboid.sql.comments import about, by, commented
from cuboid.sql.conversions import Conversions
from cuboid.sql.dialect import Dialect
from cuboid.sql.names import Names
from cuboid.sql.reading import Reading, Table, aliased, group_by_position, identifier
from cuboid.sql.regroup import added_up, first_groups
from cuboid.sql.snapshots import Snapshots
from cuboid.sql.sources import Sources


class Tables:
    """Lowers what yields groups, for one statement.

    :param stage: lowers a stage to its keys and its value, given these tables; ``window`` a window.
    :param names: of all CTEs of the statement, those inside it too: an engine may take one for another of its name.
    """

    def __init__(
        self,
        catalog: Catalog,
        dialect: Dialect,
        sources: Sources,
        stage: Callable[[Stage, Tables], Reading],
        window: Callable[[Windowed, Tables], Reading],
        names: Names,
    ) -> None:
        self._catalog = catalog
        self._dialect = dialect
        self._sources = sources
        self._leaves = sources.leaves
        self._stage = stage
        self._window = window
        self.names = names
        self._tables: dict[Groups | Combine, Table] = {}
        self._ctes: list[tuple[str, exp.Query]] = []

    def attach(self, select: exp.Select) -> exp.Select:
        """``select`` with all CTEs that were made, each after those it reads."""
        for name, cte in self._ctes:
            select = select.with_(identifier(name), as_=cte, copy=False)
        return select

    def combination(self, node: Combine) -> Reading:
        """The groups of all inputs."""
        if len(node.inputs) == 1:
            return self.table(node.inputs[0]).reading()
        inputs = [self.table(part) for part in node.inputs]
        return combined(inputs, node.keys, self._catalog, self._dialect, self._sources)

    def table(self, node: Groups | Combine) -> Table:
        """The CTE that has the node's groups."""
        if isinstance(node, Combine) and len(node.inputs) == 1:
            return self.table(node.inputs[0])
        if isinstance(node, Regrouped) and len(node.keys) == len(node.source.keys):
            same = self.table(node.source)
            return Table(same.name, same.keys, {each: same.values[each] for each in node.values})
        found = self._tables.get(node)
        if found is None:
            reading = self.read(node)  # first, as its own CTEs come before it
            values = _values(node)
            found = self.named(self._wanted(node), reading, node.keys, values, about(node, values))
            self._tables[node] = found
        return found

    def named(
        self,
        wanted: str,
        reading: Reading,
        keys: tuple[Key, ...],
        values: tuple[str, ...],
        comment: str | None = None,
    ) -> Table:
        """A CTE of the reading's keys and values; above it stands the comment, by default these."""
        names = self._sources.names()
        table = Table(
            self.names.take(wanted),
            {key: names.take(self._sources.alias(key.member, key.granularity)) for key in keys},
            {measure: names.take(self._sources.alias(measure)) for measure in values},
        )
        select = reading.select
        for key, name in table.keys.items():
            select = select.select(aliased(reading.keys[key], name), copy=False)
        for measure, name in table.values.items():
            select = select.select(aliased(reading.leaf(measure), name), copy=False)
        if reading.grouped:
            select = group_by_position(select, len(keys))
        self._ctes.append((table.name, commented(select, comment or by(values, keys))))
        return table

    def cte(self, wanted: str, select: exp.Query, comment: str) -> str:
        """A CTE that is no table of groups, under a comment; equal ones are one. Returns its name."""
        for name, known in self._ctes:
            if known == select:
                return name
        name = self.names.take(wanted)
        self._ctes.append((name, commented(select, comment)))
        return name

    def read(self, node: Groups | Combine) -> Reading:
        """The node's groups, not under a name."""
        match node:
            case Aggregate():
                return self._sources.aggregate(node)
            case KeyedAggregate():
                return self._sources.keyed(node)
            case SnapshotAggregate():
                return Snapshots(node, self._catalog, self._sources).read()
            case ConversionAggregate():
                return Conversions(node, self._catalog, self._dialect, self._sources, self.cte).read()
            case Regrouped():
                return added_up(self.table(node.source).reading(), node, self._leaves)
            case TopGroups():
                return first_groups(node, self, self._leaves, self._dialect)
            case StoredAggregate():
                return self._sources.stored(node)
            case Stage():
                return self._stage(node, self)
            case Windowed():
                return self._window(node, self)
            case Combine():
                return self.combination(node)

    def _wanted(self, node: Groups | Combine) -> str:
        match node:
            case Stage():
                return self._sources.alias(node.measure)
            case Combine():
                return "stage"
            case _ if not node.values:
                return "groups"
            case _:
                return f"{self._catalog.cubes[self._catalog.measure(node.values[0]).cube].alias}__measures"


def _values(node: Groups | Combine) -> tuple[str, ...]:
    if isinstance(node, Combine):
        return tuple(dict.fromkeys(value for part in node.inputs for value in part.values))
    return node.values
