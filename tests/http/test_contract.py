"""Cube's error table and its routes, row by row, over HTTP. Where a row differs from Cube, it says by which ruling."""

from __future__ import annotations

import json
from typing import Any

import pytest

FORMAT = "Invalid query format: "
M = {"measures": ["Orders.count"]}
SECRET = "a-secret-that-is-long-enough-for-every-hash-function-in-use-here-512"


def with_filter(**leaf: Any) -> dict[str, Any]:
    return {**M, "filters": [leaf]}


def with_time(**entry: Any) -> dict[str, Any]:
    return {**M, "timeDimensions": [{"dimension": "Orders.createdAt", **entry}]}


ERRORS: dict[str, tuple[Any, str]] = {
    "missing": ("", "Query param is required"),
    "undefined": ("undefined", "Query param is required"),
    "no JSON": ("{a", "Unable to decode query param as JSON, error: "),
    "null": ("null", FORMAT + '"value" must be of type object'),
    "nothing selected": (
        {"dimensions": []},
        "Query should contain either measures, dimensions or timeDimensions with granularities in order to be valid",
    ),
    "unknown key": ({**M, "foo": 1}, FORMAT + '"foo" is not allowed'),
    "rowLimit": ({**M, "rowLimit": 1}, FORMAT + '"rowLimit" is not allowed'),
    "maskedMembers": ({**M, "maskedMembers": []}, "maskedMembers cannot be provided in the query"),
    "wrong container": ({"measures": "Orders.count"}, FORMAT + '"measures" must be an array'),
    "bad measure": (
        {"measures": ["Orders"]},
        FORMAT + '"measures[0]" with value "Orders" fails to match the required pattern: '
        "/^[a-zA-Z0-9_]+\\.[a-zA-Z0-9_]+$/",
    ),
    "bad dimension": (
        {"dimensions": ["a.b.c.d"]},
        FORMAT + '"dimensions[0]" with value "a.b.c.d" fails to match the required pattern: '
        "/^[a-zA-Z0-9_]+\\.[a-zA-Z0-9_]+(\\.[a-zA-Z0-9_]+)?$/",
    ),
    "limit no number": ({**M, "limit": "10"}, FORMAT + '"limit" must be a number'),
    "limit null": ({**M, "limit": None}, FORMAT + '"limit" must be a number'),
    "limit broken": ({**M, "limit": 1.5}, FORMAT + '"limit" must be an integer'),
    "limit negative": ({**M, "limit": -1}, FORMAT + '"limit" must be greater than or equal to 0'),
    "limit above the maximum": ({**M, "limit": 50_001}, "Error: The query limit has been exceeded."),
    "offset no number": ({**M, "offset": "1"}, FORMAT + '"offset" must be a number'),
    "total": ({**M, "total": "maybe"}, FORMAT + '"total" must be a boolean'),
    "order of an object": (
        {**M, "order": {"Orders.count": "up"}},
        FORMAT + '"order.Orders.count" must be one of [asc, desc]',
    ),
    "order of a pair": (
        {**M, "order": [["Orders.count", "up"]]},
        FORMAT + '"order[0][1]" must be one of [asc, desc]',
    ),
    "order of three": (
        {**M, "order": [["Orders.count", "asc", 1]]},
        FORMAT + '"order[0]" must contain at most 2 items',
    ),
    "order of one": ({**M, "order": [["Orders.count"]]}, FORMAT + '"order[0]" must contain at least 2 items'),
    "order of none": ({**M, "order": ["Orders.count"]}, FORMAT + '"order[0]" must be an array'),
    "time zone": (
        {**M, "timezone": "Foo/Bar"},
        FORMAT + '"timezone" must be a valid IANA time zone, got "Foo/Bar"',
    ),
    "response format": (
        {**M, "responseFormat": "xml"},
        FORMAT + '"responseFormat" must be one of [default, compact, columnar]',
    ),
    "cache": (
        {**M, "cache": "never"},
        FORMAT
        + '"cacheMode" must be one of [stale-if-slow, stale-while-revalidate, must-revalidate, no-cache]',
    ),
    "time dimension without dimension": (
        {**M, "timeDimensions": [{}]},
        FORMAT + '"timeDimensions[0].dimension" is required',
    ),
    "granularity null": (
        with_time(granularity=None),
        FORMAT + '"timeDimensions[0].granularity" must be a string',
    ),
    "granularity too long": (
        with_time(granularity="x" * 129),
        FORMAT + '"timeDimensions[0].granularity" length must be less than or equal to 128 characters long',
    ),
    "two ranges": (
        with_time(dateRange="today", compareDateRange=["today"]),
        FORMAT + '"timeDimensions[0]" contains a conflict between optional exclusive peers '
        "[dateRange, compareDateRange]",
    ),
    "range of no kind": (
        with_time(dateRange=5),
        FORMAT + '"timeDimensions[0].dateRange" must be one of [array, string]',
    ),
    "empty range": (
        with_time(dateRange=[]),
        FORMAT + '"timeDimensions[0].dateRange" must contain at least 1 items',
    ),
    "range of three": (
        with_time(dateRange=["2024-01-01"] * 3),
        FORMAT + '"timeDimensions[0].dateRange" must contain less than or equal to 2 items',
    ),
    "range of words that say nothing": (
        with_time(dateRange="Gibberish"),
        "Can't parse date: 'gibberish'",
    ),
    "filter with an unknown operator": (
        with_filter(member="Orders.status", operator="like", values=["x"]),
        FORMAT + '"filters[0]" does not match any of the allowed types',
    ),
    "filter without member": (
        with_filter(operator="equals", values=["x"]),
        FORMAT + '"filters[0]" does not match any of the allowed types',
    ),
    "filter with member and dimension": (
        with_filter(member="Orders.status", dimension="Orders.status", operator="equals", values=["x"]),
        FORMAT + '"filters[0]" does not match any of the allowed types',
    ),
    "filter with and and or": (
        {**M, "filters": [{"and": [], "or": []}]},
        FORMAT + '"filters[0]" does not match any of the allowed types',
    ),
    "filter without values": (
        with_filter(member="Orders.status", operator="equals"),
        'Values required for filter: {"member":"Orders.status","operator":"equals"}',
    ),
    "unknown cube": ({"measures": ["Nope.count"]}, "Cube 'Nope' not found for path 'Nope.count'"),
    "unknown member": ({"measures": ["Orders.nope"]}, "'nope' not found for path 'Orders.nope'"),
    "measure as dimension": ({"dimensions": ["Orders.count"]}, "'count' not found for path 'Orders.count'"),
    "no join": (
        {"measures": ["Lonely.n"], "dimensions": ["Orders.status"]},
        "Can't find join path to join 'Lonely', 'Orders'",
    ),
    "unknown granularity": (
        with_time(granularity="eon"),
        'Granularity "eon" does not exist in dimension Orders.createdAt',
    ),
    "hidden member": (
        {"measures": ["Orders.hiddenOne"]},
        "Error: You requested hidden member: 'Orders.hiddenOne'.",
    ),
    "comparison of a client that takes one result": (
        with_time(granularity="day", compareDateRange=["today", "yesterday"]),
        "'compareDateRangeQuery' query type is not supported by the client.Please update the client.",
    ),
    "array of a client that takes one result": (
        [with_time(granularity="day")],
        "'blendingQuery' query type is not supported by the client.Please update the client.",
    ),
    "blending without granularity": (
        [with_time()],
        "Data blending query without granularity is not supported",
    ),
    "blending without time dimension": (
        [with_time(granularity="day"), M],
        "Data blending needs a time dimension with granularity in every query",
    ),
    "blending of nothing": ([], "Data blending query without granularity is not supported"),
    "blending of two granularities": (
        [with_time(granularity="day"), with_time(granularity="week")],
        "Data blending query granularities must match",
    ),
    "comparison of two time dimensions": (
        {
            **M,
            "timeDimensions": [
                {"dimension": name, "compareDateRange": ["today", "yesterday"]}
                for name in ("Orders.createdAt", "Users.createdAt")
            ],
        },
        "compareDateRange can only exist for one timeDimension",
    ),
}

TYPED = ("unknown cube", "unknown member", "measure as dimension", "no join")
"""What Cube's schema compiler reports."""


@pytest.mark.parametrize("row", ERRORS)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_mistake_in_a_query_has_cube_s_text(production: Any, row: str, method: str) -> None:
    query, text = ERRORS[row]
    query_type = {} if "takes one result" in row else {"queryType": "multi"}
    if method == "GET":
        answer = production.get("load", query, **query_type)
    else:
        answer = production.post("load", {"query": query, **query_type})
    assert answer.status == 400
    assert answer.body["error"].startswith(text)
    assert ("type" in answer.body) == (row in TYPED)
    assert set(answer.body) <= {"type", "error", "hint", "path", "suggestions"}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/cubejs-api/v2/load"),
        ("GET", "/cubejs-system/v1/context"),
        ("GET", "/playground/context"),
        ("GET", "/cubejs-api/v1/run-scheduled-refresh"),
        ("GET", "/cubejs-api/v1/context"),
        ("GET", "/cubejs-api/v1/running-queries"),
        ("GET", "/cubejs-api/v1/queue"),
        ("GET", "/cubejs-api/v1/data-sources"),
        ("GET", "/cubejs-api/v1/entities"),
        ("POST", "/cubejs-api/v1/entities/all"),
    ],
)
def test_routes_of_cube_that_are_not_here_are_404(production: Any, method: str, path: str) -> None:
    answer = production.ask(
        method, path, b"{}" if method == "POST" else None, Content_Type="application/json"
    )
    assert answer.status == 404
    assert f"Cannot {method} {path}" in answer.raw.decode()


SCOPES = {
    ("GET", "load"): "data",
    ("POST", "load"): "data",
    ("GET", "subscribe"): "data",
    ("POST", "subscribe"): "data",
    ("GET", "sql"): "sql",
    ("POST", "sql"): "sql",
    ("GET", "dry-run"): "data",
    ("POST", "dry-run"): "data",
    ("GET", "meta"): "meta",
    ("POST", "cubesql"): "data",
    ("POST", "convert-query"): "sql",
    ("DELETE", "running-query/abc"): None,
    ("POST", "graphql-to-json"): None,
    ("GET", "../graphql"): "graphql",
    ("POST", "../graphql"): "graphql",
    ("POST", "pre-aggregations/jobs"): "jobs",
    ("POST", "pre-aggregations/can-use"): "meta",
    ("POST", "invalidate"): "invalidate",
}
"""Every route that needs a token, and its scope."""


def url(path: str) -> str:
    return f"/cubejs-api/v1/{path}".replace("/v1/..", "")


@pytest.mark.parametrize(("method", "path"), SCOPES)
def test_every_route_needs_a_token(production: Any, method: str, path: str) -> None:
    answer = production.ask(method, url(path), b"{}", Authorization="")
    assert (answer.status, answer.body) == (403, {"error": "Authorization header isn't set"})
    answer = production.ask(method, url(path), b"{}", Authorization="nonsense")
    assert (answer.status, answer.body) == (403, {"error": "Invalid token"})


@pytest.fixture(scope="module")
def closed(run: Any, make_service: Any, token: Any) -> Any:
    """A server on which nothing is open."""
    from cuboid.http.settings import AuthSettings

    return run(make_service(), auth=AuthSettings(secrets=(SECRET,), scopes=()), token=token({}))


@pytest.mark.parametrize(("method", "path"), SCOPES)
def test_every_route_needs_its_scope(closed: Any, method: str, path: str) -> None:
    scope = SCOPES[method, path]
    answer = closed.ask(method, url(path), b"{}", Content_Type="application/json")
    if scope is None:
        assert answer.status == 200
    else:
        assert (answer.status, answer.body) == (403, {"error": f"API scope is missing: {scope}"})


@pytest.mark.parametrize(
    ("method", "path", "error"),
    [
        ("GET", "../graphql", "There is no GraphQL API here"),
        ("POST", "../graphql", "There is no GraphQL API here"),
    ],
)
def test_what_is_not_available_is_told_as_such(
    run: Any, make_service: Any, token: Any, method: str, path: str, error: str
) -> None:
    from cuboid.http.settings import DEFAULT_SCOPES, AuthSettings

    auth = AuthSettings(secrets=(SECRET,), scopes=(*DEFAULT_SCOPES, "jobs"))
    client = run(make_service(), auth=auth, token=token({}))
    answer = client.ask(method, url(path), b"{}", Content_Type="application/json")
    assert answer.status == 400
    assert error in answer.body["error"]
    if "graphql" in path:
        assert answer.body["errors"] == [{"message": answer.body["error"]}]


def test_graphql_is_never_converted(production: Any) -> None:
    answer = production.post("graphql-to-json", {"query": "{ cube { orders { count } } }"})
    assert (answer.status, answer.body) == (200, {"jsonQuery": None})


def test_a_statement_that_takes_too_long_fails_with_cube_s_words() -> None:
    from cuboid.errors import QueryTimeout
    from cuboid.http.errors import describe

    failure = describe(
        QueryTimeout("Query execution timeout after 10 min of waiting"), dev=False, request_id="x"
    )
    assert (failure.status, json.dumps(dict(failure.body))) == (
        400,
        '{"error": "Error: Query execution timeout after 10 min of waiting"}',
    )
