"""Slow queries: Continue wait, one run for all who ask, and no run for those who have left."""

from __future__ import annotations

import json
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import quote

import pytest

SLOW = {"measures": ["Slow.total"]}
ENDLESS = {"measures": ["Endless.total"]}
COUNT = {"measures": ["Users.count"]}
WAIT = {"error": "Continue wait"}


def ask_on(client: Any, query: object) -> tuple[Any, int]:
    """The final answer, and how often the client was told to wait."""
    waits = 0
    while True:
        answer = client.get("load", query)
        assert answer.status == 200, answer.raw
        if answer.body != WAIT:
            return answer.body, waits
        waits += 1


def test_a_slow_query_is_asked_for_again_until_it_is_there(run: Any, make_service: Any) -> None:
    client = run(make_service(wait=0.05), dev=False, token=None, auth=no_auth())
    body, waits = ask_on(client, SLOW)
    assert waits > 0
    assert int(body["data"][0]["Slow.total"]) > 0


def no_auth() -> Any:
    """Without tokens but not in dev mode: bodies are those of production."""
    from cuboid.http.app import AuthSettings

    return AuthSettings(required=False)


def test_dev_mode_shows_the_request_id_while_waiting(run: Any, make_service: Any) -> None:
    client = run(make_service(wait=0.01), dev=True)
    path = "/cubejs-api/v1/load?query=" + quote(json.dumps(ENDLESS))
    answer = client.ask("GET", path, x_request_id="mine")
    assert (answer.status, answer.body) == (200, {**WAIT, "requestId": "mine"})


def test_ten_clients_share_one_run(run: Any, make_service: Any) -> None:
    service = make_service(wait=0.2)
    client = run(service, auth=no_auth())
    driver = service._data_sources["default"].driver
    with ThreadPoolExecutor(10) as pool:
        outcomes = list(pool.map(lambda _: ask_on(client, SLOW), range(10)))
    assert len({body["data"][0]["Slow.total"] for body, _ in outcomes}) == 1
    assert driver.runs == 1


def open_request(port: int, query: object) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), timeout=60)
    path = "/cubejs-api/v1/load?query=" + quote(json.dumps(query))
    connection.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    return connection


def wait_for(condition: Any) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize("abrupt", [True, False])
def test_a_client_that_leaves_stops_its_run_in_the_database(
    run: Any, make_service: Any, abrupt: bool
) -> None:
    service = make_service(limit=1, wait=60)
    client = run(service, auth=no_auth())
    driver = service._data_sources["default"].driver
    connection = open_request(client.port, ENDLESS)
    wait_for(lambda: driver.runs == 1)
    if abrupt:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
    connection.close()
    # There is one place, and the endless run held it.
    body, _ = ask_on(client, COUNT)
    assert body["data"] == [{"Users.count": "700"}]


def test_a_run_goes_on_for_those_who_stay(run: Any, make_service: Any) -> None:
    service = make_service(limit=1, wait=60)
    client = run(service, auth=no_auth())
    driver = service._data_sources["default"].driver
    leaving = open_request(client.port, SLOW)
    wait_for(lambda: driver.runs == 1)
    bodies: list[Any] = []
    staying = threading.Thread(target=lambda: bodies.append(ask_on(client, SLOW)[0]))
    staying.start()
    leaving.close()
    staying.join()
    assert int(bodies[0]["data"][0]["Slow.total"]) > 0


def test_the_server_answers_others_while_a_query_runs(run: Any, make_service: Any) -> None:
    client = run(make_service(wait=60), auth=no_auth())
    connection = open_request(client.port, ENDLESS)
    for _ in range(20):
        assert client.get("load", COUNT).status == 200
    connection.close()


def test_a_missing_table_is_one_failed_answer(run: Any, make_service: Any) -> None:
    client = run(make_service(), auth=no_auth())
    answer = client.get("load", {"measures": ["Missing.count"]})
    assert answer.status == 400
    assert answer.body["error"].startswith("Error: ")
    assert "nothing" in answer.body["error"]
    assert client.get("load", COUNT).status == 200
