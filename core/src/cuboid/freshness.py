"""What keeps answers fresh: the refresh keys of the cubes that a question reads, and what pipelines say of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from cuboid.catalog.cube_sources import fill_statement
from cuboid.catalog.model import Catalog, Cube
from cuboid.errors import InvalidQuery
from cuboid.planning import Planning
from cuboid.run.epochs import Epochs
from cuboid.run.link import Link
from cuboid.run.refresh_keys import AskedKey, Clock, Key, RefreshKeys, TimedKey, read_every
from cuboid.run.shared_values import SharedValues
from cuboid.sql.freshness import refresh_key_statement, refresh_key_text

ASKED_EVERY = 10.0
"""Seconds for which the value of a key in SQL is good that says no ``every``, as in Cube."""

RENEWED = 6 * 3600.0
"""Seconds after which an answer is found out anew though no key has changed, as in Cube."""

RENEWED_BY_KEYS = 24 * 3600.0
"""Likewise where each cube has a refresh key of its own."""


class Freshness:
    """Knows which refresh keys a question has. Used from one event loop, but for :meth:`keys`.

    :param planning: the models and data sources.
    :param link: to other processes, if there are any.
    """

    def __init__(self, planning: Planning, link: Link | None = None) -> None:
        self._planning = planning
        self.epochs = Epochs(link)
        shared = None if link is None else SharedValues(link, self.epochs.of_all)
        self.values = RefreshKeys(wait=planning.settings.continue_wait, shared=shared)

    def keys(self, cubes: Iterable[str], catalog: Catalog, zone: str) -> tuple[Key, ...] | None:
        """The keys of the cubes, in their order, for a query in that zone. None if one of them depends on who asks, or
        on the query: nothing can tell then whether a kept answer is good."""
        found: dict[Key, None] = {}
        for cube in map(catalog.cubes.__getitem__, cubes):
            if cube.refresh_key is not None and cube.refresh_key.immutable:
                continue
            key = self._key(cube, catalog, zone)
            if key is None:
                return None
            found[key] = None
        return tuple(found)

    def renewed(self, cubes: Iterable[str], catalog: Catalog) -> float:
        """Seconds after which an answer is found out anew in any case."""
        own = all(catalog.cubes[name].refresh_key is not None for name in cubes)
        return RENEWED_BY_KEYS if own else RENEWED

    def describe(self, keys: Sequence[Key] | None) -> dict[str, Any]:
        """The keys as ``cacheKeyQueries`` of ``/v1/sql``: each as SQL, though the clock's are asked of no database."""
        if keys is None:
            return {"queries": [], "renewalThreshold": 0}
        return {
            "queries": [[self._text(key), []] for key in keys],
            "renewalThreshold": min((key.threshold for key in keys), default=RENEWED_BY_KEYS),
        }

    def named(self, names: Iterable[str], catalog: Catalog) -> frozenset[str]:
        """These cubes, and the cubes of these views.

        Raises :class:`InvalidQuery` for a name that the catalog does not have.
        """
        cubes: set[str] = set()
        for name in names:
            cube = catalog.cubes.get(name)
            if cube is None:
                raise InvalidQuery(f"Cube '{name}' not found", path="cubes")
            cubes |= {name} if cube.view is None else {each for path in cube.view.paths for each in path}
        return frozenset(cubes)

    # ------------------------------------------------------------ one key

    def _key(self, cube: Cube, catalog: Catalog, zone: str) -> Key | None:
        """None for one that depends on who asks."""
        key, source = cube.refresh_key, self._planning.data_source(cube.data_source)
        if key is None:
            return TimedKey(Clock(source.refresh_every), "UTC", source, source.refresh_every)
        if key.sql is not None:
            sql = fill_statement(key.sql, catalog.cubes)
            if not all(isinstance(part, str) for part in sql.parts):
                return None
            statement = refresh_key_statement(sql, source.dialect, cube.name, source.name)
            good = read_every(key.every).seconds if key.every else ASKED_EVERY
            return AskedKey(cube.name, source, statement, good)
        assert key.every is not None  # the catalog has seen to it
        clock = read_every(key.every)
        cron = key.every.count(" ") > 1
        good = min(max(clock.seconds / 10, 1), 300)
        return TimedKey(clock, (key.timezone or "UTC") if cron else zone, source, good)

    def _text(self, key: Key) -> str:
        if isinstance(key, AskedKey):
            return key.statement.sql
        offset = datetime.now(UTC).astimezone(ZoneInfo(key.zone)).utcoffset()
        assert offset is not None
        shift = int(offset.total_seconds()) - key.clock.offset
        return refresh_key_text(key.source.dialect, key.clock.seconds, shift)
