"""Join paths: which cubes are joined, from which root, and which of them a join repeats.

The graph's edges are the declared joins, directed from the declaring cube; every join is a LEFT JOIN away from
the root. A path is the shortest one; equal ones are decided by order of declaration (cubes in file order, joins
in the order of their cube), never by the order in which a query names its members.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise

from cuboid.catalog.model import Catalog, Cube, Join
from cuboid.errors import ModelError, NoJoinPath

JoinPath = tuple[str, ...]
"""Cubes in the order in which a reference names them: each is joined from the one before."""


@dataclass(frozen=True, slots=True)
class JoinTree:
    """A root and the joins that reach the other cubes, each join after the one that reaches its source."""

    root: str
    joins: tuple[Join, ...]

    @property
    def cubes(self) -> tuple[str, ...]:
        """The joined cubes, root first."""
        return (self.root, *(join.target for join in self.joins))

    def fans_out(self, cube: str, target: str | None = None) -> bool:
        """Whether a row of ``cube`` may occur several times in the joined rows.

        That is so if, walking away from ``cube`` along the tree, some step leads from one row to many. With
        ``target`` only the steps of the path to that cube are looked at.
        """
        return any(
            step_fans and (target is None or target in beyond) for step_fans, beyond in self._steps_from(cube)
        )

    def repeating(self, cube: str) -> tuple[Join, ...]:
        """The joins because of which a row of ``cube`` may occur several times: those that, walking away from it, lead
        from one row to many."""
        found: list[Join] = []
        reached = {cube}
        waiting = list(self.joins)
        while waiting:
            join = next(each for each in waiting if each.source in reached or each.target in reached)
            waiting.remove(join)
            forwards = join.source in reached
            if join.relationship == ("one_to_many" if forwards else "many_to_one"):
                found.append(join)
            reached |= {join.source, join.target}
        return tuple(sorted(found, key=self.joins.index))

    def _steps_from(self, start: str) -> list[tuple[bool, frozenset[str]]]:
        """For each edge, walking away from ``start``: does it lead to many rows, and which cubes lie beyond it."""
        neighbours: dict[str, list[tuple[str, bool]]] = {cube: [] for cube in self.cubes}
        for join in self.joins:
            neighbours[join.source].append((join.target, join.relationship == "one_to_many"))
            neighbours[join.target].append((join.source, join.relationship == "many_to_one"))
        steps: list[tuple[bool, frozenset[str]]] = []

        def walk(cube: str, came_from: str | None) -> frozenset[str]:
            reached = {cube}
            for neighbour, fans in neighbours[cube]:
                if neighbour != came_from:
                    beyond = walk(neighbour, cube)
                    steps.append((fans, beyond))
                    reached |= beyond
            return frozenset(reached)

        walk(start, None)
        return steps


@dataclass(frozen=True, slots=True)
class Ambiguity:
    """Seen from ``root``, ``chosen`` and ``other`` end equally short paths to their target."""

    root: str
    chosen: Join
    other: Join

    def warning(self) -> ModelError:
        """What there is to say, at the join that is not taken."""
        target = self.chosen.target
        place = self.other.place
        return ModelError(
            f"from '{self.root}' two equally short paths lead to '{target}': by '{self.chosen.source}' and by "
            f"'{self.other.source}'",
            file=place.file,
            line=place.line,
            column=place.column,
            hint=f"The first declared, by '{self.chosen.source}', is taken unless a reference names its path, as in "
            f"{{{self.other.source}.{target}.member}}.",
        )


class JoinGraph:
    """The joins of a catalog, with the searches that planning needs. Immutable; results are memoised."""

    def __init__(self, catalog: Catalog) -> None:
        self._cubes: Mapping[str, Cube] = catalog.cubes
        self._parents: dict[str, dict[str, Join]] = {}
        self._closures: dict[str, frozenset[str]] = {}
        self._trees: dict[tuple[object, ...], JoinTree] = {}
        self._to_one: dict[str, set[str]] = {name: set() for name in catalog.cubes}
        for cube in catalog.cubes.values():
            for join in cube.joins:
                if join.relationship != "one_to_many":
                    self._to_one[join.source].add(join.target)
                if join.relationship != "many_to_one":
                    self._to_one[join.target].add(join.source)

    def closure(self, cube: str) -> frozenset[str]:
        """``cube`` and all cubes reached from it by to-one steps, with or against the direction of the joins:
        those whose attributes each row of ``cube`` has at most once."""
        found = self._closures.get(cube)
        if found is None:
            seen = {cube}
            waiting = deque([cube])
            while waiting:
                for neighbour in self._to_one[waiting.popleft()] - seen:
                    seen.add(neighbour)
                    waiting.append(neighbour)
            found = self._closures[cube] = frozenset(seen)
        return found

    def tree(
        self,
        needed: Iterable[str],
        roots: Iterable[str] = (),
        paths: Iterable[JoinPath] = (),
        hints: Iterable[JoinPath] = (),
        root: str | None = None,
    ) -> JoinTree:
        """The join tree over all ``needed`` cubes (at least one).

        Every needed cube is tried as root; the root with the fewest joins wins, the first declared among equals.
        If none reaches all others, ``roots`` are tried likewise. Cubes that the joins' conditions read are joined
        too. ``paths`` are binding: a cube on one is joined from the cube before it there. ``hints`` are binding for
        cubes that are joined; a cube on one can still be the root. With ``root`` no other cube is tried.

        Raises :class:`NoJoinPath`, also where two paths lead to one cube from different sides.
        """
        wanted = frozenset(needed)
        others = frozenset(roots) - wanted
        binding = frozenset(path for path in paths if len(path) > 1)
        hinted = frozenset(path for path in hints if len(path) > 1)
        key = wanted, others, binding, hinted, root
        found = self._trees.get(key)
        if found is None:
            bound = self._bound(binding)
            self._bound(binding | hinted)
            preferred = self._bound(hinted)
            tried = wanted if root is None else frozenset({root})
            found = self._best(wanted, tried, bound, preferred)
            if found is None and root is None:
                found = self._best(wanted, others, bound, preferred)
            if found is None:
                cubes = sorted(wanted, key=self._index)
                raise NoJoinPath(cubes, hint=self._explain(cubes, preferred))
            self._trees[key] = found
        return found

    def tree_from(self, root: str, needed: Iterable[str], paths: Iterable[JoinPath] = ()) -> JoinTree:
        """The join tree from ``root`` over all ``needed`` cubes, as :meth:`tree`. Raises :class:`NoJoinPath`."""
        wanted = frozenset(needed) | {root}
        bound = self._bound(frozenset(path for path in paths if len(path) > 1))
        found = self._tree_from(root, wanted, bound, {})
        if found is None:
            cubes = sorted(wanted, key=self._index)
            raise NoJoinPath(
                cubes, hint=f"All must be reached from '{root}'. {self._explain([root, *cubes], {})}"
            )
        return found

    def candidates(
        self, needed: Iterable[str], paths: Iterable[JoinPath] = (), hints: Iterable[JoinPath] = ()
    ) -> tuple[tuple[str, JoinTree | None], ...]:
        """Each needed cube as root, in order of declaration: the tree from there; None if it does not lead to all."""
        wanted = frozenset(needed)
        bound = self._bound(frozenset(path for path in paths if len(path) > 1))
        preferred = self._bound(frozenset(path for path in hints if len(path) > 1))
        return tuple(
            (root, self._tree_from(root, wanted, bound, preferred))
            for root in sorted(wanted, key=self._index)
        )

    def alternatives(self, root: str, join: Join) -> tuple[Join, ...]:
        """The other joins that end paths from ``root`` to the join's target, which are as short as the shortest."""
        parents = self._shortest_paths(root)
        distances = {root: 0}
        for target, parent in parents.items():  # in the order of distance
            distances[target] = distances[parent.source] + 1
        return tuple(
            other
            for source in distances
            for other in self._cubes[source].joins
            if other.target == join.target
            and other != join
            and distances[source] + 1 == distances[join.target]
        )

    def ambiguities(self) -> tuple[Ambiguity, ...]:
        """The cubes that two equally short paths lead to, once for each pair of last joins."""
        found: dict[tuple[Join, Join], Ambiguity] = {}
        for root in self._cubes:
            parents = self._shortest_paths(root)
            distances = {root: 0}
            for target, join in parents.items():  # in the order of distance
                distances[target] = distances[join.source] + 1
            for source in distances:
                for join in self._cubes[source].joins:
                    chosen = parents.get(join.target)
                    if chosen and chosen != join and distances[source] + 1 == distances[join.target]:
                        found.setdefault((chosen, join), Ambiguity(root, chosen, join))
        return tuple(found.values())

    def _bound(self, paths: frozenset[JoinPath]) -> dict[str, Join]:
        """For each cube that a path leads to, the join by which it is reached."""
        bound: dict[str, Join] = {}
        for path in sorted(paths):
            for source, target in pairwise(path):
                join = next(join for join in self._cubes[source].joins if join.target == target)
                if bound.setdefault(target, join) != join:
                    raise NoJoinPath(
                        [source, bound[target].source, target],
                        hint=f"This query reaches '{target}' by two paths, from '{bound[target].source}' and from "
                        f"'{source}'. Declare a second cube on the same table for one of the roles.",
                    )
        return bound

    def _best(
        self,
        wanted: frozenset[str],
        roots: frozenset[str],
        bound: Mapping[str, Join],
        preferred: Mapping[str, Join],
    ) -> JoinTree | None:
        candidates = [
            tree
            for root in sorted(roots, key=self._index)
            if (tree := self._tree_from(root, wanted, bound, preferred)) is not None
        ]
        return min(candidates, key=lambda tree: len(tree.joins), default=None)

    def _tree_from(
        self, root: str, wanted: frozenset[str], bound: Mapping[str, Join], preferred: Mapping[str, Join]
    ) -> JoinTree | None:
        """The union of the bound, the preferred and the shortest paths from ``root``, or None if a cube cannot be
        reached."""
        if root in bound:  # it would have to be joined from another cube
            return None
        parents = {**self._shortest_paths(root), **preferred, **bound}
        joins: dict[str, Join] = {}
        waiting = deque(sorted(wanted - {root}, key=self._index))
        while waiting:
            cube = waiting.popleft()
            path: list[Join] = []
            while cube != root and cube not in joins:
                if cube not in parents or len(path) > len(parents):
                    return None
                path.append(parents[cube])
                cube = parents[cube].source
            for join in reversed(path):
                joins[join.target] = join
                waiting.extend(reference.path[-1] for reference in join.sql.references)
        return JoinTree(root, self._ordered(root, joins))

    def _ordered(self, root: str, joins: Mapping[str, Join]) -> tuple[Join, ...]:
        """The joins so that each comes after all cubes that its condition reads."""
        joined = {root}
        remaining = sorted(joins.values(), key=lambda join: self._index(join.target))
        ordered: list[Join] = []
        while remaining:
            ready = [join for join in remaining if self._reads(join) <= joined | {join.target}]
            if not ready:  # two conditions that read each other's cube: no order satisfies both
                raise NoJoinPath(
                    [root, *joins], hint="The conditions of these joins read each other's cubes."
                )
            ordered.append(ready[0])
            joined.add(ready[0].target)
            remaining.remove(ready[0])
        return tuple(ordered)

    @staticmethod
    def _reads(join: Join) -> set[str]:
        return {join.source, *(reference.path[-1] for reference in join.sql.references)}

    def _shortest_paths(self, root: str) -> dict[str, Join]:
        """For each cube reached from ``root``, the join that reaches it first (breadth first, in declared order)."""
        parents = self._parents.get(root)
        if parents is None:
            parents = {}
            waiting = deque([root])
            while waiting:
                for join in self._cubes[waiting.popleft()].joins:
                    if join.target != root and join.target not in parents:
                        parents[join.target] = join
                        waiting.append(join.target)
            self._parents[root] = parents
        return parents

    def _explain(self, cubes: list[str], preferred: Mapping[str, Join]) -> str:
        tried = (
            f"from '{root}' "
            + ", ".join(
                f"'{cube}'" for cube in cubes if cube != root and cube not in self._shortest_paths(root)
            )
            + " cannot be reached"
            for root in cubes
        )
        hints = ", ".join(f"'{target}' from '{join.source}'" for target, join in preferred.items())
        bound = f" The query's joinHints join {hints}." if hints else ""
        return f"Joins are followed in the direction in which they are declared: {'; '.join(tried)}.{bound}"

    def _index(self, cube: str) -> int:
        return self._cubes[cube].index
