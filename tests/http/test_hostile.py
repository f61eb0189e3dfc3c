"""Clients that mean harm: too deep, too wide, too slow, too large, not UTF-8. Others are answered meanwhile, no answer
is a 500, and memory stays as it was."""

from __future__ import annotations

import gzip
import json
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import psutil
import pytest
from tests.http.fuzzing import is_an_answer
from tests.http.garbage import go_away, nothing_left

REFUSED = {400, 403, 404, 413, 414, 431}


def raw(port: int, request: bytes, *, reads: int = 200) -> bytes:
    """The beginning of the answer to bytes as they are; empty if the connection is closed without one."""
    with socket.create_connection(("127.0.0.1", port), timeout=55) as connection:
        try:
            connection.sendall(request)
            return connection.recv(reads)
        except ConnectionError:
            return b""


def status(answer: bytes) -> int:
    """0 for no answer."""
    return int(answer.split()[1]) if answer.startswith(b"HTTP/1.1 ") else 0


@contextmanager
def flat_memory(most: int = 60_000_000) -> Iterator[None]:
    """What is done takes no more than ``most`` bytes for good."""
    process = psutil.Process(os.getpid())
    before = process.memory_info().rss
    yield
    assert process.memory_info().rss - before < most


@contextmanager
def answered_meanwhile(production: Any) -> Iterator[None]:
    """Another client goes on asking and is answered each time."""
    stop = threading.Event()
    answers: list[int] = []

    def ask() -> None:
        while not stop.is_set():
            answers.append(production.get("sql", {"measures": ["Users.count"]}).status)

    other = threading.Thread(target=ask)
    other.start()
    try:
        yield
    finally:
        stop.set()
        other.join(60)
    assert answers
    assert set(answers) == {200}


def post(production: Any, body: bytes, route: str = "load", **headers: str) -> Any:
    return production.ask("POST", f"/cubejs-api/v1/{route}", body, Content_Type="application/json", **headers)


BOMBS: dict[str, bytes] = {
    "arrays": b'{"query": ' + b"[" * 200_000 + b"]" * 200_000 + b"}",
    "arrays that do not end": b'{"query": ' + b"[" * 1_000_000,
    "objects": b'{"query": ' + b'{"a":' * 200_000 + b"1" + b"}" * 200_000 + b"}",
    "filters": b'{"query": {"measures": ["Orders.count"], "filters": ['
    + b'{"or": [' * 50_000
    + b"]}" * 50_000
    + b"]}}",
    "text in text": json.dumps({"query": "[" * 500_000}).encode(),
    "a number of a million digits": b'{"query": {"limit": ' + b"9" * 1_000_000 + b"}}",
    "a fraction of a million digits": b'{"query": {"limit": 0.' + b"9" * 1_000_000 + b"}}",
    "an exponent": b'{"query": {"limit": 1e999999999}}',
    "one key a hundred thousand times": b'{"query": {' + b'"measures": [],' * 100_000 + b'"limit": 1}}',
    "a hundred thousand keys": json.dumps({"query": {f"k{number}": 1 for number in range(100_000)}}).encode(),
    "small objects": b'{"query": {"filters": [' + b'{"a":[]},' * 1_000_000 + b"{}]}}",
    "small objects in a text": json.dumps({"query": '[{"a":[]}' + ',{"a":[]}' * 1_000_000 + "]"}).encode(),
    "a text of ten megabytes": json.dumps({"query": {"timezone": "x" * 10_000_000}}).encode(),
    "a member of a megabyte": json.dumps({"query": {"measures": ["Orders." + "x" * 1_000_000]}}).encode(),
    "dots": json.dumps({"query": {"measures": ["." * 100_000]}}).encode(),
}


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_are_refused_while_others_are_answered(production: Any, name: str) -> None:
    production.get("meta")
    with flat_memory(150_000_000), answered_meanwhile(production):
        for _ in range(3):
            answer = post(production, BOMBS[name])
            assert answer.status in REFUSED
            assert answer.body["error"]


@pytest.mark.parametrize(
    "key", ["measures", "dimensions", "segments", "timeDimensions", "filters", "order", "joinHints"]
)
@pytest.mark.parametrize(
    "item", ["Orders.count", None, {}, [], {"member": "Orders.status", "operator": "set"}]
)
def test_arrays_of_a_hundred_thousand_are_answered(production: Any, key: str, item: Any) -> None:
    for route in ("load", "dry-run"):
        assert is_an_answer(post(production, json.dumps({"query": {key: [item] * 100_000}}).encode(), route))


def test_values_and_queries_by_the_hundred_thousand_are_answered(production: Any) -> None:
    leaf = {"member": "Orders.status", "operator": "equals", "values": ["x"] * 100_000}
    with answered_meanwhile(production):
        assert is_an_answer(post(production, json.dumps({"query": {"filters": [leaf]}}).encode()))
        many = [{"measures": ["Orders.count"]}] * 100_000
        assert is_an_answer(post(production, json.dumps({"query": many, "queryType": "multi"}).encode()))


@pytest.mark.parametrize(
    "field", [b"a=b&", b"query[measures][]=x&", b"query[a][b][c][d][e][f][g]=1&", b"&", b"%&", b"=&"]
)
def test_a_million_fields_in_a_query_string_are_not_read(production: Any, field: bytes) -> None:
    head = f"Host: x\r\nAuthorization: {production.token}\r\n\r\n".encode()
    many = b"GET /cubejs-api/v1/load?" + field * 1_000_000 + b" HTTP/1.1\r\n" + head
    few = b"GET /cubejs-api/v1/load?" + field * (50_000 // len(field)) + b" HTTP/1.1\r\n" + head
    form = field * 1_000_000

    def attack() -> None:
        assert status(raw(production.port, many)) in {0, *REFUSED}
        assert status(raw(production.port, few)) in REFUSED
        path = "/cubejs-api/v1/load"
        answer = production.ask("POST", path, form, Content_Type="application/x-www-form-urlencoded")
        assert answer.status in REFUSED

    attack()  # what the allocator keeps for the next time
    with flat_memory(), answered_meanwhile(production):
        for _ in range(3):
            attack()


NOT_UTF8 = b"\xff\xfe\xc0\x80\xed\xa0\x80\xf8"


@pytest.mark.parametrize(
    "request_line",
    [
        b"GET /cubejs-api/v1/load?query=" + NOT_UTF8,
        b"GET /cubejs-api/v1/load?query=%ff%fe%c0%80%ed%a0%80",
        b"GET /cubejs-api/v1/load?" + NOT_UTF8 + b"=1",
        b"GET /cubejs-api/v1/load?query[%ff]=1&query[measures][]=%ed%a0%80",
        b"GET /" + NOT_UTF8,
        b"GET /%ff%fe/..%2f..%2fetc/passwd",
        b"GET //cubejs-api//v1//load",
        b"GET /cubejs-api/v1/load/../meta",
        b"DELETE /cubejs-api/v1/running-query/%ff%00%0d%0aX:%20y",
        NOT_UTF8 + b" /cubejs-api/v1/load",
        b"GET http://[::1",
        b"OPTIONS *",
        b"CONNECT x:1",
        b"PRI * HTTP/2.0\r\n\r\nSM",
        b"GET",
        b"",
    ],
)
@pytest.mark.parametrize("header", [b"X-Request-Id: ", b"Accept: ", b"Origin: ", b"Content-Length: -"])
def test_bytes_that_are_not_utf_8_are_answered(production: Any, request_line: bytes, header: bytes) -> None:
    token = f"Authorization: {production.token}".encode()
    answer = raw(
        production.port,
        b"\r\n".join((request_line + b" HTTP/1.1", b"Host: x", token, header + NOT_UTF8, b"", b"")),
    )
    assert status(answer) < 500
    assert production.get("meta").status == 200


BODIES = [NOT_UTF8, b'{"query": "' + NOT_UTF8 + b'"}', b'{"query": {"timezone": "\\ud800"}}', b"\0" * 100]


@pytest.mark.parametrize("body", BODIES)
def test_bodies_that_are_not_utf_8_are_answered(production: Any, body: bytes) -> None:
    assert is_an_answer(post(production, body))


def test_a_body_that_grows_when_it_is_unpacked_is_cut_off(production: Any) -> None:
    bomb = gzip.compress(b" " * 200_000_000, 9)
    assert len(bomb) < 300_000
    production.get("meta")
    with flat_memory(150_000_000), answered_meanwhile(production):
        for _ in range(3):
            head = f"Authorization: {production.token}\r\nContent-Length: {len(bomb)}\r\n".encode()
            request = (
                b"POST /cubejs-api/v1/load HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                b"Content-Encoding: gzip\r\n" + head + b"\r\n" + bomb
            )
            assert status(raw(production.port, request)) in {0, 400, 413}


POST = b"POST /cubejs-api/v1/load HTTP/1.1\r\nHost: x\r\nAuthorization: %s\r\n"


@pytest.mark.parametrize(
    "beginning",
    [
        b"",
        b"G",
        b"GET /cubejs-api/v1/load HTTP/1.1\r\nHost: x\r\nX-Slow: ",
        POST + b"Content-Length: 1000000\r\n\r\n{",
        POST + b"Transfer-Encoding: chunked\r\n\r\n5\r\n{",
    ],
)
def test_three_hundred_clients_that_send_a_byte_now_and_then_hold_up_nobody(
    production: Any, beginning: bytes
) -> None:
    start = beginning.replace(b"%s", production.token.encode())
    with flat_memory(), ExitStack() as stack:
        slow = [
            stack.enter_context(socket.create_connection(("127.0.0.1", production.port), timeout=55))
            for _ in range(300)
        ]
        for connection in slow:
            connection.sendall(start)
        with answered_meanwhile(production):
            for _ in range(5):
                for connection in slow:
                    connection.sendall(b"a")
    assert production.get("meta").status == 200


def test_clients_that_go_away_in_the_midst_leave_nothing_behind(production: Any) -> None:
    body = POST.replace(b"%s", production.token.encode()) + b"Content-Length: 99\r\n\r\n{"
    with flat_memory():
        for beginning in (b"GET /cubejs-api/v1/meta HTTP/1.1\r\nAuthor", body) * 100:
            with socket.create_connection(("127.0.0.1", production.port), timeout=55) as connection:
                connection.sendall(beginning)
    assert production.get("meta").status == 200


def test_an_error_that_a_client_does_not_wait_for_is_not_kept(production: Any) -> None:
    body = json.dumps({"query": {"measures": [f"Orders.{'x' * 8_000_000}"]}}).encode()
    head = POST.replace(b"%s", production.token.encode()) + b"Content-Type: application/json\r\n"
    with nothing_left():
        for _ in range(3):
            go_away(production.port, head + b"Content-Length: %d\r\n\r\n" % len(body) + body)


def test_many_requests_in_one_packet_are_answered_one_by_one(production: Any) -> None:
    one = f"GET /cubejs-api/v1/sql HTTP/1.1\r\nHost: x\r\nAuthorization: {production.token}\r\n\r\n".encode()
    with socket.create_connection(("127.0.0.1", production.port), timeout=55) as connection:
        connection.sendall(one * 50)
        received = b""
        while received.count(b"HTTP/1.1 400 Bad Request") < 50:
            chunk = connection.recv(65536)
            assert chunk
            received += chunk
    assert received.count(b"Query param is required") == 50


def test_more_values_than_any_request_has_are_not_read(production: Any) -> None:
    answer = post(production, BOMBS["small objects"])
    assert answer.status == 400
    assert answer.body["error"] == "The request is too large: it has more than 500,000 values."
