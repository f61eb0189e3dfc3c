"""What all handlers of one server share."""

from __future__ import annotations

from dataclasses import dataclass

from cuboid.http.authentication import Authenticator
from cuboid.http.settings import HttpSettings
from cuboid.http.traffic import Traffic
from cuboid.service import Service


@dataclass(frozen=True, slots=True)
class Site:
    """The service behind the server, and what stands in front of it."""

    service: Service
    settings: HttpSettings
    authenticator: Authenticator
    traffic: Traffic

    async def close(self) -> None:
        """Stops everything that runs for this server."""
        await self.authenticator.close()
        await self.service.close()
