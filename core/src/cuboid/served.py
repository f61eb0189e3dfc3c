"""What answers a question from stored rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from cuboid.plan.nodes import Plan
from cuboid.query.model import Slot, Values
from cuboid.query.shifts import unshifted
from cuboid.run.stored import RollupUse, StoredRollup
from cuboid.sql.binding import Prepared


@dataclass(frozen=True, slots=True)
class Served:
    """A statement over stored rows.

    :param reads: each rollup, the slots of the range of its parts, and the columns whose texts are compared.
    :param inside: what it reads is kept in the database of its source.
    :param live: cubes whose tables it reads beside the stored rows.
    """

    plan: Plan
    prepared: Prepared
    reads: tuple[tuple[StoredRollup, tuple[Slot, Slot] | None, frozenset[str]], ...]
    rollups: frozenset[str]
    inside: bool = False
    live: tuple[str, ...] = ()

    @property
    def cubes(self) -> tuple[str, ...]:
        """Whose data the stored rows are made of."""
        return tuple(sorted({cube for stored, *_ in self.reads for cube in stored.cubes}.union(self.live)))

    def uses(self, values: Values) -> tuple[RollupUse, ...]:
        """What must be stored to answer for these values."""
        return tuple(
            RollupUse(stored, slots and (_civil(slots[0], values), _civil(slots[1], values)), texts)
            for stored, slots, texts in self.reads
        )


def _civil(slot: Slot, values: Values) -> datetime:
    return unshifted(values.civil[slot.index], slot.shifts)
