"""Rollups as ``/v1/sql`` shows them: those that a statement reads, what builds them, and what others refer to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from cuboid.catalog.naming import data_source_name
from cuboid.catalog.rollups import Rollup
from cuboid.types import Statement

if TYPE_CHECKING:
    from cuboid.run.stored import RollupUse


def describe_rollups(uses: Iterable[RollupUse]) -> list[dict[str, Any]]:
    """One object for each table, in the order in which the statement reads them. Before rows that follow a rollup's
    stands the rollup."""
    found: dict[str, dict[str, Any]] = {}
    for use in uses:
        stored = use.stored
        if stored.follows is not None:
            (described,) = describe_rollups([replace(use, stored=stored.follows)])
            found.setdefault(stored.follows.table, described | {"rollupLambdaId": stored.name})
        described = {
            "preAggregationId": stored.name,
            "timezone": stored.zone,
            "tableName": stored.table,
            "type": stored.type,
            "external": not stored.inside,
            "dataSource": data_source_name(stored.data_source),
            "loadSql": _written(stored.select(None)),
            "aggregationsColumns": [],
        }
        if stored.parts is not None and stored.follows is None:
            described["partitionGranularity"] = stored.parts
            described["preAggregationStartEndQueries"] = [_written(each) for each in stored.range]
        if use.bounds is not None:
            described["matchedTimeDimensionDateRange"] = [
                each.isoformat(timespec="milliseconds") for each in use.bounds
            ]
        found.setdefault(stored.table, described)
    return list(found.values())


def describe_references(rollup: Rollup) -> dict[str, list[Any]]:
    """What a rollup refers to, as Cube lists it: segments are among the dimensions."""
    return {
        "measures": [each.member for each in rollup.measures],
        "dimensions": [each.member for each in (*rollup.dimensions, *rollup.segments)],
        "timeDimensions": [
            {"dimension": each.member, "granularity": each.granularity} for each in rollup.time_dimensions
        ],
        "rollups": list(rollup.rollups),
    }


def _written(statement: Statement) -> list[Any]:
    """``[sql, parameters]``; what builds a rollup has no values of a query."""
    return [statement.sql, [str(each) for each in statement.parameters]]
