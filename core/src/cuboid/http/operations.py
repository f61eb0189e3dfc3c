"""What each route is for, what it takes and what it answers: the part of the OpenAPI document that no code says.

The paths and methods are those of the application; tests hold that none is missing here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from cuboid.http.priority import LOWEST
from cuboid.http.schemas import FLAG, MEMBER, MEMBERS, QUERIES, TEXT, Schema, listed, record, ref
from cuboid.query.parse import CACHE_MODES
from cuboid.run.asker import INTERACTIVE

JSON = "application/json"
HTML = "text/html"
PLAIN = "text/plain"


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter: in the query string of a GET, or a key of the JSON body of a POST.

    :param as_json: the query string has it as JSON text.
    """

    name: str
    schema: Schema
    text: str
    required: bool = False
    as_json: bool = False
    in_body: bool = True


@dataclass(frozen=True, slots=True)
class Operation:
    """One route.

    :param answers: the schema of the 200 by media type.
    :param scope: the part of the API that must be open; None if a token is enough.
    :param open: no token is needed.
    """

    summary: str
    answers: Mapping[str, Schema]
    parameters: tuple[Parameter, ...] = ()
    scope: str | None = None
    open: bool = False
    failures: Mapping[int, str] = field(default_factory=dict)


def _json(*schemas: Schema) -> Mapping[str, Schema]:
    return {JSON: schemas[0] if len(schemas) == 1 else {"anyOf": list(schemas)}}


QUERY = Parameter("query", QUERIES, "a query, or several that are blended", required=True, as_json=True)
QUERY_TYPE = Parameter(
    "queryType", TEXT, "`multi` asks for several results, which comparisons and blending need"
)
CACHE = Parameter("cache", {"enum": list(CACHE_MODES)}, "the cache mode, before that of the query")
CAST = Parameter("castNumerics", FLAG, "numbers instead of texts, as far as no digit is lost")

PROGRESS = Parameter(
    "progress", {"enum": ["true"]}, "with `Continue wait` also say how far it is", in_body=False
)

PRIORITY = Parameter(
    "priority",
    {"type": "integer", "minimum": LOWEST, "maximum": INTERACTIVE},
    "lower than that of other requests, for what can wait; also the header `x-priority`",
)

REFERENCES = record(
    {},
    {
        "measures": MEMBERS,
        "dimensions": MEMBERS,
        "timeDimensions": listed(record({"dimension": MEMBER, "granularity": TEXT})),
        "rollups": MEMBERS,
    },
    text="Segments are among the dimensions.",
)

LOAD = Operation(
    "Rows for a query",
    {
        **_json(ref("Result"), ref("Results"), ref("ContinueWait")),
        "text/csv": TEXT,
        "application/x-ndjson": TEXT,
        "application/vnd.apache.arrow.stream": {"type": "string", "format": "binary"},
    },
    (QUERY, QUERY_TYPE, CACHE, CAST, PRIORITY, PROGRESS),
    "data",
)

OPERATIONS: Mapping[str, Operation] = {
    "/v1/load": LOAD,
    "/v1/subscribe": Operation(
        "As /v1/load: over plain HTTP a subscription is one load", LOAD.answers, LOAD.parameters, "data"
    ),
    "/v1/sql": Operation(
        "The SQL of a query, which is not run",
        _json(ref("Statement"), listed(ref("Statement"))),
        (QUERY, Parameter("format", {"const": "rest"}, "the language of the query")),
        "sql",
    ),
    "/v1/dry-run": Operation("What a query means; nothing is run", _json(ref("DryRun")), (QUERY,), "data"),
    "/v1/explain": Operation(
        "How a query would be answered and why; nothing is run", _json(ref("Explained")), (QUERY,), "sql"
    ),
    "/v1/meta": Operation(
        "What may be asked",
        _json(ref("Meta")),
        (
            Parameter("onlyViews", TEXT, "`true` leaves out everything but views"),
            Parameter("extended", TEXT, "present, with any value: SQL, files and what is off, too"),
        ),
        "meta",
    ),
    "/v1/cubesql": Operation(
        "A query in SQL; this server has no SQL interface",
        {},
        (Parameter("query", TEXT, "SQL", required=True),),
        "data",
    ),
    "/v1/convert-query": Operation(
        "A query in SQL as a query object; this server has no SQL interface",
        _json({"type": "object"}),
        tuple(Parameter(name, TEXT, "", required=True) for name in ("input", "output", "query")),
        "sql",
    ),
    "/graphql": Operation("GraphQL, which this server has not", {}, scope="graphql"),
    "/v1/graphql-to-json": Operation(
        "GraphQL as a query object, which this server has not",
        _json({"type": "object", "properties": {"jsonQuery": {"type": "null"}}}),
    ),
    "/v1/pre-aggregations/jobs": Operation(
        "Builds of rollups: ordered (`post`), or asked after (`get`)",
        _json(listed(TEXT), listed(ref("Job")), {"type": "object", "additionalProperties": ref("Job")}),
        (
            Parameter("action", {"enum": ["post", "get"]}, "what to do", required=True),
            Parameter(
                "selector",
                ref("JobSelector"),
                "`post`: which rollups, for whom and in which time zones",
            ),
            Parameter("tokens", listed(TEXT), "`get`: what `post` has answered"),
            Parameter("resType", {"enum": ["array", "object"]}, "`get`: `object` answers by token"),
        ),
        "jobs",
    ),
    "/v1/pre-aggregations/can-use": Operation(
        "Whether a rollup that is designed would answer a query",
        _json(record({"canUsePreAggregationForTransformedQuery": FLAG})),
        (
            Parameter(
                "transformedQuery",
                {"type": "object"},
                "the query as `/v1/sql` and `/v1/dry-run` show it",
                required=True,
            ),
            Parameter("references", REFERENCES, "what the rollup stores", required=True),
        ),
        "meta",
    ),
    "/v1/running-query/{requestId}": Operation(
        "The principal no longer waits for its request of that id", _json(ref("Withdrawn"))
    ),
    "/v1/invalidate": Operation(
        "The data of these cubes has changed: no kept answer over them is told any more",
        _json(ref("Invalidated")),
        (
            Parameter(
                "cubes",
                {"type": "array", "items": TEXT, "minItems": 1},
                "names of cubes, or of views for all of theirs",
                required=True,
            ),
        ),
        "invalidate",
    ),
    "/": Operation("What runs here", {HTML: TEXT}, open=True),
    "/readyz": Operation(
        "Whether the default data source answers",
        _json(ref("Health")),
        open=True,
        failures={500: "it does not"},
    ),
    "/livez": Operation(
        "Whether the data sources that were used answer",
        _json(ref("Health")),
        open=True,
        failures={500: "one does not"},
    ),
    "/metrics": Operation("Counts for Prometheus", {PLAIN: TEXT}, open=True),
    "/openapi.json": Operation("This document", _json({"type": "object"}), open=True),
    "/docs": Operation("This document as a page", {HTML: TEXT}, open=True),
}
"""By path; those of the API without the base path."""
