"""The conditions that measures, and dimensions made of them, bring themselves: what their filter directives include."""

from __future__ import annotations

from collections.abc import Iterable

from cuboid.catalog.model import Dimension, Measure
from cuboid.errors import UnsupportedFeature
from cuboid.query.conditions import Scope, condition, resolve
from cuboid.query.filters import parse_filters
from cuboid.query.model import Condition, Included
from cuboid.query.policies import leaves


def included(members: Iterable[Measure | Dimension], scope: Scope) -> tuple[Included, ...]:
    """For each of the members what its filter directive adds; the scope takes the values.

    Raises :class:`UnsupportedFeature` for a directive that tests a measure.
    """
    found: list[Included] = []
    for member in members:
        directive = member.multi_stage.filter if member.multi_stage else None
        if directive is None or not directive.include:
            continue
        conditions: list[Condition] = []
        for tree in parse_filters(list(directive.include)):
            for leaf in leaves(tree):
                if isinstance(scope.catalog.member(leaf.member), Measure):
                    raise UnsupportedFeature(
                        f"'{member.full_name}' includes a filter on the measure '{leaf.member}', which no "
                        "row has.",
                        hint="Give the measure inside `filters` of its own, or filter by a dimension.",
                    )
            built = condition(resolve(tree, scope), scope)
            if built is not None:
                conditions.append(built)
        found.append(Included(member.full_name, tuple(conditions)))
    return tuple(found)
