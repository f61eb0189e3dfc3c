"""Dimensions that are made of measures, carried by the rows of their cube like a column.

A sub-query is evaluated for each primary key of the cube, whatever rows a query selects, unless it asks for the query's
filters. A multi-stage dimension is evaluated for each tuple of its ``add_group_by``, under the query's conditions but
those on itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from cuboid.catalog.joins import JoinPath
from cuboid.catalog.model import Catalog, Dimension, Measure
from cuboid.catalog.pieces import MemberReference
from cuboid.errors import UnsupportedFeature
from cuboid.plan.members import Members
from cuboid.plan.nodes import Plan, SubQuery
from cuboid.plan.states import State, child_state
from cuboid.query.model import MaskRule, Shape, members_of

BuildPlan = Callable[[Shape, frozenset[JoinPath]], Plan]
"""Plans a shape whose measures are meant along these join paths."""


def plan_sub_queries(
    catalog: Catalog, members: Members, names: Iterable[str], shape: Shape, build: BuildPlan
) -> tuple[SubQuery, ...]:
    """The sub-queries that members of these names are made of, each once, in the order of their names.

    :param shape: of the query in which they are read.

    Raises :class:`UnsupportedFeature` for one that reads columns of other cubes, and what ``build`` raises.
    """
    found = frozenset[str]().union(*(members.sub_queries(name) for name in names))
    return tuple(_planned(catalog, members, name, shape, build) for name in sorted(found))


def _planned(catalog: Catalog, members: Members, name: str, shape: Shape, build: BuildPlan) -> SubQuery:
    dimension = catalog.dimension(name)
    by = _by(catalog, dimension)
    others = members.cubes(name).union(*(members.cubes(each) for each in by)) - {dimension.cube}
    if others and dimension.multi_stage is None:
        raise UnsupportedFeature(
            f"'{name}' is made of measures, and reads columns of '{min(others)}' beside them.",
            hint=f"Refer to measures and to members of '{dimension.cube}' only, where it is declared.",
        )
    if derived := sorted(each for each in by if members.sub_queries(each)):
        raise UnsupportedFeature(
            f"'{name}' is evaluated by '{derived[0]}', which is made of measures itself."
        )
    inner = _inner(members, dimension, by, shape)
    plans = tuple(
        replace(build(replace(inner, measures=(measure,)), paths), inner=True)
        for measure, paths in _measures(catalog, name).items()
    )
    plain = dimension.sql is not None and len(dimension.sql.parts) == 1
    is_key = not others and by == tuple(part.full_name for part in catalog.cubes[dimension.cube].primary_key)
    return SubQuery(dimension.cube, name, by, plans, is_key, plain, bool(others))


def _by(catalog: Catalog, dimension: Dimension) -> tuple[str, ...]:
    """The dimensions for whose values it is evaluated."""
    if dimension.multi_stage is not None:
        return dimension.multi_stage.add_group_by
    return tuple(part.full_name for part in catalog.cubes[dimension.cube].primary_key)


def _measures(catalog: Catalog, name: str) -> dict[str, frozenset[JoinPath]]:
    """The measures that the sub-query's SQL refers to, with the paths that it names."""
    found: dict[str, frozenset[JoinPath]] = {}
    for template in catalog.dimension(name).templates:
        for reference in template.references:
            if isinstance(reference, MemberReference) and isinstance(
                catalog.member(reference.member), Measure
            ):
                paths = frozenset({reference.path} if len(reference.path) > 1 else ())
                if found.setdefault(reference.member, paths) != paths:
                    raise UnsupportedFeature(
                        f"'{name}' refers to '{reference.member}' along different join paths.",
                        hint="Make a dimension of each and combine the two.",
                    )
    return found


def _inner(members: Members, dimension: Dimension, by: tuple[str, ...], shape: Shape) -> Shape:
    """What is asked but for the measure: by these dimensions, under the filters that the dimension lets in."""
    name = dimension.full_name
    if any(members.sub_queries(each) for each in members_of(shape.access.conditions)):
        raise UnsupportedFeature(
            f"'{name}' is made of measures, and so is what the access policies of a view in this query test.",
            hint="Filter rows in the policies by members that are columns.",
        )
    state = State((), shape.row_conditions, shape.segments)
    if dimension.multi_stage is not None:
        found = (each.conditions for each in shape.included if each.member == name)
        stage = dimension.multi_stage
        state = child_state(state, state, stage, next(found, ()), members.origin, members.catalog)
        state = _without(state, lambda tested: name not in members.sub_queries(tested))
    elif dimension.propagate_filters:
        state = _without(state, lambda tested: not members.sub_queries(tested))
    else:
        state = replace(state, conditions=(), segments=())
    return replace(
        shape,
        measures=(),
        dimensions=by,
        time_groupings=(),
        segments=state.segments,
        row_conditions=state.conditions,
        group_conditions=(),
        order=(),
        limit=None,
        offset=None,
        ungrouped=False,
        total=False,
        access=replace(shape.access, masks=_tested_masks(shape, state)),
        join_hints=(),
        shares=(),
        top=None,
    )


def _tested_masks(shape: Shape, state: State) -> tuple[MaskRule, ...]:
    """Those of the masks by which the conditions test what the principal sees; the values themselves are true ones."""
    tested = members_of(state.conditions)
    return tuple(rule for rule in shape.access.masks if rule.member in tested)


def _without(state: State, wanted: Callable[[str], bool]) -> State:
    """The state with those conditions and segments alone of which all members are wanted."""
    return replace(
        state,
        conditions=tuple(each for each in state.conditions if all(map(wanted, members_of((each,))))),
        segments=tuple(each for each in state.segments if wanted(each)),
    )
