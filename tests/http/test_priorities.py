"""Whose statement is next, seen from outside: priorities, tenants in turn, streams beside questions."""

from __future__ import annotations

import json
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from tests.http.test_running_query import delete, load, occupy, wait_for

from cuboid.project import Project

ANN, BOB = {"sub": "ann"}, {"sub": "bob"}


def count(limit: int) -> dict[str, Any]:
    """A question of its own for each number."""
    return {"measures": ["Users.count"], "limit": limit}


def position(answer: Any) -> int:
    place: int = answer.body["stage"]["position"]
    return place


def ask(client: Any, query: object, token: str, id: str, **more: str) -> Any:
    """The answer to one poll, with the place in the queue."""
    headers = {"x_priority": more.pop("header")} if "header" in more else {}
    path = "/cubejs-api/v1/load?" + urlencode({"query": json.dumps(query), "progress": "true", **more})
    return client.ask("GET", path, Authorization=token, x_request_id=id, **headers)


@pytest.fixture
def busy(run: Any, make_service: Any, token: Any) -> Any:
    """A server whose only place is taken."""
    client = run(make_service(limit=1, wait=0.05))
    occupy(client, "first", token({"sub": "first"}))
    return client


@pytest.mark.parametrize("more", [{"priority": "-5"}, {"header": "-5"}, {"priority": "9", "header": "10"}])
def test_what_can_wait_is_behind_what_cannot(busy: Any, token: Any, more: dict[str, str]) -> None:
    ann, bob = token(ANN), token(BOB)
    assert position(ask(busy, count(1), ann, "a", **more)) == 1
    assert position(ask(busy, count(2), bob, "b")) == 1
    assert position(ask(busy, count(1), ann, "a", **more)) == 2
    [withdrawn] = delete(busy, "a", ann).body["result"]
    assert withdrawn["priority"] == int(more.get("priority", "-5"))


def test_a_run_is_as_urgent_as_the_most_urgent_who_waits_for_it(busy: Any, token: Any) -> None:
    ann, bob = token(ANN), token(BOB)
    for limit in (1, 2):
        ask(busy, count(limit), ann, f"a{limit}", priority="0")
    assert position(ask(busy, count(2), bob, "b")) == 1
    assert position(ask(busy, count(1), ann, "a1", priority="0")) == 2


def test_a_post_has_a_priority_too(busy: Any, token: Any) -> None:
    busy.token = token(ANN)
    body = json.dumps({"query": count(1), "priority": -7}).encode()
    busy.ask("POST", "/cubejs-api/v1/load", body, Content_Type="application/json", x_request_id="p")
    [withdrawn] = delete(busy, "p", token(ANN)).body["result"]
    assert withdrawn["priority"] == -7


@pytest.mark.parametrize(
    "given", [11, 10_000, -10_001, "11", "high", "", "1.0", " 1", "٣", True, 1.5, [1], {}]
)
def test_nobody_is_more_urgent_than_others(production: Any, given: object) -> None:
    answer = production.post("load", {"query": count(1), "priority": given})
    assert answer.status == 400
    assert answer.body["error"] == 'Invalid query format: "priority" must be a whole number from -10000 to 10'


@pytest.mark.parametrize(("given", "status"), [("11", 400), ("x", 400), ("10", 200), ("", 200)])
def test_the_header_is_read_likewise(production: Any, given: str, status: int) -> None:
    path = "/cubejs-api/v1/load?query=" + quote(json.dumps(count(1)))
    assert production.ask("GET", path, x_priority=given).status == status


def test_over_a_web_socket_it_is_a_parameter(production: Any, connect: Any) -> None:
    socket = connect(production, {})
    assert socket.ask(1, "load", query=count(1), priority=-5)["status"] == 200
    assert socket.ask(2, "subscribe", query=count(1), priority="-5")["status"] == 200
    for number, given in enumerate((11, "x", []), start=3):
        refused = socket.ask(number, "load", query=count(1), priority=given)
        assert refused["status"] == 400
        assert '"priority" must be a whole number' in refused["message"]["error"]


PLUGIN = """
import cuboid

@cuboid.hookimpl
def tenant(principal):
    return principal.claims.get("firm")
"""
MODEL = """
cubes:
  - name: few
    sql: SELECT range AS id FROM range(10)
    measures: [{name: count, type: count}]
    dimensions: [{name: id, type: number, sql: id, primary_key: true}]
  - name: Endless
    sql: SELECT range AS id FROM range(1000000000000)
    measures: [{name: total, type: sum, sql: "sin({CUBE}.id)"}]
    dimensions: [{name: id, type: number, sql: id, primary_key: true}]
"""


def test_a_tenant_of_many_waits_no_less_than_one_of_few(tmp_path: Path, run: Any, token: Any) -> None:
    (tmp_path / "cuboid.yml").write_text(
        "data_sources:\n  default: {driver: duckdb}\nconcurrency: 1\ncontinue_wait_timeout: 50ms\n"
    )
    (tmp_path / "cuboid_plugin.py").write_text(PLUGIN)
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "m.yml").write_text(MODEL)
    client = run(Project.open(tmp_path, environ={}).service)
    occupy(client, "first", token({"firm": "a", "sub": "first"}))

    def place(limit: int, **claims: str) -> int:
        return position(
            ask(client, {"measures": ["few.count"], "limit": limit}, token(claims), claims["sub"])
        )

    for number in range(1, 6):
        assert place(number, firm="a", sub=f"a{number}") == number
    assert place(11, firm="b", sub="b1") == 2
    assert place(12, firm="b", sub="b2") == 4
    assert place(13, sub="of no firm") == 3
    assert place(5, firm="a", sub="a5") == 8
    load(client, {"measures": ["few.count"], "limit": 1}, "x", token({"firm": "a"}))


def test_streams_leave_a_place_for_questions(run: Any, make_service: Any, token: Any) -> None:
    service = make_service(limit=2, wait=0.5)
    client = run(service, token=token(ANN))
    queue = service._data_sources["default"].queue
    path = f"/cubejs-api/v1/load?{urlencode({'query': json.dumps({'measures': ['Endless.total']})})}"
    connections = [HTTPConnection("127.0.0.1", client.port, timeout=55) for _ in range(3)]
    for connection in connections:
        connection.request("GET", path, headers={"Accept": "text/csv", "Authorization": client.token})
    wait_for(lambda: queue.snapshot().queued == 2)
    assert queue.snapshot().running == 1, "half of the two places"
    wait_for(lambda: "data" in client.get("load", count(1)).body)
    assert queue.snapshot().queued == 2
    for connection in connections:
        connection.close()
    wait_for(lambda: queue.snapshot().running == 0)
