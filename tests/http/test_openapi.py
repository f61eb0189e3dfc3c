"""The OpenAPI document: complete, valid, and true of what the server really takes and answers."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import jsonschema_rs
import pytest

from cuboid.errors import InvalidQuery
from cuboid.http.app import Route, make_app
from cuboid.http.settings import AuthSettings, HttpSettings
from cuboid.query.operators import OPERATORS
from cuboid.query.parse import parse

QUERY = {
    "measures": ["Orders.count"],
    "dimensions": ["Orders.status"],
    "timeDimensions": [
        {"dimension": "Orders.createdAt", "granularity": "day", "dateRange": ["2024-01-01", "2024-01-03"]}
    ],
    "filters": [
        {
            "or": [
                {"member": "Orders.status", "operator": "set"},
                {"member": "Orders.status", "operator": "notSet"},
            ]
        }
    ],
    "order": [["Orders.count", "desc"]],
    "limit": 10,
    "total": True,
}
COMPARISON = {
    "measures": ["Orders.count"],
    "timeDimensions": [
        {
            "dimension": "Orders.createdAt",
            "granularity": "day",
            "compareDateRange": [["2024-01-01", "2024-01-02"], ["2024-01-08", "2024-01-09"]],
        }
    ],
}


@pytest.fixture(scope="module")
def document(production: Any) -> dict[str, Any]:
    answer = type(production)(production.port).ask("GET", "/cubejs-api/openapi.json")
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    found: dict[str, Any] = answer.body
    return found


def validator(document: Mapping[str, Any], schema: Mapping[str, Any]) -> Any:
    return jsonschema_rs.validator_for(
        {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            **schema,
            "components": document["components"],
        }
    )


def test_every_route_of_the_application_is_in_the_document(
    make_service: Any, document: dict[str, Any]
) -> None:
    app = make_app(make_service(), HttpSettings(AuthSettings(secrets=("x",)), metrics=True))
    routes = [rule.matcher for rule in app.wildcard_router.rules if isinstance(rule.matcher, Route)]
    assert len(routes) >= 12
    served = {
        (route.path, method.lower()) for route in routes for method in route.methods if method != "HEAD"
    }
    without_metrics = served - {("/metrics", "get")}
    assert {
        (path, method) for path, methods in document["paths"].items() for method in methods
    } == without_metrics


def test_a_server_with_metrics_says_so(run: Any, make_service: Any) -> None:
    assert (
        "/metrics" in run(make_service(), metrics=True).ask("GET", "/cubejs-api/openapi.json").body["paths"]
    )


def test_the_document_is_valid(document: dict[str, Any]) -> None:
    assert re.fullmatch(r"3\.1\.\d", document["openapi"])
    for schema in document["components"]["schemas"].values():
        validator(document, schema)
    references = re.findall(r'"\$ref": "#/components/schemas/(\w+)"', json.dumps(document))
    assert set(references) == set(document["components"]["schemas"])
    names = [each["operationId"] for methods in document["paths"].values() for each in methods.values()]
    assert len(names) == len(set(names))
    for methods in document["paths"].values():
        for operation in methods.values():
            assert operation["summary"]
            assert operation["responses"]


@pytest.mark.parametrize(
    ("route", "parameters"),
    [
        ("load", {"query": QUERY}),
        ("load", {"query": {**QUERY, "responseFormat": "compact"}}),
        ("load", {"query": {**QUERY, "responseFormat": "columnar"}, "queryType": "multi"}),
        ("load", {"query": COMPARISON, "queryType": "multi"}),
        ("load", {"query": COMPARISON}),
        ("load", {"query": {"measures": ["Orders.nope"]}}),
        ("load", {"query": {"measures": 5}}),
        ("load", {}),
        ("subscribe", {"query": QUERY}),
        ("sql", {"query": QUERY}),
        ("sql", {"query": COMPARISON}),
        ("sql", {"query": QUERY, "format": "sql"}),
        ("dry-run", {"query": QUERY}),
        ("dry-run", {"query": COMPARISON}),
        ("explain", {"query": QUERY}),
        ("explain", {"query": COMPARISON}),
        ("meta", {}),
        ("meta", {"extended": ""}),
        ("meta", {"onlyViews": "true"}),
        ("convert-query", {"input": "sql", "output": "rest", "query": "SELECT 1"}),
        ("cubesql", {"query": "SELECT 1"}),
        ("invalidate", {"cubes": ["Orders"]}),
    ],
)
@pytest.mark.parametrize("server", ["production", "dev", "nobody"])
def test_answers_are_what_the_document_says(
    request: pytest.FixtureRequest,
    document: dict[str, Any],
    server: str,
    route: str,
    parameters: dict[str, Any],
) -> None:
    client = request.getfixturevalue("production" if server == "nobody" else server)
    if server == "nobody":
        client = type(client)(client.port)
    for method, operation in document["paths"][f"/cubejs-api/v1/{route}"].items():
        if method == "post":
            answer = client.post(route, parameters)
        else:
            texts = {
                key: value if isinstance(value, str) else json.dumps(value)
                for key, value in parameters.items()
            }
            answer = client.get(route, **texts)
        described = operation["responses"][str(answer.status)]["content"]["application/json"]["schema"]
        validator(document, described).validate(answer.body)


@pytest.mark.parametrize("path", ["/readyz", "/livez"])
def test_probes_answer_what_the_document_says(production: Any, document: dict[str, Any], path: str) -> None:
    described = document["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    validator(document, described).validate(production.ask("GET", path).body)


@pytest.mark.parametrize(
    "name", ["load_td_day", "load_filters", "load_compare", "load_blending", "load_dim_order", "sql_td"]
)
def test_recorded_queries_are_queries_of_the_document(
    document: dict[str, Any], recorded: Any, name: str
) -> None:
    body = document["paths"]["/cubejs-api/v1/load"]["post"]["requestBody"]["content"]["application/json"][
        "schema"
    ]
    query = recorded(name)["request"]["params"]["query"]
    validator(document, body).validate({"query": json.loads(query) if isinstance(query, str) else query})


def test_the_keys_of_a_query_are_those_that_are_read(document: dict[str, Any]) -> None:
    schema = document["components"]["schemas"]["Query"]
    for key in schema["properties"]:
        with pytest.raises(InvalidQuery) as caught:
            parse({"measures": ["a.b"], key: {}, "stranger": 1})
        assert f'"{key}" is not allowed' not in str(caught.value)
    operators = document["components"]["schemas"]["Filter"]["anyOf"][0]["properties"]["operator"]["enum"]
    assert operators == list(OPERATORS)


def test_the_page_shows_every_route_and_needs_nothing_from_elsewhere(
    production: Any, document: dict[str, Any]
) -> None:
    answer = type(production)(production.port).ask("GET", "/cubejs-api/docs")
    assert (answer.status, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    text = answer.raw.decode()
    for path in document["paths"]:
        assert f"<code>{path}</code>" in text
    for name in document["components"]["schemas"]:
        assert f'id="{name}"' in text
    assert re.findall(r"<script|src=|https?://", text) == []
    assert re.findall(r'href="([^"]*)"', text) == ["openapi.json"]
