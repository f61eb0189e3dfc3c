"""What the principal may see of what was asked: access policies and the filters of plugins become rules.

Policies narrow, never widen. Those of a cube decide which of its rows exist for the principal, wherever the cube is
read. Those of the cube or view whose members a query names decide besides which of these can be read, and which are
masked: a member that nobody grants makes the answer empty, and is no error.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, TypeVar

from cuboid.catalog.access import Mask
from cuboid.catalog.model import Catalog, Cube, Dimension, Measure, Member, Segment
from cuboid.catalog.pieces import MemberReference
from cuboid.catalog.reach import Reach
from cuboid.errors import UserError
from cuboid.query.claims import claimed_groups, read_claims
from cuboid.query.conditions import FilterTree, Scope
from cuboid.query.filters import parse_filters
from cuboid.query.model import (
    ALWAYS,
    NEVER,
    Access,
    Condition,
    MaskRule,
    Query,
    RowRule,
    members_of,
)
from cuboid.query.policies import Policies, all_of, leaves, stated
from cuboid.query.values import semantic_type
from cuboid.types import Principal, SemanticType

M = TypeVar("M", Dimension, Measure, Segment)

AccessFilters = Callable[[str, Principal], Sequence[Mapping[str, Any]]]
"""The filters of plugins on a cube or view, all of which must hold, in the JSON form of queries."""


@dataclass(frozen=True, slots=True)
class AccessSettings:
    """What access rules depend on besides the catalog.

    :param filters: asks the plugins; None if none has any.
    :param groups: names the groups of a principal.
    :param masks: what masked members show that have no mask of their own; NULL where a type is not in it.
    """

    filters: AccessFilters | None = None
    groups: Callable[[Principal], frozenset[str]] = claimed_groups
    masks: Mapping[SemanticType, Mask] = field(default_factory=dict)


class AccessReader:
    """Reads what principals may see of one catalog."""

    def __init__(self, catalog: Catalog, settings: AccessSettings | None = None) -> None:
        self._catalog = catalog
        self._settings = settings or AccessSettings()
        self._reach = Reach(catalog)

    def read(self, query: Query, principal: Principal, scope: Scope) -> Access:
        """The rules for a query whose names are known; ``scope`` takes the values of claims and filters.

        Raises :class:`Forbidden` where a policy of what the query names cannot be applied. For a cube that is only
        reached this is a rule's ``problem``: the query may turn out not to read it.
        """
        named = tuple(dict.fromkeys(named_members(query)))
        by_cube: dict[str, list[Member]] = {}
        for name in named:
            member = self._catalog.member(name)
            assert member is not None, f"{name} has been looked up"
            by_cube.setdefault(member.cube, []).append(member)
        asked = self._ask_plugins(named, by_cube, principal)
        reached = self._reach.of((*named, *_tested(asked)))
        groups = self._settings.groups(principal) if reached.guarded else frozenset()
        conditions: list[Condition] = []
        rows: list[RowRule] = []
        masks: list[MaskRule] = []
        for name in reached.cubes if asked else reached.guarded:
            cube = self._catalog.cubes[name]
            members = by_cube.get(name, [])
            if (cube.access_policies is None and name not in asked) or (cube.view and not members):
                continue
            try:
                policies = Policies(cube, principal, groups)
                rule = self._rule(policies, members, asked.get(name, ()), scope)
                if members:
                    masks += self._masks(policies, members, query, scope)
            except UserError as error:
                if members:
                    raise
                rows.append(RowRule(name, NEVER, str(error)))
                continue
            if cube.view is not None:
                conditions.append(rule)
            else:
                rows.append(RowRule(name, rule))
                if not all(policies.readable(member) for member in members):
                    conditions.append(NEVER)
        restricting = all_of(conditions)
        return Access(
            claims=read_claims(reached.claims, principal, scope.slots),
            rows=tuple(rows),
            conditions=() if restricting == ALWAYS else (restricting,),
            masks=tuple(masks),
        )

    def visible(self, principal: Principal) -> Catalog:
        """The catalog in which members that the principal may not read are not public."""
        guarded = [cube for cube in self._catalog.cubes.values() if cube.access_policies is not None]
        if not guarded:
            return self._catalog
        groups = self._settings.groups(principal)
        cubes = {**self._catalog.cubes, **{cube.name: _seen(cube, principal, groups) for cube in guarded}}
        return replace(self._catalog, cubes=MappingProxyType(cubes))

    def _ask_plugins(
        self, named: Sequence[str], by_cube: Mapping[str, object], principal: Principal
    ) -> dict[str, tuple[FilterTree, ...] | UserError]:
        """The filters of plugins by cube, where there are any; a refusal counts for whoever reads the cube."""
        found: dict[str, tuple[FilterTree, ...] | UserError] = {}
        if self._settings.filters is None:
            return found
        for name in self._reach.of(named).cubes:
            try:
                trees = parse_filters(list(self._settings.filters(name, principal)))
            except UserError as error:
                found[name] = error
            else:
                if trees:
                    found[name] = trees
        return found

    # ------------------------------------------------------------ one cube

    def _rule(
        self,
        policies: Policies,
        members: Sequence[Member],
        asked: tuple[FilterTree, ...] | UserError,
        scope: Scope,
    ) -> Condition:
        """Which rows exist: those that plugins leave, of those that policies open for all the members, or if none is
        named, that any policy opens."""
        if isinstance(asked, UserError):
            raise asked
        rules = [stated(tree, policies.cube.name, scope) for tree in asked]
        if policies.cube.access_policies is not None:
            if not members:
                rules.append(policies.rows(scope))
            for member in members:
                rules.append(policies.rows(scope, (*policies.full(member), *policies.masked(member))))
        return all_of(rules)

    def _masks(
        self, policies: Policies, members: Sequence[Member], query: Query, scope: Scope
    ) -> Iterator[MaskRule]:
        """A mask for each member that is granted masked, unless a policy grants it in full on all rows."""
        for member in members:
            if isinstance(member, Dimension | Measure) and policies.masked(member):
                opened = policies.rows(scope, policies.full(member))
                if opened == ALWAYS:
                    continue
                shown = None if opened == NEVER else opened
                if isinstance(member, Measure) and shown:
                    told = self._told_by_groups(shown, query, policies)
                    if not told or self._looks_beyond_groups(member):
                        shown = None
                yield MaskRule(member.full_name, shown, self._mask(member))

    def _told_by_groups(self, shown: Condition, query: Query, policies: Policies) -> bool:
        """Whether each group lies on one side of the condition and says on which: it tests only dimensions that are
        grouped by as they are. Values that ``top`` makes one group of are not: whoever asks chooses its name."""
        merged = query.top.dimension if query.top is not None and query.top.others is not False else None
        for name in members_of((shown,)):
            if name == merged:
                return False
            member = self._catalog.member(name)
            if name not in query.dimensions or not isinstance(member, Dimension) or member.type == "time":
                return False
            if member.cube != policies.cube.name or policies.masked(member):
                return False
        return True

    def _looks_beyond_groups(self, measure: Measure) -> bool:
        """Whether its value for a group is made of rows of other groups too: a stage that it is made of has fewer
        groups, or leaves conditions out."""
        waiting: list[Member | None] = [measure]
        seen: set[str] = set()
        while waiting:
            member = waiting.pop()
            if not isinstance(member, Measure) or member.full_name in seen:
                continue
            seen.add(member.full_name)
            stage = member.multi_stage
            if stage is not None and (stage.group_by is not None or stage.reduce_by or stage.filter):
                return True
            for template in member.templates:
                names = (each.member for each in template.references if isinstance(each, MemberReference))
                waiting += [self._catalog.member(name) for name in names]
        return False

    def _mask(self, member: Dimension | Measure) -> Mask:
        return self._settings.masks.get(semantic_type(member)) if member.mask is None else member.mask


def _seen(cube: Cube, principal: Principal, groups: frozenset[str]) -> Cube:
    """The cube as :meth:`AccessReader.visible` shows it. Where policies cannot be applied nothing is granted."""
    try:
        policies: Policies | None = Policies(cube, principal, groups)
    except UserError:
        policies = None

    def seen(member: M) -> M:
        granted = policies is not None and policies.readable(member)
        return member if granted or not member.public else replace(member, public=False)

    return replace(
        cube,
        measures={name: seen(each) for name, each in cube.measures.items()},
        dimensions={name: seen(each) for name, each in cube.dimensions.items()},
        segments={name: seen(each) for name, each in cube.segments.items()},
    )


def named_members(query: Query) -> Iterator[str]:
    """The members that a query names, those it filters by among them."""
    yield from query.measures or ()
    yield from query.dimensions
    yield from query.segments or ()
    yield from (entry.dimension for entry in query.time_dimensions)
    if query.top is not None:
        yield query.top.by
    for tree in query.filters:
        yield from (leaf.member for leaf in leaves(tree))


def _tested(asked: Mapping[str, tuple[FilterTree, ...] | UserError]) -> Iterator[str]:
    for trees in asked.values():
        if not isinstance(trees, UserError):
            for tree in trees:
                yield from (leaf.member for leaf in leaves(tree))
