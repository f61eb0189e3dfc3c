"""Leaf measures as SQL: what each row contributes, and the aggregate over it."""

from __future__ import annotations

from sqlglot import exp

from cuboid.catalog.model import Catalog, Measure
from cuboid.plan.nodes import Leaf
from cuboid.sql.dialect import Dialect
from cuboid.sql.guards import guarded
from cuboid.sql.members import MemberSql, is_not_null
from cuboid.sql.scope import Scope

RAW = ("number", "string", "time", "boolean")
"""Measure types whose SQL contains its own aggregates."""


class LeafSql:
    """Lowers leaf measures of one catalog for one dialect."""

    def __init__(self, catalog: Catalog, dialect: Dialect, members: MemberSql) -> None:
        self._catalog = catalog
        self._dialect = dialect
        self._members = members

    def aggregate(self, leaf: Leaf, scope: Scope) -> exp.Expr:
        """The leaf over the rows of the scope."""
        measure = self._catalog.measure(leaf.measure)
        if measure.type in RAW:
            return self.raw(measure, scope)
        return self.over(leaf, self.input(measure, scope))

    def over(self, leaf: Leaf, value: exp.Expr) -> exp.Expr:
        """The leaf's aggregate over a column of its row inputs."""
        if leaf.by_key:
            return self._dialect.count_distinct(value)
        match self._catalog.measure(leaf.measure).type:
            case "count":
                return exp.Count(this=value)
            case "sum":
                return exp.Sum(this=value)
            case "avg":
                return self._dialect.average(value)
            case "min":
                return exp.Min(this=value)
            case "max":
                return exp.Max(this=value)
            case "count_distinct":
                return self._dialect.count_distinct(value)
            case "count_distinct_approx":
                return self._dialect.approx_count_distinct(value)
            case other:
                raise AssertionError(f"a {other} measure has no aggregate of its own")

    def added_up(self, leaf: Leaf, value: exp.Expr, *, grouped: bool) -> exp.Expr:
        """The leaf of groups that are put together, over the column of its values in each.

        :param grouped: there is at least one for each group that is made of them; else none may be there, and count 0.
        """
        total = self.sum_of(leaf.measure, value)
        if self._catalog.measure(leaf.measure).type != "count":
            return total
        if not grouped:
            total = exp.Coalesce(this=total, expressions=[exp.Literal.number(0)])
        return exp.cast(total, exp.DataType.Type.BIGINT)

    def sum_of(self, measure: str, value: exp.Expr) -> exp.Expr:
        """What puts a measure's values for groups together, as a window function may."""
        counts = self._catalog.measure(measure).type == "count"
        return exp.Sum(this=value) if counts else self.over(Leaf(measure), value)

    def input(self, measure: Measure, scope: Scope) -> exp.Expr:
        """What one row contributes; NULL where the measure's filters fail or the row has no row of its cube."""
        tests = [self._members.template(test, scope) for test in measure.filters]
        if measure.sql is not None:
            value = self._members.template(measure.sql, scope)
        else:
            key = self._catalog.cubes[measure.cube].primary_key
            if not key and measure.cube == scope.root and not tests:
                return exp.Star()
            if len(key) == 1:
                value = self._members.value(key[0].full_name, scope)
            else:
                value = exp.Literal.number(1)
                tests = [*([self._members.has_key(measure.cube, scope)] if key else []), *tests]
        exists = self._members.exists(measure.cube, scope)
        if exists is not None and not isinstance(value, exp.Column) and exists not in tests:
            # A plain column is NULL on an absent row by itself; COALESCE(x, 0) or a constant is not.
            tests = [exists, *tests]
        return exp.Case().when(exp.and_(*tests), value) if tests else value

    def where_counted(self, measure: Measure, value: exp.Expr, scope: Scope) -> exp.Expr:
        """``value`` on rows that count for the measure; NULL where its filters fail or there is no row of its cube."""
        tests = [self._members.template(test, scope) for test in measure.filters]
        exists = self._members.exists(measure.cube, scope)
        if exists is not None and not isinstance(value, exp.Column):  # a plain column is NULL there by itself
            tests = [exists, *tests]
        return exp.Case().when(exp.and_(*tests), value) if tests else value

    def row_value(self, measure: Measure, scope: Scope) -> exp.Expr:
        """The measure of an ungrouped answer: a count shows 1 for a row that counts, others their input."""
        value = self.input(measure, scope)
        if isinstance(value, exp.Star):
            return exp.Literal.number(1)
        if measure.type == "count":
            return exp.Case().when(is_not_null(value), "1")
        return value

    def raw(self, measure: Measure, scope: Scope) -> exp.Expr:
        """A measure whose SQL contains its own aggregates, guarded against absent rows of its cube.

        Raises :class:`UnsupportedFeature` if it contains none, or one whose rows cannot be guarded.
        """

        def inner(other: Measure) -> exp.Expr:
            if other.type in RAW:
                return self.raw(other, scope)
            return self.over(Leaf(other.full_name), self.input(other, scope))

        assert measure.sql is not None
        tree = self._members.template(measure.sql, scope, inner)
        exists = self._members.exists(measure.cube, scope)
        tree = guarded(tree, exists, measure.full_name)
        return self._dialect.quotient(tree) if isinstance(tree, exp.Div) else tree
