"""Which parts a rollup has: its source is asked for the first and the last moment, again and again as time goes on."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from cuboid.errors import QueryFailed
from cuboid.run.data_source import DataSource
from cuboid.run.rollups.builds import PRIORITY
from cuboid.run.rollups.parts import REST, WHOLE, Part, around, cut, floor, within
from cuboid.run.store import BuiltTable
from cuboid.run.stored import Bounds, StoredRollup
from cuboid.types import Pending, Statement, Value

log = logging.getLogger(__name__)

Wanted = tuple[datetime | None, datetime | None]

_MICROSECOND = timedelta(microseconds=1)

RANGE_SECONDS = 60.0
"""How old the answer may be, while somebody reads, before the source is asked again behind the scenes."""


@dataclass(frozen=True, slots=True)
class Parts:
    """``cut`` are the parts in order of their bounds, as known at ``asked_at`` (aware; ``at`` on the loop's clock).
    ``range`` are the first and the last moment that they were cut by; ``lacking`` the ranges of time in which the
    source has rows that are not to be stored; ``last`` is where the part begins that is not over: all before it may be
    stored for good."""

    cut: tuple[Part, ...]
    rest: tuple[Part, ...]
    at: float
    asked_at: datetime
    range: Bounds | None = None
    lacking: tuple[Bounds, ...] = ()
    last: datetime | None = None

    @property
    def is_asked(self) -> bool:
        """Whether the source has said so, and not only a part that was built with them."""
        return self.at > -math.inf

    def within(self, bounds: Bounds | None) -> Sequence[Part]:
        """Those that a reader of these bounds needs: rows without a time are in none."""
        return (*self.cut, *self.rest) if bounds is None else within(self.cut, bounds)

    def lacks(self, bounds: Bounds | None) -> bool:
        """Whether the source has rows within the bounds that are not to be stored."""
        return bool(self.lacking) and (
            bounds is None or any(start < bounds[1] and bounds[0] < end for start, end in self.lacking)
        )


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
        parts = () if table is None else [each for each in table.parts.values() if each.tail is None]
        if self._known is None and self._asks and not any(self._stored.built) and parts:
            newest = max(parts, key=lambda part: part.built_at)
            if newest.range is not None:
                self._known = self._parts(newest.range, (None, None), -math.inf, newest.built_at)

    def follow(self, source: DataSource) -> None:
        """Where to ask from now on: a data source may be replaced by one of the same database."""
        self._source = source

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
        return stored.parts is not None and bool(stored.range)

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
            moments = [moment(cell, self._stored) for cell in cells if cell is not None]
            range = (min(moments), max(moments)) if len(moments) > 1 else None
            self._known = self._parts(range, await self._wanted(), at, asked_at)
        else:
            self._known = Parts((), (Part(WHOLE),), at, asked_at)
        return self._known

    def _parts(self, range: Bounds | None, wanted: Wanted, at: float, asked_at: datetime) -> Parts:
        rest = () if self._stored.rest is None else (Part(REST),)
        if range is None:
            return Parts((), rest, at, asked_at)
        start, end = wanted
        first = range[0] if start is None else max(start, range[0])
        # What is to be stored ends before that moment: a part that begins there is not begun.
        last = range[1] if end is None or end > range[1] else end - _MICROSECOND
        found = cut(self._stored, first, last) if first <= last else ()
        assert self._stored.parts is not None
        unsettled = floor(range[1] if end is None else min(end, range[1]), self._stored.parts)
        lacking = _lacking(around(self._stored, *range), found)
        return Parts(found, rest, at, asked_at, range, lacking, unsettled)

    async def _wanted(self) -> Wanted:
        """Between which moments rows are to be stored, as the model says."""
        found: list[datetime | None] = []
        for statement in self._stored.built:
            cells = [] if statement is None else await self._cells(statement)
            given = cells[0] if cells else None
            found.append(None if given is None else civil_moment(given, self._stored))
        return found[0], found[1]

    async def _cells(self, statement: Statement) -> list[Value]:
        while True:
            result = await self._source.submit(statement, wait=60.0, priority=PRIORITY)
            if not isinstance(result, Pending):
                return [cell for row in result.rows for cell in row]


def moment(cell: Any, stored: StoredRollup) -> datetime:
    """A time of the wall clock as the source gives it. Raises :class:`QueryFailed` for what is no time."""
    if isinstance(cell, datetime):
        return cell
    try:
        text = cell.isoformat() if isinstance(cell, date) else str(cell)
        return datetime.fromisoformat(text).replace(tzinfo=None)
    except ValueError:
        raise QueryFailed(
            f"The range of the pre-aggregation {stored.name} begins or ends at {cell!r}, which is no time."
        ) from None


def civil_moment(cell: Any, stored: StoredRollup) -> datetime:
    """A moment of ``build_range_start`` or ``build_range_end`` on the wall clock of the rollup's zone: a date is its
    midnight there, a time without a zone is of UTC."""
    found = moment(cell, stored)
    text = cell if isinstance(cell, str) else ""
    if (isinstance(cell, date) and not isinstance(cell, datetime)) or len(text) == len("2024-01-31"):
        return found
    aware = datetime.fromisoformat(text) if text else found
    try:
        instant = aware if aware.tzinfo is not None else aware.replace(tzinfo=UTC)
        return instant.astimezone(ZoneInfo(stored.zone)).replace(tzinfo=None)
    except OverflowError:  # the first or last day that has a date
        return found


def _lacking(span: Bounds, parts: Sequence[Part]) -> tuple[Bounds, ...]:
    """What of the span the parts, which are in order, leave out at its ends."""
    bounds = [part.bounds for part in parts if part.bounds is not None]
    if not bounds:
        return (span,)
    ends = ((span[0], bounds[0][0]), (bounds[-1][1], span[1]))
    return tuple((start, end) for start, end in ends if start < end)
