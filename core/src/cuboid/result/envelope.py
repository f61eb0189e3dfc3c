"""The body of an answer to ``/v1/load``: one result object, or the ``queryType=multi`` envelope.

Bodies are bytes and are joined as bytes: rows are encoded once, never decoded again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

import orjson

from cuboid.catalog.model import Catalog
from cuboid.query.model import Question
from cuboid.result.annotation import annotate
from cuboid.result.rows import wire_rows
from cuboid.types import Result

QueryType = Literal["regularQuery", "compareDateRangeQuery", "blendingQuery"]


@dataclass(frozen=True, slots=True)
class Body:
    """One result object, to be told to several askers: what differs between them are two places in it.

    :param text: the object as it is told to somebody without a request id whose answer is up to date.
    :param slow: where the value of ``slowQuery`` begins.
    :param named: where the request id has its place.
    """

    text: bytes
    slow: int
    named: int

    def told(self, *, slow: bool = False, request_id: str | None = None) -> bytes:
        """The object for one asker.

        :param slow: it is out of date, and the one that is not takes long.
        :param request_id: shown in dev mode only: None elsewhere.
        """
        if not slow and request_id is None:
            return self.text
        view = memoryview(self.text)  # whose parts are no copies: it may be megabytes
        return b"".join(
            (
                view[: self.named],
                b"" if request_id is None else b',"requestId":' + encode(request_id),
                view[self.named : self.slow],
                b"true" if slow else b"false",
                view[self.slow + len(b"false") :],
            )
        )


@dataclass(frozen=True, slots=True)
class UsedRollup:
    """A table of a rollup that an answer was read from."""

    table: str
    rollup: str
    type: str
    refreshed: datetime | None
    external: bool = True

    def described(self) -> dict[str, Any]:
        """As the wire has it; ``lastUpdatedAt`` in milliseconds of the Unix clock."""
        found: dict[str, Any] = {"preAggregationId": self.rollup, "type": self.type}
        if self.refreshed is not None:
            found["lastUpdatedAt"] = int(self.refreshed.timestamp() * 1000)
        return found


def single(
    question: Question,
    result: Result,
    catalog: Catalog,
    *,
    data_source: str,
    db_type: str,
    total: int | None = None,
    transformed: Mapping[str, Any] | None = None,
    refresh_keys: Sequence[bytes] | None = None,
    rollups: Sequence[UsedRollup] = (),
    blending_granularity: str | None = None,
    cast_numerics: bool = False,
) -> Body:
    """One result object, keys in Cube's order, ``data`` last.

    Takes time in proportion to the rows (1 ms for a few thousand): large results belong in a thread.

    :param db_type: the driver's name.
    :param total: the number of rows without limit, if the query asked for it.
    :param transformed: shown in dev mode only, as are ``refresh_keys``, JSON rows each: None elsewhere.
    :param rollups: what it was read from in place of the data source's tables; it is as old as the oldest of them.
    :param blending_granularity: as for :func:`cuboid.result.rows.wire_table`, and so ``cast_numerics``.
    """
    refreshed = [each.refreshed for each in rollups if each.refreshed is not None]
    head: dict[str, Any] = {
        "query": question.echo,
        "lastRefreshTime": _refresh_time(min(refreshed, default=result.finished_at)),
    }
    if transformed is not None:
        head["transformedQuery"] = transformed
    first = encode(head)[:-1]
    if refresh_keys is not None:
        first += b',"refreshKeyValues":[' + b",".join(refresh_keys) + b"]"
    if rollups:
        first += b',"usedPreAggregations":' + encode({each.table: each.described() for each in rollups})
    facts: dict[str, Any] = {
        "annotation": annotate(question, catalog),
        "dataSource": data_source,
        "dbType": db_type,
        "external": any(each.external for each in rollups),
    }
    second = b"," + encode(facts)[1:-1] + b',"slowQuery":'
    rest = b"false" if total is None else b'false,"total":%d' % total
    data = wire_rows(
        result,
        question,
        catalog,
        blending_granularity=blending_granularity,
        cast_numerics=cast_numerics,
    )
    text = b"".join((first, second, rest, b',"data":', data, b"}"))
    return Body(text, slow=len(first) + len(second), named=len(first))


def multi(
    query_type: QueryType, singles: Sequence[bytes], questions: Sequence[Question], *, slow: bool = False
) -> bytes:
    """``{queryType, results, pivotQuery, slowQuery}`` around the result objects of at least one question."""
    return b"".join(
        (
            b'{"queryType":',
            encode(query_type),
            b',"results":[',
            b",".join(singles),
            b'],"pivotQuery":',
            encode(pivot_query(query_type, questions)),
            b',"slowQuery":true}' if slow else b',"slowQuery":false}',
        )
    )


def pivot_query(query_type: QueryType, questions: Sequence[Question]) -> dict[str, Any]:
    """What the client pivots by: the first query's echo, adapted to the query type.

    A comparison gets the pseudo dimension ``compareDateRange`` in front. Blended queries show the union of
    their measures and of their dimensions, in the order of the queries, and one time axis ``time``.
    """
    echoes = [question.echo for question in questions]
    pivot = dict(echoes[0])
    if query_type == "compareDateRangeQuery":
        pivot["dimensions"] = ["compareDateRange", *pivot["dimensions"]]
    elif query_type == "blendingQuery":
        granularity = echoes[0]["timeDimensions"][0].get("granularity")
        pivot["measures"] = _union(echoes, "measures")
        pivot["dimensions"] = _union(echoes, "dimensions")
        pivot["timeDimensions"] = [{"dimension": "time", "granularity": granularity}]
    pivot["queryType"] = query_type
    return pivot


def encode(value: object) -> bytes:
    """JSON of plain values, mappings of any kind (frozen ones too) and tuples."""
    return orjson.dumps(value, default=_plain, option=orjson.OPT_NON_STR_KEYS)


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} cannot be written as JSON.")


def _union(echoes: Sequence[Mapping[str, Any]], key: str) -> list[str]:
    return list(dict.fromkeys(name for echo in echoes for name in echo.get(key, ())))


def _refresh_time(finished_at: datetime) -> str:
    """ISO 8601 in UTC with milliseconds and ``Z``; a time without zone is UTC already."""
    aware = finished_at if finished_at.tzinfo else finished_at.replace(tzinfo=UTC)
    return aware.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
