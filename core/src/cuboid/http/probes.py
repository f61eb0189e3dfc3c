"""``GET /readyz`` and ``/livez``: is the server worth sending requests to. No base path, no token."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import orjson

from cuboid.http.handler import JSON, Handler

REMEMBERED = 1.0
"""Seconds for which a probe's outcome holds, as in Cube: probes must not load the database."""


class Probe:
    """A check whose outcome is remembered; callers at the same time share one run."""

    def __init__(self, check: Callable[[], Awaitable[bool]]) -> None:
        self._check = check
        self._lock = asyncio.Lock()
        self._checked_at = float("-inf")
        self._healthy = False

    async def healthy(self) -> bool:
        """The outcome, at most a second old."""
        async with self._lock:
            if time.monotonic() - self._checked_at > REMEMBERED:
                self._healthy = await self._check()
                self._checked_at = time.monotonic()
            return self._healthy


class ProbeHandler(Handler):
    """200 ``{"health": "HEALTH"}`` or 500 ``{"health": "DOWN"}``; a check that fails is down.

    A model with mistakes serves what they do not touch; what is off stands beside by name, without files and messages:
    no token is asked for here.
    """

    def initialize(self, probe: Probe, mistakes: Callable[[], Mapping[str, Any]] | None = None) -> None:
        self._probe = probe
        self._mistakes = mistakes

    async def get(self) -> None:
        healthy = await self._probe.healthy()
        self.set_status(200 if healthy else 500)
        self.set_header("Content-Type", JSON)
        body: dict[str, Any] = {"health": "HEALTH" if healthy else "DOWN"}
        mistakes = self._mistakes() if self._mistakes is not None and healthy else {}
        self.finish(orjson.dumps({**body, "model": mistakes} if mistakes else body))

    head = get

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        self.set_header("Content-Type", JSON)
        self.finish(orjson.dumps({"health": "DOWN"}))
