"""``GET`` and ``POST /v1/explain``: how a query would be answered and why, without running it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cuboid.http.api import ApiHandler


class ExplainHandler(ApiHandler):
    """Parameter ``query``; comparisons and arrays need no ``queryType`` here."""

    scope = "sql"

    async def get(self) -> None:
        await self.respond(self._explain(await self.parameters()))

    head = get
    post = get

    async def _explain(self, parameters: Mapping[str, Any]) -> bytes:
        return await self.site.service.explain(parameters.get("query"), self.context)
