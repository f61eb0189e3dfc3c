"""Reads the tables of a store: DuckDB in memory, with a view for each table over the files of its parts."""

from __future__ import annotations

from pathlib import Path

import duckdb

from cuboid.errors import ConnectionFailed
from cuboid_duckdb.driver import DuckDBConfig, DuckDBDriver, quoted, settle


class StoreReader(DuckDBDriver):
    """A driver that sees the files of one folder and nothing else.

    :param folder: the store's.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(DuckDBConfig())
        self._folder = folder
        self._views: dict[str, str] = {}

    def show(self, table: str, select: str) -> None:
        """Has ``table`` read what ``select`` yields, for statements that begin from now on. Blocks; for one thread at a
        time."""
        if self._views.get(table) == select:
            return  # of a table and its tails only one changes at a time, and naming many files takes long
        self._views[table] = select
        connection = self.connect()  # a new instance makes all views anew
        try:
            connection.execute(_view(table, select))
        except duckdb.Error as error:
            del self._views[table]
            raise ConnectionFailed(self.translate(error).message) from None
        finally:
            connection.close()

    def hide(self, table: str) -> None:
        """Takes the table away."""
        if self._views.pop(table, None) is not None:
            connection = self.connect()
            connection.execute(f"DROP VIEW IF EXISTS {quoted(table)}")
            connection.close()

    def _open_instance(self) -> duckdb.DuckDBPyConnection:
        instance = duckdb.connect(":memory:")
        # Allowed before all access is switched off; after that nothing can be allowed any more.
        # Views write paths as patterns that match themselves alone, and are held against this as they are written.
        folders = [f"{self._folder}/", f"{as_pattern(str(self._folder))}/"]
        instance.execute("SET GLOBAL allowed_directories = $1", [folders])
        instance.execute("SET GLOBAL enable_external_access = false")
        settle(instance)
        for table, select in list(self._views.items()):
            instance.execute(_view(table, select))
        return instance


def as_pattern(path: str) -> str:
    """The pattern that matches this path and no other."""
    return "".join(f"[{each}]" if each in "[*?" else each for each in path)


def _view(table: str, select: str) -> str:
    return f"CREATE OR REPLACE VIEW {quoted(table)} AS {select}"
