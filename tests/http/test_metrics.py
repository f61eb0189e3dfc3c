"""``/metrics``: what Prometheus reads of a server, and that nothing a client sends becomes a label."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

QUERY = {"measures": ["Users.count"], "dimensions": ["Users.city"]}


@pytest.fixture
def client(run: Any, make_service: Any, token: Callable[..., str]) -> Any:
    return run(make_service(), metrics=True, token=token({"tenant": "acme-corporation"}))


def samples(client: Any) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Every sample by name and labels, as Prometheus' own parser reads them."""
    answer = type(client)(client.port).ask("GET", "/metrics")
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("text/plain")
    families = text_string_to_metric_families(answer.raw.decode())
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in families
        for sample in family.samples
    }


def value(client: Any, name: str, **labels: str) -> float:
    return samples(client).get((name, frozenset(labels.items())), 0.0)


def test_requests_are_counted_by_route_method_and_status(client: Any) -> None:
    for _ in range(3):
        assert client.get("load", QUERY).status == 200
    assert client.get("load", "{bad").status == 400
    assert client.post("load", {"query": QUERY}).status == 200
    assert client.ask("GET", "/CUBEJS-API/V1/META/").status == 200
    name = "cuboid_http_requests_total"
    assert value(client, name, route="/cubejs-api/v1/load", method="GET", status="200") == 3
    assert value(client, name, route="/cubejs-api/v1/load", method="GET", status="400") == 1
    assert value(client, name, route="/cubejs-api/v1/load", method="POST", status="200") == 1
    assert value(client, name, route="/cubejs-api/v1/meta", method="GET", status="200") == 1
    assert value(client, "cuboid_http_request_duration_seconds_count", route="/cubejs-api/v1/load") == 5


def test_rows_shapes_and_forms_are_counted(client: Any) -> None:
    assert value(client, "cuboid_planner_shapes") == value(client, "cuboid_query_forms") == 0
    client.get("load", QUERY)
    client.get("load", {**QUERY, "limit": 2})
    assert value(client, "cuboid_planner_shapes") >= 1
    assert value(client, "cuboid_query_forms") == 2
    assert value(client, "cuboid_rows_total", data_source="default") == 3 + 2


def test_queues_show_what_runs_and_waits(client: Any) -> None:
    for state in ("running", "queued", "abandoned"):
        assert value(client, "cuboid_statements", data_source="default", state=state) == 0
    assert ("cuboid_statements", frozenset({("data_source", "default"), ("state", "running")})) in samples(
        client
    )


def test_web_sockets_and_their_subscriptions_are_counted(client: Any, connect: Any) -> None:
    assert (value(client, "cuboid_web_sockets"), value(client, "cuboid_subscriptions")) == (0, 0)
    sockets = [connect(client, {}) for _ in range(2)]
    for number in range(3):
        assert sockets[0].ask(number, "subscribe", query={**QUERY, "limit": number + 1})["status"] == 200
    assert (value(client, "cuboid_web_sockets"), value(client, "cuboid_subscriptions")) == (2, 3)
    sockets[0].close()
    deadline = time.monotonic() + 50
    while value(client, "cuboid_web_sockets") != 1 or value(client, "cuboid_subscriptions") != 0:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_nothing_that_a_client_sends_becomes_a_label(client: Any) -> None:
    client.get("meta")
    client.ask("GET", "/nowhere")
    samples(client)
    before = set(samples(client))
    for number in range(50):
        client.ask("GET", f"/nowhere/{number}?x={number}")
        client.ask("GET", "/cubejs-api/v1/load", x_request_id=f"id-{number}", user_agent=f"agent {number}")
        client.ask(f"VERB{number}", "/cubejs-api/v1/load")
    after = set(samples(client))
    assert len(after - before) < 40
    text = type(client)(client.port).ask("GET", "/metrics").raw.decode()
    for sent in ("nowhere", "agent", "VERB", "id-", "acme", "Users"):
        assert sent not in text


def test_there_are_no_metrics_unless_they_are_asked_for(production: Any) -> None:
    assert production.ask("GET", "/metrics").status == 404
