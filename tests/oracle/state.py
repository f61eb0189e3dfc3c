"""A query seen from inside: what a measure is evaluated for."""

from __future__ import annotations

from dataclasses import dataclass

from tests.oracle.expressions import Value
from tests.oracle.members import Shift
from tests.oracle.question import Condition, GroupColumn
from tests.oracle.world import Path

Group = tuple[Value, ...]
Groups = dict[Group, Value]
"""``eval(measure, state)``: a value for each group of the state's keys, in their order."""


@dataclass(frozen=True, slots=True)
class State:
    """Keys, row conditions, segments and the shifts of the stages around, the outermost first. ``along``: the paths
    that the measure is meant along."""

    keys: tuple[GroupColumn, ...]
    conditions: tuple[Condition, ...]
    segments: tuple[str, ...]
    shifts: tuple[Shift, ...] = ()
    along: tuple[Path, ...] = ()
