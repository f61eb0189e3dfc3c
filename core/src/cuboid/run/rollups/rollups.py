"""The rollups of a project: what queries read of them is there before they run."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from cuboid.catalog.naming import data_source_name
from cuboid.errors import ConfigError, CuboidError, DriverError, NotStored
from cuboid.run.asker import NOBODY, Asker
from cuboid.run.data_source import DataSource
from cuboid.run.rollups.builds import Builds, Counts
from cuboid.run.rollups.lambdas import LambdaTable
from cuboid.run.rollups.parts import Part
from cuboid.run.rollups.table import RollupTable
from cuboid.run.rollups.versions import Version, Versions
from cuboid.run.source_store import SourceReader, SourceStore
from cuboid.run.store import BuiltTable, RollupStore, SourceStoreSettings, check_same
from cuboid.run.stored import Bounds, Refreshed, RollupUse, StoredRollup
from cuboid.types import Pending

log = logging.getLogger(__name__)

SUPERSEDED_SECONDS = 3600.0
"""How long a table of a rollup that is defined otherwise by now is kept after it was last read."""

SWEEP_SECONDS = 300.0
"""How often what is no longer needed is looked for, while parts are built."""

READS_SECONDS = 60.0
"""How long to wait at a time for what a rollup is made of."""


@dataclass(frozen=True, slots=True)
class RollupSettings:
    """Times are in seconds.

    :param builds: whether this process builds what is missing or out of date.
    :param at_once: builds of one data source at a time.
    :param timeout: how long reading the rows of one part may take.
    :param kept: how long a table that nobody reads is kept.
    """

    builds: bool = True
    at_once: int = 2
    timeout: float = 3600.0
    kept: float = 7 * 86400.0


class Rollups:
    """Keeps rollups in a store.

    :param source: over the store's driver; what :meth:`ready` has made ready is read there.
    :param sources: where the rows come from, by name.
    :param inside: how rollups are kept in the database of their source.
    :param version: the version that a part has if it is built from now on; by default the refresh keys say it.
    """

    def __init__(
        self,
        store: RollupStore,
        source: DataSource,
        sources: Mapping[str, DataSource],
        settings: RollupSettings | None = None,
        *,
        inside: SourceStoreSettings | None = None,
        version: Version | None = None,
    ) -> None:
        self.source = source
        self.settings = settings or RollupSettings()
        self._store = store
        self._inside = inside or SourceStoreSettings()
        self._readers: dict[int, SourceReader] = {}
        self._sources = sources
        self._versions = Versions(sources)
        self._version = version or self._versions
        self._changed: dict[str, datetime] = {}
        self._builds = Builds(
            self._store_of,
            self._prepare,
            self._tidy,
            at_once=self.settings.at_once,
            timeout=self.settings.timeout,
        )
        self._swept: float | None = None
        self._sweeping: asyncio.Task[None] | None = None
        self._tables: dict[str, RollupTable] = {}
        self._lambdas: dict[str, LambdaTable] = {}
        self._opening: dict[RollupStore, asyncio.Task[None]] = {}

    def inside(self, source: DataSource) -> SourceReader:
        """Where rows are read that are kept in the database of their source."""
        reader = self._readers.get(source.serial)
        if reader is None:
            store = source.driver.inside(self._inside) or SourceStore(source, self._inside)
            reader = self._readers[source.serial] = SourceReader(source, store)
        return reader

    async def ready(
        self, uses: Sequence[RollupUse], *, wait: float, asker: Asker = NOBODY, renew: bool = False
    ) -> Pending | Mapping[str, Refreshed]:
        """What is read of each table that is used, or :class:`Pending` after ``wait`` seconds, while the
        builds go on. Missing parts are built; parts that are out of date are served, and refreshed behind the scenes.

        :param asker: who waits; builds belong to nobody, as they serve all.
        :param renew: parts that are out of date are waited for.

        Raises :class:`CuboidError` if a rollup cannot be built.
        """
        deadline = asyncio.get_running_loop().time() + wait
        for use in uses:
            await self._opened(self._store_of(use.stored))
        outcomes = await asyncio.gather(
            *(
                self._read(use.stored).ready(use.bounds, deadline, renew=renew, build=self.settings.builds)
                for use in uses
            ),
            return_exceptions=True,
        )
        refreshed: dict[str, Refreshed] = {}
        pending: Pending | None = None
        for use, outcome in zip(uses, outcomes, strict=True):
            if isinstance(outcome, BaseException):
                raise outcome
            if isinstance(outcome, Pending):
                pending = outcome
            else:
                await self._check_texts(use)
                before = refreshed.get(use.stored.table)
                if before is not None:
                    rows = f"{before.rows} {outcome.rows}"
                    outcome = Refreshed(min(before.at, outcome.at), rows)
                refreshed[use.stored.table] = outcome
        return refreshed if pending is None else pending

    async def refresh(
        self, stored: StoredRollup, bounds: Bounds | None = None, *, since: datetime | None = None
    ) -> Sequence[Part]:
        """Builds what is missing or out of date; see :meth:`RollupTable.refresh`."""
        await self._opened(self._store_of(stored))
        return await self._table(stored).refresh(bounds, since=since)

    async def tables(self, stored: Iterable[StoredRollup] = ()) -> tuple[BuiltTable, ...]:
        """All tables of the store, and of the sources' own where these rollups are kept."""
        stores = dict.fromkeys([self._store, *map(self._store_of, stored)])
        for store in stores:
            await self._opened(store)
        return tuple([table for store in stores for table in await store.tables()])

    async def table(self, stored: StoredRollup) -> BuiltTable | None:
        """What is stored of the rollup."""
        store = self._store_of(stored)
        await self._opened(store)
        return await self._table(stored).built()

    async def parts(self, stored: StoredRollup, bounds: Bounds | None = None) -> Sequence[Part]:
        """The parts that the rollup has now within ``bounds``, built or not. Raises :class:`CuboidError`."""
        await self._opened(self._store_of(stored))
        return await self._table(stored).all_parts(bounds)

    def failure(self, stored: StoredRollup, part: Part, since: datetime) -> str | None:
        """Why the last build of the part failed, if it did so since then."""
        failure = self._builds.failure(stored, part.label)
        return failure.error.message if failure is not None and failure.at >= since else None

    def progress(self, stored: StoredRollup) -> Mapping[str, int]:
        """The rows that builds of the rollup have read so far, by the label of the part."""
        return {label: each.rows for label, each in self._builds.running(stored).items()}

    def invalidate(self, changes: Mapping[str, datetime]) -> None:
        """The data of these cubes has changed then: what was made of it before is out of date, whatever its version."""
        self._changed.update(changes)
        self._versions.forget()
        for table in self._tables.values():
            table.look_at_once()

    async def sweep(self) -> tuple[str, ...]:
        """Removes what is no longer needed; the tables that are gone.

        That is what nobody has read for long, and, after an hour, a table of a rollup of which another table is newer:
        its definition has changed. Where tenants define one rollup in several ways, each of them reads its own.
        """
        await self._opened(self._store)
        await self._leave_replaced()
        gone = await self._sweep(self._store)
        for store in [store for store in self._opening if store is not self._store and self._is_open(store)]:
            try:
                gone += await self._sweep(store)
            except (
                DriverError
            ) as error:  # that database is away: what is kept in others is swept all the same
                log.warning("rollups that are no longer needed stay: %s", error)
        return tuple(gone)

    def _tidy(self) -> None:
        """Sweeps now and then: each build leaves what it has replaced."""
        now = asyncio.get_running_loop().time()
        if self._swept is None:
            self._swept = now
        elif now - self._swept >= SWEEP_SECONDS and self._sweeping is None:
            self._swept = now
            self._sweeping = asyncio.get_running_loop().create_task(self._sweep_behind())

    async def _sweep_behind(self) -> None:
        try:
            for table in await self.sweep():
                log.info("dropped %s, which nobody reads", table)
        except CuboidError as error:
            log.warning("rollups that are no longer needed stay: %s", error)
        finally:
            self._sweeping = None

    async def _leave_replaced(self) -> None:
        """Closes the stores of data sources that others have taken the place of."""
        for serial, reader in list(self._readers.items()):
            replaced = self._sources.get(reader.name) is not reader.underlying
            if replaced and self._is_open(reader.store):
                del self._readers[serial], self._opening[reader.store]
                await reader.store.close()

    def _is_open(self, store: RollupStore) -> bool:
        opening = self._opening.get(store)
        return (
            opening is not None and opening.done() and not opening.cancelled() and opening.exception() is None
        )

    async def _sweep(self, store: RollupStore) -> list[str]:
        now = datetime.now(UTC)
        newest: dict[tuple[str, str], datetime] = {}
        tables = await store.tables()
        for table in tables:
            key = (table.rollup, table.zone)
            newest[key] = max(newest.get(key, table.used_at), table.used_at)
        gone = []
        for table in tables:
            unused = (now - table.used_at).total_seconds()
            superseded = table.used_at < newest[table.rollup, table.zone]
            due = unused > self.settings.kept or (superseded and unused > SUPERSEDED_SECONDS)
            if due and await store.drop(table.name):
                gone.append(table.name)
                self._forget(table.name)
        await store.sweep()
        return gone

    @property
    def counts(self) -> Counts:
        """What this process has built so far."""
        return self._builds.counts

    async def close(self) -> None:
        """Stops all builds; the source is closed too."""
        if self._opening:
            await asyncio.wait(self._opening.values())
        await self._builds.close()
        if self._sweeping is not None:
            self._sweeping.cancel()
            await asyncio.wait({self._sweeping})
        tables: list[RollupTable | LambdaTable] = [*self._tables.values(), *self._lambdas.values()]
        await asyncio.gather(*(table.close() for table in tables))
        await self._versions.close()
        await self.source.close()
        for store in dict.fromkeys([self._store, *self._opening]):
            await store.close()

    async def _opened(self, store: RollupStore) -> None:
        opening = self._opening.get(store)
        if opening is None or (opening.done() and opening.exception() is not None):
            opening = self._opening[store] = asyncio.get_running_loop().create_task(store.open())
        await asyncio.shield(opening)

    def _store_of(self, stored: StoredRollup) -> RollupStore:
        return self.inside(self._source_of(stored)).store if stored.inside else self._store

    async def _check_texts(self, use: RollupUse) -> None:
        """Raises :class:`NotStored` if the source compares a text of the query otherwise than the store."""
        stored = use.stored.follows or use.stored
        table = await self._store_of(stored).table(stored.table) if use.texts else None
        for part in () if table is None else table.parts.values():
            for name in use.texts.intersection(part.folded):
                raise NotStored(
                    f"The pre-aggregation {stored.name} cannot compare '{name}': its database takes different texts for"
                    " one there, by the collation of the column, and the store does not.",
                    hint="Give the column a collation that compares code points, or the pre-aggregation"
                    " 'external: false'.",
                )

    async def _prepare(self, stored: StoredRollup) -> DataSource:
        """Where the rows of the rollup are read, once there is what they are made of."""
        source = self._source_of(stored)
        if not stored.reads:
            return source
        uses = [RollupUse(each) for each in stored.reads]
        while isinstance(await self.ready(uses, wait=READS_SECONDS, renew=True), Pending):
            pass
        return self.inside(source)

    def _forget(self, table: str) -> None:
        self._tables.pop(table, None)
        self._lambdas = {name: each for name, each in self._lambdas.items() if each.base != table}

    def _read(self, stored: StoredRollup) -> RollupTable | LambdaTable:
        """What a statement reads."""
        if stored.follows is None:
            return self._table(stored)
        base = self._table(stored.follows)
        known = self._lambdas.get(stored.table)
        if known is None:
            known = self._lambdas[stored.table] = LambdaTable(stored, base, *self._made_with(stored))
        check_same(stored, known.stored.definition)
        known.follow(stored, self._source_of(stored), self._store_of(stored))
        return known

    def _table(self, stored: StoredRollup) -> RollupTable:
        known = self._tables.get(stored.table)
        if known is None:
            known = self._tables[stored.table] = RollupTable(stored, *self._made_with(stored))
        check_same(stored, known.stored.definition)
        known.follow(stored, self._source_of(stored), self._store_of(stored))
        return known

    def _made_with(
        self, stored: StoredRollup
    ) -> tuple[DataSource, RollupStore, Builds, Version, Mapping[str, datetime]]:
        return (
            self._source_of(stored),
            self._store_of(stored),
            self._builds,
            self._version,
            self._changed,
        )

    def _source_of(self, stored: StoredRollup) -> DataSource:
        source = self._sources.get(stored.data_source)
        if source is None:
            name = data_source_name(stored.data_source)
            raise ConfigError(
                f"The pre-aggregation {stored.name} is built from the data source '{name}', which is not configured.",
                setting="data_sources",
            )
        return source
