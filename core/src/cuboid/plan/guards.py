"""What the model can say and the planner cannot yet compute: refused, never answered as if it were not there."""

from __future__ import annotations

from collections.abc import Iterable

from cuboid.catalog.model import Catalog, Dimension
from cuboid.catalog.pieces import MemberReference
from cuboid.errors import UnsupportedFeature


def refuse_unplanned(
    catalog: Catalog, names: Iterable[str], granularities: Iterable[tuple[str, str]] = ()
) -> None:
    """Raises :class:`UnsupportedFeature` if a member of these names, or one that it is made of, is of a kind that
    has no plan.

    :param granularities: of time dimensions that are grouped by, as (full name, granularity).
    """
    for member_name, granularity in granularities:
        _refuse_granularity(catalog, member_name, granularity)
    waiting = list(dict.fromkeys(names))
    seen = set(waiting)
    while waiting:
        name = waiting.pop()
        member = catalog.member(name)
        assert member is not None, f"the catalog has resolved {name}"
        if isinstance(member, Dimension) and member.declared_type == "switch":
            raise UnsupportedFeature(
                f"'{name}' is a switch: it is on no row, so it can be grouped by and filtered only.",
                hint="Let a measure depend on it: case: {switch, when: [{value, sql}]}.",
            )
        for template in member.templates:
            for reference in template.references:
                if isinstance(reference, MemberReference):
                    if reference.granularity is not None:
                        _refuse_granularity(catalog, reference.member, reference.granularity)
                    if reference.member not in seen:
                        seen.add(reference.member)
                        waiting.append(reference.member)


def _refuse_granularity(catalog: Catalog, member: str, granularity: str) -> None:
    """A granularity whose bins a calendar holds must be its own column: nothing else is joined for it."""
    dimension = catalog.dimension(member)
    custom = dimension.granularities.get(granularity)
    cube = dimension.origin.partition(".")[0]
    references = () if custom is None or custom.sql is None else custom.sql.references
    for reference in references:
        if isinstance(reference, MemberReference) and reference.member.partition(".")[0] != cube:
            raise UnsupportedFeature(
                f"'{member}.{granularity}' reads '{reference.member}', which is not of the calendar '{cube}'.",
                hint="Let the SQL of the granularity read the calendar's own columns.",
            )
