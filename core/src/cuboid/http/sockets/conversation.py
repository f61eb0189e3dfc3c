"""What is said over one WebSocket: who it is, which questions are being answered, which are subscribed to."""

from __future__ import annotations

import asyncio
import hashlib
import re
import uuid
from collections.abc import Awaitable, Callable
from contextlib import suppress

import orjson
from tornado.iostream import StreamClosedError
from tornado.websocket import WebSocketClosedError

from cuboid.errors import CuboidError, InvalidQuery, QueueFull, UserError
from cuboid.http.logs import log, printable
from cuboid.http.site import Site
from cuboid.http.sockets.answers import Answer, Bearer, answer, failure
from cuboid.http.sockets.messages import Ask, Authorization, Unsubscribe, decode, message_id, read
from cuboid.types import HttpRequest

HANDSHAKE = b'{"handshake":true}'

REFRESH_TIME = re.compile(rb',"lastRefreshTime":"[0-9T:.+-]+Z"')
"""The time at which a result was read differs each time; within a JSON text the quotes would be escaped."""

RENEWED_WITHIN = 240.0
"""Seconds after which a subscription ends that the client has not sent again; it does so every minute."""

MOST_BEFORE_AUTHORIZATION = 64 * 1024
"""Bytes of a message from nobody: tokens have 16 KB at most, and reading takes time from others."""

Write = Callable[[bytes], Awaitable[None]]


class Conversation:
    """Messages are heard one after the other; questions are answered side by side.

    :param handshake: the request that opened the connection.
    :param write: sends one text, and returns when the client has taken it.
    """

    def __init__(self, site: Site, handshake: HttpRequest, write: Write) -> None:
        self.site = site
        self.bearer: Bearer | None = None
        self.has_authorization = False
        self._handshake = handshake
        self._write = write
        self._id = str(uuid.uuid4())
        self._questions: dict[str, Question] = {}
        self._subscriptions: dict[str, Subscription] = {}

    async def hear(self, text: str | bytes) -> None:
        """One message; returns when the next one may be heard."""
        identity: str | None = None
        try:
            if self.bearer is None and len(text) > MOST_BEFORE_AUTHORIZATION:
                raise InvalidQuery("A message before the connection is authorized may have 64 KB at most.")
            message = decode(text)
            identity = message_id(message)
            said = read(message)
        except InvalidQuery as error:
            await self.tell(identity, failure(self.site, error, self._id))
            return
        match said:
            case Authorization():
                await self._authorize(said)
            case Unsubscribe():
                self._forget(said.message_id)
            case Ask() if not self.site.traffic.stopping:
                # Whoever asks a server that is going away asks the next one, once the connection is closed.
                await self._take(said)

    async def tell(self, identity: str | None, said: Answer) -> None:
        """One answer; ``identity`` is that of its message, None if it has none."""
        head = b"" if identity is None else b'"messageId":' + orjson.dumps(identity) + b","
        await self.write(b"".join((b"{", head, b'"message":', said.body, b',"status":%d}' % said.status)))

    async def processed(self, identity: str) -> None:
        """That the message has been dealt with, for now; clients take it for a sign of life."""
        await self.write(orjson.dumps({"messageProcessedId": identity}))

    async def write(self, text: bytes) -> None:
        """Sends a text, or nothing to a client that has gone."""
        with suppress(WebSocketClosedError, StreamClosedError):
            await self._write(text)

    def request_id(self, ask: Ask) -> str:
        return f"{printable(ask.request_id) or f'{self._id}-{ask.message_id}'}-span-1"

    async def answer(self, ask: Ask) -> Answer:
        return await answer(self.site, self.bearer, ask, self.request_id(ask))

    def end(self) -> None:
        """The connection is closed: nothing is answered any more."""
        for question in tuple(self._questions.values()):
            question.abandon()
        for identity in tuple(self._subscriptions):
            self._forget(identity)

    # ------------------------------------------------------------ what clients say

    async def _authorize(self, said: Authorization) -> None:
        self.has_authorization = True
        self.bearer = None
        bearer = Bearer(said.token, self._handshake)
        try:
            await self.site.authenticator.principal(bearer.token, bearer.handshake)
        except CuboidError as error:
            # The connection stays open: a client that was cut off would come back at once, with the same token.
            await self.tell(None, failure(self.site, error, self._id))
            return
        self.bearer = bearer
        await self.write(HANDSHAKE)

    async def _take(self, ask: Ask) -> None:
        known = self._questions.get(ask.message_id) or self._subscriptions.get(ask.message_id)
        if known is not None and known.ask == ask:
            known.renew()  # the client's heartbeat: it sends again what it still wants
            return
        self._forget(ask.message_id)
        try:
            self._check_room(ask)
        except CuboidError as error:
            await self.tell(ask.message_id, failure(self.site, error, self.request_id(ask)))
            await self.processed(ask.message_id)
            return
        if ask.method == "subscribe":
            subscription = self._subscriptions[ask.message_id] = Subscription(self, ask)
            self.site.sockets.subscribe(subscription)
        else:
            self._questions[ask.message_id] = Question(self, ask, self._answered)

    def _check_room(self, ask: Ask) -> None:
        settings = self.site.settings.sockets
        if ask.method == "subscribe":
            if len(self._subscriptions) >= settings.subscriptions:
                raise UserError(f"A connection may have {settings.subscriptions} subscriptions at once.")
        elif len(self._questions) >= settings.questions:
            raise QueueFull(f"A connection may ask {settings.questions} questions at once.")

    def _forget(self, identity: str) -> None:
        question = self._questions.pop(identity, None)
        if question is not None:
            question.abandon()
        subscription = self._subscriptions.pop(identity, None)
        if subscription is not None:
            self.site.sockets.unsubscribe(subscription)

    def _answered(self, question: Question) -> None:
        if self._questions.get(question.ask.message_id) is question:
            del self._questions[question.ask.message_id]

    def expire(self, subscription: Subscription) -> None:
        """The subscription has not been renewed for long."""
        if self._subscriptions.get(subscription.ask.message_id) is subscription:
            self._forget(subscription.ask.message_id)


class Question:
    """A question that is being answered, once; a request that a stopping server lets finish."""

    def __init__(self, conversation: Conversation, ask: Ask, answered: Callable[[Question], None]) -> None:
        self.ask = ask
        self._conversation = conversation
        self._answered = answered
        self._began = asyncio.get_running_loop().time()
        conversation.site.traffic.enter(self)
        self._task = asyncio.get_running_loop().create_task(self._answer())
        self._task.add_done_callback(self._over)

    def renew(self) -> None:
        """The client still waits."""

    def abandon(self) -> None:
        """Nobody waits for the answer."""
        self._task.cancel()

    async def _answer(self) -> None:
        said = await self._conversation.answer(self.ask)
        log.info(
            "message",
            method=self.ask.method,
            status=said.status,
            ms=round((asyncio.get_running_loop().time() - self._began) * 1000, 1),
            request_id=self._conversation.request_id(self.ask),
        )
        await self._conversation.tell(self.ask.message_id, said)
        await self._conversation.processed(self.ask.message_id)

    def _over(self, task: asyncio.Task[None]) -> None:
        self._conversation.site.traffic.leave(self)
        self._answered(self)
        if not task.cancelled():
            task.result()


class Subscription:
    """A question whose answer is pushed when it has changed."""

    def __init__(self, conversation: Conversation, ask: Ask) -> None:
        self.ask = ask
        self._conversation = conversation
        self._last: bytes | None = None
        self.renew()

    def renew(self) -> None:
        """The client still wants it."""
        self._renewed = asyncio.get_running_loop().time()

    async def refresh(self) -> None:
        """Asks once more; pushes the answer if it is another than the last one."""
        if asyncio.get_running_loop().time() - self._renewed > RENEWED_WITHIN:
            self._conversation.expire(self)
            return
        said = await self._conversation.answer(self.ask)
        digest = hashlib.blake2b(b"%d" % said.status + REFRESH_TIME.sub(b"", said.body)).digest()
        if digest != self._last:
            self._last = digest
            await self._conversation.tell(self.ask.message_id, said)
        await self._conversation.processed(self.ask.message_id)
