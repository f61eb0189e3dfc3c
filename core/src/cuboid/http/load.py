"""``GET`` and ``POST /v1/load``: rows for a query, as Cube's JSON or, by ``Accept``, as a stream in another format."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypedDict

from cuboid.http.api import flag_parameter, text_parameter
from cuboid.http.pouring import PouringHandler
from cuboid.http.priority import read_priority
from cuboid.result.formats import wanted_format


class LoadHandler(PouringHandler):
    """Parameters ``query``, ``queryType``, ``cache``, ``castNumerics``, ``priority``."""

    scope = "data"

    def set_default_headers(self) -> None:
        super().set_default_headers()
        self.add_header("Vary", "Accept")

    async def get(self) -> None:
        parameters = await self.parameters()
        priority = read_priority(parameters, self.seen.headers)
        if priority != self.context.priority:
            self.context = replace(self.context, priority=priority)
        service = self.site.service
        query, asked = parameters.get("query"), read_options(parameters)
        format = wanted_format(self.seen.headers.get("accept", ""), service.formats)
        if format is None:
            await self.respond(service.load(query, self.context, **asked))
            return
        more = await self.site.authenticator.has_scope(self.context.principal, "stream")
        chunks = service.stream(
            query,
            self.context,
            format=format,
            more=more,
            cache=asked["cache"],
            cast_numerics=asked["cast_numerics"],
        )
        await self.pour(chunks, format.content_type)

    head = get
    post = get


class Options(TypedDict):
    """What a question is asked with, beside its query."""

    query_type: str | None
    cache: str | None
    cast_numerics: bool


def read_options(parameters: Mapping[str, Any]) -> Options:
    """Raises :class:`InvalidQuery` for values of the wrong type."""
    return {
        "query_type": text_parameter(parameters, "queryType"),
        "cache": text_parameter(parameters, "cache"),
        "cast_numerics": flag_parameter(parameters, "castNumerics"),
    }
