"""How MySQL and MariaDB are loaded."""

from __future__ import annotations

from cuboid.run.bounded import BoundedQueue


class MySQLQueue(BoundedQueue):
    """A statement runs on one core of the server, whatever the server has, so that statements at once do add up; and
    the server is usually another application's, whose short transactions share its cores and its buffer pool with
    these long scans. Four finish a dashboard sooner than two, and leave a small server of eight cores half free."""

    default_limit = 4
