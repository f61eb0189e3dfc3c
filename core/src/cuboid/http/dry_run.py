"""``GET`` and ``POST /v1/dry-run``: what a query means, without running it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cuboid.http.api import ApiHandler


class DryRunHandler(ApiHandler):
    """Parameter ``query``; comparisons and arrays need no ``queryType`` here."""

    scope = "data"

    async def get(self) -> None:
        await self.respond(self._describe(await self.parameters()))

    head = get
    post = get

    async def _describe(self, parameters: Mapping[str, Any]) -> bytes:
        return await self.site.service.dry_run(parameters.get("query"), self.context)
