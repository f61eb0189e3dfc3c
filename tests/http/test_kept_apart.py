"""Nobody is told another's rows: tenants x roles x routes, cold, kept, in flight and over WebSockets.

What each principal may see is computed here from the table below, not from an answer.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import quote

import pytest
from tests.http.apart import (
    PRINCIPALS,
    QUERY,
    TABLE,
    TENANTS,
    Principal,
    Same,
    check_rows,
    check_text,
    claims,
    due,
)

from cuboid.catalog.compile import compile_catalog
from cuboid.catalog.files import ModelFile
from cuboid.run.exchange import ExchangeSettings
from cuboid.run.link import Link
from cuboid.types import Statement
from cuboid_redis.exchange import RedisExchange

MODEL = """
cubes:
  - name: notes
    sql: SELECT * FROM notes WHERE {SECURITY_CONTEXT.tenant.requiredFilter('tenant')}
    refresh_key: {every: 1 day}
    measures:
      - {name: total, type: sum, sql: amount}
    dimensions:
      - {name: id, type: number, sql: id, primary_key: true}
      - {name: note, type: string, sql: note, mask: "***"}
      - {name: region, type: string, sql: region}
    access_policy:
      - {group: manager}
      - group: seller
        row_level: {filters: [{member: region, operator: equals, values: ["{security_context.region}"]}]}
      - group: auditor
        member_level: {includes: [id, region, total]}
        member_masking: {includes: [note]}
"""
THROUGH = [
    pytest.param(f"through an exchange{rest}", marks=pytest.mark.engine("valkey"))
    for rest in ("", ", hashes collide")
]


@pytest.fixture(params=["as it is", "hashes collide", *THROUGH])
def served(
    request: pytest.FixtureRequest,
    run: Any,
    make_service: Any,
    token: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Callable[[Principal], Any]]:
    """A client for each principal, all of one server that keeps answers; through an exchange it keeps them there alone,
    where it finds what another process would."""
    options: dict[str, Any] = {"cache_size": 10_000_000}
    if "exchange" in request.param:
        server = request.getfixturevalue("valkey_server")
        url = f"redis://:{server.password}@{server.host}:{server.port}"
        exchange = RedisExchange(ExchangeSettings(url, uuid.uuid4().hex, "one"))
        options = {"cache_size": 1, "link": Link(exchange)}
    if "collide" in request.param:
        monkeypatch.setattr(hashlib, "blake2b", Same)
    catalog = compile_catalog([ModelFile("model.yml", MODEL)])
    assert not catalog.errors, catalog.errors
    service = make_service(catalog=catalog, writable=True, **options)
    client = run(service)
    client.server.run(service._data_sources["default"].submit(Statement(TABLE), wait=50))

    def of(principal: Principal) -> Any:
        return type(client)(client.port, token(claims(*principal)))

    yield of
    if "exchange" in request.param:
        assert service.figures().link.answers > 0
    client.server.stop()


def ask_everything(client: Any, principal: Principal) -> None:
    """Every route that tells of rows, or of SQL with the values of policies."""
    for query in (QUERY, {**QUERY, "total": True}, {**QUERY, "cache": "stale-while-revalidate"}):
        for answer in (client.get("load", query), client.post("load", {"query": query})):
            check_rows(principal, answer.status, answer.body)
            check_text(principal, answer.raw.decode())
    for route in ("subscribe", "sql", "dry-run", "explain"):
        answer = client.get(route, QUERY)
        check_text(principal, answer.raw.decode())
    for tenant in TENANTS:
        assert tenant == principal[0] or tenant not in client.get("sql", QUERY).raw.decode()
    csv = client.ask("GET", f"/cubejs-api/v1/load?query={quote(json.dumps(QUERY))}", Accept="text/csv")
    assert csv.raw.decode().count("\n") + csv.raw.decode().endswith("\n") >= len(due(*principal))
    check_text(principal, csv.raw.decode())
    assert client.get("meta").status == 200


def test_nobody_is_told_another_s_rows(served: Any, connect: Any) -> None:
    for _ in ("cold", "kept"):
        for principal in PRINCIPALS:
            ask_load(served(principal), principal)
    with ThreadPoolExecutor(12) as pool:  # in flight: each asks something that nobody has asked, all at once
        for limit in range(50, 53):
            list(pool.map(lambda each, n=limit: ask_load(served(each), each, limit=n), PRINCIPALS * 2))
    for method in ("load", "subscribe"):
        for principal in PRINCIPALS:
            socket = connect(served(principal), claims(*principal))
            for identity in ("1", "2"):
                answer = socket.ask(identity, method, query=QUERY)
                check_rows(principal, answer["status"], answer["message"])
                check_text(principal, json.dumps(answer))


def ask_load(client: Any, principal: Principal, **more: Any) -> None:
    answer = client.get("load", {**QUERY, **more})
    check_rows(principal, answer.status, answer.body)
    check_text(principal, answer.raw.decode())


def test_no_route_speaks_of_another_tenant(served: Any) -> None:
    for principal in PRINCIPALS * 2:
        ask_everything(served(principal), principal)


NUMBERED = """
cubes:
  - name: numbered
    sql: SELECT * FROM numbered WHERE {SECURITY_CONTEXT.tenant.requiredFilter('tenant')}
    measures:
      - {name: count, type: count}
    dimensions:
      - {name: id, type: number, sql: id, primary_key: true, public: true}
      - {name: tenant, type: number, sql: tenant}
"""


@pytest.mark.parametrize("first", [2**53, 2**63, 2**64, 10**37])
def test_principals_and_filters_of_neighbouring_numbers_are_kept_apart(
    run: Any, make_service: Any, token: Callable[..., str], first: int
) -> None:
    catalog = compile_catalog([ModelFile("model.yml", NUMBERED)])
    service = make_service(catalog=catalog, cache_size=10_000_000, writable=True)
    client = run(service)
    rows = ", ".join(f"({number}, {first + number}::DECIMAL(38, 0))" for number in range(3))
    table = f"CREATE TABLE numbered AS SELECT * FROM (VALUES {rows}) AS t (id, tenant)"
    client.server.run(service._data_sources["default"].submit(Statement(table), wait=50))
    query: dict[str, Any] = {"measures": ["numbered.count"], "dimensions": ["numbered.id"]}
    for number in range(3):
        own = type(client)(client.port, token({"tenant": first + number}))
        assert own.get("load", query).body["data"] == [{"numbered.id": str(number), "numbered.count": "1"}]
        for asked in range(3):
            leaf = {"member": "numbered.tenant", "operator": "equals", "values": [first + asked]}
            filtered = {**query, "filters": [leaf]}
            for answer in (own.get("load", filtered), own.post("load", {"query": filtered})):
                assert len(answer.body["data"]) == (asked == number), answer.body
                assert answer.body["query"]["filters"][0]["values"] == [str(first + asked)]
            for route in ("sql", "dry-run", "explain"):
                assert own.post(route, {"query": filtered}).status == 200


def test_a_claim_wider_than_any_database_s_numbers_is_refused_and_no_failure(
    run: Any, make_service: Any, token: Callable[..., str]
) -> None:
    client = run(make_service(catalog=compile_catalog([ModelFile("model.yml", NUMBERED)])))
    own = type(client)(client.port, token({"tenant": 10**38}))
    assert own.get("load", {"measures": ["numbered.count"]}).status in (400, 403)
