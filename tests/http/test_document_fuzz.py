"""Requests made from the OpenAPI document: right ones and broken ones, to every route; answers are what it says."""

from __future__ import annotations

import http.client
import itertools
import json
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import given
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from tests.http.conftest import Answer
from tests.http.fuzzing import ANSWERS, is_an_answer, without_shrinking

from cuboid.http.operations import OPERATIONS

ROUTES = [path for path in OPERATIONS if path != "/metrics"]

LONGEST = 200_000
"""Bytes of a path that is sent: a head of more than 256 KB gets no answer."""


@pytest.fixture(scope="module")
def schema(production: Any) -> Any:
    document = production.ask("GET", "/cubejs-api/openapi.json").body
    return schemathesis.openapi.from_dict(document)


def operations(schema: Any, route: str) -> list[Any]:
    found = [each.ok() for each in schema.get_all_operations()]
    return [each for each in found if each.path.removeprefix("/cubejs-api") == route]


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["right", "broken"])
@pytest.mark.parametrize("route", ROUTES)
def test_every_route_answers_what_the_document_says(
    production: Any, schema: Any, route: str, mode: GenerationMode
) -> None:
    for operation in operations(schema, route):
        if mode is GenerationMode.NEGATIVE and not (
            operation.query or operation.body or operation.path_parameters
        ):
            continue  # nothing that could be broken

        @without_shrinking(6)
        @given(case=operation.as_strategy(generation_mode=mode))
        def ask(case: Any) -> None:
            server = f"http://127.0.0.1:{production.port}"
            prepared = requests.Request(**case.as_transport_kwargs(base_url=server)).prepare()
            if len(prepared.path_url) > LONGEST:
                return
            response = case.call(base_url=server, headers={"Authorization": production.token}, timeout=60)
            ANSWERS[f"{mode.value} requests by the document", response.status_code] += 1
            case.validate_response(response, checks=[not_a_server_error])
            if response.status_code != 404:  # a path with a slash in it, say
                case.operation.validate_response(response)

        ask()


# ---------------------------------------------------------------- every field, every type

VALUES: list[Any] = [
    *(None, True, False, 0, -1, 1.5, 1e308, 2**70, "", "x", "\0", "\ud800", "__proto__", "a" * 10_000),
    *([], [None], [[]], [[[]]], [{}], ["x"], [1], ["Orders.count"] * 50, {}, {"": 1}, {"a": {"b": []}}),
    *({"toString": 1}, {"length": 5}, [True, "Orders.count", 5]),
]


def places(schema: Any, components: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where in a query something can stand, by the document: keys, and 0 for the first of a list."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return [] if path.count(name) > 1 else places(components[name], components, path)
    found: list[tuple[Any, ...]] = [path] if path else []
    for key, inner in schema.get("properties", {}).items():
        found += places(inner, components, (*path, key)) if len(path) < 6 else []
    if "items" in schema and len(path) < 6:
        found += places(schema["items"], components, (*path, 0))
    for inner in schema.get("anyOf", ()):
        found += places(inner, components, path) if len(path) < 6 else []
    return list(dict.fromkeys(found))


BASE = {
    "measures": ["Orders.count"],
    "dimensions": ["Orders.status"],
    "segments": ["Orders.paid"],
    "timeDimensions": [{"dimension": "Orders.createdAt", "granularity": "day"}],
    "filters": [{"member": "Orders.status", "operator": "equals", "values": ["x"]}],
    "order": [["Orders.count", "desc"]],
}


def put(place: tuple[Any, ...], value: Any) -> Any:
    """A query that has ``value`` at ``place``, with what leads there around it."""
    query = json.loads(json.dumps(BASE))
    node: Any = query
    for step, following in itertools.pairwise(place):
        fresh: Any = [] if following == 0 else {}
        if isinstance(node, list):
            node[:] = node[:1] or [fresh]
            node[0] = node[0] if isinstance(node[0], type(fresh)) else fresh
            node = node[0]
        else:
            node[step] = node[step] if isinstance(node.get(step), type(fresh)) else fresh
            node = node[step]
    if isinstance(node, list):
        node[:] = [value]
    else:
        node[place[-1]] = value
    return query


def test_every_value_in_every_field_is_answered(production: Any, schema: Any) -> None:
    components = schema.raw_schema["components"]["schemas"]
    found = places(components["Query"], components)
    assert len(found) > 40
    connection = http.client.HTTPConnection("127.0.0.1", production.port, timeout=60)
    asked = 0
    for place in found:
        for value in VALUES:
            body = json.dumps({"query": put(place, value)}).encode()
            for route in ("sql", "dry-run"):
                headers = {"Authorization": production.token, "Content-Type": "application/json"}
                connection.request("POST", f"/cubejs-api/v1/{route}", body, headers)
                response = connection.getresponse()
                answer = Answer(response.status, {}, response.read())
                assert is_an_answer(answer, "every type in every field"), (place, value, answer)
                asked += 1
    connection.close()
    assert asked > 2000


@pytest.mark.parametrize(
    "name", ["query", "queryType", "cache", "castNumerics", "format", "input", "output", "timezone"]
)
def test_every_value_of_every_parameter_is_answered(production: Any, name: str) -> None:
    for route in ("load", "sql", "dry-run", "explain", "subscribe", "cubesql", "convert-query"):
        for value in VALUES:
            body = json.dumps({"query": {"measures": ["Users.count"]}, name: value}).encode()
            path = f"/cubejs-api/v1/{route}"
            assert is_an_answer(production.ask("POST", path, body, Content_Type="application/json")), (
                route,
                value,
            )
