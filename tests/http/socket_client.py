"""A WebSocket client for tests, asked without coroutines: it lives on an event loop in a thread."""

from __future__ import annotations

import asyncio
import json
import threading
from typing import Any

from tornado.httpclient import HTTPRequest
from tornado.websocket import websocket_connect

DEADLINE = 60.0


class Loop:
    """An event loop in a thread, on which the clients live."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()

    def run(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(DEADLINE)

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class Socket:
    """One connection, asked without waiting in coroutines."""

    def __init__(self, loop: Loop, port: int, path: str, headers: dict[str, str]) -> None:
        self._loop = loop
        request = HTTPRequest(f"ws://127.0.0.1:{port}{path}", headers=headers)
        self._client = loop.run(_connect(request))

    def send(self, message: object) -> None:
        text = message if isinstance(message, str | bytes) else json.dumps(message)
        self._loop.run(_write(self._client, text))

    def receive(self) -> Any:
        """The next message; None once the connection is closed."""
        text = self._loop.run(_read(self._client))
        return None if text is None else json.loads(text)

    def ask(self, identity: Any, method: str, /, **params: Any) -> Any:
        """The message that answers one question; others that come before it are left out."""
        self.send({"messageId": identity, "method": method, "params": params})
        return self.answer(identity)

    def answer(self, identity: Any) -> Any:
        """What is answered to that message, once it has been processed."""
        found = None
        while True:
            message = self.receive()
            assert message is not None, "the connection was closed"
            if message.get("messageId") == str(identity):
                found = message
            if message.get("messageProcessedId") == str(identity) and found is not None:
                return found

    def authorize(self, token: str | None) -> Any:
        self.send({"authorization": token})
        return self.receive()

    @property
    def closed(self) -> tuple[int | None, str | None]:
        """Code and reason, once everything that came before has been read."""
        while self.receive() is not None:
            pass
        return self._client.close_code, self._client.close_reason

    def close(self) -> None:
        self._loop.run(_close(self._client))


async def _connect(request: HTTPRequest) -> Any:
    return await websocket_connect(request, max_message_size=100 * 1024**2)


async def _write(client: Any, text: str | bytes) -> None:
    await client.write_message(text, binary=isinstance(text, bytes))


async def _read(client: Any) -> Any:
    return await client.read_message()


async def _close(client: Any) -> None:
    client.close()
