"""MySQL and MariaDB for Cuboid: by the official client library (``driver: mysql``), or a faster one (``asyncmy``).

The rooms are imported when the hooks are called: listing plugins loads the client library only for its driver.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cuboid.hookspecs import hookimpl


@hookimpl
def register_dialects(register: Callable[[type[Any]], None]) -> None:
    from cuboid_mysql.dialect import MySQLDialect

    register(MySQLDialect)


@hookimpl
def register_drivers(register: Callable[[type[Any]], None]) -> None:
    from cuboid_mysql.asyncmy_driver import AsyncmyDriver
    from cuboid_mysql.driver import MySQLDriver

    register(MySQLDriver)
    register(AsyncmyDriver)
