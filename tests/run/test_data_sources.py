"""Data sources that live as long as somebody has a catalog that uses them."""

from __future__ import annotations

import gc

from cuboid.catalog.compile import compile_catalog
from cuboid.catalog.model import Catalog
from cuboid.run.data_source import DataSource
from cuboid.run.data_sources import DataSources
from cuboid.run.queue import QueueSettings
from cuboid_duckdb.dialect import DuckDBDialect
from cuboid_duckdb.driver import DuckDBConfig, DuckDBDriver
from cuboid_duckdb.queue import DuckDBQueue


def source(name: str) -> DataSource:
    driver = DuckDBDriver(DuckDBConfig())
    return DataSource(name, driver, DuckDBDialect(), DuckDBQueue(driver, QueueSettings()))


def catalog() -> Catalog:
    return compile_catalog([])


def test_one_goes_with_the_last_catalog_that_uses_it_and_the_configured_stay() -> None:
    sources = DataSources({"default": source("default")})
    first, second = catalog(), catalog()
    sources.add(source("own"))
    for each in (first, second):
        sources.hold(["own"])
        sources.tie(["own"], each)
    del first, each
    gc.collect()
    assert set(sources) == {"default", "own"}
    del second
    gc.collect()
    assert set(sources) == {"default"}


def test_what_is_held_stays_though_a_catalog_lets_it_go() -> None:
    """A tenant's model is being connected when that of another one with the same connection is forgotten."""
    sources = DataSources({})
    old = catalog()
    sources.add(source("own"))
    sources.hold(["own"])
    sources.tie(["own"], old)
    sources.hold(["own"])
    del old
    gc.collect()
    assert set(sources) == {"own"}
    sources.let_go(["own"])
    assert set(sources) == set()


def test_another_of_the_same_name_takes_its_place() -> None:
    sources = DataSources({})
    first, second = source("own"), source("own")
    sources.add(first)
    seen = list(sources.items())
    sources.add(second)
    assert seen == [("own", first)]
    assert sources["own"] is second
