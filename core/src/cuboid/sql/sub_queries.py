"""Sub-query dimensions as SQL: a grouped SELECT for each of their measures, joined to the rows of their cube."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from sqlglot import exp

from cuboid.errors import InternalError
from cuboid.plan.nodes import Plan, SubQuery
from cuboid.sql.names import Names
from cuboid.sql.reading import column, identifier

LowerPlan = Callable[[Plan], tuple[exp.Expr, list[str]]]
"""A plan as a SELECT, and the names of its columns."""

MeasureColumns = Mapping[tuple[str, str], exp.Expr]
"""The column of each measure of each sub-query, by the full names of the sub-query and the measure."""


def nothing_inside(plan: Plan) -> tuple[exp.Expr, list[str]]:
    """A :data:`LowerPlan` for where there can be no plan."""
    raise InternalError("A plan inside a plan was not expected here.")


def join_sub_queries(
    rows: exp.Select, sub_queries: Sequence[SubQuery], key: Sequence[exp.Expr], lower: LowerPlan, names: Names
) -> tuple[exp.Select, MeasureColumns]:
    """``rows``, a SELECT from a cube, joined to what its sub-queries read.

    :param key: the cube's primary key on a row. Each row is there, so the key is not wholly NULL; a part of it may be.
    """
    columns: dict[tuple[str, str], exp.Expr] = {}
    compared = exp.EQ if len(key) == 1 else exp.NullSafeEQ
    for each in sub_queries:
        for plan in each.plans:
            tree, inner = lower(plan)
            assert isinstance(tree, exp.Query)
            alias = names.take(carried_name(each.dimension))
            on = exp.and_(
                *(
                    compared(this=part.copy(), expression=column(name, alias))
                    for part, name in zip(key, inner, strict=False)
                )
            )
            rows = rows.join(tree.subquery(identifier(alias)), on=on, join_type="LEFT", copy=False)
            columns[each.dimension, plan.measures[0]] = column(inner[-1], alias)
    return rows, columns


def carried_name(dimension: str) -> str:
    """The name that the column of a sub-query would like to have."""
    return f"sub_query__{dimension.partition('.')[2]}"
