"""The driver contract: code that talks to one kind of database.

A plugin subclasses :class:`cuboid.run.dbapi.DBAPIDriver` (PEP 249 modules: a thread and a connection per running
statement), :class:`cuboid.run.sessions.SessionDriver` (native asyncio clients: a connection per running statement) or
:class:`Driver` itself. Native types become semantic types
here: integers are ``int``, exact decimals ``Decimal``, approximate numbers ``float``, text ``str``, truth
values ``bool``, times zoneless ``datetime`` (what has a zone is converted to UTC first), so that every engine
gives the same JSON. Errors are :class:`ConnectionFailed` or :class:`QueryFailed`, never the client library's own.
"""

from __future__ import annotations

import uuid
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING, ClassVar

from pydantic import BaseModel, ConfigDict, SecretStr

from cuboid.errors import UnsupportedFeature
from cuboid.run.introspection import Introspection
from cuboid.run.queue import QueryQueue
from cuboid.types import Capability, Job, Result, Statement, TableInfo, Value

if TYPE_CHECKING:
    from cuboid.run.store import RollupStore, SourceStoreSettings, StoreSettings

GRACE_SECONDS = 1.0
"""How much longer than its queue, whose word says why it was stopped, the server itself should let a statement run."""

REFRESH_SECONDS = 10.0
"""Cube's, for most databases."""


class DriverConfig(BaseModel):
    """The settings of one data source for a driver; unknown keys are errors.

    A field's environment names that belong to this database alone are declared with it, in
    ``Field(json_schema_extra={"env": ["CUBEJS_DB_EXAMPLE_PATH"]})``. The generic names are by field:
    ``host``, ``port``, ``database``, ``user``, ``password``, ``ssl`` (``CUBEJS_DB_HOST`` … ``CUBEJS_DB_NAME`` …).
    Secrets are ``pydantic.SecretStr``. Relative paths have been resolved against the project's folder by
    the field's own validator with ``info.context["project"]`` (a Path; absent outside a project).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    manners: ClassVar[frozenset[str]] = frozenset()
    """Fields that say how the database is used: processes that differ in no others read the same rows."""

    @property
    def identity(self) -> str:
        """Equal for settings that lead to the same rows. Secrets have no part in it, but the account has."""
        fields = type(self).model_fields.keys() - self.manners
        cells = {name: getattr(self, name) for name in sorted(fields)}
        return repr([(name, cell) for name, cell in cells.items() if not isinstance(cell, SecretStr)])

    @property
    def secrets(self) -> tuple[tuple[str, str], ...]:
        """Those that are given, in clear, by field."""
        return tuple(
            (name, cell.get_secret_value()) for name, cell in sorted(self) if isinstance(cell, SecretStr)
        )


class Driver(ABC):
    """One open data source.

    ``name`` is what a project writes as ``driver:``; ``dialect`` the name of the registered dialect it speaks;
    ``queue`` the class that orders, limits and cancels its statements; ``capabilities`` what it can do beyond
    ``execute``: what is not declared raises ``UnsupportedFeature``.
    """

    name: ClassVar[str]
    dialect: ClassVar[str]
    Config: ClassVar[type[DriverConfig]]
    queue: ClassVar[type[QueryQueue]]
    capabilities: ClassVar[frozenset[Capability]] = frozenset()
    refresh_every: ClassVar[float] = REFRESH_SECONDS
    """Seconds for which an answer is good by default; more for databases that charge by the query."""
    introspection: ClassVar[Introspection | None] = None
    """How the database is asked for its tables; a driver of one that cannot be asked in SQL overrides
    :meth:`introspect`."""

    @abstractmethod
    def __init__(self, config: DriverConfig) -> None:
        """Keeps the settings; touches neither network nor files."""

    @abstractmethod
    async def open(self) -> None:
        """Connects and checks that the server can do what the driver claims. Called before first use, and again
        after it failed. Raises :class:`ConnectionFailed`."""

    @abstractmethod
    async def close(self) -> None:
        """Stops what runs and releases everything; harmless when not open, and when called twice."""

    @abstractmethod
    async def execute(self, job: Job) -> Result:
        """Runs ``job.statement`` to its end. The event loop never waits. Raises :class:`DriverError`."""

    async def interrupt(self, job: Job) -> None:
        """Really stops the run of this very job (by ``job.id``) in the database; no effect if it is over.

        ``execute`` of that job then raises :class:`QueryFailed`. Returns once the database was told.
        """
        raise UnsupportedFeature(f"The {self.name} driver cannot interrupt a running statement.")

    def stream(self, job: Job, batch_rows: int = 5000) -> AsyncIterator[Sequence[tuple[Value, ...]]]:
        """The rows of ``job.statement`` in batches, with bounded memory; stops reading when the consumer stops."""
        raise UnsupportedFeature(f"The {self.name} driver cannot stream results.")

    async def introspect(self) -> tuple[TableInfo, ...]:
        """Tables and views that a model may use, with columns and keys, ordered by schema and name."""
        if self.introspection is None:
            raise UnsupportedFeature(f"The {self.name} driver cannot list tables.")
        columns, keys = self.introspection.columns, self.introspection.keys
        return self.introspection.tables(await self.rows(columns), await self.rows(keys) if keys else ())

    def writer(self) -> Driver:
        """What may write to the same database, not open; this very driver if its own connections may. Rollups that are
        kept in the database are made with it."""
        raise UnsupportedFeature(
            f"The {self.name} driver cannot keep rollups in its database.",
            hint="Only pre-aggregations that are kept in the store, as they are by default, can be built over it.",
        )

    def store(self, settings: StoreSettings) -> RollupStore:
        """A store of rollups of any data sources on this driver's server, not open; it has connections of its own."""
        raise UnsupportedFeature(
            f"The {self.name} driver cannot keep the rollups of a project.",
            hint="Leave rollup_store unset, and they are kept on this machine.",
        )

    def inside(self, settings: SourceStoreSettings) -> RollupStore | None:
        """A store of rollups beside the tables that they are made of, not open, which makes and reads them by its
        ``make`` and ``read``. None for core's own, which wants a :meth:`writer`, and an UPDATE that compares."""
        return None

    async def rows(self, sql: str) -> Sequence[tuple[Value, ...]]:
        """The rows of a statement of the driver's own. Raises :class:`DriverError`."""
        return (await self.execute(Job(uuid.uuid4().hex, sql, Statement(sql)))).rows
