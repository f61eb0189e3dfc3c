"""What is said of data at a server is heard by a worker that builds rollups for it."""

from __future__ import annotations

import copy
import uuid
from pathlib import Path

import yaml
from tests.engines.server import Server
from tests.exchange.conftest import url
from tests.stored_shop import MODEL, make_project

from cuboid.project import Project
from cuboid.request import RequestContext


async def test_a_worker_that_has_nothing_to_do_hears_that_data_has_changed(
    tmp_path: Path, valkey_server: Server
) -> None:
    folder = make_project(tmp_path)
    model = copy.deepcopy(MODEL)
    model["cubes"][0]["pre_aggregations"] = [
        {"name": "whole", "measures": ["count"], "refresh_key": {"immutable": True}}
    ]
    (folder / "model" / "orders.yml").write_text(yaml.safe_dump(model))
    exchange = {"CUBOID_EXCHANGE_URL": url(valkey_server), "CUBOID_EXCHANGE_PREFIX": uuid.uuid4().hex}
    server, first, worker = (Project.open(folder, environ=exchange) for _ in range(3))
    try:
        for project, built in ((first, 1), (worker, 0)):
            assert project.refresher is not None
            assert await project.refresher.look() == []
            assert project.refresher.rollups.counts.built == built
        await server.service.invalidate(["orders"], RequestContext())
        assert worker.refresher is not None
        for _ in range(2):
            assert await worker.refresher.look() == []
        assert worker.refresher.rollups.counts.built == 1
    finally:
        for project in (server, first, worker):
            await project.close()
