"""The requests that are being served, so that a stopping server can let them finish."""

from __future__ import annotations

import asyncio
from typing import Protocol


class Request(Protocol):
    """A request in progress."""

    def abandon(self) -> None:
        """Stop working on it and answer that the server is going away."""


class Traffic:
    """``stopping`` is set once and for all; from then on handlers refuse new requests."""

    def __init__(self) -> None:
        self.stopping = False
        self.retry_after = 5
        self._requests: set[Request] = set()
        self._idle = asyncio.Event()
        self._idle.set()

    def enter(self, request: Request) -> None:
        """``request`` is being served from now on."""
        self._requests.add(request)
        self._idle.clear()

    def leave(self, request: Request) -> None:
        """``request`` is over; harmless when repeated."""
        self._requests.discard(request)
        if not self._requests:
            self._idle.set()

    async def idle(self) -> None:
        """Returns once no request is being served."""
        await self._idle.wait()

    def stop(self, grace: float) -> None:
        """No new requests. Clients are told to come back after the grace, in 5 seconds at the earliest."""
        self.stopping = True
        self.retry_after = max(int(grace), 5)

    def abandon(self) -> None:
        """Ends what is still being served."""
        for request in tuple(self._requests):
            request.abandon()
