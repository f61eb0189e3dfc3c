"""Logs: one JSON line a request, and nothing secret in any line."""

from __future__ import annotations

import io
import json
import logging
from typing import Any

import pytest
import structlog
from tests.http.logged import read

from cuboid.http.logs import configure_logs, log, printable


def test_a_request_is_one_line_without_its_query(lines: io.StringIO, production: Any) -> None:
    path = "/cubejs-api/v1/load?query[measures][]=Users.count&secret=hidden"
    assert production.ask("GET", path, x_request_id="mine").status == 200
    (line,) = [each for each in read(lines, id="mine") if each["request_id"] == "mine"]
    assert set(line) == {"event", "level", "timestamp", "method", "path", "status", "ms", "request_id"}
    assert (line["method"], line["path"], line["status"]) == ("GET", "/cubejs-api/v1/load", 200)


def test_no_token_is_ever_in_a_line(lines: io.StringIO, production: Any, dev: Any) -> None:
    for client in (production, dev):
        for token in (production.token, "not.a.token", "Bearer secret-thing"):
            asking = type(client)(client.port, token)
            asking.get("load", {"measures": ["Users.count"]}, token="secret-thing")
            asking.get("load", "{bad")
            asking.ask("GET", "/nowhere?token=secret-thing", x_cube_authorization=token)
    assert len(read(lines)) > 1
    text = lines.getvalue()
    assert production.token not in text
    assert "not.a.token" not in text
    assert "secret-thing" not in text


def test_what_is_our_fault_is_logged_with_its_traceback_without_local_values(
    lines: io.StringIO, run: Any, make_service: Any
) -> None:
    def fail(query: Any, principal: Any) -> Any:
        password = "hunter2"
        raise ZeroDivisionError(f"bug {len(password)}")

    client = run(make_service(rewrite_query=fail), dev=True)
    assert client.get("load", {"measures": ["Users.count"]}).status == 500
    (line,) = [each for each in read(lines) if each["event"] == "failed"]
    assert "ZeroDivisionError: bug 7" in line["exception"]
    assert "in fail" in line["exception"]
    assert "password = " not in line["exception"].replace('password = "hunter2"', "")
    assert line["level"] == "error"


def test_a_client_s_mistake_has_no_traceback(lines: io.StringIO, production: Any) -> None:
    path = "/cubejs-api/v1/load?query[measures][]=Nope.count"
    assert production.ask("GET", path, x_request_id="mine").status == 400
    assert [each["event"] for each in read(lines, id="mine") if each["request_id"] == "mine"] == ["request"]


def test_other_libraries_log_in_the_same_form(lines: io.StringIO) -> None:
    logging.getLogger("elsewhere").warning("text %s", 1)
    (line,) = read(lines, "text 1")
    assert (line["event"], line["level"]) == ("text 1", "warning")


def test_a_terminal_gets_readable_lines() -> None:
    stream = io.StringIO()
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    try:
        configure_logs(stream=stream, as_json=False)
        log.info("ready", url="http://localhost:4000")
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
        structlog.reset_defaults()
    assert "ready" in stream.getvalue()
    with pytest.raises(json.JSONDecodeError):
        json.loads(stream.getvalue())


def test_client_text_cannot_forge_a_line() -> None:
    assert printable("a\nb\x1b[31mé") == "a\\nb\\x1b[31m\\xe9"
    assert len(printable("x" * 10_000)) == 500
