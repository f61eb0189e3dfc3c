"""``GET`` and ``POST /v1/load``: rows for a query."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cuboid.http.api import ApiHandler, text_parameter
from cuboid.types import Pending


class LoadHandler(ApiHandler):
    """Parameters ``query``, ``queryType``, ``cache``."""

    scope = "data"

    async def get(self) -> None:
        await self.respond(self._load(await self.parameters()))

    head = get
    post = get

    async def _load(self, parameters: Mapping[str, Any]) -> bytes | Pending:
        return await self.site.service.load(
            parameters.get("query"),
            self.context,
            query_type=text_parameter(parameters, "queryType"),
            cache=text_parameter(parameters, "cache"),
        )
