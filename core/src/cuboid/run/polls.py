"""Requests that are repeated until their answer is there, and the moment at which each began.

Relative dates (``last 30 seconds``) are counted from that moment in every repetition: else each would ask something
else, start a run of its own, and a slow query would never be answered.
"""

from __future__ import annotations

import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import orjson

from cuboid.run.asker import Asker

KEPT_SECONDS = 120.0
"""How long a request may take to come back; as long as a run waits for somebody to ask for it."""

MOST = 10_000
"""Requests that are remembered at once; the one that came longest ago is forgotten first."""

Key = tuple[Asker, bytes]


@dataclass(frozen=True, slots=True)
class Poll:
    """One repetition of a request. ``key`` is None for a request that cannot be told from others."""

    key: Key | None
    began: datetime


class Polls:
    """The requests that were told to wait, by who asks and for what.

    :param clock: seconds of a clock that never goes back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._began: OrderedDict[Key, tuple[datetime, float]] = OrderedDict()

    def poll(self, asker: Asker, raw: object) -> Poll:
        """This repetition of the request; of one that is not known the first, which begins now."""
        key = _key(asker, raw) if asker.request else None
        began, until = self._began.get(key, (None, 0.0)) if key is not None else (None, 0.0)
        if began is None or until < self._clock():
            began = datetime.now(UTC)
        return Poll(key, began)

    def goes_on(self, poll: Poll) -> None:
        """The client was told to repeat the request."""
        if poll.key is not None:
            self._began[poll.key] = (poll.began, self._clock() + KEPT_SECONDS)
            self._began.move_to_end(poll.key)
            if len(self._began) > MOST:
                self._began.popitem(last=False)

    def ends(self, poll: Poll) -> None:
        """The client has its answer."""
        if poll.key is not None:
            self._began.pop(poll.key, None)


def _key(asker: Asker, raw: object) -> Key:
    text = raw.encode(errors="surrogatepass") if isinstance(raw, str) else orjson.dumps(raw, default=repr)
    return asker, hashlib.blake2b(text, digest_size=16).digest()
