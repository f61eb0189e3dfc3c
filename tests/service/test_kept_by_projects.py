"""Kept answers in a project: its settings, and its tenants, whose models answer one question differently."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from cuboid.project import Project
from cuboid.request import RequestContext
from cuboid.types import Pending, Principal

MODEL = """
cubes:
  - name: own
    sql: SELECT '{COMPILE_CONTEXT.securityContext.firm}' AS firm
    refresh_key: {every: 1 day}
    dimensions: [{name: firm, type: string, sql: firm, primary_key: true, public: true}]
"""
PLUGIN = """
import cuboid

@cuboid.hookimpl
def tenant(principal):
    return principal.claims.get("firm")
"""
CONFIGURATION = """
data_sources:
  default: {driver: duckdb, refresh_every: 2m}
  other: {driver: duckdb}
"""
FIRMS = ("acme", "bolt", "corp")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "own.yml").write_text(MODEL)
    (tmp_path / "cuboid_plugin.py").write_text(PLUGIN)
    (tmp_path / "cuboid.yml").write_text(CONFIGURATION)
    return tmp_path


def test_settings_say_how_much_is_kept_and_how_long_it_is_good(folder: Path) -> None:
    def of(**environ: str) -> tuple[int, float, float]:
        project = Project.open(folder, environ=environ)
        sources = project.data_sources
        limit = project.service.figures().cache.limit
        return limit, sources["default"].refresh_every, sources["other"].refresh_every

    assert of() == (64 * 1024**2, 120, 10)
    assert of(CUBOID_CACHE_SIZE="0", CUBOID_REFRESH_EVERY="30s") == (0, 120, 30)


def test_tenants_of_one_question_have_each_their_answer(folder: Path) -> None:
    async def work() -> None:
        project = Project.open(folder, environ={})

        async def firm(name: str) -> str:
            context = RequestContext(Principal({"firm": name}))
            body = await project.service.load({"dimensions": ["own.firm"]}, context)
            assert not isinstance(body, Pending)
            (row,) = json.loads(body)["data"]
            return str(row["own.firm"])

        try:
            for _ in range(3):
                assert [await firm(name) for name in FIRMS] == list(FIRMS)
            assert tuple(await asyncio.gather(*map(firm, FIRMS * 5))) == FIRMS * 5
            figures = project.service.figures().cache
            assert (figures.entries, figures.misses) == (3, 3)
            for name in FIRMS[:2]:
                context = RequestContext(Principal({"firm": name}))
                assert json.loads(await project.service.invalidate(["own"], context))["cubes"] == ["own"]
            assert await firm("corp") == "corp"
        finally:
            await project.close()

    asyncio.run(asyncio.wait_for(work(), 100))
