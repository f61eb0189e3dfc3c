"""Mistakes that serving from rollups plausibly makes: a rollup answers what it cannot tell."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.oracle.planting import Mistake, in_code

from cuboid.plan import layouts, rollups
from cuboid.plan.nodes import Aggregate, Key, KeyedAggregate
from cuboid.plan.rollups import NotServedError, Rollups
from cuboid.query.model import members_of
from cuboid.rollup_planner import RollupPlanner


def _adds_everything(self: Any, part: Any, leaf: Any, layout: Any) -> None:
    if leaf.measure not in layout.leaves:
        raise NotServedError("not stored")


def _tests_stored_only(right: Any = Rollups._serve) -> Any:
    """Conditions on members that the rollup lacks are dropped."""

    def wrong(self: Any, part: Any, layout: Any, asked: Any) -> Any:
        stored = {key.member for key in layout.keys}
        kept = tuple(
            each
            for each in part.relation.conditions
            if {self._members.origin(name) for name in members_of((each,))} <= stored
        )
        return right(self, replace(part, relation=replace(part.relation, conditions=kept)), layout, asked)

    return wrong


def _without_segments(right: Any = Rollups._serve) -> Any:
    """Segments that the rollup lacks are dropped."""

    def wrong(self: Any, part: Any, layout: Any, asked: Any) -> Any:
        kept = tuple(
            name for name in part.relation.segments if Key(self._members.origin(name)) in layout.keys
        )
        return right(self, replace(part, relation=replace(part.relation, segments=kept)), layout, asked)

    return wrong


def _in_utc(right: Any = RollupPlanner.stored) -> Any:
    return lambda self, rollup, zone: right(self, rollup, "UTC")


def _unmasked(right: Any = Rollups._serve) -> Any:
    return lambda self, part, layout, asked: right(self, part, layout, replace(asked, masked=frozenset()))


ROLLUP_MISTAKES: tuple[Mistake, ...] = (
    in_code("stored values that do not add up are added up", Rollups, "_check_additive", _adds_everything),
    in_code("stored groups are not added up", Rollups, "_is_exact", lambda *given: True),
    in_code("conditions on what is not stored are dropped", Rollups, "_serve", _tests_stored_only()),
    in_code("segments that are not stored are dropped", Rollups, "_serve", _without_segments()),
    in_code("rollups of UTC serve every zone", RollupPlanner, "stored", _in_utc()),
    in_code("rollups of other joined rows serve", rollups, "_same_rows", lambda relation, stored: None),
    in_code("row policies leave rollups alone", Rollups, "_row_rules", lambda *given: ()),
)

BY_HAND: tuple[Mistake, ...] = (
    in_code("a stored bucket is served whole where a part is due", Rollups, "_tells", lambda *given: True),
    in_code("shifts cut stored buckets", Rollups, "_moves_whole", lambda *given: True),
    in_code("stored dimensions have no masks", Rollups, "_serve", _unmasked()),
    in_code("stored values of repeated rows are added up", layouts, "Aggregate", Aggregate | KeyedAggregate),
)
"""Those that hundreds of generated questions do not meet: tests/service/test_rollup_mistakes.py does."""

__all__ = ["BY_HAND", "ROLLUP_MISTAKES"]
