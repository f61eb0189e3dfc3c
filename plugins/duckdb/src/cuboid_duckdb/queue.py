"""How DuckDB is loaded."""

from __future__ import annotations

from cuboid.run.bounded import BoundedQueue


class DuckDBQueue(BoundedQueue):
    """DuckDB runs inside this process and spreads one statement over all its threads, so more statements at once
    do not make the sum faster: they share the same cores and divide the memory limit. Four keep a short
    question from waiting behind a long one, which two would not once a dashboard asks two long ones."""

    default_limit = 4
