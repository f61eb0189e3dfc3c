"""DuckDB for Cuboid: the embedded default.

The rooms are imported when the hooks are called, and the engine itself when a data source is opened: listing
plugins does not load it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from cuboid.hookspecs import hookimpl

if TYPE_CHECKING:
    from cuboid.run.driver import Driver
    from cuboid.sql.dialect import Dialect


@hookimpl
def register_dialects(register: Callable[[type[Dialect]], None]) -> None:
    from cuboid_duckdb.dialect import DuckDBDialect

    register(DuckDBDialect)


@hookimpl
def register_drivers(register: Callable[[type[Driver]], None]) -> None:
    from cuboid_duckdb.driver import DuckDBDriver

    register(DuckDBDriver)
