"""The WebSocket itself: who may open one, how large its messages may be, its heartbeat and its end."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
from tornado.websocket import WebSocketHandler

from cuboid.http.handler import JSON, STOPPING, seen_by_plugins
from cuboid.http.site import Site
from cuboid.http.sockets.conversation import Conversation

GOING_AWAY = 1001
POLICY = 1008

FULL = orjson.dumps({"error": "Too many WebSockets are open; try again later."})
NOT_THE_ORIGIN = "Cross origin websockets not allowed"


class SocketHandler(WebSocketHandler):
    """A request to upgrade to a WebSocket, and the connection it becomes.

    Without a token in a header: browsers cannot send one with this request, so the first message has it.
    """

    conversation: Conversation | None = None
    request_id = ""
    refused = False
    _impatience: asyncio.TimerHandle | None = None

    @property
    def site(self) -> Site:
        """What the handlers share."""
        site: Site = self.application.settings["site"]
        return site

    def set_default_headers(self) -> None:
        self.clear_header("Server")

    async def get(self, *args: Any, **kwargs: Any) -> None:
        if self.site.traffic.stopping or self.site.sockets.full:
            self.refused = True
            self.set_status(503)
            self.set_header("Connection", "close")
            self.set_header("Retry-After", str(self.site.traffic.retry_after))
            self.set_header("Content-Type", JSON)
            self.finish(STOPPING if self.site.traffic.stopping else FULL)
            return
        await super().get(*args, **kwargs)

    def check_origin(self, origin: str) -> bool:
        """Pages of other origins may do here what they may do over HTTP."""
        return self.site.settings.cors.allows(origin)

    def open(self, *args: str, **kwargs: str) -> None:
        self.site.sockets.enter(self)
        self.conversation = Conversation(self.site, seen_by_plugins(self.request), self._write)
        patience = self.site.settings.sockets.authorize_within
        self._impatience = asyncio.get_running_loop().call_later(patience, self._lose_patience)

    async def on_message(self, message: str | bytes) -> None:
        if self.conversation is not None:
            await self.conversation.hear(message)
            if self.conversation is not None:
                self.site.sockets.know(self, self.conversation.bearer is not None)

    def on_close(self) -> None:
        self.drop()

    def drop(self) -> None:
        if self._impatience is not None:
            self._impatience.cancel()
        if self.conversation is not None:
            self.conversation.end()
            self.conversation = None
        self.site.sockets.leave(self)

    def hang_up(self) -> None:
        """The server is going away; clients connect again, to whichever server is there."""
        self.close(GOING_AWAY, "The server is stopping")

    def turn_out(self) -> None:
        """Others want the place of somebody unknown."""
        self.close(POLICY, "No authorization was sent")

    async def _write(self, text: bytes) -> None:
        await self.write_message(text)

    def _lose_patience(self) -> None:
        """Whoever has said nothing about itself keeps a place from others."""
        if self.conversation is not None and not self.conversation.has_authorization:
            self.close(POLICY, "No authorization was sent")
