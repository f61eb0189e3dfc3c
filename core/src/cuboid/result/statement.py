"""The body of an answer to ``/v1/sql`` for one question."""

from __future__ import annotations

from typing import Any

from cuboid.catalog.model import Catalog, Measure
from cuboid.catalog.naming import member_alias
from cuboid.catalog.pieces import MemberReference
from cuboid.query.model import Question, Shape, TimeDimension, predicates
from cuboid.types import Statement


def describe_statement(
    question: Question,
    statement: Statement,
    parameters: list[Any],
    refresh_keys: dict[str, Any],
    catalog: Catalog,
    *,
    data_source: str,
    transformed: dict[str, Any],
    rollups: list[dict[str, Any]],
    matches: list[dict[str, Any]] | None = None,
) -> dict[str, Any]:
    """``{sql: {...}, dataSource}``.

    :param parameters: the statement's parameters as texts.
    :param refresh_keys: ``cacheKeyQueries``: the statements whose results tell whether the data changed.
    :param transformed: the question as :func:`cuboid.plan.transformed.transformed_query` has it.
    :param rollups: those that the statement reads, if it does.
    :param matches: how each rollup of the model matches the question, for those who ask.
    """
    sql: dict[str, Any] = {
        "external": any(each["external"] for each in rollups),
        "sql": [statement.sql, parameters],
        "lambdaQueries": {},
    }
    time_dimensions = question.query.time_dimensions
    if time_dimensions:
        sql["timeDimensionAlias"] = _time_alias(time_dimensions[0], catalog)
        sql["timeDimensionField"] = time_dimensions[0].dimension
    shape = question.shape
    names = [
        *shape.dimensions,
        *(grouping.key for grouping in shape.time_groupings),
        *shape.measures,
        *(share.key for share in shape.shares),
    ]
    sql |= {
        "order": [{"id": name, "desc": descending} for name, descending in question.effective_order],
        "cacheKeyQueries": refresh_keys,
        "preAggregations": rollups,
        "dataSource": data_source,
        "aliasNameToMember": {
            column.name: name for column, name in zip(statement.columns, names, strict=True)
        },
        **({} if matches is None else {"rollupMatchResults": matches}),
        "canUseTransformedQuery": transformed,
        "memberNames": _member_names(question.shape, catalog),
    }
    return {"sql": sql, "dataSource": data_source}


def _time_alias(entry: TimeDimension, catalog: Catalog) -> str:
    """The alias of the first time dimension's column; ``day`` stands for a missing granularity, as in Cube."""
    cube, _, member = entry.dimension.partition(".")
    return member_alias(catalog.cubes[cube].alias, member, entry.granularity or "day")


def _member_names(shape: Shape, catalog: Catalog) -> list[str]:
    """The members that the query selects or filters by, each followed by those it is made of: what its SQL refers
    to, and for a count of rows the primary key."""
    names: dict[str, None] = {}

    def visit(name: str) -> None:
        member = catalog.member(name)
        if name in names or member is None:
            return
        names[name] = None
        if isinstance(member, Measure) and member.type == "count" and member.sql is None:
            for part in catalog.cubes[member.cube].primary_key:
                visit(part.full_name)
        for template in member.templates:
            for reference in template.references:
                if isinstance(reference, MemberReference):
                    visit(reference.member)

    filtered = (
        each
        for condition in (*shape.row_conditions, *shape.group_conditions)
        for each in predicates(condition)
    )
    for name in (
        *shape.measures,
        *shape.dimensions,
        *shape.segments,
        *(predicate.member for predicate in filtered),
        *(grouping.member for grouping in shape.time_groupings),
    ):
        visit(name)
    return list(names)
