"""``GET`` and ``POST /v1/load``: rows for a query, as Cube's JSON or, by ``Accept``, as a stream in another format."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from cuboid.errors import InvalidQuery
from cuboid.http.api import text_parameter
from cuboid.http.pouring import PouringHandler
from cuboid.http.priority import read_priority
from cuboid.result.formats import wanted_format
from cuboid.types import Pending


class LoadHandler(PouringHandler):
    """Parameters ``query``, ``queryType``, ``cache``, ``castNumerics``, ``priority``."""

    scope = "data"

    async def get(self) -> None:
        parameters = await self.parameters()
        self.context = replace(self.context, priority=read_priority(parameters, self.request.headers))
        service = self.site.service
        format = wanted_format(self.request.headers.get("Accept", ""), service.formats)
        if format is None or self.request.method == "HEAD":
            await self.respond(self._load(parameters))
            return
        more = await self.site.authenticator.has_scope(self.context.principal, "stream")
        chunks = service.stream(
            parameters.get("query"),
            self.context,
            format=format,
            cast_numerics=_flag(parameters, "castNumerics"),
            more=more,
        )
        await self.pour(chunks, format.content_type)

    head = get
    post = get

    async def _load(self, parameters: Mapping[str, Any]) -> bytes | Pending:
        return await self.site.service.load(
            parameters.get("query"),
            self.context,
            query_type=text_parameter(parameters, "queryType"),
            cache=text_parameter(parameters, "cache"),
            cast_numerics=_flag(parameters, "castNumerics"),
        )


def _flag(parameters: Mapping[str, Any], name: str) -> bool:
    value = parameters.get(name)
    if value in (None, False, True, "true", "false", ""):
        return value in (True, "true")
    raise InvalidQuery(f'Invalid query format: "{name}" must be a boolean', path=name)
