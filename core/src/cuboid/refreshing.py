"""Rollups that are kept fresh though nobody asks: what a worker does, by itself or inside a server."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from cuboid.errors import CuboidError
from cuboid.plan.layouts import Layout, Unusable
from cuboid.planning import Planning
from cuboid.run.rollups import LateRollups
from cuboid.run.rollups.rollups import SWEEP_SECONDS
from cuboid.run.stored import StoredRollup
from cuboid.types import Principal

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Schedule:
    """For whom a worker works.

    :param contexts: whose rollups are kept fresh: those of each one's model.
    :param zones: on whose wall clocks.
    :param every: seconds from one look at all rollups to the next.
    """

    contexts: Callable[[], Sequence[Principal]] = field(default=lambda: (Principal(),))
    zones: tuple[str, ...] = ("UTC",)
    every: float = 30.0


class Refresher:
    """Builds the rollups of the models in force.

    :param hear: hears what other processes have said of data.
    """

    def __init__(
        self,
        planning: Planning,
        rollups: LateRollups,
        schedule: Schedule,
        hear: Callable[[], Awaitable[None]],
    ) -> None:
        self.schedule = schedule
        self._hear = hear
        self.rollups = rollups
        self._planning = planning

    async def stored(
        self, principal: Principal, zones: Sequence[str]
    ) -> tuple[list[StoredRollup], list[Unusable]]:
        """As :func:`stored_rollups`."""
        return await stored_rollups(self._planning, principal, zones)

    async def scheduled(self) -> list[StoredRollup]:
        """All that are to be kept fresh, each table once."""
        found: dict[str, StoredRollup] = {}
        for principal in self.schedule.contexts():
            rollups, _ = await self.stored(principal, self.schedule.zones)
            found.update((each.table, each) for each in rollups if each.scheduled)
        return list(found.values())

    async def look(self) -> list[CuboidError]:
        """Builds what is missing or out of date of all that is scheduled; what went wrong."""
        await self._hear()
        rollups = await self.scheduled()
        outcomes: list[Any] = await asyncio.gather(
            *(self.rollups.made.refresh(each) for each in rollups), return_exceptions=True
        )
        failed = []
        for stored, outcome in zip(rollups, outcomes, strict=True):
            if isinstance(outcome, CuboidError):
                log.warning("%s in %s is not fresh: %s", stored.name, stored.zone, outcome.message)
                failed.append(outcome)
            elif isinstance(outcome, BaseException):
                raise outcome
        return failed

    async def run(self) -> None:
        """Looks again and again, until it is cancelled."""
        loop = asyncio.get_running_loop()
        swept = -SWEEP_SECONDS
        while True:
            began = loop.time()
            try:
                await self.look()
                if began - swept >= SWEEP_SECONDS:
                    swept = began
                    for table in await self.rollups.made.sweep():
                        log.info("dropped %s, which nobody reads", table)
            except CuboidError as error:  # a model that cannot be read, a store that cannot be reached
                log.warning("rollups cannot be refreshed: %s", error.message)
            await asyncio.sleep(max(0.0, began + self.schedule.every - loop.time()))


async def stored_rollups(
    planning: Planning, principal: Principal, zones: Sequence[str]
) -> tuple[list[StoredRollup], list[Unusable]]:
    """The rollups of the principal's model in each of the zones, and those that cannot be built."""
    planner, _ = await planning.for_principal(principal)
    rollups = planner.rollups
    if rollups is None:
        return [], []
    layouts = await asyncio.to_thread(lambda: rollups.layouts)
    usable = [each for each in layouts if isinstance(each, Layout)]
    names = [each.rollup for each in usable if not each.made_of]
    found = [await asyncio.to_thread(rollups.stored, name, zone) for name in names for zone in zones]
    others = [each if isinstance(each, Unusable) else _made_of(each) for each in layouts]
    return found, [each for each in others if each is not None]


def _made_of(layout: Layout) -> Unusable | None:
    if not layout.made_of:
        return None
    names = " and ".join(f"'{name}'" for name in layout.made_of)
    newer = ", and newer ones that are read when asked for" if layout.follows else ""
    return Unusable(layout.rollup, f"its rows are those of {names}{newer}")
