"""What is left of requests whose clients went away, while nobody looks for garbage."""

from __future__ import annotations

import gc
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager

from cuboid.http.load import LoadHandler

AT_ONCE = struct.pack("ii", 1, 0)
"""Whoever closes a socket that lingers so says no goodbye: the other side's next write fails."""


def go_away(port: int, request: bytes) -> None:
    """Asks, reads the beginning of an answer that is too large for the kernel to hold, and is gone."""
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
        connection.settimeout(55)
        connection.connect(("127.0.0.1", port))
        connection.sendall(request)
        assert connection.recv(100)


@contextmanager
def nothing_left() -> Iterator[None]:
    """No handler outlives its request, though the collector is off meanwhile: none is part of a circle."""
    gc.collect()
    gc.disable()
    try:
        before = _handlers()
        yield
        deadline = time.monotonic() + 50
        while _handlers() > before and time.monotonic() < deadline:
            time.sleep(0.1)
        assert _handlers() <= before
    finally:
        gc.enable()


def _handlers() -> int:
    return sum(type(each) is LoadHandler for each in gc.get_objects())
