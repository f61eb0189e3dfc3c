"""Nobody is told another's rows or numbers by rollups: tenants x roles x routes, cold, kept, in flight, out of date and
over WebSockets; with one model for all and with a model for each, in the store and in the source's database, and where
the digests that tell rollups apart all come out the same.

What each principal may see is computed here from the table, not from an answer.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import duckdb
import pyarrow
import pytest
from tests.http.apart import PRINCIPALS, QUERY, ROWS, TABLE, TENANTS, Principal, Same, check_text, claims, due

from cuboid.http.app import AuthSettings
from cuboid.project import Project

SECRET = "a-secret-that-is-long-enough-for-every-hash-function-in-use-here-512"
SCOPES = ("meta", "data", "sql", "jobs", "invalidate", "stream")
FORMATS = ("text/csv", "application/x-ndjson", "application/vnd.apache.arrow.stream")

PLUGIN = """
import cuboid

@cuboid.hookimpl
def tenant(principal):
    return principal.claims.get("tenant")
"""
MODEL = """
cubes:
  - name: notes
    sql: {sql}
    refresh_key: {{every: 1 day}}
    measures:
      - {{name: total, type: sum, sql: amount}}
    dimensions:
      - {{name: id, type: number, sql: id, primary_key: true}}
      - {{name: note, type: string, sql: note, mask: "***"}}
      - {{name: region, type: string, sql: region}}
      - {{name: tenant, type: string, sql: tenant}}
      - {{name: at, type: time, sql: made}}
    access_policy:
      - group: manager
        row_level: {{filters: [{tenant}]}}
      - group: seller
        row_level:
          filters: [{tenant}, {{member: region, operator: equals, values: ["{{security_context.region}}"]}}]
      - group: auditor
        row_level: {{filters: [{tenant}]}}
        member_level: {{includes: [id, region, total, at]}}
        member_masking: {{includes: [note]}}
    pre_aggregations:
      - {{name: by_note, external: {external}, measures: [total], dimensions: [tenant, region, note]}}
      - {{name: monthly, external: {external}, measures: [total], dimensions: [tenant, region], time_dimension: at,
         granularity: month, partition_granularity: month}}
"""
SQL = {
    "one model": "SELECT * FROM notes",
    "a model each": "SELECT * FROM notes WHERE tenant = '{COMPILE_CONTEXT.securityContext.tenant}'",
}
TENANT = {
    "one model": '{member: tenant, operator: equals, values: ["{security_context.tenant}"]}',
    "a model each": "{member: region, operator: set}",
}
FEBRUARY = {"dimension": "notes.at", "dateRange": ["2024-02-01", "2024-02-29"]}


@dataclass(frozen=True)
class Question:
    """A query, and of which rows its answer adds up the amounts."""

    query: dict[str, Any]
    first_in_february: bool | None = None

    def due(self, principal: Principal) -> list[dict[str, str]]:
        """Each tenant's rows have an earlier one and a later one for each region."""
        if "notes.note" in self.query["dimensions"]:
            return due(*principal)
        tenant, role = principal
        sums: dict[str, int] = {}
        for number, owner, region, _, amount in ROWS:
            earlier = number % 2 == 0
            seen = owner == tenant and role != "guest" and (role != "seller" or region == "south")
            if seen and not (earlier and self.first_in_february is False):
                sums[region] = sums.get(region, 0) + amount
        return [{"notes.region": region, "notes.total": str(sums[region])} for region in sorted(sums)]


BY_REGION = {"measures": ["notes.total"], "dimensions": ["notes.region"], "order": {"notes.region": "asc"}}
IN_FEBRUARY = {**BY_REGION, "timeDimensions": [FEBRUARY]}
QUESTIONS = (
    Question(QUERY),
    Question(BY_REGION),
    Question(IN_FEBRUARY, first_in_february=False),
    Question({**IN_FEBRUARY, "timezone": "Asia/Tokyo"}, first_in_february=True),
)


@dataclass
class Served:
    """Servers of one project, which keep answers and rollups."""

    clients: list[Any]
    token: Callable[..., str]
    served: set[str]

    def of(self, principal: Principal, server: int = 0) -> Any:
        client = self.clients[server % len(self.clients)]
        return type(client)(client.port, self.token(claims(*principal)))


CASES = [
    (model, place, digests, "")
    for model in SQL
    for place in ("store", "source")
    for digests in ("as they are", "all the same")
    if model == "a model each" or digests == "as they are"
]
EXCHANGED = [
    ("a model each", "store", "all the same", "exchange"),
    ("one model", "store", "as they are", "exchange"),
]


@pytest.fixture(
    params=[*CASES, *(pytest.param(each, marks=pytest.mark.engine("valkey")) for each in EXCHANGED)],
    ids=lambda case: ", ".join(filter(None, case)),
)
def served(
    request: pytest.FixtureRequest,
    run: Any,
    token: Callable[..., str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Served]:
    model, place, digests, exchange = request.param
    environ = {}
    if exchange:
        server = request.getfixturevalue("valkey_server")
        environ = {
            "CUBOID_EXCHANGE_URL": f"redis://:{server.password}@{server.host}:{server.port}",
            "CUBOID_EXCHANGE_PREFIX": uuid.uuid4().hex,
        }
    if digests == "all the same":
        monkeypatch.setattr(hashlib, "blake2b", Same)
    with duckdb.connect(str(tmp_path / "notes.duckdb")) as connection:
        connection.execute(TABLE)
        connection.execute("ALTER TABLE notes ADD COLUMN made TIMESTAMP")
        connection.execute(
            "UPDATE notes SET made = CASE WHEN id % 2 = 0 THEN TIMESTAMP '2024-01-31 20:00:00' ELSE '2024-02-15' END"
        )
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "notes.yml").write_text(
        MODEL.format(sql=SQL[model], tenant=TENANT[model], external="true" if place == "store" else "false")
    )
    (tmp_path / "cuboid_plugin.py").write_text(PLUGIN)
    (tmp_path / "cuboid.yml").write_text(
        "data_sources:\n  default: {driver: duckdb, database: notes.duckdb, read_only: false}\n"
    )
    auth = AuthSettings(secrets=(SECRET,), scopes=SCOPES)
    clients = [
        run(Project.open(tmp_path, environ=environ).service, auth=auth) for _ in range(2 if exchange else 1)
    ]
    found = Served(clients, token, set())
    yield found
    for client in clients:
        client.server.stop()
    own = digests == "as they are" or model == "one model"
    # Where digests do not tell models apart, whoever comes first has rollups, and the others are told by the tables.
    assert found.served == (set(TENANTS) if own else {TENANTS[0]})


def test_nobody_is_told_another_s_rows_or_numbers(served: Served, connect: Any) -> None:
    for number in range(3):  # cold and kept, and then out of date
        for principal in PRINCIPALS:
            for question in QUESTIONS:
                ask(served, principal, question, server=number)
        if number == 1:
            said = served.of(PRINCIPALS[0]).post("invalidate", {"cubes": ["notes"]})
            assert said.status == 200, said.raw
    with ThreadPoolExecutor(12) as pool:  # in flight: each asks what nobody has asked, all at once
        for limit in range(50, 52):
            list(
                pool.map(
                    lambda each, limit=limit: [
                        ask(served, each[1], question, server=each[0], limit=limit) for question in QUESTIONS
                    ],
                    enumerate(PRINCIPALS * 2),
                )
            )
    for principal in PRINCIPALS:
        socket = connect(served.of(principal), claims(*principal))
        for number, question in enumerate(QUESTIONS):
            for method in ("load", "subscribe"):
                answer = socket.ask(f"{method}{number}", method, query=question.query)
                assert answer["message"].get("data") == question.due(principal), (principal, answer)
                check_spoken(principal, json.dumps(answer))
            for method in ("sql", "dry-run"):
                check_spoken(
                    principal, json.dumps(socket.ask(f"{method}{number}", method, query=question.query))
                )
        check_spoken(principal, json.dumps(socket.ask("meta", "meta")))


def test_no_route_speaks_of_another_tenant(served: Served) -> None:
    for number, principal in enumerate(PRINCIPALS):
        client = served.of(principal, number)
        for question in QUESTIONS:
            ask(served, principal, question, server=number)
            ask_everything(client, principal, question)
        for route in ("meta", "meta?extended"):
            check_spoken(principal, client.ask("GET", f"/cubejs-api/v1/{route}").raw.decode())
        order_builds(client, principal)


def ask(served: Served, principal: Principal, question: Question, *, server: int, **more: Any) -> None:
    answer = served.of(principal, server).get("load", {**question.query, **more})
    assert (answer.status, answer.body.get("data")) == (200, question.due(principal)), (principal, answer.raw)
    check_spoken(principal, answer.raw.decode())
    if "usedPreAggregations" in answer.body:
        served.served.add(principal[0])


def ask_everything(client: Any, principal: Principal, question: Question) -> None:
    """Every route that tells rows in any form, or SQL with what policies say."""
    query, expected = question.query, question.due(principal)
    for answer in (
        client.post("load", {"query": query}),
        client.get("subscribe", query),
        client.get("load", {**query, "total": True}),
        client.get("load", query, cache="stale-while-revalidate"),
        client.get("load", query, cache="must-revalidate"),
        client.get("load", query, cache="no-cache"),
    ):
        assert (answer.status, answer.body.get("data")) == (200, expected), (principal, answer.raw)
        check_spoken(principal, answer.raw.decode())
    for format in FORMATS:
        path = f"/cubejs-api/v1/load?{urlencode({'query': json.dumps(query)})}"
        streamed = client.ask("GET", path, Accept=format)
        assert streamed.status == 200, streamed.raw
        rows = [[str(cell) for cell in row.values()] for row in read(format, streamed.raw)]
        assert rows == [list(row.values()) for row in expected], (principal, format, streamed.raw)
    for route in ("sql", "dry-run", "explain"):
        for said in (client.get(route, query), client.post(route, {"query": query})):
            assert said.status == 200, said.raw
            check_spoken(principal, said.raw.decode())
    if question.query.get("timeDimensions"):
        ask_for_several(client, principal, question)


def ask_for_several(client: Any, principal: Principal, question: Question) -> None:
    """Queries that are answered together."""
    query = question.query
    blended = {**query, "timeDimensions": [{**FEBRUARY, "granularity": "month"}]}
    compared = {"dimension": "notes.at", "compareDateRange": [FEBRUARY["dateRange"]] * 2}
    for several in ([blended, blended], {**query, "timeDimensions": [compared]}):
        answer = client.post("load", {"query": several, "queryType": "multi"})
        assert answer.status == 200, answer.raw
        told = [
            [{name: row[name] for name in ("notes.region", "notes.total")} for row in each["data"]]
            for each in answer.body["results"]
        ]
        assert told == [question.due(principal)] * 2, (principal, answer.raw)
        check_spoken(principal, answer.raw.decode())


def read(format: str, body: bytes) -> list[dict[str, Any]]:
    if format == "text/csv":
        return list(csv.DictReader(io.StringIO(body.decode())))
    if format == "application/x-ndjson":
        return [json.loads(line) for line in body.splitlines()]
    return list(pyarrow.ipc.open_stream(body).read_all().to_pylist())


def order_builds(client: Any, principal: Principal) -> None:
    """Builds for one's own context, and what is told of them."""
    selector = {"contexts": [{"securityContext": claims(*principal)}], "timezones": ["UTC"]}
    ordered = client.post("pre-aggregations/jobs", {"action": "post", "selector": selector})
    check_spoken(principal, ordered.raw.decode())
    if "is not stored" in ordered.raw.decode():  # as its name is taken: digests are all the same
        return
    assert ordered.status == 200, ordered.raw
    deadline = time.monotonic() + 60
    while True:
        told = client.post("pre-aggregations/jobs", {"action": "get", "tokens": ordered.body})
        check_spoken(principal, told.raw.decode())
        if all(each["status"] not in ("scheduled", "processing") for each in told.body):
            return
        assert time.monotonic() < deadline, told.body
        time.sleep(0.02)


def check_spoken(principal: Principal, text: str) -> None:
    """No other tenant's name, note or number."""
    check_text(principal, text)
    for tenant in TENANTS:
        assert tenant == principal[0] or tenant not in text, (principal, text)
