"""``POST /v1/pre-aggregations/can-use``: whether a rollup that somebody designs would answer a query."""

from __future__ import annotations

from cuboid.http.api import ApiHandler


class CanUseHandler(ApiHandler):
    """The body has ``transformedQuery``, as ``/v1/sql`` and ``/v1/dry-run`` show it, and ``references``."""

    scope = "meta"

    async def post(self) -> None:
        await self.respond(self._match())

    async def _match(self) -> bytes:
        return await self.site.service.can_use(await self.parameters(), self.context)
