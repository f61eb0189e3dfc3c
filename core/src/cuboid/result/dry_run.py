"""The body of an answer to ``/v1/dry-run``: what a query means, for tools that build queries."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cuboid.query.model import Question
from cuboid.result.envelope import QueryType, pivot_query

DEFAULT_CACHE = "stale-if-slow"


def describe_query(
    query_type: QueryType, questions: Sequence[Question], transformed: Sequence[dict[str, Any]]
) -> dict[str, Any]:
    """``{queryType, normalizedQueries, queryOrder, transformedQueries, pivotQuery}``.

    The first normalized query is the one that clients pivot by, but for blended queries, which pivot by what they
    have in common.

    :param transformed: the questions as :func:`cuboid.plan.transformed.transformed_query` has them.
    """
    queries = [{**each.echo, "cacheMode": each.query.cache or DEFAULT_CACHE} for each in questions]
    pivot = pivot_query(query_type, questions)
    if query_type == "blendingQuery":
        pivot = {key: pivot[key] for key in ("measures", "dimensions", "timeDimensions", "queryType")}
    else:
        pivot["cacheMode"] = queries[0]["cacheMode"]
        queries[0] = pivot
    return {
        "queryType": query_type,
        "normalizedQueries": queries,
        "queryOrder": [
            {name: "desc" if descending else "asc" for name, descending in each.effective_order}
            for each in questions
        ],
        "transformedQueries": list(transformed),
        "pivotQuery": pivot,
    }
