"""``POST /v1/invalidate``: a pipeline says that data has changed, instead of being asked by refresh keys."""

from __future__ import annotations

from typing import Any

from cuboid.errors import InvalidQuery
from cuboid.http.api import ApiHandler

MOST_CUBES = 1000


class InvalidateHandler(ApiHandler):
    """Parameter ``cubes``: names of cubes and views of the principal's model."""

    scope = "invalidate"

    async def post(self) -> None:
        cubes = _names((await self.parameters()).get("cubes"))
        await self.respond(self.site.service.invalidate(cubes, self.context))


def _names(value: Any) -> list[str]:
    if not isinstance(value, list) or not value or not all(isinstance(each, str) for each in value):
        raise InvalidQuery('"cubes" must be a list of names of cubes such as ["orders"]', path="cubes")
    if len(value) > MOST_CUBES:
        raise InvalidQuery(f'"cubes" names more than {MOST_CUBES} cubes', path="cubes")
    return value
