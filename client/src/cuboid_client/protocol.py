"""What goes over the wire, without doing it: requests, and what answers mean. Both clients share this."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cuboid_client.errors import ClientError, InvalidQuery, NotAllowed, ServerBusy, ServerFailed
from cuboid_client.result import Result, Row, Sql, read

Query = Mapping[str, Any] | Sequence[Mapping[str, Any]]
Progress = Callable[[Mapping[str, Any]], None]

ARROW = "application/vnd.apache.arrow.stream"
LINES = "application/x-ndjson"

SHORTEST_ROUND = 0.1
"""Seconds between two asks of a server that does not itself hold a request open."""

RESPONSE_SECONDS = 120.0
"""How long one request may take: more than the longest wait a server can be set to, 90 s."""


class Waiting:
    """The server is not done."""

    def __init__(self, body: Mapping[str, Any]) -> None:
        self.body = body


@dataclass(frozen=True)
class Request:
    """One question to the server; a repeat has the same id, by which the server knows it."""

    method: str
    path: str
    body: Mapping[str, Any] | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)
    accept: str = "application/json"
    id: str = field(default_factory=lambda: str(uuid.uuid4()))

    def headers(self, token: str | None, round: int) -> dict[str, str]:
        """The headers of the ``round``-th ask, counted from 1."""
        found = {"Accept": self.accept, "x-request-id": f"{self.id}-span-{round}"}
        return found if token is None else {**found, "Authorization": token}


def load(query: Query) -> Request:
    return Request("POST", "v1/load", {"query": query, "queryType": "multi"})


def rows(query: Query, accept: str, *, exact: bool) -> Request:
    return Request("POST", "v1/load", {"query": query, "castNumerics": not exact}, accept=accept)


def sql(query: Query) -> Request:
    return Request("POST", "v1/sql", {"query": query})


def dry_run(query: Query) -> Request:
    return Request("POST", "v1/dry-run", {"query": query})


def meta(*, extended: bool) -> Request:
    return Request("GET", "v1/meta", parameters={"extended": "true"} if extended else {})


def answer(status: int, headers: Mapping[str, str], content: bytes) -> Any:
    """The JSON of an answer, or :class:`Waiting`. Raises :class:`ClientError`."""
    try:
        body = json.loads(content)
    except ValueError:
        body = None
    if status == 200 and body is not None:
        if isinstance(body, dict) and body.get("error") == "Continue wait":
            return Waiting(body)
        if not (isinstance(body, dict) and "error" in body):
            return body
    raise failure(status, headers, body, content)


def failure(status: int, headers: Mapping[str, str], body: Any, content: bytes) -> ClientError:
    """What an answer that is none means."""
    said = body if isinstance(body, dict) else {}
    text = str(
        said.get("error")
        or said.get("message")
        or f"status {status}: {content[:200].decode(errors='replace')}"
    )
    if status == 503:
        after = headers.get("retry-after", "")
        return ServerBusy(text, retry_after=float(after) if after.isdigit() else 5.0)
    if status == 403:
        return NotAllowed(text)
    if status in (200, 400):
        return InvalidQuery(
            text, path=said.get("path"), hint=said.get("hint"), suggestions=said.get("suggestions", ())
        )
    return ServerFailed(text, status=status)


def results(body: Mapping[str, Any]) -> list[Result]:
    return [Result(each) for each in body["results"]]


def single(found: Sequence[Result]) -> Result:
    if len(found) != 1:
        raise InvalidQuery(f"The query has {len(found)} results: use load_many().")
    return found[0]


def statement(body: Any) -> Sql:
    if isinstance(body, list):
        raise InvalidQuery("sql() takes one query, without compareDateRange.")
    text, parameters = body["sql"]["sql"]
    return Sql(text, tuple(parameters))


def types_of(meta: Mapping[str, Any]) -> dict[str, str]:
    """Type by member, from the body of ``/v1/meta``."""
    return {
        member["name"]: member["type"]
        for cube in meta["cubes"]
        for member in (*cube["measures"], *cube["dimensions"])
    }


def line(text: str, types: Mapping[str, str]) -> Row:
    """A row of a streamed answer; ``orders.created_at.day`` has the type of ``orders.created_at``."""
    row: Row = json.loads(text)
    return {
        key: read(value, types.get(key) or types.get(key.rpartition(".")[0])) for key, value in row.items()
    }
