"""What the principal may see of what was asked: access policies and the filters of plugins become rules.

Policies narrow, never widen. Those of a cube decide which of its rows exist for the principal, wherever the cube is
read. Those of the cube or view whose members a query names decide besides which of these can be read, and which are
masked: a member that nobody grants makes the answer empty, and is no error.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cuboid.catalog.access import Mask
from cuboid.catalog.model import Catalog, Cube, Dimension, Measure, Member
from cuboid.catalog.reach import Reach
from cuboid.errors import UserError
from cuboid.query.claims import read_claims
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

AccessFilters = Callable[[str, Principal], Sequence[Mapping[str, Any]]]
"""The filters of plugins on a cube or view, all of which must hold, in the JSON form of queries."""


@dataclass(frozen=True, slots=True)
class AccessSettings:
    """What access rules depend on besides the catalog.

    :param filters: asks the plugins.
    :param masks: what masked members show that have no mask of their own; NULL where a type is not in it.
    """

    filters: AccessFilters = lambda cube, principal: ()
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
        conditions: list[Condition] = []
        rows: list[RowRule] = []
        masks: list[MaskRule] = []
        for name in reached.cubes:
            cube = self._catalog.cubes[name]
            members = by_cube.get(name, [])
            if (cube.access_policies is None and name not in asked) or (cube.view and not members):
                continue
            try:
                rule = self._rule(cube, members, principal, asked.get(name, ()), scope)
                if members:
                    masks += self._masks(cube, members, query, principal, scope)
            except UserError as error:
                if members:
                    raise
                rows.append(RowRule(name, NEVER, str(error)))
                continue
            if cube.view is not None:
                conditions.append(rule)
            else:
                rows.append(RowRule(name, rule))
                if members and self._is_denied(cube, members, principal):
                    conditions.append(NEVER)
        restricting = all_of(conditions)
        return Access(
            claims=read_claims(reached.claims, principal, scope.slots),
            rows=tuple(rows),
            conditions=() if restricting == ALWAYS else (restricting,),
            masks=tuple(masks),
        )

    def _ask_plugins(
        self, named: Sequence[str], by_cube: Mapping[str, object], principal: Principal
    ) -> dict[str, tuple[FilterTree, ...] | UserError]:
        """The filters of plugins by cube, where there are any; a refusal counts for whoever reads the cube."""
        found: dict[str, tuple[FilterTree, ...] | UserError] = {}
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
        cube: Cube,
        members: Sequence[Member],
        principal: Principal,
        asked: tuple[FilterTree, ...] | UserError,
        scope: Scope,
    ) -> Condition:
        """Which rows exist: those that plugins leave, of those that policies open for all the members, or if none is
        named, that any policy opens."""
        if isinstance(asked, UserError):
            raise asked
        rules = [stated(tree, cube.name, scope) for tree in asked]
        if cube.access_policies is not None:
            policies = Policies(cube, principal)
            if not members:
                rules.append(policies.rows(scope))
            for member in members:
                rules.append(policies.rows(scope, (*policies.full(member), *policies.masked(member))))
        return all_of(rules)

    def _is_denied(self, cube: Cube, members: Sequence[Member], principal: Principal) -> bool:
        policies = Policies(cube, principal)
        return not all(policies.readable(member) for member in members)

    def _masks(
        self, cube: Cube, members: Sequence[Member], query: Query, principal: Principal, scope: Scope
    ) -> Iterator[MaskRule]:
        """A mask for each member that is granted masked, unless a policy grants it in full on all rows."""
        if cube.access_policies is None:
            return
        policies = Policies(cube, principal)
        for member in members:
            if isinstance(member, Dimension | Measure) and policies.masked(member):
                opened = policies.rows(scope, policies.full(member))
                if opened == ALWAYS:
                    continue
                shown = None if opened == NEVER else opened
                if isinstance(member, Measure) and shown and not self._told_by_groups(shown, query, policies):
                    shown = None
                yield MaskRule(member.full_name, shown, self._mask(member))

    def _told_by_groups(self, shown: Condition, query: Query, policies: Policies) -> bool:
        """Whether each group lies on one side of the condition and says on which: it tests only dimensions that are
        grouped by as they are."""
        for name in members_of((shown,)):
            member = self._catalog.member(name)
            if name not in query.dimensions or not isinstance(member, Dimension) or member.type == "time":
                return False
            if member.cube != policies.cube.name or policies.masked(member):
                return False
        return True

    def _mask(self, member: Dimension | Measure) -> Mask:
        return self._settings.masks.get(semantic_type(member)) if member.mask is None else member.mask


def named_members(query: Query) -> Iterator[str]:
    """The members that a query names, those it filters by among them."""
    yield from query.measures or ()
    yield from query.dimensions
    yield from query.segments or ()
    yield from (entry.dimension for entry in query.time_dimensions)
    for tree in query.filters:
        yield from (leaf.member for leaf in leaves(tree))


def _tested(asked: Mapping[str, tuple[FilterTree, ...] | UserError]) -> Iterator[str]:
    for trees in asked.values():
        if not isinstance(trees, UserError):
            for tree in trees:
                yield from (leaf.member for leaf in leaves(tree))
