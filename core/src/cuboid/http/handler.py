"""What every handler does alike: request id, CORS, ETag, the refusal while stopping, errors as JSON."""

from __future__ import annotations

import hashlib
import random
from asyncio import Future
from collections.abc import Awaitable, Mapping
from functools import cached_property
from types import MappingProxyType, TracebackType
from typing import Any

import orjson
from tornado.httputil import HTTPServerRequest
from tornado.web import HTTPError, RequestHandler, stream_request_body

from cuboid.http.errors import describe
from cuboid.http.logs import log, printable
from cuboid.http.site import Site
from cuboid.types import HttpRequest

JSON = "application/json; charset=utf-8"

STOPPING = orjson.dumps({"message": "Server unavailable, no new requests accepted during shutdown"})

LARGEST_HEAD = 64 * 1024
"""Bytes of a request's path and headers."""

LARGEST_TAGGED = 1_000_000
"""Bytes above which a body has no ETag: hashing it would cost more than a client's 304 ever saves."""


@stream_request_body
class Handler(RequestHandler):
    """A handler of this server. Bodies are streamed, so that a request can be refused before it is read."""

    request_id = ""
    refused = False

    @property
    def site(self) -> Site:
        """What the handlers share."""
        site: Site = self.application.settings["site"]
        return site

    @cached_property
    def seen(self) -> HttpRequest:
        """The outside of the request. Headers are looked up here: of each that is missing, Tornado's raise and catch an
        error, and most of those that we look for are."""
        return seen_by_plugins(self.request)

    def set_default_headers(self) -> None:
        self.clear_header("Server")
        cors = self.site.settings.cors
        origin = self.seen.headers.get("origin")
        everybody = "*" in cors.origins
        if not everybody:
            self.set_header("Vary", "Origin")
        if not cors.allows(origin):
            return
        self.set_header("Access-Control-Allow-Origin", "*" if everybody else str(origin))
        if cors.credentials:
            self.set_header("Access-Control-Allow-Credentials", "true")
        if cors.exposed:
            self.set_header("Access-Control-Expose-Headers", ",".join(cors.exposed))

    def prepare(self) -> Awaitable[None] | None:
        self.request_id = request_id(self.seen.headers)
        if self.site.traffic.stopping:
            self.refuse()
            return None
        self.site.traffic.enter(self)
        if _head_size(self.request) > LARGEST_HEAD:
            raise HTTPError(
                431,
                reason=f"Path and headers are larger than {LARGEST_HEAD} bytes: send the query in a POST.",
            )
        return None

    def refuse(self) -> None:
        """Answers that the server is stopping."""
        self.refused = True
        self.set_status(503)
        self.set_header("Connection", "close")
        self.set_header("Retry-After", str(self.site.traffic.retry_after))
        self.set_header("Content-Type", JSON)
        self.finish(STOPPING)

    def abandon(self) -> None:
        """The server's grace is over; a handler that waits for something stops waiting."""

    def data_received(self, chunk: bytes) -> None:
        """Bodies are dropped unless a handler keeps them."""

    def on_finish(self) -> None:
        self.site.traffic.leave(self)

    def on_connection_close(self) -> None:
        super().on_connection_close()
        self.site.traffic.leave(self)

    def finish(self, chunk: str | bytes | dict[str, Any] | None = None) -> Future[None]:
        if not self.request._body_future.done():
            # Tornado closes the connection after an answer that comes before the body was read, were it an empty one.
            # Unannounced, that would fail the client's next request.
            self.set_header("Connection", "close")
        return super().finish(chunk)

    def compute_etag(self) -> str | None:
        """A weak tag of the body, as Express has them."""
        size = sum(map(len, self._write_buffer))
        if size > LARGEST_TAGGED:
            return None
        digest = hashlib.sha1(b"".join(self._write_buffer), usedforsecurity=False).hexdigest()
        return f'W/"{size:x}-{digest}"'

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Every failure of a handler ends here; ``status_code`` is Tornado's guess, the error table decides."""
        error: BaseException | None = kwargs.get("exc_info", (None, None))[1]
        if error is None:
            self.set_header("Content-Type", JSON)
            self.finish(orjson.dumps({"error": self._reason}))
            return
        failure = describe(error, dev=self.site.settings.dev_mode, request_id=self.request_id)
        self.set_status(failure.status)
        for name, value in failure.headers.items():
            self.set_header(name, value)
        self.set_header("Content-Type", JSON)
        self.finish(orjson.dumps(failure.body, default=str))

    def log_exception(
        self,
        typ: type[BaseException] | None,
        value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        """A traceback for what is our fault; the request's line says enough about the rest."""
        if value is None:
            return
        failure = describe(value, dev=False, request_id=self.request_id)
        if failure.status == 500:
            log.error("failed", request_id=self.request_id, exc_info=value)


def _head_size(request: HTTPServerRequest) -> int:
    return len(request.uri or "") + sum(
        len(name) + len(value) + 4 for name, value in request.headers.get_all()
    )


def seen_by_plugins(request: HTTPServerRequest) -> HttpRequest:
    """The outside of ``request``."""
    headers: dict[str, str] = {}
    for given, value in request.headers.get_all():
        name = given.lower()
        headers[name] = f"{headers[name]},{value}" if name in headers else value
    return HttpRequest(request.method or "", request.path, MappingProxyType(headers), request.remote_ip or "")


def request_id(headers: Mapping[str, str]) -> str:
    """The id the client gave its request (``x-request-id``, else ``traceparent``), else a new one."""
    given = headers.get("x-request-id") or headers.get("traceparent")
    if given:
        return printable(given)
    # A UUID of version 4, as Cube's clients make them.
    text = f"{random.getrandbits(128):032x}"
    variant = "89ab"[int(text[16], 16) & 3]
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-{variant}{text[17:20]}-{text[20:]}-span-1"
