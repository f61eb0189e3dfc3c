"""The files of one table of a store.

A folder holds ``table.json``, which says what is there, and a folder for each build, with files that never change. A
part is published by replacing ``table.json``, which is one step for every reader and for a process that is killed.
What it does not name is replaced (kept for a while, for statements that have begun), being built (its lock is held) or
left by a killed build.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from cuboid.run.kinds import Kind
from cuboid.run.store import BuiltPart, BuiltTable
from cuboid.run.stored import Bounds
from cuboid.types import Column
from cuboid_duckdb.locks import FileLock
from cuboid_duckdb.store_bench import PREFIX

FORMAT = 3
MANIFEST = "table.json"
LOCK = "lock"
USED = "used"


@dataclass(frozen=True, slots=True)
class Shard:
    """A file of a part: its path from the table's folder, what each column holds, and the first and last time in it, if
    all its rows have one."""

    path: str
    kinds: tuple[Kind, ...]
    times: Bounds | None = None


@dataclass(frozen=True, slots=True)
class Stored:
    """A part and its files."""

    part: BuiltPart
    shards: tuple[Shard, ...]


@dataclass(slots=True)
class Manifest:
    """What ``table.json`` says. ``time`` is the column by which the rows are cut into parts, ``replaced`` are folders
    of builds by the moment when they were replaced."""

    name: str
    rollup: str
    zone: str
    columns: tuple[Column, ...]
    time: str | None = None
    parts: dict[str, Stored] = field(default_factory=dict)
    replaced: dict[str, float] = field(default_factory=dict)
    dropped_at: datetime | None = None
    definition: str | None = None

    def built(self, used_at: datetime) -> BuiltTable:
        """The table as core sees it."""
        parts = {label: stored.part for label, stored in sorted(self.parts.items())}
        told = (parts, self.dropped_at, self.definition)
        return BuiltTable(self.name, self.rollup, self.zone, self.columns, used_at, *told)

    def remove(self, label: str) -> None:
        """Takes a part out; its files stay for now."""
        gone = self.parts.pop(label, None)
        for shard in gone.shards if gone is not None else ():
            self.replaced[shard.path.partition("/")[0]] = time.time()


class TableFolder:
    """The folder of one table. All methods block."""

    def __init__(self, root: Path, table: str) -> None:
        digest = hashlib.blake2b(table.encode(), digest_size=6).hexdigest()
        self.path = root / f"{quote(table, safe='')[:80]}-{digest}"

    @classmethod
    def all(cls, root: Path) -> list[TableFolder]:
        """The folders of all tables."""
        found = []
        for path in sorted(root.iterdir()) if root.is_dir() else ():
            if (path / LOCK).exists() and not path.name.startswith(PREFIX):
                folder = cls.__new__(cls)
                folder.path = path
                found.append(folder)
        return found

    def stamp(self) -> tuple[int, int, int] | None:
        """Differs after each change of the table; None if there is no table."""
        try:
            status = os.stat(self.path / MANIFEST)
        except FileNotFoundError:
            return None
        return (status.st_mtime_ns, status.st_ino, status.st_size)

    def read(self) -> Manifest | None:
        """What is there; None for nothing, and for what another version of Cuboid has written."""
        try:
            written = json.loads((self.path / MANIFEST).read_bytes())
        except (FileNotFoundError, ValueError):
            return None
        return _manifest(written) if written.get("format") == FORMAT else None

    def change(self, change: Callable[[Manifest], None], new: Manifest) -> None:
        """Publishes the table after ``change``; begins with ``new`` if there is none."""
        with self.lock():
            manifest = self.read() or new
            change(manifest)
            manifest.replaced = {
                build: when for build, when in manifest.replaced.items() if (self.path / build).is_dir()
            }
            temporary = self.path / f"{MANIFEST}.new"
            with temporary.open("wb") as file:
                file.write(json.dumps(_written(manifest)).encode())
                file.flush()
                os.fsync(file.fileno())
            if not (self.path / USED).exists():
                (self.path / USED).touch()  # a table that is new is wanted
            temporary.replace(self.path / MANIFEST)
            _sync_folder(self.path)

    def lock(self) -> FileLock:
        """The lock of all changes; to be held for moments only."""
        self.path.mkdir(parents=True, exist_ok=True)
        return FileLock(self.path / LOCK)

    def part_lock(self, label: str) -> FileLock:
        """The right to build that part."""
        self.path.mkdir(parents=True, exist_ok=True)
        return FileLock(self.path / f"{label}.building")

    def begin(self, build: Path, lock: FileLock) -> None:
        """Makes the folder of a build, and takes its lock."""
        with self.lock():
            build.mkdir()
            lock.acquire()

    def used_at(self) -> datetime:
        """When :meth:`use` was last called, by any process."""
        try:
            return datetime.fromtimestamp(os.stat(self.path / USED).st_mtime, UTC)
        except FileNotFoundError:
            return datetime.fromtimestamp(0, UTC)

    def use(self) -> None:
        """The table is read now."""
        with suppress(FileNotFoundError):
            os.utime(self.path / USED)

    def sweep(self, replaced_for: float) -> None:
        """Removes what was replaced that many seconds ago, and what killed builds have left."""
        with suppress(FileNotFoundError), self.lock():
            manifest = self.read()
            named: Collection[str] = ()
            if manifest is not None:
                kept = {
                    build: when
                    for build, when in manifest.replaced.items()
                    if time.time() - when < replaced_for
                }
                named = {
                    shard.path.partition("/")[0] for each in manifest.parts.values() for shard in each.shards
                }
                named |= kept.keys()
            for path in list(self.path.iterdir()):
                if path.is_dir() and path.name not in named:
                    self._remove(path)

    def drop(self) -> bool:
        """Removes the table; False if a part is being built."""
        if not self.path.is_dir():
            return True
        with self.lock():
            if any(_is_held(path / LOCK) for path in self.path.iterdir() if path.is_dir()):
                return False
            (self.path / MANIFEST).unlink(missing_ok=True)  # first: it names what goes next
            shutil.rmtree(self.path, ignore_errors=True)
        return True

    def forget(self, build: Path) -> None:
        """Removes what a build has written that came to nothing."""
        shutil.rmtree(build, ignore_errors=True)

    def _remove(self, path: Path) -> None:
        if not _is_held(path / LOCK):
            shutil.rmtree(path, ignore_errors=True)


def build_lock(build: Path) -> FileLock:
    """The lock of a build's folder, held as long as it is built in."""
    return FileLock(build / LOCK)


def sync_file(path: Path) -> None:
    """What was written to the file outlives a loss of power."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sync_folder(path: Path) -> None:
    if os.name == "posix":
        sync_file(path)


def _is_held(path: Path) -> bool:
    lock = FileLock(path)
    try:
        return not lock.acquire(wait=False)
    finally:
        lock.release()


def _written(manifest: Manifest) -> dict[str, Any]:
    parts = [
        {
            **asdict(stored.part),
            "built_at": stored.part.built_at.isoformat(),
            "range": stored.part.range and [each.isoformat() for each in stored.part.range],
            "bounds": stored.part.bounds and [each.isoformat() for each in stored.part.bounds],
            "shards": [
                [
                    shard.path,
                    [[kind.name, kind.digits, kind.scale] for kind in shard.kinds],
                    shard.times and [each.isoformat() for each in shard.times],
                ]
                for shard in stored.shards
            ],
        }
        for stored in manifest.parts.values()
    ]
    return {
        "format": FORMAT,
        "name": manifest.name,
        "rollup": manifest.rollup,
        "zone": manifest.zone,
        "time": manifest.time,
        "columns": [[column.name, column.type] for column in manifest.columns],
        "parts": parts,
        "replaced": manifest.replaced,
        "dropped_at": manifest.dropped_at and manifest.dropped_at.isoformat(),
        "definition": manifest.definition,
    }


def _manifest(written: dict[str, Any]) -> Manifest:
    parts = {}
    for each in written["parts"]:
        shards = tuple(
            Shard(path, tuple(Kind(*kind) for kind in kinds), _bounds(times))
            for path, kinds, times in each.pop("shards")
        )
        each["built_at"] = datetime.fromisoformat(each["built_at"])
        for name in ("range", "bounds"):
            each[name] = _bounds(each[name])
        each["folded"] = tuple(each["folded"])
        parts[each["label"]] = Stored(BuiltPart(**each), shards)
    columns = tuple(Column(name, type) for name, type in written["columns"])
    dropped_at = written.get("dropped_at")
    dropped_at = dropped_at and datetime.fromisoformat(dropped_at)
    name, rollup, zone = written["name"], written["rollup"], written["zone"]
    told = (parts, written["replaced"], dropped_at, written.get("definition"))
    return Manifest(name, rollup, zone, columns, written["time"], *told)


def _bounds(written: list[str] | None) -> Bounds | None:
    if written is None:
        return None
    start, end = map(datetime.fromisoformat, written)
    return start, end
