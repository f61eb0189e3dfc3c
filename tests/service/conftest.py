"""A service over a model and DuckDB, for one scenario."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from cuboid.catalog.compile import compile_catalog
from cuboid.catalog.files import ModelFile
from cuboid.request import RequestContext
from cuboid.run.data_source import DataSource
from cuboid.run.queue import QueueSettings
from cuboid.service import Service
from cuboid_duckdb.dialect import DuckDBDialect
from cuboid_duckdb.driver import DuckDBConfig, DuckDBDriver
from cuboid_duckdb.queue import DuckDBQueue

Ask = Callable[..., list[list[Any]]]


@pytest.fixture
def ask() -> Ask:
    """``ask(model, **query)`` gives the rows of the answer, each as its values in order of dimensions and measures."""

    def asking(model: str, **query: Any) -> list[list[Any]]:
        catalog = compile_catalog([ModelFile("model.yml", model)])
        assert not catalog.errors, catalog.errors

        async def answer() -> bytes:
            driver = DuckDBDriver(DuckDBConfig())
            source = DataSource("default", driver, DuckDBDialect(), DuckDBQueue(driver, QueueSettings()))
            service = Service(lambda: catalog, {"default": source})
            try:
                body = await service.load(query, RequestContext(dev=True))
                assert isinstance(body, bytes)
                return body
            finally:
                await service.close()

        names = [*query.get("dimensions", ()), *query.get("measures", ())]
        return [[row[name] for name in names] for row in json.loads(asyncio.run(answer()))["data"]]

    return asking
