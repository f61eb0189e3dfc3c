"""``DELETE /v1/running-query/:id``: a client no longer wants what it asked for."""

from __future__ import annotations

from cuboid.http.api import ApiHandler


class RunningQueryHandler(ApiHandler):
    """The path names the request (its ``x-request-id``, with or without ``-span-N``). Only requests of the same
    principal are found; for all others the answer is as for an id that nobody uses."""

    async def delete(self, request_id: str) -> None:
        await self.respond(self.site.service.cancel(request_id, self.context))
