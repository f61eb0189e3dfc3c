"""Where rows are collected before they become files: one DuckDB in memory for all builds of a process.

Opening one takes 50 ms of CPU, which is ten times what a small part takes otherwise.
"""

from __future__ import annotations

import shutil
import threading
import uuid
from contextlib import suppress
from pathlib import Path

import duckdb

from cuboid_duckdb.locks import FileLock

PREFIX = "temporary."
"""How the folders begin into which collected rows go that are too many for memory."""

LEAST_MEMORY = 64 * 1024**2
"""Bytes without which DuckDB cannot write a file."""


class Bench:
    """Opened with the first build.

    :param root: the store's folder.
    :param memory: bytes for all builds together.
    """

    def __init__(self, root: Path, memory: int) -> None:
        self.memory = max(memory, LEAST_MEMORY)
        self._root = root
        self._opening = threading.Lock()
        self._instance: duckdb.DuckDBPyConnection | None = None
        self._folder = root / f"{PREFIX}{uuid.uuid4().hex[:12]}"
        self._lock = FileLock(self._folder / "lock")

    def connection(self) -> duckdb.DuckDBPyConnection:
        """A connection of its own, to be closed."""
        with self._opening:
            if self._instance is None:
                self._folder.mkdir(parents=True, exist_ok=True)
                self._lock.acquire()
                self._instance = duckdb.connect(
                    config={
                        "memory_limit": f"{self.memory}B",
                        "temp_directory": str(self._folder / "rows"),
                        "autoinstall_known_extensions": False,
                        "autoload_known_extensions": False,
                    }
                )
                self._instance.execute("SET GLOBAL preserve_insertion_order = false")
            return self._instance.cursor()

    def taken(self) -> int:
        """Bytes of rows that are collected now, and of what is done with them."""
        assert self._instance is not None
        with self._instance.cursor() as cursor:
            (taken,) = cursor.execute(
                "SELECT sum(memory_usage_bytes + temporary_storage_bytes) FROM duckdb_memory()"
            ).fetchone() or (0,)
        return int(taken or 0)

    def close(self) -> None:
        """Lets go of everything; harmless when called twice."""
        with self._opening:
            instance, self._instance = self._instance, None
            if instance is not None:
                with suppress(duckdb.Error):
                    instance.close()
                self._lock.release()
                shutil.rmtree(self._folder, ignore_errors=True)


def sweep(root: Path) -> None:
    """Removes what processes have left that were killed."""
    for folder in root.glob(f"{PREFIX}*"):
        lock = FileLock(folder / "lock")
        with suppress(FileNotFoundError):
            if lock.acquire(wait=False):
                shutil.rmtree(folder, ignore_errors=True)
                lock.release()
