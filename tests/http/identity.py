"""An issuer of tokens: a real HTTP server with a key set that tests change, and that counts who asks."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Issuer:
    """``keys`` are what it publishes at ``url``; ``asked`` are the paths that anybody asked for."""

    def __init__(self) -> None:
        self.keys: list[dict[str, Any]] = []
        self.headers: dict[str, str] = {}
        self.status = 200
        self.body: bytes | None = None
        self.asked: list[str] = []
        self.open = threading.Event()
        """While this is not set, nobody gets an answer."""
        self.open.set()
        self.url = ""

    def answer(self) -> bytes:
        return json.dumps({"keys": self.keys}).encode() if self.body is None else self.body


@contextmanager
def issuing() -> Iterator[Issuer]:
    """A server on a free port of the loopback interface."""
    issuer = Issuer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            issuer.asked.append(self.path)
            issuer.open.wait(60)
            body = issuer.answer()
            try:
                self.send_response(issuer.status)
                for name, value in issuer.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
            except OSError:
                pass  # who asked has gone

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    issuer.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield issuer
    finally:
        issuer.open.set()
        server.shutdown()
        thread.join()
        server.server_close()
