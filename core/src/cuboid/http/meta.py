"""``GET /v1/meta``: what may be asked."""

from __future__ import annotations

from cuboid.http.api import ApiHandler


class MetaHandler(ApiHandler):
    """Parameter ``onlyViews``: the text ``true`` leaves out everything but views."""

    async def get(self) -> None:
        only_views = (await self.parameters()).get("onlyViews") == "true"
        await self.respond(self.site.service.meta(self.context, only_views=only_views))

    head = get
