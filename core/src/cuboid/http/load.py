"""``GET`` and ``POST /v1/load``: rows for a query, as Cube's JSON or, by ``Accept``, as a stream in another format."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypedDict

from cuboid.errors import InvalidQuery
from cuboid.http.api import text_parameter
from cuboid.http.pouring import PouringHandler
from cuboid.http.priority import read_priority
from cuboid.result.formats import wanted_format


class LoadHandler(PouringHandler):
    """Parameters ``query``, ``queryType``, ``cache``, ``castNumerics``, ``priority``."""

    scope = "data"

    async def get(self) -> None:
        parameters = await self.parameters()
        priority = read_priority(parameters, self.request.headers)
        if priority != self.context.priority:
            self.context = replace(self.context, priority=priority)
        service = self.site.service
        format = wanted_format(self.request.headers.get("Accept", ""), service.formats)
        if format is None or self.request.method == "HEAD":
            query, asked = parameters.get("query"), _options(parameters)
            kept = service.kept(query, self.context, **asked)
            if kept is not None:  # what takes no time needs no task that could be stopped
                await self.send(kept)
                return
            await self.respond(service.load(query, self.context, **asked))
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


class Options(TypedDict):
    """What is said beside the query."""

    query_type: str | None
    cache: str | None
    cast_numerics: bool


def _options(parameters: Mapping[str, Any]) -> Options:
    return {
        "query_type": text_parameter(parameters, "queryType"),
        "cache": text_parameter(parameters, "cache"),
        "cast_numerics": _flag(parameters, "castNumerics"),
    }


def _flag(parameters: Mapping[str, Any], name: str) -> bool:
    value = parameters.get(name)
    if value in (None, False, True, "true", "false", ""):
        return value in (True, "true")
    raise InvalidQuery(f'Invalid query format: "{name}" must be a boolean', path=name)
