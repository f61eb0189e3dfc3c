"""Builds that a client orders, in the words of Cube's orchestration API, and what is counted of them."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from tests.stored_shop import make_project

from cuboid.http.app import AuthSettings
from cuboid.project import Project

SECRET = "a-secret-that-is-long-enough-for-every-hash-function-in-use-here-512"
SELECTOR = {"contexts": [{"securityContext": {}}], "timezones": ["UTC"]}
NOTHING = "A user's selector doesn't match any of the pre-aggregations defined in the data model."


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_project(tmp_path)


@pytest.fixture
def open_client(
    run: Callable[..., Any], token: Callable[..., str], folder: Path
) -> Iterator[Callable[[], Any]]:
    """Servers of one project, as processes that know nothing of each other."""
    opened: list[Any] = []

    def open_client() -> Any:
        auth = AuthSettings(secrets=(SECRET,), scopes=("meta", "data", "jobs"))
        opened.append(run(Project.open(folder).service, auth=auth, token=token({}), metrics=True))
        return opened[-1]

    yield open_client
    for served in opened:
        served.server.stop()


@pytest.fixture
def client(open_client: Callable[[], Any]) -> Any:
    return open_client()


def jobs(client: Any, action: str, **more: Any) -> Any:
    answer = client.post("pre-aggregations/jobs", {"action": action, **more})
    assert answer.status == 200, answer.body
    return answer.body


def ended(client: Any, tokens: list[str]) -> list[dict[str, Any]]:
    """What is told of the tokens once all builds are over."""
    deadline = time.monotonic() + 60
    while True:
        told: list[dict[str, Any]] = jobs(client, "get", tokens=tokens)
        if all(each["status"] not in ("scheduled", "processing") for each in told):
            return told
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_parts_are_built_and_told_by_token(client: Any) -> None:
    tokens = jobs(client, "post", selector={**SELECTOR, "dateRange": ["2023-02-01", "2023-03-31"]})
    assert len(set(tokens)) == 2
    told = ended(client, tokens)
    assert [each["token"] for each in told] == tokens
    assert [each["table"][-9:] for each in told] == ["_20230201", "_20230301"]
    assert {each["status"] for each in told} == {"done"}
    assert told[0]["selector"] == {
        "cubes": ["orders"],
        "preAggregations": ["orders.monthly"],
        "contexts": [{"securityContext": {}}],
        "timezones": ["UTC"],
        "dataSources": ["default"],
    }
    by_token = jobs(client, "get", tokens=tokens, resType="object")
    assert by_token == {
        each["token"]: {key: value for key, value in each.items() if key != "token"} for each in told
    }


def test_an_order_builds_what_is_up_to_date_anew(client: Any, folder: Path) -> None:
    query = {"measures": ["orders.count"]}
    (before,) = client.get("load", query).body["data"]
    assert before == {"orders.count": "5000"}
    done = ended(client, jobs(client, "post", selector={**SELECTOR, "timezones": ["utc", "Asia/Tokyo"]}))
    assert [each["status"] for each in done] == ["done"] * 16
    counted = client.ask("GET", "/metrics").raw.decode()
    # Eight parts for the query and twice eight that were ordered.
    assert [line for line in counted.splitlines() if line.startswith("cuboid_rollup_builds_total")] == [
        'cuboid_rollup_builds_total{outcome="built"} 24.0',
        'cuboid_rollup_builds_total{outcome="failed"} 0.0',
    ]
    assert "cuboid_rollup_builds_running 0.0" in counted


def test_a_build_that_fails_says_why(client: Any, folder: Path) -> None:
    with duckdb.connect(str(folder / "shop.duckdb")) as connection:
        connection.execute("ALTER TABLE orders DROP COLUMN amount")
    (first, *_) = ended(client, jobs(client, "post", selector=SELECTOR))
    assert first["status"].startswith("failure: The pre-aggregation orders.monthly")
    assert "amount" in first["status"]


def test_any_process_tells_of_a_token(client: Any, open_client: Callable[[], Any]) -> None:
    tokens = jobs(client, "post", selector=SELECTOR)
    other = open_client()
    told, own = ended(other, tokens), ended(client, tokens)
    assert told == own
    assert [each["status"] for each in told] == ["done"] * 8
    counted = [each.ask("GET", "/metrics").raw.decode() for each in (client, other)]
    built = [
        float(line.split()[1])
        for text in counted
        for line in text.splitlines()
        if line.startswith('cuboid_rollup_builds_total{outcome="built"}')
    ]
    assert sum(built) == 8  # each part once, by whichever came first


def test_what_a_process_has_not_built_when_it_ends_another_one_builds(
    client: Any, open_client: Callable[[], Any]
) -> None:
    tokens = jobs(client, "post", selector=SELECTOR)
    client.server.stop()
    assert [each["status"] for each in ended(open_client(), tokens)] == ["done"] * 8


def test_why_a_build_failed_is_told_by_any_process(
    client: Any, open_client: Callable[[], Any], folder: Path
) -> None:
    with duckdb.connect(str(folder / "shop.duckdb")) as connection:
        connection.execute("ALTER TABLE orders DROP COLUMN amount")
    (first, *_) = ended(open_client(), jobs(client, "post", selector=SELECTOR))
    assert first["status"].startswith("failure: The pre-aggregation orders.monthly")
    assert "amount" in first["status"]


@pytest.mark.parametrize("change", [0, 2, 3, None])
def test_a_token_that_nobody_gave_is_not_found(client: Any, change: int | None) -> None:
    token = "0" * 32
    if change is not None:
        (given, *_) = jobs(client, "post", selector={**SELECTOR, "dateRange": ["2023-02-01", "2023-02-28"]})
        words = json.loads(base64.urlsafe_b64decode(given + "=" * (-len(given) % 4)))
        words[change] = "orders" if change != 3 else 7
        token = (
            base64.urlsafe_b64encode(json.dumps(words, separators=(",", ":")).encode()).decode().rstrip("=")
        )
    (told,) = jobs(client, "get", tokens=[token])
    assert told["status"] == "not_found"


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({}, "No job description provided"),
        ({"action": "put"}, 'Invalid Job query format: "action" must be one of [post, get]'),
        ({"action": "post"}, 'Invalid Job query format: "selector" is required'),
        ({"action": "get"}, 'Invalid Job query format: "tokens" is required'),
        (
            {"action": "get", "tokens": ["x"], "resType": "map"},
            'Invalid Job query format: "resType" must be [object]',
        ),
        (
            {"action": "post", "selector": {"contexts": [{"securityContext": {}}]}},
            'Invalid Job query format: "selector.timezones" is required',
        ),
        (
            {"action": "post", "selector": {**SELECTOR, "contexts": [{}]}},
            'Invalid Job query format: "selector.contexts[0].securityContext" is required',
        ),
        (
            {"action": "post", "selector": {**SELECTOR, "timezones": ["Mars/Olympus"]}},
            "The time zone 'Mars/Olympus' is unknown",
        ),
        ({"action": "post", "selector": {**SELECTOR, "cubes": ["users"]}}, NOTHING),
        ({"action": "post", "selector": {**SELECTOR, "datasources": ["other"]}}, NOTHING),
    ],
)
def test_what_is_wrong_with_an_order_is_told(client: Any, body: Any, text: str) -> None:
    answer = client.post("pre-aggregations/jobs", body)
    assert (answer.status, answer.body["error"]) == (400, text)


def test_without_the_scope_nobody_orders(production: Any) -> None:
    answer = production.post("pre-aggregations/jobs", {"action": "get", "tokens": ["x"]})
    assert (answer.status, answer.body["error"]) == (403, "API scope is missing: jobs")
