"""A service over a model and DuckDB, for one scenario."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from cuboid.catalog.compile import compile_catalog
from cuboid.catalog.files import ModelFile
from cuboid.planner import Planner
from cuboid.planning import ServiceSettings
from cuboid.query.access import AccessReader, AccessSettings
from cuboid.query.normalize import normalize
from cuboid.query.parse import parse
from cuboid.request import RequestContext
from cuboid.run.data_source import DataSource
from cuboid.run.queue import QueueSettings
from cuboid.service import Service
from cuboid.types import Principal, Statement
from cuboid_duckdb.dialect import DuckDBDialect
from cuboid_duckdb.driver import DuckDBConfig, DuckDBDriver
from cuboid_duckdb.queue import DuckDBQueue

Ask = Callable[..., list[list[Any]]]


@pytest.fixture
def ask() -> Ask:
    """``ask(model, **query)`` gives the rows of the answer, each as its values in order of dimensions and measures;
    ``names`` are columns before these, ``claims`` those of whoever asks, ``access`` what narrows that besides the
    model."""

    def asking(
        model: str,
        claims: Mapping[str, Any] | None = None,
        access: AccessSettings | None = None,
        dev: bool = True,
        names: Sequence[str] = (),
        **query: Any,
    ) -> list[list[Any]]:
        catalog = compile_catalog([ModelFile("model.yml", model)])
        assert not catalog.errors, catalog.errors

        async def answer() -> bytes:
            driver = DuckDBDriver(DuckDBConfig())
            source = DataSource("default", driver, DuckDBDialect(), DuckDBQueue(driver, QueueSettings()))
            settings = ServiceSettings(access=access or AccessSettings())
            service = Service(lambda: catalog, {"default": source}, settings)
            try:
                body = await service.load(query, RequestContext(Principal(claims or {}), dev=dev))
                assert isinstance(body, bytes)
                return body
            finally:
                await service.close()

        shown = [*names, *query.get("dimensions", ()), *query.get("measures", ())]
        return [[row[name] for name in shown] for row in json.loads(asyncio.run(answer()))["data"]]

    return asking


@pytest.fixture
def meta() -> Callable[..., dict[str, bool]]:
    """``meta(model, claims)`` gives the members that /v1/meta lists, each with whether it is visible."""

    def describing(
        model: str, claims: Mapping[str, Any], *, dev: bool = False, access: AccessSettings | None = None
    ) -> dict[str, bool]:
        catalog = compile_catalog([ModelFile("model.yml", model)])
        assert not catalog.errors, catalog.errors
        service = Service(lambda: catalog, {}, ServiceSettings(access=access or AccessSettings()))
        body = asyncio.run(service.meta(RequestContext(Principal(claims), dev=dev)))
        return {
            member["name"]: member["isVisible"]
            for cube in json.loads(body)["cubes"]
            for member in (*cube["measures"], *cube["dimensions"], *cube["segments"])
        }

    return describing


@pytest.fixture
def answered() -> Callable[..., list[dict[str, Any]]]:
    """``answered(model, query, claims)`` gives the result objects of a query."""

    def answering(
        model: str, query: Mapping[str, Any], claims: Mapping[str, Any] | None = None
    ) -> list[dict[str, Any]]:
        catalog = compile_catalog([ModelFile("model.yml", model)])
        assert not catalog.errors, catalog.errors

        async def answer() -> bytes:
            driver = DuckDBDriver(DuckDBConfig())
            source = DataSource("default", driver, DuckDBDialect(), DuckDBQueue(driver, QueueSettings()))
            service = Service(lambda: catalog, {"default": source})
            try:
                context = RequestContext(Principal(claims or {}), dev=True)
                body = await service.load(dict(query), context, query_type="multi")
                assert isinstance(body, bytes)
                return body
            finally:
                await service.close()

        results: list[dict[str, Any]] = json.loads(asyncio.run(answer()))["results"]
        return results

    return answering


@pytest.fixture
def planned() -> Callable[..., Statement]:
    """``planned(model, query, claims)`` gives the statement of a query; ``principal=None`` reads no access rules."""

    def planning(
        model: str,
        query: Mapping[str, Any],
        claims: Mapping[str, Any] | None = None,
        principal: Any = Principal,
    ) -> Statement:
        catalog = compile_catalog([ModelFile("model.yml", model)])
        assert not catalog.errors, catalog.errors
        reader = AccessReader(catalog)
        asks = (
            {}
            if principal is None
            else {"access": lambda parsed, scope: reader.read(parsed, principal(claims or {}), scope)}
        )
        (question,) = normalize(parse(dict(query)), catalog, now=datetime.now(UTC), **asks)
        return Planner(catalog, lambda name: DuckDBDialect()).prepare(question.shape).bind(question.values)

    return planning
