"""Rollups of a world: in its very database, built whenever they are asked for, which is the least that serving needs;
or as projects keep them."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from tests.engines.server import Server

from cuboid.plugins import Registry
from cuboid.run.asker import Asker
from cuboid.run.data_source import DataSource
from cuboid.run.queue import QueueSettings
from cuboid.run.rollups import Rollups
from cuboid.run.store import SourceStoreSettings, StoreSettings
from cuboid.run.stored import Bounds, Refreshed, RollupUse, StoredRollup
from cuboid.run.streams import Streams
from cuboid.types import Pending, Statement

DEADLINE = 60.0
SETTINGS = ("host", "port", "user", "password", "database")
CUT = datetime(2024, 1, 1)
"""Amidst the times of most worlds, and where a part of any length but a week begins."""
LATER = datetime(2029, 1, 1)
"""Likewise, and of the next Monday too: of three rollups, where the rows of the last one begin."""


class KeptRollups:
    """Builds each rollup anew for each question: only the parts that lie within the bounds, if it has parts.

    :param source: of an embedded engine, whose database has the world's tables.
    """

    def __init__(self, source: DataSource) -> None:
        self.name = source.name
        self.source = source
        self.served: Counter[str] = Counter()

    def inside(self, source: DataSource) -> DataSource:
        raise AssertionError("its models have no such rollups")

    async def ready(
        self, uses: Sequence[RollupUse], *, wait: float, asker: Asker, renew: bool = False
    ) -> Mapping[str, Refreshed] | Pending:
        by_table: dict[str, list[RollupUse]] = {}
        for use in uses:
            by_table.setdefault(use.stored.table, []).append(use)
        for parts in by_table.values():
            stored = parts[0].stored
            bounds = [each.bounds for each in parts]
            self.served[stored.name] += 1
            if stored.follows is not None:
                await self._build_in_two(stored)
            elif stored.parts is None or None in bounds:
                await self._build(stored, stored.select(None))
            else:
                await self._build(stored, stored.select(_years([each for each in bounds if each])))
        now = datetime.now(UTC)
        return dict.fromkeys(by_table, Refreshed(now, str(now)))

    async def _build_in_two(self, stored: StoredRollup) -> None:
        """Older rows as the followed rollup has them, and those from some moment on as they are read anew."""
        older = stored.follows
        assert older is not None
        assert older.rest is not None
        await self._build(stored, older.select((datetime(1, 1, 1), CUT)))
        for select in (older.rest, stored.select((CUT, LATER))):
            text = f'INSERT INTO "{stored.table}" {select.sql}'
            outcome = await self.source.submit(Statement(text, select.parameters), wait=DEADLINE)
            assert not isinstance(outcome, Pending)

    async def _build(self, stored: StoredRollup, select: Statement) -> None:
        columns = ", ".join(f'"{column.name}"' for column in stored.columns)
        text = (
            f'CREATE OR REPLACE TABLE "{stored.table}" AS SELECT * FROM ({select.sql}) AS stored({columns})'
        )
        outcome = await self.source.submit(Statement(text, select.parameters), wait=DEADLINE)
        assert not isinstance(outcome, Pending)

    async def close(self) -> None:
        """The data source is the world's."""


def _years(bounds: Sequence[Bounds]) -> Bounds:
    """Whole years around all bounds, as parts are."""
    start = min(start for start, _ in bounds)
    end = max(end for _, end in bounds)
    return datetime(max(start.year, 1), 1, 1), datetime(min(max(end.year, start.year) + 1, 9999), 1, 1)


class FiledRollups:
    """Rollups as a project keeps them: each world has a store of its own.

    :param server: with an empty database, where they are kept; None: in the store that is installed, in memory.
    """

    def __init__(self, source: DataSource, server: Server | None = None) -> None:
        registry = Registry.load()
        if server is None:
            store = registry.store(None)(StoreSettings())
        else:
            driver = registry.driver(server.engine)
            settings = {name: getattr(server, name) for name in SETTINGS}
            store = driver(driver.Config.model_validate(settings)).store(StoreSettings())
        streams = Streams(store.reader)
        queue = store.reader.queue(streams, QueueSettings())
        dialect = registry.dialect(store.reader.dialect)
        self.name = "rollups"
        self.source = DataSource(self.name, store.reader, dialect, queue, streams=streams)
        self.served: Counter[str] = Counter()
        self.schema = f"kept_{uuid.uuid4().hex[:12]}"
        inside = SourceStoreSettings(self.schema)
        self._rollups = Rollups(store, self.source, {source.name: source}, inside=inside)

    def inside(self, source: DataSource) -> DataSource:
        return self._rollups.inside(source)

    async def ready(
        self, uses: Sequence[RollupUse], *, wait: float, asker: Asker, renew: bool = False
    ) -> Mapping[str, Refreshed] | Pending:
        read = await self._rollups.ready(uses, wait=DEADLINE, asker=asker, renew=renew)
        self.served.update(use.stored.name for use in uses)
        return read

    async def close(self) -> None:
        await self._rollups.close()
