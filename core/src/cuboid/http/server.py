"""The running server: listen, say so, serve until told to stop, let requests finish, close the service."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import socket
import sys
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, cast

from tornado.http1connection import HTTP1ServerConnection
from tornado.httpserver import HTTPServer
from tornado.web import Application

from cuboid.errors import ConfigError
from cuboid.http.handler import LARGEST_HEAD
from cuboid.http.logs import log
from cuboid.http.site import LAST_WORDS, Site

IDLE_TIMEOUT = 75.0
BODY_TIMEOUT = 300.0
"""Seconds a connection may stay open unused, and a request's body may take."""

READ_HEAD = 4 * LARGEST_HEAD
"""Bytes of a head that are read, so that one that is too large is answered; beyond these the connection is closed."""

BACKLOG = 128
"""Connections that may wait to be accepted."""

NO_SUCH_ADDRESS = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)


class Server(HTTPServer):
    """Lets go of what was on its way to a client that went: the stream keeps the error, whose traceback knows the
    stream and, if it came while an answer was written, that answer and all who wrote it."""

    def on_close(self, server_conn: object) -> None:
        super().on_close(server_conn)
        error = cast("HTTP1ServerConnection", server_conn).stream.error
        if error is not None:
            error.__traceback__ = error.__context__ = None


def run(main: Coroutine[Any, Any, None]) -> None:
    """Runs ``main`` to its end, on uvloop where there is one: it serves a fifth more requests a second."""
    if sys.platform == "win32":
        asyncio.run(main)
    else:
        import uvloop

        # While a thread compiles or encodes, the event loop gets the interpreter back after this long instead of 5 ms.
        sys.setswitchinterval(0.001)

        uvloop.run(main)


async def serve(
    app: Application,
    host: str,
    port: int,
    *,
    sockets: Sequence[socket.socket] | None = None,
    grace: float = 30.0,
    also: Sequence[tuple[Application, int]] = (),
    ready: Callable[[str], None] | None = None,
    beside: Callable[[], Coroutine[Any, Any, None]] | None = None,
) -> None:
    """Serves ``app`` until SIGTERM or SIGINT, then stops in order and closes its service.

    While stopping, new requests get 503 and running ones up to ``grace`` seconds; a second signal ends the grace.

    :param host: a name or address; empty for all interfaces.
    :param port: 0 for any free one.
    :param sockets: to serve on in place of new ones.
    :param also: more applications of this server, each with its port on the same host.
    :param ready: called with the server's URL once it listens.
    :param beside: runs while it serves and is cancelled when it stops; should it fail, the server goes on.

    Raises :class:`ConfigError` if it cannot listen there; the service is closed then too.
    """
    site: Site = app.settings["site"]
    try:
        listening = listen(host, port) if sockets is None else list(sockets)
        others = [(other, listen(host, its_port)) for other, its_port in also]
        servers = [start(each, its_sockets) for each, its_sockets in ((app, listening), *others)]
        stop, hurry = _listen_for_signals()
        url = _url(host, listening[0])
        log.info("ready", url=url)
        if ready is not None:
            ready(url)
        companion = None if beside is None else asyncio.create_task(beside())
        await stop.wait()
        if companion is not None:
            companion.cancel()
        await drain(site, servers, grace, hurry)
    finally:
        await site.close()
    log.info("stopped")


def start(app: Application, sockets: list[socket.socket]) -> HTTPServer:
    """Serves ``app`` on ``sockets`` from the running event loop."""
    site: Site = app.settings["site"]
    site.authenticator.open()
    server = Server(
        app,
        decompress_request=True,
        max_body_size=site.settings.max_request_size,
        max_header_size=READ_HEAD,
        idle_connection_timeout=IDLE_TIMEOUT,
        body_timeout=BODY_TIMEOUT,
    )
    server.add_sockets(sockets)
    return server


def listen(host: str, port: int, *, shared: bool = False) -> list[socket.socket]:
    """Listening sockets, one for each address of ``host``. Raises :class:`ConfigError` that says why there are none.

    :param shared: others may listen there too (SO_REUSEPORT): the kernel deals connections to all of them. Otherwise a
        second server on the port is an error.
    """
    where = f"{host or '*'}:{port}"
    if not 0 <= port <= 65535:
        # getaddrinfo would take the rest of a division by 65536.
        raise ConfigError(f"Cannot listen on {where}: ports go from 0 to 65535.", setting="port")
    try:
        found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (socket.gaierror, UnicodeError):
        raise ConfigError(f"Cannot listen on {where}: the host is unknown.", setting="host") from None
    sockets: list[socket.socket] = []
    for family, address in dict.fromkeys((family, address) for family, *_, address in found):
        try:
            sockets.append(_listening(family, address, sockets, shared))
        except OSError as error:
            if error.errno in NO_SUCH_ADDRESS and len(found) > 1:
                continue  # IPv6 is off, say
            for each in sockets:
                each.close()
            raise _cannot_listen(error, host, port) from None
    if not sockets:
        raise ConfigError(f"Cannot listen on {where}: this machine has no such address.", setting="host")
    return sockets


def _listening(family: int, address: Any, before: list[socket.socket], shared: bool) -> socket.socket:
    """A socket at ``address``; for port 0 on the port that the first one got."""
    if before and address[1] == 0:
        address = (address[0], before[0].getsockname()[1], *address[2:])
    listening = socket.create_server(address, family=family, backlog=BACKLOG, reuse_port=shared)
    listening.setblocking(False)
    return listening


def _cannot_listen(error: OSError, host: str, port: int) -> ConfigError:
    if error.errno == errno.EADDRINUSE:
        return ConfigError(
            f"Port {port} is already in use on {host or 'this machine'}.",
            setting="port",
            hint="Stop the program that uses it, or choose another port with --port.",
        )
    reason = os.strerror(error.errno) if error.errno else str(error)
    return ConfigError(f"Cannot listen on {host or '*'}:{port}: {reason}.", setting="port")


async def drain(site: Site, servers: Sequence[HTTPServer], grace: float, hurry: asyncio.Event) -> None:
    """Lets running requests finish for ``grace`` seconds or until ``hurry``, cuts off the rest, closes all
    connections."""
    log.info("stopping", grace=grace)
    site.traffic.stop(grace)
    waits = {asyncio.create_task(site.traffic.idle()), asyncio.create_task(hurry.wait())}
    _, open_waits = await asyncio.wait(waits, timeout=grace, return_when=asyncio.FIRST_COMPLETED)
    for wait in open_waits:
        wait.cancel()
    site.traffic.abandon()
    await asyncio.wait({asyncio.create_task(site.traffic.idle())}, timeout=LAST_WORDS)
    await site.sockets.close(LAST_WORDS)
    for server in servers:
        server.stop()
        await server.close_all_connections()


def _listen_for_signals() -> tuple[asyncio.Event, asyncio.Event]:
    """Events for the first and for the second SIGTERM or SIGINT."""
    first, second = asyncio.Event(), asyncio.Event()

    def hear() -> None:
        (second if first.is_set() else first).set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, hear)
    return first, second


def _url(host: str, listening: socket.socket) -> str:
    """Where a client on this machine reaches the server."""
    port = listening.getsockname()[1]
    name = "localhost" if host in ("", "0.0.0.0", "::") else host  # noqa: S104 - compared, not bound
    return f"http://[{name}]:{port}" if ":" in name else f"http://{name}:{port}"
