"""Rollups that might be: what one would store, and whether it would answer questions.

That is what the matching of questions with rollups says of a catalog that has this rollup and no other, never a guess.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from cuboid.catalog.joins import JoinGraph
from cuboid.catalog.model import Catalog
from cuboid.catalog.rollups import Rollup, RollupMember, RollupTime
from cuboid.errors import CuboidError
from cuboid.planner import Planner
from cuboid.planning import Planning
from cuboid.query.model import Question

Times = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A rollup that might be: what it stores, and on which cube."""

    cube: str
    measures: frozenset[str]
    dimensions: frozenset[str]
    segments: frozenset[str]
    times: Times

    @property
    def width(self) -> int:
        """How many columns it has."""
        return len(self.measures) + len(self.dimensions) + len(self.segments) + len(self.times)


class Trials:
    """Tries rollups on one catalog, whose own are left out. Raises :class:`ConfigError` if none are kept.

    :param planning: has the data sources and their dialects.
    """

    def __init__(self, catalog: Catalog, planning: Planning) -> None:
        self.catalog = _without_rollups(catalog)
        self._planning = planning
        self._graph = JoinGraph(catalog)

    def answers(self, candidate: Candidate, questions: Sequence[Question]) -> bool:
        """Whether all of the questions would be answered from the rollup."""
        planner = self._with(candidate)
        return planner is not None and all(planner.serve(question) is not None for question in questions)

    def _with(self, candidate: Candidate) -> Planner | None:
        try:
            rollup = self._rollup(candidate)
        except CuboidError:
            return None
        cube = self.catalog.cubes[candidate.cube]
        changed = replace(cube, rollups=MappingProxyType({rollup.name: rollup}))
        return self._planning.trial(
            replace(self.catalog, cubes=MappingProxyType({**self.catalog.cubes, cube.name: changed}))
        )

    def _rollup(self, candidate: Candidate) -> Rollup:
        cube = candidate.cube

        def members(names: Iterable[str]) -> tuple[RollupMember, ...]:
            return tuple(RollupMember(name, self.path(cube, name)) for name in sorted(names))

        return Rollup(
            cube,
            "possible",
            "rollup",
            self.catalog.cubes[cube].place,
            members(candidate.measures),
            members(candidate.dimensions),
            members(candidate.segments),
            tuple(RollupTime(name, self.path(cube, name), each) for name, each in candidate.times),
        )

    def path(self, cube: str, member: str) -> tuple[str, ...]:
        """The joins that lead from the cube to the member's. Raises :class:`NoJoinPath`."""
        target = member.partition(".")[0]
        path: tuple[str, ...] = (target,)
        joins = {each.target: each.source for each in self._graph.tree_from(cube, [target]).joins}
        while path[0] != cube:
            path = (joins[path[0]], *path)
        return path


def _without_rollups(catalog: Catalog) -> Catalog:
    cubes = {name: replace(cube, rollups=MappingProxyType({})) for name, cube in catalog.cubes.items()}
    return replace(catalog, cubes=MappingProxyType(cubes))
