"""How Postgres is loaded."""

from __future__ import annotations

from cuboid.run.bounded import BoundedQueue


class PostgresQueue(BoundedQueue):
    """Each statement has a connection, that is a server process, and by default up to two parallel workers beside
    it, of eight in the whole server (``max_parallel_workers``): four statements use them all, further ones would
    run without. The server's 100 connections usually belong to an application, which must not miss the four.

    Cancelling is the driver's ``interrupt``: a cancel request for the connection that runs the statement.
    """

    default_limit = 4
