"""Queries in SQL: refused, in the shapes in which Cube's clients expect it."""

from __future__ import annotations

from typing import Any

import pytest

NONE = "Error: SQL interface is not initialized. Please enable the SQL interface in your settings."


@pytest.mark.parametrize("extra", [{}, {"throwContinueWait": True, "timezone": "UTC", "cache": "no-cache"}])
def test_cubesql_says_that_there_is_no_sql_interface(production: Any, extra: dict[str, Any]) -> None:
    answer = production.post("cubesql", {"query": "SELECT 1", **extra})
    assert (answer.status, answer.body["error"]) == (400, NONE)
    assert "/v1/load" in answer.body["hint"]


def test_sql_of_a_query_in_sql_says_the_same(production: Any) -> None:
    answer = production.get("sql", "SELECT 1", format="sql", disable_post_processing="true")
    assert (answer.status, answer.body["error"]) == (400, NONE)


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({}, 'Invalid query format: "query" is required'),
        ({"query": ""}, 'Invalid query format: "query" is required'),
        ({"query": 1}, 'Invalid query format: "query" must be a string'),
        ({"query": "SELECT 1", "foo": 1}, 'Invalid query format: "foo" is not allowed'),
    ],
)
def test_cubesql_names_mistakes_first(production: Any, body: dict[str, Any], text: str) -> None:
    answer = production.post("cubesql", body)
    assert (answer.status, answer.body["error"]) == (400, text)


def test_convert_query_cannot_convert(production: Any) -> None:
    answer = production.post("convert-query", {"input": "sql", "output": "rest", "query": "SELECT 1"})
    assert answer.status == 200
    assert answer.body["status"] == "error"
    assert answer.body["error"] == "Provided sql query can not be converted to rest query."


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (
            {"input": "x", "output": "rest", "query": "SELECT 1"},
            "Error: Unexpected input parameter value 'x'",
        ),
        (
            {"input": "sql", "output": "y", "query": "SELECT 1"},
            "Error: Unexpected output parameter value 'y'",
        ),
        ({"input": "sql", "output": "rest"}, "Error: query parameter must be a non-empty string"),
    ],
)
def test_convert_query_names_wrong_parameters(production: Any, body: dict[str, Any], text: str) -> None:
    answer = production.post("convert-query", body)
    assert (answer.status, answer.body["error"]) == (400, text)


@pytest.mark.parametrize("endpoint", ["cubesql", "convert-query"])
def test_both_are_for_post_alone(production: Any, endpoint: str) -> None:
    assert production.get(endpoint).status == 404


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_subscription_over_http_is_a_load(production: Any, method: str) -> None:
    query = {"measures": ["Users.count"]}
    if method == "GET":
        answer = production.get("subscribe", query, queryType="multi")
    else:
        answer = production.post("subscribe", {"query": query, "queryType": "multi"})
    assert answer.status == 200
    assert answer.body["results"][0]["data"] == [{"Users.count": "700"}]
