"""The contract of a rollup store: where rows that were read beforehand are kept, and read from.

Reading is ordinary: a store has a driver, and core puts a data source before it. Writing goes past the queue: the rows
of a part stream in, and are published at once. Whoever reads a table sees the rows of a part from before a build or
those from after it, never some of both; a part that was built without any row is there.

Several processes may use one store at a time: what one of them publishes, the others see with their next
:meth:`RollupStore.table`. A process that is killed leaves nothing that anybody sees.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import ClassVar

from cuboid.errors import NotStored
from cuboid.run.driver import Driver
from cuboid.run.stored import Bounds, StoredRollup
from cuboid.run.streams import Batch
from cuboid.types import Column, Statement


@dataclass(frozen=True, slots=True)
class StoreSettings:
    """What a store is told by the project.

    :param folder: where a store on this machine keeps its files; None: only as long as the process lives.
    :param lease: seconds after which the builds of a process that is gone are given up, where a store cannot see that.
    :param memory: bytes that all builds of a process together may take, beside what the driver of its source takes.
    :param replaced_for: seconds for which replaced rows stay readable, for statements that have begun with them.
    """

    folder: Path | None = None
    memory: int = 512 * 1024**2
    replaced_for: float = 900.0
    lease: float = 60.0


@dataclass(frozen=True, slots=True)
class SourceStoreSettings:
    """What a store in a source's database is told by the project; times are in seconds.

    :param schema: where its tables lie.
    :param timeout: how long making a part may take.
    :param lease: after how long the builds of a process that is gone are given up.
    :param replaced_for: as in :class:`StoreSettings`.
    """

    schema: str = "pre_aggregations"
    timeout: float = 3600.0
    lease: float = 60.0
    replaced_for: float = 900.0


@dataclass(frozen=True, slots=True)
class NewPart:
    """A part to be built.

    :param label: names it among the parts of its table; letters, digits and dashes.
    :param version: what tells whether it is out of date.
    :param range: the first and the last moment of the whole rollup, as known now; None if it has no parts of time.
    :param bounds: between which times its rows are; None for all times, and for rows without one.
    :param tail: the name of a second table, which shows its rows and those of all parts that end before it. The table
        itself does not show them.
    :param folded: columns in which the source takes different texts for one, as the store does not.
    """

    label: str
    version: str
    range: Bounds | None = None
    bounds: Bounds | None = None
    tail: str | None = None
    folded: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BuiltPart:
    """A part that is there. ``built_at`` is aware: when its rows began to be read; ``seconds``: how long that took;
    ``range``, ``bounds``, ``tail`` and ``folded``: as it was built with."""

    label: str
    version: str
    rows: int
    bytes: int
    built_at: datetime
    seconds: float
    range: Bounds | None = None
    bounds: Bounds | None = None
    tail: str | None = None
    folded: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BuiltTable:
    """A table of the store: of which rollup and zone, its columns and its parts by label.

    :param used_at: when it was last read, to within a minute or so.
    :param dropped_at: when parts were last taken out, if ever.
    :param definition: that of the rollup whose rows it has; None if it was not written down.
    """

    name: str
    rollup: str
    zone: str
    columns: tuple[Column, ...]
    used_at: datetime
    parts: Mapping[str, BuiltPart] = field(default_factory=lambda: MappingProxyType({}))
    dropped_at: datetime | None = None
    definition: str | None = None


def check_same(stored: StoredRollup, definition: str | None) -> None:
    """Raises :class:`NotStored` if a table of the rollup's name is one of another definition: of another tenant's
    model, say, for which the digest in the name has come out the same."""
    if definition is not None and definition != stored.definition:
        raise NotStored(
            f"The pre-aggregation {stored.name} is not stored: the rows under its name are those of another one.",
            hint="Rename the pre-aggregation in one of the models.",
        )


class RollupStore(ABC):
    """Keeps the rows of rollups.

    ``name`` is what the setting ``rollup_store`` says; for one that a driver gives it says the data source. Everything
    but :attr:`reader` may raise :class:`cuboid.DriverError`.
    """

    name: ClassVar[str]

    @abstractmethod
    def __init__(self, settings: StoreSettings) -> None:
        """Keeps the settings; touches neither network nor files."""

    @property
    @abstractmethod
    def reader(self) -> Driver:
        """What reads the tables, by the names that rollups give them; always the same object. It can read a table
        from the first :meth:`table` that found it."""

    @abstractmethod
    async def open(self) -> None:
        """Makes the store ready and removes what killed builds have left. Harmless when called twice."""

    @abstractmethod
    async def close(self) -> None:
        """Releases everything but the driver, which its data source closes."""

    @abstractmethod
    async def table(self, name: str) -> BuiltTable | None:
        """The table as it is now, None if no part of it was ever built; the driver reads that or newer rows. Asked
        before each query: costs next to nothing while nothing changes."""

    @abstractmethod
    async def tables(self) -> tuple[BuiltTable, ...]:
        """All tables, by rollup, zone and name."""

    @abstractmethod
    def building(self, table: str, label: str) -> AbstractAsyncContextManager[bool]:
        """Holds the right to build that part, against all processes; False if another has it. A process that dies
        loses it."""

    @abstractmethod
    async def write(self, stored: StoredRollup, part: NewPart, batches: AsyncIterator[Batch]) -> BuiltPart:
        """Keeps the rows as that part, in the place of those that it had. In bounded memory.

        Nothing changes if the batches raise, or :func:`check_same` does so for the table that there is. Times are
        zoneless, and numbers keep their digits.
        """

    async def make(
        self, stored: StoredRollup, part: NewPart, statement: Statement | None
    ) -> BuiltPart | None:
        """Has the rows of the statement made where they are to lie, as :meth:`write` would; None for no statement is no
        rows. Returns None if they are elsewhere, and must be read and written."""
        return None

    def read(self, statement: Statement) -> Statement:
        """The statement over what is there, for one that names rollups beside the tables that they are made of."""
        return statement

    @abstractmethod
    async def used(self, table: str) -> None:
        """Notes that the table is read now; called often, and cheap."""

    @abstractmethod
    async def drop_parts(self, table: str, labels: Collection[str]) -> None:
        """Takes these parts out of the table."""

    @abstractmethod
    async def drop(self, table: str) -> bool:
        """Removes a table that nobody reads; False if a part of it is being built."""

    @abstractmethod
    async def sweep(self) -> None:
        """Removes what was replaced long enough ago, and what killed builds have left."""
