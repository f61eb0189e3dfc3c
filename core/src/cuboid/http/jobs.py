"""``POST /v1/pre-aggregations/jobs``: builds of rollups are ordered, and asked after."""

from __future__ import annotations

from cuboid.http.api import ApiHandler


class JobsHandler(ApiHandler):
    """The body has ``action``: ``post`` with a selector, ``get`` with tokens. Whoever has the scope may order for any
    security context."""

    scope = "jobs"

    async def post(self) -> None:
        await self.respond(self.site.service.jobs(await self.parameters()))
