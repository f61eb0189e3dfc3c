"""``POST /v1/cubesql`` and ``/v1/convert-query``: Cube's routes for queries in SQL, of which this server has none.

Parameters are checked all the same, so that a client with a mistake learns of that first.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from cuboid.errors import InvalidQuery, UnsupportedFeature
from cuboid.http.api import ApiHandler, text_parameter

NO_INTERFACE = "Error: SQL interface is not initialized. Please enable the SQL interface in your settings."
"""Cube's text, which its clients know."""

NOT_CONVERTED = orjson.dumps(
    {
        "status": "error",
        "error": "Provided sql query can not be converted to rest query.",
        "hint": "This server has no SQL interface: write the query object yourself.",
    }
)

CUBESQL_PARAMETERS = ("query", "timezone", "cache", "throwContinueWait")


def no_sql_interface(hint: str) -> UnsupportedFeature:
    """What a query in SQL is refused with. 400 on the wire, where Cube has 500: nothing here is out of order."""
    return UnsupportedFeature(NO_INTERFACE, hint=hint)


class CubeSqlHandler(ApiHandler):
    """Parameters ``query``, ``timezone``, ``cache``, ``throwContinueWait``."""

    scope = "data"

    async def post(self) -> None:
        parameters = await self.parameters()
        for name in parameters:
            if name not in CUBESQL_PARAMETERS:
                raise InvalidQuery(f'Invalid query format: "{name}" is not allowed', path=name)
        if not text_parameter(parameters, "query"):
            raise InvalidQuery('Invalid query format: "query" is required', path="query")
        raise no_sql_interface("This server has no SQL interface: ask with a query object at /v1/load.")


class ConvertQueryHandler(ApiHandler):
    """Parameters ``input`` (``sql``), ``output`` (``rest``) and ``query``."""

    scope = "sql"

    async def post(self) -> None:
        await self.respond(self._convert(await self.parameters()))

    async def _convert(self, parameters: Mapping[str, Any]) -> bytes:
        for name, known in (("input", "sql"), ("output", "rest")):
            value = parameters.get(name)
            if value != known:
                raise InvalidQuery(f"Error: Unexpected {name} parameter value '{value}'", path=name)
        if not text_parameter(parameters, "query"):
            raise InvalidQuery("Error: query parameter must be a non-empty string", path="query")
        return NOT_CONVERTED
