"""The rows that a measure is aggregated from: which cubes are joined, and which conditions restrict them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from cuboid.catalog.joins import JoinGraph, JoinPath, JoinTree
from cuboid.catalog.model import Catalog
from cuboid.catalog.pieces import Template
from cuboid.plan.facts import Facts, Restriction
from cuboid.plan.members import Members
from cuboid.plan.mentions import Mentions, named_members
from cuboid.plan.nodes import Key, Relation, SubQuery, TopRows
from cuboid.plan.states import State
from cuboid.query.model import Access, Condition, Shape, members_of, predicates

PlanSubQueries = Callable[[set[str], Shape], tuple[SubQuery, ...]]
"""The sub-queries among the members, planned."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A shape, and the first values of the dimension that it cuts, if it cuts one."""

    shape: Shape
    top: TopRows | None = None


@dataclass(frozen=True, slots=True)
class AskedTree:
    """What a join tree was asked for."""

    needed: frozenset[str]
    roots: frozenset[str]
    paths: frozenset[JoinPath]
    hints: frozenset[JoinPath]


class Relations:
    """Finds relations over one catalog.

    :param observe: is told of each join tree and of what it was asked for.
    """

    def __init__(
        self,
        catalog: Catalog,
        graph: JoinGraph,
        members: Members,
        mentions: Mentions,
        sub_queries: PlanSubQueries,
        observe: Callable[[JoinTree, AskedTree], None] | None = None,
    ) -> None:
        self._catalog = catalog
        self._graph = graph
        self._members = members
        self._mentions = mentions
        self._sub_queries = sub_queries
        self._observe = observe

    def relation(
        self,
        asked: Asked,
        state: State,
        leaves: Mapping[str, frozenset[JoinPath]],
        facts: Facts | None = None,
        cube: str | None = None,
    ) -> Relation:
        """The rows for the group keys and the leaves; with ``facts`` only under what restricts ``cube``.

        :param leaves: with the paths along which they are meant.
        """
        shape, top = asked.shape, asked.top
        members = {*leaves, *(key.member for key in state.keys)}
        conditions: list[Condition] = []
        for condition in state.moved_conditions(self._members.origin, self._catalog):
            tested = frozenset(predicate.member for predicate in predicates(condition))
            if self.restricts(tested, facts, cube):
                conditions.append(condition)
                members |= tested.union(*map(self._members.tested_rows, tested))
        segments = [each for each in state.segments if self.restricts(frozenset({each}), facts, cube)]
        members |= set(segments)
        if top is not None and not top.drop and Key(top.dimension) not in state.keys:
            top = None
        if top is not None:
            members.add(top.dimension)
        members |= members_of(shape.access.conditions)
        masking = set(self._masking(members, shape.access))
        paths = frozenset[JoinPath]().union(*leaves.values())
        tree = self._tree(members, masking, paths, shape)
        members |= masking
        return Relation(
            tree,
            tuple(conditions),
            tuple(segments),
            shape.access.conditions,
            self._sub_queries(members, shape),
            state.read_shifts(self._catalog),
            top,
        )

    def _masking(self, members: Iterable[str], access: Access) -> Iterator[str]:
        """What the masks of these dimensions are made of and, of views, shown by: they are masked on the rows. What
        those of a cube are shown by its rows tell (:mod:`cuboid.plan.access`). Masks of measures stand on groups."""
        masks = (access.mask(name) for name in members if not self._mentions.is_measure(name))
        for rule in filter(None, masks):
            if rule.shown is not None and self._catalog.cubes[rule.member.partition(".")[0]].view is not None:
                yield from members_of((rule.shown,))
            if isinstance(rule.mask, Template):
                yield from named_members(rule.mask)

    def _tree(
        self, members: set[str], masking: set[str], paths: frozenset[JoinPath], shape: Shape
    ) -> JoinTree:
        """The tree over the members' cubes, from one of them; if none reaches all, from another cube of the query.

        Cube looks at all cubes of a query together: some other cube that is asked for may be the one from which
        all joins lead on. What masks read is joined to that tree: who asks does not change which rows there are.
        """
        needed = self._mentions.cubes_of(members).union(*paths)
        roots = self._mentions.cubes_of(self._mentions.members(shape))
        named = paths.union(*(self._members.paths(member) for member in members))
        tree = self._graph.tree(needed, roots=roots, paths=named, hints=shape.join_hints)
        if masking and not self._mentions.cubes_of(masking) <= set(tree.cubes):
            needed |= self._mentions.cubes_of(masking)
            named = named.union(*(self._members.paths(member) for member in masking))
            tree = self._graph.tree(needed, paths=named, hints=shape.join_hints, root=tree.root)
        if self._observe is not None:
            bound = frozenset(path for path in named if len(path) > 1)
            self._observe(tree, AskedTree(needed, roots, bound, frozenset(shape.join_hints)))
        return tree

    def restricts(self, members: frozenset[str], facts: Facts | None, cube: str | None) -> bool:
        """Whether a condition that tests the members is one on what is measured of ``cube``; without facts it is."""
        if facts is None or cube is None:
            return True
        owners = frozenset[str]().union(*(self._members.owners(name) for name in members))
        origins = frozenset(self._members.origin(name) for name in members)
        return facts.restricts(Restriction(origins, owners), cube)
