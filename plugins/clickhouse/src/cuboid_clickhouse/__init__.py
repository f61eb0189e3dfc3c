"""ClickHouse for Cuboid: a server over HTTP (``driver: clickhouse``), or the engine in this process (``chdb``).

The rooms are imported when the hooks are called, and the client library with the driver: listing plugins does
not load it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cuboid.hookspecs import hookimpl


@hookimpl
def register_dialects(register: Callable[[type[Any]], None]) -> None:
    from cuboid_clickhouse.dialect import ClickHouseDialect

    register(ClickHouseDialect)


@hookimpl
def register_drivers(register: Callable[[type[Any]], None]) -> None:
    from cuboid_clickhouse.driver import ClickHouseDriver
    from cuboid_clickhouse.embedded import ChDBDriver

    register(ClickHouseDriver)
    register(ChDBDriver)
