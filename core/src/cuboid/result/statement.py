"""The body of an answer to ``/v1/sql`` for one question."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cuboid.catalog.model import Catalog
from cuboid.catalog.naming import member_alias
from cuboid.query.model import Question, TimeDimension
from cuboid.types import Statement


def describe_statement(
    question: Question,
    statement: Statement,
    parameters: list[Any],
    refresh_keys: dict[str, Any],
    catalog: Catalog,
    *,
    data_source: str,
    names: Sequence[str],
    transformed: dict[str, Any],
    rollups: list[dict[str, Any]],
    matches: list[dict[str, Any]] | None = None,
) -> dict[str, Any]:
    """``{sql: {...}, dataSource}``.

    :param parameters: the statement's parameters as texts.
    :param refresh_keys: ``cacheKeyQueries``: the statements whose results tell whether the data changed.
    :param names: the members that it is about, as :func:`cuboid.plan.mentions.all_members` tells them.
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
    selected = [
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
            column.name: name for column, name in zip(statement.columns, selected, strict=True)
        },
        **({} if matches is None else {"rollupMatchResults": matches}),
        "canUseTransformedQuery": transformed,
        "memberNames": names,
    }
    return {"sql": sql, "dataSource": data_source}


def _time_alias(entry: TimeDimension, catalog: Catalog) -> str:
    """The alias of the first time dimension's column; ``day`` stands for a missing granularity, as in Cube."""
    cube, _, member = entry.dimension.partition(".")
    return member_alias(catalog.cubes[cube].alias, member, entry.granularity or "day")
