"""What all handlers of one server share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cuboid.http.authentication import Authenticator
from cuboid.http.logs import log_request
from cuboid.http.settings import HttpSettings
from cuboid.http.sockets.connections import Connections
from cuboid.http.traffic import Traffic
from cuboid.service import Service

if TYPE_CHECKING:
    from tornado.web import RequestHandler

    from cuboid.http.metrics import Metrics

LAST_WORDS = 1.0
"""Seconds for what was cut off to get its last words out."""


@dataclass(frozen=True, slots=True)
class Site:
    """The service behind the server, and what stands in front of it."""

    service: Service
    settings: HttpSettings
    authenticator: Authenticator
    traffic: Traffic
    metrics: Metrics
    sockets: Connections

    def record(self, handler: RequestHandler) -> None:
        """A request is over: it is logged and counted."""
        log_request(handler)
        self.metrics.record(handler)

    async def close(self) -> None:
        """Stops everything that runs for this server."""
        await self.sockets.close(LAST_WORDS)
        await self.authenticator.close()
        await self.service.close()
