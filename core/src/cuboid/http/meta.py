"""``GET /v1/meta``: what may be asked."""

from __future__ import annotations

from cuboid.http.api import ApiHandler


class MetaHandler(ApiHandler):
    """Parameters: ``onlyViews``, the text ``true`` leaves out everything but views; ``extended``, with or without a
    value, adds SQL, files, and what is off."""

    scope = "meta"

    async def get(self) -> None:
        parameters = await self.parameters()
        only_views = parameters.get("onlyViews") == "true"
        meta = self.site.service.meta(self.context, only_views=only_views, extended="extended" in parameters)
        await self.respond(meta)

    head = get
