"""DuckDB for Cuboid: the embedded default.

The rooms are imported when the hooks are called, and the engine itself when a data source is opened: listing
plugins does not load it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cuboid.hookspecs import hookimpl


@hookimpl
def register_dialects(register: Callable[[type[Any]], None]) -> None:
    from cuboid_duckdb.dialect import DuckDBDialect

    register(DuckDBDialect)


@hookimpl
def register_drivers(register: Callable[[type[Any]], None]) -> None:
    from cuboid_duckdb.driver import DuckDBDriver

    register(DuckDBDriver)


@hookimpl
def register_stores(register: Callable[[type[Any]], None]) -> None:
    from cuboid_duckdb.store import DuckDBStore

    register(DuckDBStore)
