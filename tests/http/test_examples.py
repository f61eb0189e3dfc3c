"""The examples of the API's documentation, as printed there, on a real server."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from typing import Any

import pytest

MARCH = {
    "measures": ["Users.count"],
    "timeDimensions": [
        {"dimension": "Users.createdAt", "granularity": "day", "dateRange": ["2019-03-01", "2019-03-31"]}
    ],
}


def test_load_counts_users(production: Any) -> None:
    answer = production.get("load", {"measures": ["Users.count"]})
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    body = answer.body
    assert body["data"] == [{"Users.count": "700"}]
    assert body["query"] == {
        "measures": ["Users.count"],
        "filters": [],
        "timezone": "UTC",
        "dimensions": [],
        "timeDimensions": [],
        "limit": 10000,
        "rowLimit": 10000,
    }
    item = body["annotation"]["measures"].pop("Users.count")
    assert (item["title"], item["shortTitle"], item["type"]) == ("Users Count", "Count", "number")
    assert body["annotation"] == {"measures": {}, "dimensions": {}, "segments": {}, "timeDimensions": {}}


def test_the_printed_curl_line_works(production: Any) -> None:
    done = subprocess.run(
        [
            *("curl", "-s", "-H", f"Authorization: {production.token}", "-G", "--data-urlencode"),
            *('query={"measures":["Users.count"]}', f"http://127.0.0.1:{production.port}/cubejs-api/v1/load"),
        ],
        capture_output=True,
        check=True,
        text=True,
    )
    assert '"data":[{"Users.count":"700"}]' in done.stdout


def test_sql_shows_the_statement_without_running_it(production: Any) -> None:
    answer = production.get("sql", MARCH)
    assert answer.status == 200
    sql = answer.body["sql"]
    text, parameters = sql["sql"]
    assert "LIMIT 10000" in text or 10000 in parameters or "10000" in parameters
    assert sql["timeDimensionAlias"] == "users__created_at_day"
    assert sql["timeDimensionField"] == "Users.createdAt"
    assert sql["order"] == [{"id": "Users.createdAt", "desc": False}]
    assert sql["preAggregations"] == []
    cache_keys = sql["cacheKeyQueries"]
    assert set(cache_keys) == {"queries", "renewalThreshold"}
    assert all(isinstance(key[0], str) and isinstance(key[1], list) for key in cache_keys["queries"])


def test_sql_has_the_limit_in_its_text(production: Any) -> None:
    assert "LIMIT 10000" in production.get("sql", MARCH).body["sql"]["sql"][0]


def test_load_of_the_sql_example_gives_a_row_for_each_day(production: Any) -> None:
    rows = production.get("load", MARCH).body["data"]
    # 700 users, one an hour from 2019-03-01: 29 full days and 4 hours of the 30th.
    assert [row["Users.count"] for row in rows] == ["24"] * 29 + ["4"]
    assert [row["Users.createdAt.day"] for row in rows] == [
        f"2019-03-{day:02}T00:00:00.000" for day in range(1, 31)
    ]


def test_meta_describes_cubes_and_members(production: Any) -> None:
    answer = production.get("meta")
    assert answer.status == 200
    cubes = {cube["name"]: cube for cube in answer.body["cubes"]}
    users = cubes["Users"]
    assert {"name", "title", "connectedComponent", "measures", "dimensions", "segments"} <= set(users)
    (count,) = users["measures"]
    assert {"name", "title", "shortTitle", "aliasName", "type", "drillMembers"} <= set(count)
    assert (count["name"], count["aliasName"]) == ("Users.count", "users.count")
    created_at = next(each for each in users["dimensions"] if each["name"] == "Users.createdAt")
    assert created_at["aliasName"] == "users.created_at"
    assert {"name", "title", "type", "aliasName", "shortTitle", "suggestFilterValues"} <= set(created_at)


@pytest.mark.parametrize("endpoint", ["load", "sql", "meta"])
def test_no_token_is_403(production: Any, endpoint: str) -> None:
    answer = type(production)(production.port).get(endpoint, {"measures": ["Users.count"]})
    assert (answer.status, answer.body) == (403, {"error": "Authorization header isn't set"})


@pytest.mark.parametrize("endpoint", ["load", "sql", "meta"])
def test_a_bad_or_expired_token_is_403(production: Any, token: Callable[..., str], endpoint: str) -> None:
    for bad in ("garbage", token({}, "another secret"), token({"exp": int(time.time()) - 1})):
        answer = type(production)(production.port, bad).get(endpoint, {"measures": ["Users.count"]})
        assert (answer.status, answer.body) == (403, {"error": "Invalid token"})


def test_dev_mode_needs_no_token_and_refuses_a_bad_one(dev: Any) -> None:
    assert dev.get("load", {"measures": ["Users.count"]}).status == 200
    refused = type(dev)(dev.port, "garbage").get("load", {"measures": ["Users.count"]})
    assert (refused.status, refused.body) == (403, {"error": "Invalid token"})


@pytest.mark.parametrize("is_dev", [True, False])
def test_a_token_s_claims_reach_the_plugins(
    run: Any, make_service: Any, token: Callable[..., str], is_dev: bool
) -> None:
    seen: list[Any] = []

    def rewrite(query: Any, principal: Any) -> Any:
        seen.append(principal.claims)
        return query

    claims = {"tenant": 7, "u": {"name": "Ada"}, "list": [1]}
    client = run(make_service(rewrite_query=rewrite), dev=is_dev, token=token(claims))
    assert client.get("load", {"measures": ["Users.count"]}).status == 200
    assert dict(seen[0]) == {"tenant": 7, "u": {"name": "Ada"}, "list": (1,)}


def test_dev_mode_shows_the_request_id(dev: Any, production: Any) -> None:
    path = "/cubejs-api/v1/load?query=%7B%22measures%22:[%22Users.count%22]%7D"
    assert dev.ask("GET", path, x_request_id="abc-span-2").body["requestId"] == "abc-span-2"
    assert dev.ask("GET", path, traceparent="00-a-b-01").body["requestId"] == "00-a-b-01"
    assert dev.ask("GET", path).body["requestId"].endswith("-span-1")
    assert "requestId" not in production.ask("GET", path, x_request_id="abc").body
