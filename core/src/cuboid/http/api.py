"""What the API's handlers do alike: authenticate before the body is read, read parameters, wait, answer."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Coroutine, Mapping
from typing import Any, ClassVar, cast

from tornado.http1connection import HTTP1Connection
from tornado.iostream import StreamClosedError
from tornado.web import HTTPError

from cuboid.errors import InternalError, InvalidQuery
from cuboid.http.authentication import token_in
from cuboid.http.body import is_json, read_json_body
from cuboid.http.handler import JSON, LARGEST_TAGGED, Handler
from cuboid.http.query_string import parse_query_string
from cuboid.http.wait import continue_wait, wants_progress
from cuboid.request import RequestContext, poll_id
from cuboid.types import Pending

CLIENT_GONE = 499
"""What the log shows for a client that did not wait; nobody receives it."""

LARGE_BODY = 1 << 20
"""Bytes from which a body is decoded in a thread: a megabyte takes some 5 ms."""


class ApiHandler(Handler):
    """A handler under the base path. A client that disconnects ends the work on its request."""

    scope: ClassVar[str | None] = None
    """The part of the API that must be open to whoever asks; None: a token is enough."""

    context: RequestContext
    _chunks: list[bytes]
    _working: asyncio.Task[Any] | None = None
    """The handler's own task, while it works on the answer and may be stopped."""
    _sending = False
    _gone = False
    _abandoned = False

    def initialize(self) -> None:
        self._chunks = []

    async def prepare(self) -> None:
        super().prepare()
        if self._finished:
            return
        headers, authenticator = self.seen.headers, self.site.authenticator
        principal = await authenticator.principal(token_in(headers), self.seen)
        self.context = RequestContext(
            principal,
            self.request_id,
            dev=self.site.settings.dev_mode,
            poll_id=poll_id(self.request_id) if "x-request-id" in headers else "",
        )
        if self.scope is not None:
            await authenticator.check_scope(principal, self.scope)
        self._refuse_large_body()

    def _refuse_large_body(self) -> None:
        """Answers 413 to an announced size. A body that turns out too large while it is read (in chunks, or
        compressed) is cut off by the connection with a bare 400."""
        limit = self.site.settings.max_request_size
        length = self.seen.headers.get("content-length", "")
        if length.isdigit() and int(length) > limit:
            # Else the connection would send its 400 after our answer.
            cast("HTTP1Connection", self.request.connection).set_max_body_size(sys.maxsize)
            raise HTTPError(413, reason=f"The request body is larger than the limit of {limit} bytes.")

    def data_received(self, chunk: bytes) -> None:
        """Keeps a body that is going to be read, and no other."""
        if self.request.method == "POST" and is_json(self._content_type):
            self._chunks.append(chunk)

    @property
    def _content_type(self) -> str:
        return self.seen.headers.get("content-type", "")

    async def parameters(self) -> Mapping[str, Any]:
        """The request's parameters: from the query string, or from the JSON body of a POST, never from both."""
        if self.request.method != "POST":
            return parse_query_string(self.request.query)
        # A handler lives until garbage is collected, its body no longer than it takes to read it.
        chunks, self._chunks = self._chunks, []
        if sum(map(len, chunks)) < LARGE_BODY:
            return read_json_body(self._content_type, chunks)
        return await asyncio.to_thread(read_json_body, self._content_type, chunks)

    async def respond(self, work: Coroutine[Any, Any, bytes | Pending]) -> None:
        """Answers with what ``work`` returns: a JSON body, or that the client has to wait on."""
        self._working = task = asyncio.current_task()
        assert task is not None
        try:
            answer = await work
        except asyncio.CancelledError:
            if self._gone:
                self.set_status(CLIENT_GONE)
                return
            if self._abandoned:
                self.refuse()
                return
            if not task.cancelling():
                raise InternalError("The work on a request was cancelled by nobody who may.") from None
            raise
        finally:
            self._working = None
        if isinstance(answer, Pending):
            answer = continue_wait(
                answer if wants_progress(self.request) else None,
                self.request_id if self.context.dev else None,
            )
        await self.send(answer)

    async def send(self, body: bytes) -> None:
        """Sends a JSON body; the request counts as running until the last byte has left."""
        self.set_header("Content-Type", JSON)
        self._sending = True
        try:
            if len(body) > LARGEST_TAGGED:  # what is sent together with the head is copied behind it
                self.set_header("Content-Length", len(body))
                await self.flush()
            await self.finish(body)
        except StreamClosedError:
            pass  # the client has gone: nobody to tell
        finally:
            self.site.traffic.leave(self)

    def abandon(self) -> None:
        self._abandoned = True
        if self._working is not None:
            self._working.cancel()

    def on_finish(self) -> None:
        """:meth:`send` says when it is over; failures and refusals are over as soon as they are written."""
        if not self._sending:
            super().on_finish()

    def on_connection_close(self) -> None:
        self._gone = True
        self._chunks = []
        super().on_connection_close()
        if self._working is not None:
            self._working.cancel()


def flag_parameter(parameters: Mapping[str, Any], name: str) -> bool:
    """Whether ``name`` is true; in a query string a text says so. Raises :class:`InvalidQuery` for anything else."""
    value = parameters.get(name)
    if value is None or isinstance(value, bool) or value in ("true", "false", ""):
        return value in (True, "true")
    raise InvalidQuery(f'Invalid query format: "{name}" must be a boolean', path=name)


def text_parameter(parameters: Mapping[str, Any], name: str) -> str | None:
    """The text under ``name``, None if it is absent or null. Raises :class:`InvalidQuery` for anything else."""
    value = parameters.get(name)
    if value is None or isinstance(value, str):
        return value
    raise InvalidQuery(f'Invalid query format: "{name}" must be a string', path=name)
