"""Plan sources as SQL: joined rows, plain and keyed aggregates."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from sqlglot import exp

from cuboid.catalog.model import Catalog
from cuboid.catalog.naming import member_alias
from cuboid.plan.nodes import Aggregate, Key, KeyedAggregate, Leaf, Plan, Relation, Rows
from cuboid.sql.additions import join_top
from cuboid.sql.aggregates import RAW, LeafSql
from cuboid.sql.calendars import read_by, with_calendars
from cuboid.sql.dialect import Dialect
from cuboid.sql.members import MemberSql
from cuboid.sql.names import Names
from cuboid.sql.reading import Reading, aliased, column, identifier, join
from cuboid.sql.scope import OuterColumns, Scope
from cuboid.sql.stored import StoredSql, StoredTable
from cuboid.sql.sub_queries import LowerPlan, join_sub_queries
from cuboid.sql.templates import Templates


class Sources:
    """Lowers the sources of one plan for one dialect.

    :param stored: the tables of rollups.
    """

    def __init__(
        self,
        plan: Plan,
        catalog: Catalog,
        dialect: Dialect,
        templates: Templates,
        lower: LowerPlan,
        stored: Mapping[str, StoredTable],
    ) -> None:
        self.members = MemberSql(
            catalog, dialect, templates, plan.timezone, plan.access, plan.visible, lower, inner=plan.inner
        )
        self._catalog = catalog
        self._dialect = dialect
        self._lower = lower
        self.leaves = LeafSql(catalog, dialect, self.members)
        self.stored = StoredSql(catalog, dialect, stored).read

    def alias(self, member: str, granularity: str | None = None) -> str:
        """The column name that a member would like to have."""
        cube, _, name = member.partition(".")
        return member_alias(self._catalog.cubes[cube].alias, name, granularity)

    def names(self) -> Names:
        """A fresh set of names for one SELECT."""
        return Names(self._dialect.max_identifier_bytes)

    # ------------------------------------------------------------ the kinds of source

    def rows(self, node: Rows) -> Reading:
        """The joined rows themselves."""
        select, scope = self.joined(node.relation, frozenset(node.relation.tree.cubes))
        return Reading(
            select,
            self._keys(node.keys, scope),
            lambda name: self.leaves.row_value(self._catalog.measure(name), scope),
            grouped=False,
        )

    def aggregate(self, node: Aggregate) -> Reading:
        """Aggregates over the joined rows; where there are none, and each row is a group, the rows themselves."""
        select, scope = self.joined(node.relation, self._cubes(node.leaves))
        by_name = {leaf.measure: leaf for leaf in node.leaves}
        return Reading(
            select,
            self._keys(node.keys, scope),
            lambda name: self.leaves.aggregate(by_name[name], scope),
            grouped=bool(node.leaves) or not self._tell_rows_apart(node.keys, node.relation),
        )

    def _tell_rows_apart(self, keys: tuple[Key, ...], relation: Relation) -> bool:
        """Whether no two rows have equal keys: these have the primary key of the root, whose rows no join repeats."""
        if relation.repeats(relation.tree.root) or (relation.top is not None and not relation.top.drop):
            return False
        shown = {
            self._catalog.origin(key.member)
            for key in keys
            if key.granularity is None and not self.members.is_masked(key.member)
        }
        primary = self._catalog.cubes[relation.tree.root].primary_key
        # A clock shows two instants as one time.
        return bool(primary) and all(part.type != "time" and part.full_name in shown for part in primary)

    def keyed(self, node: KeyedAggregate) -> Reading:
        """Aggregates over one row per (keys, primary key): what a leaf reads depends on the primary key, so it
        rides in the DISTINCT and the cube is scanned once."""
        select, scope = self.joined(node.relation, self._cubes(node.leaves))
        reduced = Reduced(
            select.distinct(copy=False), f"{self._catalog.cubes[node.cube].alias}__rows", self.names()
        )
        keys = {
            key: reduced.carry(value, self.alias(key.member, key.granularity))
            for key, value in self._keys(node.keys, scope).items()
        }
        for part in self._catalog.cubes[node.cube].primary_key:
            reduced.carry_value(self.members.value(part.full_name, scope), f"key__{part.name}")
        leaves = {leaf.measure: self._keyed_leaf(leaf, scope, reduced) for leaf in node.leaves}
        return Reading(reduced.select(), keys, lambda name: leaves[name].copy(), grouped=True)

    def _keyed_leaf(self, leaf: Leaf, scope: Scope, reduced: Reduced) -> exp.Expr:
        measure = self._catalog.measure(leaf.measure)
        if measure.type in RAW:
            return reduced.carry_columns(self.leaves.raw(measure, scope))
        # Not under the name that the aggregate gets: ORDER BY must find that one, and engines disagree on which of a
        # column and an alias comes first.
        carried = reduced.carry_value(self.leaves.input(measure, scope), f"input__{measure.name}")
        return self.leaves.over(Leaf(leaf.measure), carried)  # keys are distinct already

    def _cubes(self, leaves: Iterable[Leaf]) -> frozenset[str]:
        return frozenset(self._catalog.measure(leaf.measure).cube for leaf in leaves)

    def _keys(self, keys: tuple[Key, ...], scope: Scope) -> dict[Key, exp.Expr]:
        return {key: self.members.key(key, scope) for key in keys}

    # ------------------------------------------------------------ FROM and WHERE

    def keyed_rows(
        self, relation: Relation, keys: tuple[Key, ...], cube: str
    ) -> tuple[exp.Select, Scope, dict[Key, exp.Expr]]:
        """SELECT … FROM the relation still without columns, its scope, and the keys on its rows; it can be told whether
        there is a row of ``cube``."""
        select, scope = self.joined(relation, frozenset({cube}))
        return select, scope, self._keys(keys, scope)

    def joined(self, relation: Relation, measured: frozenset[str]) -> tuple[exp.Select, Scope]:
        """SELECT … FROM the join tree WHERE its conditions; and the scope of its cubes.

        :param measured: the cubes whose rows are aggregated, so that it must be told whether they are there.
        """
        names = self.names()
        tree = relation.tree
        joined = frozenset(each.target for each in tree.joins)
        told = measured | self.members.masked_cubes
        outer = [each for each in relation.sub_queries if each.outer]
        scope = Scope(
            tree.root,
            {cube: names.take(self._catalog.cubes[cube].alias) for cube in tree.cubes},
            frozenset(cube for cube in joined & told if self.members.needs_mark(cube)),
            relation.conditions,
            relation.sub_queries,
            shifts=relation.shifts,
        )
        scope = with_calendars(scope, names, self._catalog)
        select = exp.Select().from_(self.members.relation(tree.root, scope), copy=False)
        select = self._look_up(select, tree.root, scope)
        for each in tree.joins:
            on = self.members.template(each.sql, scope)
            target = self.members.relation(each.target, scope)
            select = join(select, target, "LEFT", on)
            select = self._look_up(select, each.target, scope)
        if outer:
            by = {each.dimension: [self.members.value(name, scope) for name in each.by] for each in outer}
            select, columns, present = join_sub_queries(select, outer, by, self._lower, names, self._dialect)
            joined_names = frozenset(each.dimension for each in outer)
            scope = replace(scope, outer=OuterColumns(joined_names, columns, present))
        tests = self.members.restrictions(relation, scope)
        if relation.top is not None:
            same = self._dialect.same
            select, scope = join_top(select, relation.top, scope, self.members, self._lower, names, same)
        if tests:  # in one call: a call for each would nest them, as deep as there are conditions
            select = select.where(exp.and_(*tests), copy=False)
        return select, scope

    def _look_up(self, select: exp.Select, cube: str, scope: Scope) -> exp.Select:
        if cube not in scope.looked_up:
            return select
        shift = next(each for each in scope.shifts if each.looked_up and each.member.startswith(f"{cube}."))
        on = read_by(shift, scope, self.members, self._catalog, self._dialect)
        return join(select, self.members.relation(cube, scope.as_asked()), "LEFT", on)


class Reduced:
    """A SELECT under construction, and the columns by which the SELECT around it reads it."""

    def __init__(self, inner: exp.Select, name: str, names: Names) -> None:
        self.inner = inner
        self.columns: tuple[str, ...] = ()
        self._name = name
        self._names = names
        self._values: dict[exp.Expr, str] = {}

    def carry_value(self, value: exp.Expr, wanted: str) -> exp.Expr:
        """Adds a column of what measures are made of, unless one that was added so has the value already."""
        known = self._values.get(value)
        if known is not None:
            return column(known, self._name)
        carried = self.carry(value, wanted)
        self._values[value.copy()] = carried.name
        return carried

    def carry(self, value: exp.Expr, wanted: str) -> exp.Expr:
        """Adds a column; returns how the outer SELECT reads it."""
        name = self._names.take(wanted)
        self.columns += (name,)
        self.inner = self.inner.select(aliased(value, name), copy=False)
        return column(name, self._name)

    def carry_columns(self, tree: exp.Expr) -> exp.Expr:
        """An expression with aggregates of its own, over the reduced rows: each column it reads is carried along."""
        root = exp.Paren(this=tree)
        carried: dict[str, exp.Expr] = {}
        for read in list(root.find_all(exp.Column)):
            text = read.sql()
            if text not in carried:
                carried[text] = self.carry(read.copy(), read.name)
            read.replace(carried[text].copy())
        result: exp.Expr = root.this
        result.pop()
        return result

    def select(self) -> exp.Select:
        """The outer SELECT, still without columns."""
        return exp.Select().from_(self.inner.subquery(identifier(self._name), copy=False), copy=False)
