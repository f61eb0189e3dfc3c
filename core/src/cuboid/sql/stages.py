"""Measures that are evaluated in stages, as SQL over the groups of their children."""

from __future__ import annotations

from sqlglot import exp

from cuboid.catalog.model import Case, Catalog, Measure
from cuboid.catalog.pieces import MemberReference, Template
from cuboid.plan.nodes import Leaf, Stage
from cuboid.plan.stages import FORMULAS
from cuboid.sql.aggregates import LeafSql
from cuboid.sql.dialect import Dialect
from cuboid.sql.formulas import FormulaSql
from cuboid.sql.guards import guarded
from cuboid.sql.members import MemberSql, cased
from cuboid.sql.reading import Reading, Table, identifier, join
from cuboid.sql.scope import Scope
from cuboid.sql.tables import Tables

GROUPS, VALUES = "groups", "values"
"""The names of the two sides where values are given to more groups than they were computed for."""


class StageSql:
    """Lowers stages of one catalog for one dialect."""

    def __init__(
        self, catalog: Catalog, dialect: Dialect, members: MemberSql, leaves: LeafSql, formulas: FormulaSql
    ) -> None:
        self._catalog = catalog
        self._dialect = dialect
        self._members = members
        self._leaves = leaves
        self._formulas = formulas

    def lower(self, node: Stage, tables: Tables) -> Reading:
        """The keys and the value of the stage."""
        measure = self._catalog.measure(node.measure)
        child = tables.table(node.child).reading()
        value = self._value(measure, node, child)
        ranked = measure.type == "rank"
        computed = Reading(
            child.select,
            {key: child.keys[key] for key in (node.keys if ranked else node.kept)},
            lambda name: value,
            grouped=not ranked and measure.type not in FORMULAS,
        )
        if node.groups is None:
            return computed
        groups = tables.table(node.groups).reading(GROUPS)
        values = tables.named(f"{measure.name}__values", computed, node.kept, (node.measure,))
        return self._spread(node, groups, values)

    def _spread(self, node: Stage, groups: Reading, values: Table) -> Reading:
        """Each of the groups with the value of its kept keys."""
        found = values.reading(VALUES)
        source = exp.alias_(
            exp.Table(this=identifier(values.name)), identifier(VALUES), table=True, copy=False
        )
        if node.kept:
            same = [self._dialect.same(groups.keys[key], found.keys[key]) for key in node.kept]
            select = join(groups.select, source, "LEFT", exp.and_(*same))
        else:  # there is one value
            select = join(groups.select, source, "CROSS")
        return Reading(select, groups.keys, found.leaf, grouped=False)

    # ------------------------------------------------------------ the value

    def _value(self, measure: Measure, node: Stage, child: Reading) -> exp.Expr:
        if measure.type == "rank":
            return self._rank(measure, node, child, self._passed(measure, child))
        if measure.type == "number_agg":
            return guarded(self._own(measure, child), self._passed(measure, child), measure.full_name)
        formula = self._chosen(measure, node, child) if node.branch else self.contribution(measure, child)
        if measure.type in FORMULAS:
            return self._dialect.quotient(formula) if isinstance(formula, exp.Div) else formula
        return self._leaves.over(Leaf(measure.full_name), formula)

    def _chosen(self, measure: Measure, node: Stage, child: Reading) -> exp.Expr:
        """The SQL for the value of a switch; NULL of its type where that value has none."""
        assert node.branch is not None
        own = self._formula(node.branch, child)
        passed = self._passed(measure, child) if node.has_value else exp.false()
        return own if passed is None else exp.Case().when(passed, own)

    def contribution(self, measure: Measure, child: Reading) -> exp.Expr:
        """What a group of the child contributes; NULL where the measure's filters fail."""
        passed = self._passed(measure, child)
        own = self._own(measure, child)
        return own if passed is None else exp.Case().when(passed, own)

    def _passed(self, measure: Measure, child: Reading) -> exp.Expr | None:
        tests = [self._formula(test, child) for test in measure.filters]
        return exp.and_(*tests) if tests else None

    def _own(self, measure: Measure, child: Reading) -> exp.Expr:
        if isinstance(measure.case, Case):
            return cased(measure.case, lambda template: self._formula(template, child))
        assert measure.sql is not None
        return self._formula(measure.sql, child)

    def _rank(self, measure: Measure, node: Stage, child: Reading, passed: exp.Expr | None) -> exp.Expr:
        """RANK within equal kept keys, NULLs last; groups that the filters drop have none and count for none."""
        assert measure.multi_stage is not None
        within = [child.keys[key].copy() for key in node.kept]
        if passed is not None:
            within.append(exp.Case().when(passed.copy(), "1").else_("0"))
        order = [
            exp.Ordered(this=self._formula(by.sql, child), desc=by.descending, nulls_first=False)
            for by in measure.multi_stage.order_by
        ]
        rank = exp.Window(
            this=exp.Anonymous(this="RANK"), partition_by=within, order=exp.Order(expressions=order)
        )
        return rank if passed is None else exp.Case().when(passed, rank)

    def _formula(self, template: Template, child: Reading) -> exp.Expr:
        """A piece of the measure's SQL over the child's groups."""

        def dimension(reference: MemberReference) -> exp.Expr:
            return self._key(reference, child).copy()

        nowhere = Scope("", {})
        return self._members.template(
            template,
            nowhere,
            lambda measure: self._formulas.value(measure.full_name, child),
            dimension=dimension,
        )

    def _key(self, reference: MemberReference, child: Reading) -> exp.Expr:
        for key, value in child.keys.items():
            origin = self._catalog.dimension(key.member).origin
            if reference.member in (key.member, origin) and key.granularity == reference.granularity:
                return value
        raise AssertionError(f"{reference.member} was checked to be among the keys")
