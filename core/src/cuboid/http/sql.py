"""``GET`` and ``POST /v1/sql``: the SQL of a query, without running it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cuboid.errors import InvalidQuery
from cuboid.http.api import ApiHandler, text_parameter
from cuboid.http.sql_interface import no_sql_interface


class SqlHandler(ApiHandler):
    """Parameters ``query`` and ``format``."""

    scope = "sql"

    async def get(self) -> None:
        parameters = await self.parameters()
        _check_format(parameters)
        await self.respond(self.site.service.sql(parameters.get("query"), self.context))

    head = get
    post = get


def _check_format(parameters: Mapping[str, Any]) -> None:
    format = text_parameter(parameters, "format")
    if format == "sql":
        raise no_sql_interface("Send a query object and leave out format=sql.")
    if format not in (None, "rest"):
        raise InvalidQuery('Invalid query format: "format" must be one of [rest, sql]', path="format")
