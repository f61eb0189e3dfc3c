"""Along which buckets of time a window rolls, and by which its rows are added up before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cuboid.catalog.timing import Bins, RollingWindow
from cuboid.query.model import Slot

if TYPE_CHECKING:
    from cuboid.plan.nodes import Key, Leaf


@dataclass(frozen=True, slots=True)
class Frames:
    """The buckets of a time dimension and for each the interval of civil time whose rows count for it.

    :param time: the time dimension as it is grouped by: its finest key; without granularity there is one frame,
        that of the range.
    :param bins: the buckets; None for the one, and where they are looked up.
    :param window: how a bucket's frame reaches beyond it.
    :param to_date: the periods from whose beginning frames run, if the window is to date.
    :param range: the bounds of the buckets that are shown; None for all from the first to the last that has rows.
    :param looked_up: the buckets, and the periods of a window to date, are groups of a calendar's rows.
    """

    time: Key
    bins: Bins | None
    window: RollingWindow
    to_date: Bins | None = None
    range: tuple[Slot, Slot] | None = None
    looked_up: bool = False


@dataclass(frozen=True, slots=True)
class Buckets:
    """Rows added up by a granularity of the time that windows run along; each frame holds whole buckets.

    :param leaves: all that are added up: windows over equal buckets read the rows once.
    """

    granularity: str
    leaves: tuple[Leaf, ...]
