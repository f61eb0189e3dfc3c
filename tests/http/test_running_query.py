"""``DELETE /v1/running-query/:id``, and what a client is told while it waits."""

from __future__ import annotations

import json
import threading
import time
from typing import Any
from urllib.parse import quote

import pytest

ENDLESS = {"measures": ["Endless.total"]}
SLOW = {"measures": ["Slow.total"]}
COUNT = {"measures": ["Users.count"]}
NONE = {"result": []}


def load(client: Any, query: object, request_id: str, token: str, **headers: str) -> Any:
    path = "/cubejs-api/v1/load?query=" + quote(json.dumps(query))
    return client.ask("GET", path, x_request_id=request_id, Authorization=token, **headers)


def delete(client: Any, request_id: str, token: str) -> Any:
    path = "/cubejs-api/v1/running-query/" + quote(request_id, safe="")
    return client.ask("DELETE", path, Authorization=token)


def wait_for(condition: Any) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def occupy(client: Any, request_id: str, token: str) -> None:
    """Once an endless query of that id runs; the first answers may come from before the database is open."""

    def runs() -> bool:
        body = load(client, ENDLESS, request_id, token, x_progress="true").body
        return bool(body["stage"]["stage"] == "Executing query")

    wait_for(runs)


class Asked:
    """A request that is waited for in a thread."""

    def __init__(self, *arguments: Any) -> None:
        self._answers: list[Any] = []
        self._thread = threading.Thread(target=lambda: self._answers.append(load(*arguments)))
        self._thread.start()

    def answer(self) -> Any:
        self._thread.join()
        return self._answers[0]


def test_the_owner_cancels_a_running_query(run: Any, make_service: Any, token: Any) -> None:
    service = make_service(limit=1, wait=60)
    client = run(service)
    driver = service._data_sources["default"].driver
    asked = Asked(client, ENDLESS, "abc-span-1", token({"sub": "ann"}))
    wait_for(lambda: driver.runs == 1)
    # The same principal, with another token and without the count behind the id.
    answer = delete(client, "abc", token({"sub": "ann", "iat": 1, "jti": "x"}))
    assert answer.status == 200
    [entry] = answer.body["result"]
    assert set(entry) == {
        *("queueId", "queryHandler", "query", "queryKey", "stageQueryKey", "priority", "requestId"),
        *("addedToQueueTime", "startQueryTime", "status", "stopped"),
    }
    assert (entry["requestId"], entry["priority"], entry["status"]) == ("abc", 10, ["active"])
    assert "SELECT" not in answer.raw.decode()
    cancelled = asked.answer()
    assert (cancelled.status, cancelled.body["error"]) == (400, "Error: The query was cancelled.")
    # There is one place, and the endless run held it.
    assert load(client, COUNT, "next", token({"sub": "ann"})).body["data"] == [{"Users.count": "700"}]
    assert delete(client, "abc", token({"sub": "ann"})).body == NONE


def test_a_query_that_was_told_to_wait_is_cancelled_too(run: Any, make_service: Any, token: Any) -> None:
    service = make_service(limit=1, wait=0.05)
    client = run(service)
    occupy(client, "abc-span-1", token({"sub": "ann"}))
    assert load(client, COUNT, "queued", token({"sub": "ann"})).body == {"error": "Continue wait"}
    [queued] = delete(client, "queued", token({"sub": "ann"})).body["result"]
    assert (queued["status"], "startQueryTime" in queued) == (["toProcess"], False)
    [running] = delete(client, "abc-span-2", token({"sub": "ann"})).body["result"]
    assert (running["status"], running["stopped"]) == (["active"], True)


@pytest.mark.parametrize("other", [{"sub": "bob"}, {}, {"sub": "ann", "role": "admin"}])
def test_nobody_else_may(run: Any, make_service: Any, token: Any, other: dict[str, str]) -> None:
    client = run(make_service(limit=1, wait=0.05))
    occupy(client, "abc-span-1", token({"sub": "ann"}))
    assert delete(client, "abc", token(other)).body == NONE
    assert delete(client, "nope", token({"sub": "ann"})).body == NONE
    [entry] = delete(client, "abc", token({"sub": "ann"})).body["result"]
    assert entry["stopped"]


def test_others_who_wait_for_the_same_rows_keep_waiting(run: Any, make_service: Any, token: Any) -> None:
    service = make_service(limit=1, wait=60)
    client = run(service)
    driver = service._data_sources["default"].driver
    anns = Asked(client, SLOW, "abc", token({"sub": "ann"}))
    wait_for(lambda: driver.runs == 1)
    bobs = Asked(client, SLOW, "xyz", token({"sub": "bob"}))
    queue = service._data_sources["default"].queue
    wait_for(lambda: len(next(iter(queue._runs.values())).callers) == 2)
    [entry] = delete(client, "abc", token({"sub": "ann"})).body["result"]
    assert entry["stopped"] is False
    assert anns.answer().status == 400
    assert int(bobs.answer().body["data"][0]["Slow.total"]) > 0
    assert driver.runs == 1


def test_who_joins_a_run_is_told_of_nobody_else(run: Any, make_service: Any, token: Any) -> None:
    service = make_service(limit=1, wait=60)
    client = run(service)
    driver = service._data_sources["default"].driver
    anns = Asked(client, ENDLESS, "abc", token({"sub": "ann"}))
    wait_for(lambda: driver.runs == 1)
    path = "/cubejs-api/v1/load?priority=5&query=" + quote(json.dumps(ENDLESS))
    bob = {"x_request_id": "xyz", "Authorization": token({"sub": "bob"})}
    bobs = threading.Thread(target=lambda: client.ask("GET", path, **bob))
    bobs.start()
    queue = service._data_sources["default"].queue
    wait_for(lambda: len(next(iter(queue._runs.values())).callers) == 2)
    answer = delete(client, "xyz", token({"sub": "bob"}))
    [entry] = answer.body["result"]
    assert (entry["requestId"], entry["query"]["requestId"]) == ("xyz", "xyz")
    assert (entry["priority"], entry["stopped"]) == (5, False)
    assert "abc" not in json.dumps({**entry, "queryKey": "", "stageQueryKey": "", "query": {}, "queueId": ""})
    bobs.join()
    [entry] = delete(client, "abc", token({"sub": "ann"})).body["result"]
    assert (entry["requestId"], entry["priority"], entry["stopped"]) == ("abc", 10, True)
    anns.answer()


def test_it_needs_a_token_and_is_for_delete_alone(production: Any) -> None:
    path = "/cubejs-api/v1/running-query/abc"
    assert production.ask("DELETE", path, Authorization="").status == 403
    assert production.ask("GET", path).status == 404
    assert production.ask("DELETE", "/cubejs-api/v1/running-query/").status == 404
    assert production.ask("DELETE", path + "/more").status == 404


# ---------------------------------------------------------------- progress


def test_who_asks_for_it_is_told_the_stage_and_the_position(run: Any, make_service: Any, token: Any) -> None:
    client = run(make_service(limit=1, wait=0.05), token=token({}))
    occupy(client, "abc", token({}))
    assert client.get("load", ENDLESS).body == {"error": "Continue wait"}
    body = client.get("load", ENDLESS, progress="true").body
    assert body["error"] == "Continue wait"
    assert body["stage"] == {"stage": "Executing query", "timeElapsed": body["timeElapsed"]}
    assert body["timeElapsed"] >= 50
    body = load(client, COUNT, "x", token({}), x_progress="true").body
    assert body["stage"] == {"stage": "#1 in queue", "timeElapsed": 0, "position": 1}
    other = {"measures": ["Orders.count"]}
    assert client.get("load", other, progress="true").body["stage"]["position"] == 2


def test_a_client_that_repeats_at_once_is_held_each_time(run: Any, make_service: Any, token: Any) -> None:
    """So that it cannot keep the server busy: no answer comes before the wait is over or the rows are there."""
    client = run(make_service(limit=1, wait=0.2), token=token({}))
    began, polls = time.monotonic(), 0
    while client.get("load", SLOW).body == {"error": "Continue wait"}:
        polls += 1
    assert polls * 0.2 <= time.monotonic() - began


def test_relative_dates_stay_while_a_client_repeats_its_request(
    run: Any, make_service: Any, token: Any
) -> None:
    service = make_service(limit=1, wait=0.02)
    client = run(service, token=token({}))
    driver = service._data_sources["default"].driver
    occupy(client, "endless-span-1", token({}))
    moving = {
        "measures": ["Orders.count"],
        "timeDimensions": [{"dimension": "Orders.createdAt", "dateRange": "last 2 seconds"}],
    }
    began = time.monotonic()
    number = 0
    while time.monotonic() < began + 2.1:  # so that the words have another meaning at the end
        number += 1
        answer = load(client, moving, f"abc-span-{number}", token({}), x_progress="true")
        assert answer.body["stage"]["position"] == 1
    delete(client, "endless", token({}))
    while "error" in (body := load(client, moving, "abc-span-0", token({})).body):
        assert body == {"error": "Continue wait"}
    assert body["data"] == [{"Orders.count": "0"}]
    assert driver.runs == 2


# ---------------------------------------------------------------- full


def test_a_full_queue_says_so(run: Any, make_service: Any, token: Any) -> None:
    client = run(make_service(limit=1, wait=0.01, waiting=2))
    occupy(client, "1", token({"sub": "ann"}))
    assert load(client, SLOW, "2", token({"sub": "ann"})).status == 200
    answer = load(client, COUNT, "3", token({"sub": "ann"}))
    assert (answer.status, answer.headers["retry-after"]) == (503, "5")
    assert answer.body["error"] == "Error: Too many of your queries are waiting for the database (1)."
    assert load(client, COUNT, "4", token({"sub": "bob"})).status == 200
    answer = load(client, {"measures": ["Orders.count"]}, "5", token({"sub": "cid"}))
    assert (answer.status, answer.body["error"]) == (
        503,
        "Error: Too many queries are waiting for the database (2).",
    )
