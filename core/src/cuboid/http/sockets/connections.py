"""All WebSockets of one server: how many there are, their subscriptions' common clock, their end."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Protocol

from cuboid.http.settings import SocketSettings

AT_ONCE = 50
"""Subscriptions that are looked after at once; the others of a round wait for them."""


STRANGERS = 10
"""Connections without a verified token that there is always room for; of more, one in ten may be one. A new one takes
the place of the oldest: whoever has a token shows it within milliseconds, and opens a connection in a flood as well."""


class Connection(Protocol):
    """An open WebSocket."""

    def hang_up(self) -> None:
        """Says goodbye: the server is going away."""

    def turn_out(self) -> None:
        """Closes it: nobody knows whose it is, and another one wants its place."""

    def drop(self) -> None:
        """Ends all that goes on for it, whether or not the client has said goodbye."""


class Subscription(Protocol):
    """A question whose answer is looked at again and again."""

    async def refresh(self) -> None:
        """Asks once more and tells the client what has changed."""


class Connections:
    """One clock for all subscriptions: those that ask the same at one time share one run in the database."""

    def __init__(self, settings: SocketSettings) -> None:
        self._settings = settings
        self._open: set[Connection] = set()
        self._strangers: dict[Connection, None] = {}
        self._subscriptions: set[Subscription] = set()
        self._clock: asyncio.Task[None] | None = None
        self._refreshing: dict[Subscription, asyncio.Task[None]] = {}
        self._room = asyncio.Semaphore(AT_ONCE)
        self._none_open = asyncio.Event()
        self._none_open.set()

    @property
    def full(self) -> bool:
        """Whether one more connection would be too many."""
        return len(self._open) >= self._settings.connections

    @property
    def open(self) -> int:
        """How many connections are open."""
        return len(self._open)

    @property
    def subscriptions(self) -> int:
        """How many questions are looked at again and again."""
        return len(self._subscriptions)

    def enter(self, connection: Connection) -> None:
        """The connection is open, and nobody knows yet whose it is."""
        self._open.add(connection)
        self._none_open.clear()
        self.know(connection, False)

    def know(self, connection: Connection, verified: bool) -> None:
        """Whether its latest token was verified; harmless when repeated."""
        if verified:
            self._strangers.pop(connection, None)
        elif connection in self._open and connection not in self._strangers:
            if len(self._strangers) >= max(self._settings.connections // 10, STRANGERS):
                oldest = next(iter(self._strangers))
                del self._strangers[oldest]
                oldest.turn_out()
            self._strangers[connection] = None

    def leave(self, connection: Connection) -> None:
        """The connection is closed; harmless when repeated."""
        self._open.discard(connection)
        self._strangers.pop(connection, None)
        if not self._open:
            self._none_open.set()

    def subscribe(self, subscription: Subscription) -> None:
        """The subscription is refreshed at once, and from then on with every round of the clock."""
        self._subscriptions.add(subscription)
        self._refresh(subscription)
        if self._clock is None:
            self._clock = asyncio.get_running_loop().create_task(self._tick())

    def unsubscribe(self, subscription: Subscription) -> None:
        """The subscription is over, a refresh of it that goes on too."""
        self._subscriptions.discard(subscription)
        task = self._refreshing.pop(subscription, None)
        if task is not None:
            task.cancel()
        if not self._subscriptions and self._clock is not None:
            self._clock.cancel()
            self._clock = None

    async def close(self, grace: float) -> None:
        """Hangs up on all connections and gives them ``grace`` seconds to say goodbye, too."""
        for connection in tuple(self._open):
            connection.hang_up()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._none_open.wait(), grace)
        for connection in tuple(self._open):
            connection.drop()

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(self._settings.interval)
            for subscription in tuple(self._subscriptions):
                if subscription not in self._refreshing:
                    self._refresh(subscription)

    def _refresh(self, subscription: Subscription) -> None:
        """Begins to refresh the subscription; a refresh that takes longer than a round is not overtaken."""
        before = self._refreshing.pop(subscription, None)
        if before is not None:
            before.cancel()
        task = asyncio.get_running_loop().create_task(self._refresh_in_turn(subscription))
        self._refreshing[subscription] = task
        task.add_done_callback(lambda done: self._refreshed(subscription, done))

    async def _refresh_in_turn(self, subscription: Subscription) -> None:
        async with self._room:
            await subscription.refresh()

    def _refreshed(self, subscription: Subscription, task: asyncio.Task[None]) -> None:
        if self._refreshing.get(subscription) is task:
            del self._refreshing[subscription]
        if not task.cancelled():
            task.result()  # a bug shows itself in the log
