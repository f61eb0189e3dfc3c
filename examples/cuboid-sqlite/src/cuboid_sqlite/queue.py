"""How SQLite is loaded."""

from cuboid import BoundedQueue


class SQLiteQueue(BoundedQueue):
    """Readers do not block each other, but each keeps a core of this very machine busy: no more than a few."""

    default_limit = 4
