"""How ClickHouse is loaded."""

from __future__ import annotations

from cuboid.run.bounded import BoundedQueue


class ClickHouseQueue(BoundedQueue):
    """ClickHouse gives each statement all cores of its server, so more at once do not finish sooner. But a small
    one costs it next to nothing, and much of a statement's time goes by on the way: ten keep the server busy and
    let small statements pass a few large ones, and are few enough for a server that others use, too."""

    default_limit = 10


class ChDBQueue(BoundedQueue):
    """The engine in this process spreads a statement over all cores, which it shares with the server around it.
    Four keep a short question from waiting behind a long one, which two would not once a dashboard asks two."""

    default_limit = 4
