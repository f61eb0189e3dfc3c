"""What a shape mentions: its members, the cubes behind them, and the measures that must be aggregated from rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from cuboid.catalog.joins import JoinPath
from cuboid.catalog.model import Catalog, Measure
from cuboid.catalog.naming import data_source_name
from cuboid.catalog.pieces import MemberReference, Template
from cuboid.errors import InvalidQuery
from cuboid.plan.members import Members, merged
from cuboid.query.model import Access, Shape, predicates


class Mentions:
    """Answers about shapes over one catalog."""

    def __init__(self, catalog: Catalog, members: Members) -> None:
        self._catalog = catalog
        self._members = members

    def leaf_measures(self, shape: Shape) -> Mapping[str, frozenset[JoinPath]]:
        """The leaves of all measures selected or filtered by, each once, in order of mention, with their paths."""
        wanted = [*shape.measures]
        for condition in shape.group_conditions:
            wanted += [p.member for p in predicates(condition) if self.is_measure(p.member)]
        wanted += _masking_measures(shape.access)
        return merged(self._members.leaf_paths(measure) for measure in wanted)

    def members(self, shape: Shape) -> list[str]:
        """All members that the query names, in the order in which Cube collects them."""
        names = [*shape.measures, *shape.dimensions, *shape.segments]
        conditions = (*shape.row_conditions, *shape.group_conditions)
        names += [p.member for condition in conditions for p in predicates(condition)]
        names += [grouping.member for grouping in shape.time_groupings]
        return names

    def owners(self, shape: Shape) -> list[str]:
        """The cubes that the named members belong to, and what ``top`` goes by."""
        names = [*self.members(shape), *((shape.top.by,) if shape.top else ())]
        owners = (sorted(self._members.owners(name)) for name in names)
        return list(dict.fromkeys(cube for cubes in owners for cube in cubes))

    def cubes_of(self, members: Iterable[str]) -> frozenset[str]:
        """All cubes that the members read."""
        return frozenset[str]().union(*(self._members.cubes(member) for member in members))

    def data_source(self, shape: Shape) -> str:
        """The one that holds all its cubes. Raises :class:`InvalidQuery` for members of several."""
        named: dict[str, str] = {}
        for cube in self.owners(shape):
            named.setdefault(self._catalog.cubes[cube].data_source, cube)
        if len(named) > 1:
            listed = ", ".join(
                f"'{cube}' is in '{data_source_name(source)}'" for source, cube in named.items()
            )
            raise InvalidQuery(
                f"One query cannot use several data sources: {listed}.",
                hint="Ask one query per data source, or store what they have in rollups and join these (rollup_join).",
            )
        return next(iter(named))

    def in_order(self, cubes: Iterable[str]) -> list[str]:
        """The cubes in order of declaration."""
        return sorted(cubes, key=lambda cube: self._catalog.cubes[cube].index)

    def is_measure(self, name: str) -> bool:
        """Whether the member is a measure."""
        cube, _, member = name.partition(".")
        return member in self._catalog.cubes[cube].measures


def all_members(shape: Shape, catalog: Catalog) -> list[str]:
    """The members that the query selects or filters by, each followed by those it is made of: what its SQL refers
    to, and for a count of rows the primary key."""
    names: dict[str, None] = {}

    def visit(name: str) -> None:
        member = catalog.member(name)
        if name in names or member is None:
            return
        names[name] = None
        if isinstance(member, Measure) and member.type == "count" and member.sql is None:
            for part in catalog.cubes[member.cube].primary_key:
                visit(part.full_name)
        for template in member.templates:
            for reference in template.references:
                if isinstance(reference, MemberReference):
                    visit(reference.member)

    filtered = (
        each
        for condition in (*shape.row_conditions, *shape.group_conditions)
        for each in predicates(condition)
    )
    for name in (
        *shape.measures,
        *shape.dimensions,
        *shape.segments,
        *(predicate.member for predicate in filtered),
        *(grouping.member for grouping in shape.time_groupings),
    ):
        visit(name)
    return list(names)


def named_members(template: Template) -> Iterator[str]:
    """The members that a piece of SQL refers to."""
    for reference in template.references:
        if isinstance(reference, MemberReference):
            yield reference.member


def _masking_measures(access: Access) -> Iterator[str]:
    """The measures that masks of measures are made of."""
    for rule in access.masks:
        if isinstance(rule.mask, Template):
            yield from named_members(rule.mask)
