"""Which parts a rollup has: its source is asked for the first and the last moment, again and again as time goes on."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from cuboid.errors import QueryFailed
from cuboid.run.data_source import DataSource
from cuboid.run.rollups.builds import PRIORITY
from cuboid.run.rollups.parts import REST, WHOLE, Part, cut, within
from cuboid.run.store import BuiltTable
from cuboid.run.stored import Bounds, StoredRollup
from cuboid.types import Pending, Statement, Value

log = logging.getLogger(__name__)

RANGE_SECONDS = 60.0
"""How old the answer may be, while somebody reads, before the source is asked again behind the scenes."""


@dataclass(frozen=True, slots=True)
class Parts:
    """``cut`` are the parts in order of their bounds, as known at ``asked_at`` (aware; ``at`` on the loop's clock).
    ``range`` are the first and the last moment that they were cut by."""

    cut: tuple[Part, ...]
    rest: tuple[Part, ...]
    at: float
    asked_at: datetime
    range: Bounds | None = None

    @property
    def is_asked(self) -> bool:
        """Whether the source has said so, and not only a part that was built with them."""
        return self.at > -math.inf

    def within(self, bounds: Bounds | None) -> Sequence[Part]:
        """Those that a reader of these bounds needs: rows without a time are in none."""
        return (*self.cut, *self.rest) if bounds is None else within(self.cut, bounds)


class PartsOf:
    """The parts of one rollup in one zone; askers share one question to the source."""

    def __init__(self, stored: StoredRollup, source: DataSource) -> None:
        self._stored = stored
        self._source = source
        self._known: Parts | None = None
        self._asking: asyncio.Task[Parts] | None = None

    async def known(self, deadline: float, *, younger: float | None = None) -> Parts | None:
        """The parts; None if the source has not said by ``deadline`` (the loop's clock).

        :param younger: seconds; an answer that is older is not good enough. By default any is.

        Raises :class:`CuboidError`.
        """
        loop = asyncio.get_running_loop()
        known = self._known
        age = None if known is None else loop.time() - known.at
        if known is not None and age is not None and (younger is None or age <= younger):
            if self._asks and age > RANGE_SECONDS:
                self._ask()
            return known
        asking = self._ask()
        timeout = None if deadline == math.inf else max(0.0, deadline - loop.time())
        await asyncio.wait({asking}, timeout=timeout)
        return asking.result() if asking.done() else None

    def suppose(self, table: BuiltTable | None) -> None:
        """Takes the range with which the table's newest part was built for the one that there is, if none is known: it
        is asked for behind the scenes, and a source that is down keeps nobody from rows that are stored."""
        if self._known is None and self._asks and table is not None and table.parts:
            newest = max(table.parts.values(), key=lambda part: part.built_at)
            if newest.range is not None:
                self._known = self._parts(newest.range, -math.inf, newest.built_at)

    @property
    def range(self) -> Bounds | None:
        """The range as it is known."""
        return None if self._known is None else self._known.range

    async def close(self) -> None:
        """Stops asking."""
        if self._asking is not None and not self._asking.done():
            self._asking.cancel()
            await asyncio.wait({self._asking})

    @property
    def _asks(self) -> bool:
        stored = self._stored
        return stored.parts is not None and stored.time is not None and bool(stored.range)

    def _ask(self) -> asyncio.Task[Parts]:
        if self._asking is None or self._asking.done():
            self._asking = asyncio.get_running_loop().create_task(self._read())
            self._asking.add_done_callback(self._heard)
        return self._asking

    def _heard(self, asking: asyncio.Task[Parts]) -> None:
        error = None if asking.cancelled() else asking.exception()
        if error is not None:
            log.warning("the range of the pre-aggregation %s is unknown: %s", self._stored.name, error)

    async def _read(self) -> Parts:
        asked_at, at = datetime.now(UTC), asyncio.get_running_loop().time()
        if self._asks:
            cells = [cell for each in self._stored.range for cell in await self._cells(each)]
            moments = [self._moment(cell) for cell in cells if cell is not None]
            range = (min(moments), max(moments)) if len(moments) > 1 else None
            self._known = self._parts(range, at, asked_at)
        else:
            self._known = Parts((), (Part(WHOLE),), at, asked_at)
        return self._known

    def _parts(self, range: Bounds | None, at: float, asked_at: datetime) -> Parts:
        found = () if range is None else cut(self._stored, *range)
        rest = () if self._stored.rest is None else (Part(REST),)
        return Parts(found, rest, at, asked_at, range)

    async def _cells(self, statement: Statement) -> list[Value]:
        while True:
            result = await self._source.submit(statement, wait=60.0, priority=PRIORITY)
            if not isinstance(result, Pending):
                return [cell for row in result.rows for cell in row]

    def _moment(self, cell: Any) -> datetime:
        if isinstance(cell, datetime):
            return cell
        try:
            text = cell.isoformat() if isinstance(cell, date) else str(cell)
            return datetime.fromisoformat(text).replace(tzinfo=None)
        except ValueError:
            raise QueryFailed(
                f"The range of the pre-aggregation {self._stored.name} begins or ends at {cell!r}, which is no time."
            ) from None
