"""What a question may read: the cubes that its members lead to, and the claims that SQL on the way reads.

More than a question does read in the end, which only the plan knows, and little enough to be told for every
question: what a row rule or a claim is for a cube that is reached but not read changes no statement.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from cuboid.catalog.access import PolicyFilter, PolicyGroup
from cuboid.catalog.model import Catalog, Cube, Dimension, Measure, Member
from cuboid.catalog.pieces import ContextReference, MemberReference, Template, inner_templates
from cuboid.catalog.stages import FilterDirective, SwitchCase

ClaimPath = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reached:
    """Cubes in order of declaration, views among them only where members of theirs were named, and those of them that
    have access policies; claims in no order."""

    cubes: tuple[str, ...]
    guarded: tuple[str, ...]
    claims: frozenset[ClaimPath]


_Closure = tuple[frozenset[str], frozenset[ClaimPath]]
"""The cubes and claims that are reached from one member."""


class Reach:
    """Answers about one catalog; memoised, so that cost follows what is asked."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._numbers: dict[str, int] = {}
        # Most members of a model that is joined throughout have the same closure.
        self._numbered: dict[_Closure, int] = {}
        self._closures: dict[int, _Closure] = {}
        self._next = itertools.count()  # threads may share this: no two closures have one number
        self._found: dict[frozenset[int], Reached] = {}

    def of(self, names: Iterable[str]) -> Reached:
        """What is reached from the members of these full names."""
        asked = frozenset(map(self._number, names))
        found = self._found.get(asked)
        if found is None:
            if len(self._found) > _KEPT:
                self._found.clear()
            found = self._found[asked] = self._together(asked)
        return found

    def _number(self, name: str) -> int:
        """Of the member's closure."""
        number = self._numbers.get(name)
        if number is None:
            closure = self._search(name)
            number = self._numbered.setdefault(closure, next(self._next))
            self._closures[number] = closure
            self._numbers[name] = number
        return number

    def _together(self, asked: frozenset[int]) -> Reached:
        closures = [self._closures[number] for number in asked]
        reached = frozenset[str]().union(*(cubes for cubes, _ in closures))
        claims = frozenset[ClaimPath]().union(*(claims for _, claims in closures))
        cubes = sorted(map(self._catalog.cubes.__getitem__, reached), key=lambda cube: cube.index)
        guarded = (cube.name for cube in cubes if cube.access_policies is not None)
        return Reached(tuple(cube.name for cube in cubes), tuple(guarded), claims)

    def _search(self, asked: str) -> _Closure:
        members: set[str] = set()
        cubes: set[str] = set()
        claims: set[ClaimPath] = set()
        names = [asked]
        entered: list[str] = []

        def read(template: Template) -> None:
            for reference in template.references:
                entered.extend(reference.path)
                if isinstance(reference, MemberReference):
                    names.append(reference.member)
            claims.update(_claims(template))

        def enter(cube: Cube) -> None:
            names.extend(part.full_name for part in cube.primary_key)
            names.extend(_policy_members(cube))
            for source in (cube.sql, cube.sql_table):
                if source is not None:
                    read(source)
            for join in cube.joins:
                read(join.sql)
                entered.append(join.target)

        while names or entered:
            if entered:
                cube = self._catalog.cubes.get(entered.pop())
                if cube is not None and cube.name not in cubes:
                    cubes.add(cube.name)
                    enter(cube)
                continue
            name = names.pop()
            member = self._catalog.member(name)
            if member is None or name in members:
                continue
            members.add(name)
            entered.append(member.cube)
            names.extend(_named(member))
            for template in _templates(member):
                read(template)
        return frozenset(cubes), frozenset(claims)


_KEPT = 5000
"""Answers that are remembered; a dashboard asks dozens."""


def _claims(template: Template) -> Iterator[ClaimPath]:
    for part in template.parts:
        if isinstance(part, ContextReference):
            yield part.claim
        if not isinstance(part, str):
            for inner in inner_templates(part):
                yield from _claims(inner)


def _templates(member: Member) -> Iterator[Template]:
    yield from member.templates
    if isinstance(member, Measure):
        yield from member.drill_filters
    if isinstance(member, Dimension):
        yield from (each.sql for each in member.granularities.values() if each.sql)
        yield from (each.sql for each in member.time_shifts if each.sql)
    if not isinstance(member, Dimension | Measure):
        return
    if isinstance(member.mask, Template):
        yield member.mask


def _named(member: Member) -> Iterator[str]:
    """Members that the definition names outside of SQL."""
    if isinstance(member, Dimension | Measure):
        stage = member.multi_stage
        if stage is not None:
            yield from (*(stage.group_by or ()), *stage.reduce_by, *stage.add_group_by)
            yield from _directive(stage.filter)
            yield from (each.time_dimension for each in stage.time_shifts if each.time_dimension)
    if isinstance(member, Measure):
        if isinstance(member.case, SwitchCase):
            yield member.case.switch
        if member.semi_additive is not None:
            yield from (member.semi_additive.time_dimension, *member.semi_additive.by)
        if member.conversion is not None:
            yield member.conversion.entity
            for step in member.conversion.steps:
                yield from (step.measure, step.time_dimension)


def _directive(directive: FilterDirective | None) -> Iterator[str]:
    waiting = list(directive.include) if directive else []
    while waiting:
        item = waiting.pop()
        waiting += [*item.get("and", ()), *item.get("or", ())]
        if "member" in item:
            yield item["member"]


def _policy_members(cube: Cube) -> Iterator[str]:
    for policy in cube.access_policies or ():
        waiting: list[PolicyFilter | PolicyGroup] = list(policy.row_level or ())
        while waiting:
            item = waiting.pop()
            if isinstance(item, PolicyGroup):
                waiting += item.items
            else:
                yield item.member
