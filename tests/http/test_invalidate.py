"""``POST /v1/invalidate``, and kept answers over HTTP."""

from __future__ import annotations

from typing import Any

import pytest
from tests.http.conftest import SECRET

from cuboid.http.settings import AuthSettings

COUNT = {"measures": ["Orders.count"]}
OPEN = AuthSettings(secrets=(SECRET,), scopes=("data", "invalidate"))


@pytest.fixture
def served(run: Any, make_service: Any, token: Any) -> Any:
    """A client that may say that data changed, and the driver behind its server."""
    service = make_service(cache_size=1_000_000)
    return run(service, auth=OPEN, token=token({})), service._data_sources["default"].driver


def test_a_kept_answer_is_told_until_it_is_invalidated(served: Any) -> None:
    client, driver = served
    first = client.post("load", {"query": {**COUNT, "cache": "stale-while-revalidate"}})
    again = client.get("load", COUNT, cache="stale-while-revalidate")
    assert first.status == 200, first.body
    assert (again.raw, driver.runs) == (first.raw, 1)
    answer = client.post("invalidate", {"cubes": ["Users", "Orders"]})
    assert (answer.status, answer.body) == (200, {"cubes": ["Orders", "Users"], "answers": 1})
    anew = client.get("load", COUNT, cache="stale-while-revalidate")
    assert driver.runs == 2
    assert anew.body["lastRefreshTime"] > first.body["lastRefreshTime"]


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({}, '"cubes" must be a list of names of cubes such as ["orders"]'),
        ({"cubes": []}, '"cubes" must be a list of names of cubes such as ["orders"]'),
        ({"cubes": "Users"}, '"cubes" must be a list of names of cubes such as ["orders"]'),
        ({"cubes": ["Users", 5]}, '"cubes" must be a list of names of cubes such as ["orders"]'),
        ({"cubes": ["Users"] * 1001}, '"cubes" names more than 1000 cubes'),
        ({"cubes": ["Users", "Nobody"]}, "Cube 'Nobody' not found"),
    ],
)
def test_what_names_no_cubes_is_refused(served: Any, body: Any, text: str) -> None:
    client, _ = served
    answer = client.post("invalidate", body)
    assert (answer.status, answer.body) == (400, {"error": text, "path": "cubes"})
    assert client.ask("GET", "/cubejs-api/v1/invalidate").status == 404
