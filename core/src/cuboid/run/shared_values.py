"""Values of refresh keys that all processes share, through an exchange: a key is asked once for all in its threshold.

A value is as old as its statement, whoever told it: it is good for no longer than where it was asked. Clocks of
machines must agree.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable

from cuboid.run.link import Link


class SharedValues:
    """Values in the exchange.

    :param epoch: another number after each time that data was said to have changed: what was told before counts no
        more.
    """

    def __init__(self, link: Link, epoch: Callable[[], int]) -> None:
        self._link = link
        self._epoch = epoch

    def named(self, key: str) -> bytes:
        """What the value is kept under, if it is asked for now.

        :param key: all that the value depends on, in whichever process.
        """
        return f"refresh key {self._epoch()} {key}\n".encode("utf-8", "surrogatepass")

    async def get(self, whole: bytes) -> tuple[bytes, float] | None:
        """The value, and how many seconds ago it began to be asked for."""
        text = await self._link.ask(lambda exchange: exchange.get(_name(whole)), None)
        if text is None or not text.startswith(whole):
            return None
        asked_at, _, value = text[len(whole) :].partition(b" ")
        try:
            return value, max(time.time() - float(asked_at), 0.0)
        except ValueError:  # it is no value of ours
            return None

    async def put(self, whole: bytes, value: bytes, age: float, seconds: float) -> None:
        """Keeps the value for so long; ``age`` as :meth:`get` gives it."""
        text = b"%s%f %s" % (whole, time.time() - age, value)
        await self._link.ask(lambda exchange: exchange.put(_name(whole), text, seconds), None)


def _name(whole: bytes) -> str:
    return hashlib.blake2b(whole, digest_size=20).hexdigest()
