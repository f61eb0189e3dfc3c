"""Sub-query dimensions as SQL: a grouped SELECT for each of their measures, joined to the rows of their cube."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from sqlglot import exp

from cuboid.errors import InternalError
from cuboid.plan.nodes import Plan, SubQuery
from cuboid.sql.dialect import Dialect
from cuboid.sql.names import Names
from cuboid.sql.reading import aliased, column, identifier, join
from cuboid.sql.templates import enclosed

LowerPlan = Callable[[Plan], tuple[exp.Expr, list[str]]]
"""A plan as a SELECT, and the names of its columns."""

PRESENT = "sub_query__present"
"""A column of ones in an answer, by which it is told whether it has a row for the values."""

MeasureColumns = Mapping[tuple[str, str], exp.Expr]
"""The column of each measure of each sub-query, by the full names of the sub-query and the measure."""


def nothing_inside(plan: Plan) -> tuple[exp.Expr, list[str]]:
    """A :data:`LowerPlan` for where there can be no plan."""
    raise InternalError("A plan inside a plan was not expected here.")


def join_sub_queries(
    rows: exp.Select,
    sub_queries: Sequence[SubQuery],
    by: Mapping[str, Sequence[exp.Expr]],
    lower: LowerPlan,
    names: Names,
    dialect: Dialect,
) -> tuple[exp.Select, MeasureColumns, dict[str, exp.Expr]]:
    """``rows``, a SELECT from a cube, joined to what its sub-queries read; the columns of their measures; and for those
    that are not plain the test that there is an answer for the row.

    :param by: the values on a row that each sub-query is evaluated for.
    """
    columns: dict[tuple[str, str], exp.Expr] = {}
    present: dict[str, exp.Expr] = {}
    for each in sub_queries:
        key = by[each.dimension]
        # Each row is there, so a key of one column is not NULL; other values may be, and NULL is a value of its own.
        alike = each.is_key and len(key) == 1
        for plan in each.plans:
            tree, inner = lower(plan)
            assert isinstance(tree, exp.Query)
            alias = names.take(carried_name(each.dimension))
            if each.outer:
                tree, inner = renamed(tree, inner, "value")
            tests = [
                exp.EQ(this=enclosed(part.copy()), expression=column(name, alias))
                if alike
                else dialect.same(enclosed(part.copy()), column(name, alias))
                for part, name in zip(key, inner, strict=False)
            ]
            if not each.plain:
                answer = tree.subquery(identifier("answer"), copy=False)
                tree = exp.select(exp.Star(), aliased(exp.Literal.number(1), PRESENT)).from_(answer)
            inner_rows = tree.subquery(identifier(alias), copy=False)
            if key:
                rows = join(rows, inner_rows, "LEFT", exp.and_(*tests))
            else:
                rows = join(rows, inner_rows, "CROSS")
            columns[each.dimension, plan.measures[0]] = column(inner[-1], alias)
            if not each.plain:
                found = exp.Is(this=column(PRESENT, alias), expression=exp.null()).not_()
                known = present.get(each.dimension)
                present[each.dimension] = found if known is None else exp.or_(known, found)
    return rows, columns, present


def renamed(tree: exp.Expr, columns: list[str], name: str) -> tuple[exp.Select, list[str]]:
    """The answer with columns of other names: some engines take a column of that name for the alias that ORDER BY
    means."""
    assert isinstance(tree, exp.Query)
    select = exp.Select().from_(tree.subquery(identifier(f"{name}__answer"), copy=False))
    names = [f"{name}__{number}" for number, _ in enumerate(columns, start=1)]
    for old, new in zip(columns, names, strict=True):
        select = select.select(aliased(column(old), new), copy=False)
    return select, names


def carried_name(dimension: str) -> str:
    """The name that the column of a sub-query would like to have."""
    return f"sub_query__{dimension.partition('.')[2]}"
