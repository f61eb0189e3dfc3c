"""Redis or Valkey for Cuboid.

The rooms are imported when the hooks are called, so that listing plugins costs little.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cuboid.hookspecs import hookimpl


@hookimpl
def register_exchanges(register: Callable[[type[Any]], None]) -> None:
    from cuboid_redis.exchange import RedisExchange

    register(RedisExchange)
