"""Which row conditions restrict which measures when a query asks measures of several cubes.

A *fact* is a measure cube that is no attribute of another measure cube (lies in no other's to-one closure).
A condition belongs to the facts whose side of the model it is on: those that have its cube as an attribute, or
whose rows are attributes of its cube. It restricts the measures of those facts only. A condition that belongs to
every fact, to none, or whose members are all grouped by, restricts all: what is on the answer's axes must hold
for every number beside it. With a single fact everything applies, as in Cube.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cuboid.catalog.joins import JoinGraph


@dataclass(frozen=True, slots=True)
class Restriction:
    """A row condition or segment, seen from outside: the members it tests and the cubes they belong to."""

    members: frozenset[str]
    cubes: frozenset[str]


class Facts:
    """The facts of one query.

    :param measure_cubes: the cubes of the query's leaf measures, in order of declaration.
    :param grouped: the members that the query groups by.
    """

    def __init__(self, graph: JoinGraph, measure_cubes: Sequence[str], grouped: Iterable[str]) -> None:
        self._graph = graph
        self._grouped = frozenset(grouped)
        self._facts = frozenset(
            cube
            for position, cube in enumerate(measure_cubes)
            if not any(
                cube in graph.closure(other)
                and (other not in graph.closure(cube) or measure_cubes.index(other) < position)
                for other in measure_cubes
                if other != cube
            )
        )

    def restricts(self, restriction: Restriction, measure_cube: str) -> bool:
        """Whether the restriction applies to the measures of that cube."""
        if len(self._facts) < 2 or restriction.members <= self._grouped:
            return True
        owners = self._owners(restriction)
        homes = {fact for fact in self._facts if measure_cube in self._graph.closure(fact)}
        return not owners or homes <= owners

    def _owners(self, restriction: Restriction) -> frozenset[str]:
        """The facts that all parts of the restriction belong to; empty if it belongs to none or is torn."""
        owners: frozenset[str] | None = None
        for cube in restriction.cubes:
            sides = frozenset(
                fact
                for fact in self._facts
                if cube in self._graph.closure(fact) or fact in self._graph.closure(cube)
            )
            if sides:
                owners = sides if owners is None else owners & sides
        return owners or frozenset()
