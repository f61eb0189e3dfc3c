"""A TCP relay in front of a server, which can cut one answer short, as a server does that dies while it sends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace

from tests.engines.server import Server


@dataclass
class Relay:
    """``cut_after``: close the connection after so many more bytes from the server; once, then relay all again."""

    server: Server
    cut_after: int | None = None

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from_server, to_server = await asyncio.open_connection(self.server.host, self.server.port)
        questions = asyncio.create_task(_pass_on(reader, to_server))
        try:
            while data := await from_server.read(1 << 16):
                cut = self.cut_after
                if cut is not None:
                    self.cut_after = None if cut < len(data) else cut - len(data)
                    data = data[:cut]
                writer.write(data)
                await writer.drain()
                if cut is not None and self.cut_after is None:
                    break
        except ConnectionError:
            pass  # the client has gone
        finally:
            questions.cancel()
            to_server.close()
            writer.close()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
    writer.close()


@asynccontextmanager
async def relayed(server: Server) -> AsyncIterator[tuple[Relay, Server]]:
    """The relay, and the server at the relay's address."""
    relay = Relay(server)
    tasks: set[asyncio.Task[None]] = set()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(relay.serve(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    listener = await asyncio.start_server(connected, server.host, 0)
    async with listener:
        yield relay, replace(server, port=listener.sockets[0].getsockname()[1])
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
