"""The error table: each class has its status, bodies have Cube's text and never more than the mode allows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from cuboid import errors
from cuboid.errors import CuboidError
from cuboid.http.errors import describe, status_of


def classes(root: type[CuboidError]) -> Iterator[type[CuboidError]]:
    yield root
    for child in root.__subclasses__():
        yield from classes(child)


def body(error: BaseException, *, dev: bool = False) -> dict[str, Any]:
    return dict(describe(error, dev=dev, request_id="r").body)


def test_users_mistakes_are_4xx_and_only_bugs_are_500() -> None:
    statuses = {each.__name__: status_of(each) for each in classes(CuboidError)}
    bugs = {"CuboidError", "InternalError"}
    assert {name for name, status in statuses.items() if status == 500} == bugs
    assert statuses["QueueFull"] == 503
    assert statuses["Unauthenticated"] == statuses["Forbidden"] == 403
    others = set(statuses) - bugs - {"QueueFull", "Unauthenticated", "Forbidden"}
    assert {statuses[name] for name in others} == {400}
    assert 502 not in statuses.values()  # Cube's client would repeat the request for ever


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (
            errors.InvalidQuery("no", path="filters[0]", hint="do"),
            {"error": "no", "hint": "do", "path": "filters[0]"},
        ),
        (
            errors.UnknownMember("x not found", path="measures[0]", suggestions=["a.b"]),
            {
                "type": "UserError",
                "error": "x not found",
                "hint": "Did you mean 'a.b'?",
                "path": "measures[0]",
                "suggestions": ("a.b",),
            },
        ),
        (
            errors.NoJoinPath(["a", "b"]),
            {"type": "UserError", "error": "Can't find join path to join 'a', 'b'"},
        ),
        (errors.QueryFailed("no such table"), {"error": "Error: no such table"}),
        (errors.ConnectionFailed("down"), {"error": "Error: down"}),
        (errors.QueryTimeout("too long"), {"error": "Error: too long"}),
        (errors.QueueFull("full"), {"error": "Error: full"}),
        (errors.ConfigError("bad setting"), {"error": "Error: bad setting"}),
        (errors.Forbidden("not you", hint="never shown"), {"error": "not you"}),
        (
            errors.ModelError("broken", file="a.yml", line=3, column=5),
            {"type": "UserError", "error": "a.yml:3:5: broken", "plainError": "broken"},
        ),
    ],
)
def test_bodies_in_production(error: CuboidError, expected: dict[str, Any]) -> None:
    assert body(error) == expected


def test_a_full_queue_says_when_to_come_back() -> None:
    assert describe(errors.QueueFull("full"), dev=False, request_id="r").headers == {"Retry-After": "5"}


@pytest.mark.parametrize("error", [ValueError("internals"), errors.InternalError("internals"), KeyError("k")])
def test_a_bug_shows_nothing_of_itself_outside_dev_mode(error: Exception) -> None:
    failure = describe(error, dev=False, request_id="r")
    assert failure.status == 500
    assert failure.body == {"error": "InternalError: The server failed on this request; its log says why."}


def test_dev_mode_shows_stack_and_request_id() -> None:
    try:
        raise ValueError("internals")
    except ValueError as error:
        shown = body(error, dev=True)
    assert shown["error"] == "ValueError: internals"
    assert shown["requestId"] == "r"
    assert "test_dev_mode_shows_stack" in shown["stack"]
    assert set(body(errors.QueryFailed("x"), dev=True)) == {"error", "stack", "requestId"}


def test_authentication_shows_its_message_only_even_in_dev_mode() -> None:
    assert body(errors.Unauthenticated("Invalid token"), dev=True) == {"error": "Invalid token"}


def test_no_error_text_makes_a_client_wait() -> None:
    assert body(errors.QueryFailed("value 'Continue wait' is bad"))["error"] == (
        "Error: value 'Continue_wait' is bad"
    )
