"""The demo shop in a temporary folder, with fewer orders than ``make demo`` has."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import duckdb
import pytest

import cuboid

SHOP = Path(__file__).parents[2] / "examples" / "shop"
ORDERS = 4000


def load_generator(folder: Path) -> ModuleType:
    specification = importlib.util.spec_from_file_location("shop_generate", folder / "generate.py")
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def generator() -> ModuleType:
    return load_generator(SHOP)


@pytest.fixture(scope="session")
def folder(generator: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project with its data."""
    copy = tmp_path_factory.mktemp("projects") / "shop"
    shutil.copytree(SHOP, copy, ignore=shutil.ignore_patterns("data", "__pycache__"))
    list(generator.write(copy / "data" / "shop.duckdb", ORDERS))
    return copy


@pytest.fixture(scope="session")
def shop(folder: Path) -> Iterator[cuboid.EmbeddedProject]:
    with cuboid.open(folder) as project:
        yield project


@pytest.fixture(scope="session")
def database(folder: Path, shop: cuboid.EmbeddedProject) -> Iterator[duckdb.DuckDBPyConnection]:
    """The shop's tables for SQL written by hand: what the answers are compared with.

    From a copy of the file, because one process cannot open a file in two ways.
    """
    copy = folder.parent / "by-hand.duckdb"
    shutil.copy(folder / "data" / "shop.duckdb", copy)
    with duckdb.connect(str(copy), read_only=True) as connection:
        yield connection
