"""SQLite for Cuboid: a third-party driver in a distribution of its own."""

from cuboid import hookimpl


@hookimpl
def register_dialects(register):
    from cuboid_sqlite.dialect import SQLiteDialect

    register(SQLiteDialect)


@hookimpl
def register_drivers(register):
    from cuboid_sqlite.driver import SQLiteDriver

    register(SQLiteDriver)
