"""The wire's shapes as JSON Schema, for the OpenAPI document; words and limits are those that the code checks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cuboid.query.decode import MAX_QUERIES
from cuboid.query.join_hints import MAX_HINTS
from cuboid.query.operators import OPERATORS
from cuboid.query.parse import CACHE_MODES, DIRECTIONS, MAX_ITEMS, RESPONSE_FORMATS
from cuboid.types import GRANULARITIES

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
FLAG: Schema = {"type": "boolean"}
NUMBER: Schema = {"type": "number"}
ANYTHING: Schema = {}


def ref(name: str) -> Schema:
    """The schema of that name."""
    return {"$ref": f"#/components/schemas/{name}"}


def listed(items: Schema, **bounds: int) -> Schema:
    """An array of ``items``."""
    return {"type": "array", "items": items, **bounds}


def record(
    required: Mapping[str, Schema], optional: Mapping[str, Schema] | None = None, text: str = ""
) -> Schema:
    """An object with these keys and no others."""
    found: Schema = {
        "type": "object",
        "properties": {**required, **(optional or {})},
        "required": list(required),
        "additionalProperties": False,
    }
    return {"description": text, **found} if text else found


def by_name(values: Schema) -> Schema:
    """An object whose keys are names."""
    return {"type": "object", "additionalProperties": values}


MEMBER: Schema = {"type": "string", "description": "`cube.member`", "examples": ["orders.count"]}
DATE_RANGE: Schema = {
    "description": "Two dates, one, or words such as `last month` and `from 7 days ago to now`.",
    "anyOf": [TEXT, listed(TEXT, minItems=1, maxItems=2)],
}
MEMBERS = listed(MEMBER, maxItems=MAX_ITEMS)

QUERY = record(
    {},
    {
        "measures": MEMBERS,
        "dimensions": MEMBERS,
        "segments": MEMBERS,
        "timeDimensions": listed(
            record(
                {"dimension": MEMBER},
                {
                    "granularity": {
                        "type": "string",
                        "description": "one of the model, or built in",
                        "examples": list(GRANULARITIES),
                    },
                    "dateRange": DATE_RANGE,
                    "compareDateRange": listed(DATE_RANGE, minItems=1, maxItems=MAX_QUERIES),
                },
            ),
            maxItems=MAX_ITEMS,
        ),
        "filters": listed(ref("Filter"), maxItems=MAX_ITEMS),
        "order": {
            "anyOf": [
                by_name({"enum": list(DIRECTIONS)}),
                listed(
                    {
                        "type": "array",
                        "prefixItems": [MEMBER, {"enum": list(DIRECTIONS)}],
                        "minItems": 2,
                        "maxItems": 2,
                    }
                ),
            ]
        },
        "limit": {
            "type": ["integer", "null"],
            "minimum": 0,
            "description": "rows; of the setting query_default_limit if absent",
        },
        "offset": {"type": ["integer", "null"], "minimum": 0},
        "total": {"type": "boolean", "description": "also count all rows, without limit and offset"},
        "timezone": {"type": ["string", "null"], "examples": ["UTC", "Europe/Berlin"]},
        "ungrouped": {"type": "boolean", "description": "rows instead of groups"},
        "responseFormat": {"enum": list(RESPONSE_FORMATS)},
        "cache": {"enum": list(CACHE_MODES)},
        "cacheMode": {"enum": list(CACHE_MODES)},
        "renewQuery": {"type": "boolean", "deprecated": True},
        "joinHints": listed(listed(TEXT, maxItems=MAX_HINTS), maxItems=MAX_HINTS),
        "subqueryJoins": listed(ANYTHING, maxItems=0),
    },
    "What is asked.",
)

FILTER: Schema = {
    "description": "One condition, or all or any of several.",
    "anyOf": [
        {
            "type": "object",
            "properties": {
                "member": MEMBER,
                "dimension": {**MEMBER, "deprecated": True},
                "operator": {"enum": list(OPERATORS)},
                "values": listed({"type": ["string", "number", "boolean", "null"]}),
            },
            "required": ["operator"],
            "additionalProperties": False,
        },
        record({"and": listed(ref("Filter"))}),
        record({"or": listed(ref("Filter"))}),
    ],
}

QUERIES: Schema = {"anyOf": [ref("Query"), listed(ref("Query"), minItems=1, maxItems=MAX_QUERIES)]}

ITEM = record(
    {"title": TEXT, "shortTitle": TEXT},
    {
        "description": TEXT,
        "type": TEXT,
        "format": ANYTHING,
        "currency": TEXT,
        "meta": ANYTHING,
        "granularity": {"type": "object"},
        "drillMembers": listed(TEXT),
        "drillMembersGrouped": record({"measures": listed(TEXT), "dimensions": listed(TEXT)}),
    },
)

CELL: Schema = {
    "description": "Numbers are texts (numbers for `castNumerics`), times are those of the query's zone.",
    "type": ["string", "number", "boolean", "null", "array", "object"],
}

RESULT = record(
    {
        "query": {"type": "object", "description": "the query, normalized"},
        "data": {
            "anyOf": [
                listed(by_name(CELL)),
                record({"members": listed(TEXT), "dataset": listed(listed(CELL))}),
                record({"members": listed(TEXT), "columns": listed(listed(CELL))}),
            ]
        },
        "annotation": record(
            {key: by_name(ITEM) for key in ("measures", "dimensions", "segments", "timeDimensions")}
        ),
        "lastRefreshTime": {"type": "string", "format": "date-time"},
        "dataSource": TEXT,
        "dbType": TEXT,
        "external": FLAG,
        "slowQuery": FLAG,
    },
    {
        "total": NUMBER,
        "requestId": TEXT,
        "transformedQuery": {"type": "object"},
        "refreshKeyValues": listed({"type": "array"}),
        "usedPreAggregations": by_name({"type": "object"}),
    },
    "Rows, and what they are.",
)

QUERY_TYPE: Schema = {"enum": ["regularQuery", "compareDateRangeQuery", "blendingQuery"]}

RESULTS = record(
    {
        "queryType": QUERY_TYPE,
        "results": listed(ref("Result")),
        "pivotQuery": {"type": "object"},
        "slowQuery": FLAG,
    },
    text="Several results, for `queryType=multi`.",
)

WAIT = record(
    {"error": {"const": "Continue wait"}},
    {"requestId": TEXT, "timeElapsed": NUMBER, "stage": {"type": "object"}},
    "Not there yet: send the same request again, at once.",
)

ERROR = record(
    {"error": {"type": "string", "minLength": 1}},
    {
        "type": {"const": "UserError"},
        "hint": {"type": "string", "description": "what to do"},
        "path": {"type": "string", "description": "where in the query"},
        "suggestions": listed(TEXT),
        "plainError": TEXT,
        "errors": {**listed(record({"message": TEXT})), "description": "the same in GraphQL's form"},
        "stack": {"type": "string", "description": "in dev mode only"},
        "requestId": {"type": "string", "description": "in dev mode only"},
    },
)

STATEMENT = record(
    {
        "sql": record(
            {
                "external": FLAG,
                "sql": {
                    "type": "array",
                    "prefixItems": [TEXT, listed(ANYTHING)],
                    "minItems": 2,
                    "maxItems": 2,
                },
                "lambdaQueries": {"type": "object"},
                "order": listed(record({"id": MEMBER, "desc": FLAG})),
                "cacheKeyQueries": record({"queries": listed(listed(ANYTHING)), "renewalThreshold": NUMBER}),
                "preAggregations": listed({"type": "object"}),
                "dataSource": TEXT,
                "aliasNameToMember": by_name(TEXT),
                "canUseTransformedQuery": {"type": "object"},
                "memberNames": listed(MEMBER),
            },
            {
                "timeDimensionAlias": TEXT,
                "timeDimensionField": MEMBER,
                "rollupMatchResults": listed({"type": "object"}),
            },
        ),
        "dataSource": TEXT,
    },
    text="The SQL of a query, and its parameters.",
)

DRY_RUN = record(
    {
        "queryType": QUERY_TYPE,
        "normalizedQueries": listed({"type": "object"}),
        "queryOrder": listed(by_name({"enum": list(DIRECTIONS)})),
        "transformedQueries": listed({"type": "object"}),
        "pivotQuery": {"type": "object"},
    },
    text="What a query means.",
)

EXPLAINED = record(
    {"queryType": QUERY_TYPE, "explanations": listed({"type": "object"})},
    text="How each query would be answered.",
)

WITHDRAWN = record({"result": listed({"type": "object"})}, text="What is not waited for any longer.")

JOB_SELECTOR = record(
    {
        "contexts": listed(record({"securityContext": {"type": "object"}}), minItems=1),
        "timezones": listed(TEXT, minItems=1),
    },
    {
        "dataSources": listed(TEXT),
        "cubes": listed(TEXT),
        "preAggregations": listed(MEMBER),
        "dateRange": listed(TEXT, minItems=2, maxItems=2),
    },
)
JOB = record(
    {"table": {"type": ["string", "null"]}, "status": TEXT, "selector": {"type": ["object", "null"]}},
    {"token": TEXT},
    text="A part of a rollup: `scheduled`, `processing`, `done`, `missing_partition`, `not_found` or `failure: …`.",
)

_MEMBER = {"name": MEMBER, "title": TEXT, "shortTitle": TEXT, "isVisible": FLAG, "public": FLAG}
_SAID: dict[str, Schema] = {"description": TEXT, "meta": ANYTHING, "sql": TEXT}
_SHOWN: dict[str, Schema] = {
    "format": ANYTHING,
    "formatDescription": {"type": "object"},
    "currency": TEXT,
    "aliasMember": MEMBER,
}

INVALIDATED = record(
    {"cubes": listed(TEXT), "answers": {"type": "integer", "description": "how many were forgotten"}}
)

META = record(
    {
        "cubes": listed(
            record(
                {
                    "name": TEXT,
                    "type": {"enum": ["cube", "view"]},
                    "title": TEXT,
                    "isVisible": FLAG,
                    "public": FLAG,
                    "measures": listed(
                        record(
                            {
                                **_MEMBER,
                                "type": TEXT,
                                "aggType": TEXT,
                                "aliasName": TEXT,
                                "cumulative": FLAG,
                                "cumulativeTotal": FLAG,
                                "drillMembers": listed(MEMBER),
                                "drillMembersGrouped": record(
                                    {"measures": listed(MEMBER), "dimensions": listed(MEMBER)}
                                ),
                            },
                            {**_SAID, **_SHOWN, "filters": listed({"type": "object"})},
                        )
                    ),
                    "dimensions": listed(
                        record(
                            {
                                **_MEMBER,
                                "type": TEXT,
                                "aliasName": TEXT,
                                "suggestFilterValues": FLAG,
                                "primaryKey": FLAG,
                            },
                            {
                                **_SAID,
                                **_SHOWN,
                                "granularities": listed({"type": "object"}),
                                "order": ANYTHING,
                                "key": ANYTHING,
                                "links": listed({"type": "object"}),
                                "synthetic": FLAG,
                                "case": ANYTHING,
                                "latitude": {"type": "object"},
                                "longitude": {"type": "object"},
                            },
                        )
                    ),
                    "segments": listed(record(_MEMBER, _SAID)),
                    "hierarchies": listed({"type": "object"}),
                    "folders": listed({"type": "object"}),
                    "nestedFolders": listed({"type": "object"}),
                },
                {
                    "description": TEXT,
                    "meta": ANYTHING,
                    "connectedComponent": {"type": "integer", "minimum": 1},
                    "viewGroups": listed(TEXT),
                    "sql": TEXT,
                    "sqlTable": TEXT,
                    "extends": TEXT,
                    "fileName": TEXT,
                    "refreshKey": {"type": "object"},
                    "joins": listed({"type": "object"}),
                    "preAggregations": listed({"type": "object"}),
                },
            )
        )
    },
    {"viewGroups": listed({"type": "object"}), "errors": listed({"type": "object"})},
    "What may be asked.",
)

HEALTH = record(
    {"health": {"enum": ["HEALTH", "DOWN"]}},
    {"model": record({"errors": NUMBER, "off": NUMBER})},
)

SCHEMAS: Mapping[str, Schema] = {
    "Query": QUERY,
    "Filter": FILTER,
    "Result": RESULT,
    "Results": RESULTS,
    "ContinueWait": WAIT,
    "Error": ERROR,
    "Statement": STATEMENT,
    "DryRun": DRY_RUN,
    "Explained": EXPLAINED,
    "Withdrawn": WITHDRAWN,
    "JobSelector": JOB_SELECTOR,
    "Job": JOB,
    "Invalidated": INVALIDATED,
    "Meta": META,
    "Health": HEALTH,
}
