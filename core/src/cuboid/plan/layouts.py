"""Layouts: what a rollup stores, planned by the same code as an answer, and why a rollup cannot serve where it cannot.

The rows of a rollup are the groups of a question: its dimensions and times as keys, its measures' leaves as values. So
what is stored is right for the same reasons as an answer is. Only values of one relation are stored: rows that two
relations make together could not tell whose groups they are.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from cuboid.catalog.joins import JoinTree
from cuboid.catalog.model import Catalog, Dimension, Measure
from cuboid.catalog.pieces import (
    ContextReference,
    CubeSqlReference,
    FilterGroupReference,
    FilterReference,
    MemberReference,
    Template,
    inner_templates,
)
from cuboid.catalog.rollups import Rollup
from cuboid.catalog.timing import bins_of
from cuboid.errors import CuboidError
from cuboid.plan.build import Builder
from cuboid.plan.members import Members
from cuboid.plan.mentions import named_members
from cuboid.plan.nodes import Aggregate, Combine, Key, KeyedAggregate, Plan, Relation
from cuboid.plan.tree import walk
from cuboid.query.model import ALWAYS, Access, OrderKey, Predicate, RowRule, Shape, Slot, TimeGrouping

ADDITIVE = frozenset({"count", "sum", "min", "max"})
"""Measures whose values over parts give the value over the whole."""

ORDERED = frozenset({"min", "max"})
"""Those of them for which values are compared."""


@dataclass(frozen=True, slots=True)
class Attached:
    """A rollup whose rows are joined with others; ``on`` are pairs of stored columns that are equal, its own second."""

    rollup: str
    on: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Layout:
    """What one rollup stores.

    :param tree: of the relation whose groups are stored.
    :param additive: the leaves that may be aggregated again: no join of the rollup repeats their rows.
    :param time: the key by which the rows are cut into parts, if they are; its bounds are slots 0 and 1 of ``shape``.
    :param parts: how long a part is.
    :param follows: of a rollup whose last rows are read anew, the one whose parts it has. ``newest`` is the shape of
        the rows that are read, from slot 0 on, ``newest_of`` the rollup that says which they are, and ``live`` whether
        they are as fresh as an answer over the tables.
    :param inside: the data source in whose database the rows are kept, if they stay there.
    :param original: the rows are those of the cube's own SQL, with all their columns.
    :param between: whose rows stand between those of ``follows`` and the newest, which begin with slot 1 then.
    :param first: of rollups that are joined in the store, the one with which the others in ``attached`` are joined.
    """

    rollup: str
    shape: Shape
    tree: JoinTree
    keys: tuple[Key, ...]
    leaves: tuple[str, ...]
    additive: frozenset[str]
    time: Key | None = None
    parts: str | None = None
    follows: str | None = None
    newest: Shape | None = None
    newest_of: str | None = None
    live: bool = False
    between: Layout | None = None
    inside: str | None = None
    original: bool = False
    first: str | None = None
    attached: tuple[Attached, ...] = ()

    @property
    def made_of(self) -> tuple[str, ...]:
        """The rollups whose rows it has, if it has none of its own."""
        own = self.follows or self.first
        return () if own is None else (own, *(each.rollup for each in self.attached))

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the stored columns, in order: those of keys and of leaves."""
        return (*(key.name for key in self.keys), *self.leaves)


@dataclass(frozen=True, slots=True)
class Unusable:
    """A rollup that serves no query, and why."""

    rollup: str
    reason: str


def as_stored(catalog: Catalog) -> Catalog:
    """The catalog as rollups store it: segments are dimensions there, so that rows can be grouped by them, and measures
    that roll are what they add up, so that windows can be made of stored buckets."""
    rollups = [rollup for cube in catalog.cubes.values() for rollup in cube.rollups.values()]
    cubes = dict(catalog.cubes)
    for name in sorted({each.member for rollup in rollups for each in rollup.segments}):
        segment = catalog.segment(name)
        cube = cubes[segment.cube]
        dimension = Dimension(
            segment.cube,
            segment.name,
            "boolean",
            segment.sql,
            None,
            segment.place,
            segment.title,
            segment.short_title,
        )
        cubes[segment.cube] = replace(cube, dimensions={**cube.dimensions, segment.name: dimension})
    for name in sorted({each.member for rollup in rollups for each in rollup.measures}):
        measure = catalog.measure(name)
        if measure.rolling_window is not None and measure.type in ADDITIVE:
            cube = cubes[measure.cube]
            plain = replace(measure, rolling_window=None)
            cubes[measure.cube] = replace(cube, measures={**cube.measures, measure.name: plain})
    return replace(catalog, cubes=cubes)


def layout_of(rollup: Rollup, catalog: Catalog, builder: Builder, members: Members) -> Layout | Unusable:
    """What the rollup stores, or why it cannot be stored."""
    name = rollup.full_name
    if rollup.type != "rollup":
        return Unusable(name, f"rollups of type {rollup.type} are read but not built yet")
    leaves = dict.fromkeys(leaf for each in rollup.measures for leaf in members.leaves(each.member))
    reason = next(filter(None, (_unstorable(catalog.measure(leaf)) for leaf in leaves)), None)
    read = [
        *(each.member for each in (*rollup.dimensions, *rollup.segments)),
        *(each.member for each in rollup.time_dimensions),
    ]
    reason = reason or _depends_on_query([*leaves, *read], catalog, members)
    if reason is not None:
        return Unusable(name, reason)
    shape = _shape(rollup, tuple(leaves), catalog)
    try:
        plan = builder.build(shape)
    except CuboidError as error:
        return Unusable(name, error.message)
    part = _only_part(plan)
    if part is None:
        return Unusable(name, "its measures are of several cubes, whose groups differ")
    trees = [node.tree for node in walk(plan) if isinstance(node, Relation)]  # those of inner queries too
    if changing := next(filter(None, (filled(tree, [*leaves, *read], catalog) for tree in trees)), None):
        return Unusable(name, f"{changing} differs from query to query (SECURITY_CONTEXT, FILTER_PARAMS)")
    inside = rollup.external is False
    additive = frozenset(
        leaf
        for leaf in leaves
        if isinstance(part, Aggregate) and _is_additive(catalog.measure(leaf), catalog, inside=inside)
    )
    time = _part_time(rollup)
    return Layout(
        name,
        shape,
        part.relation.tree,
        plan.keys,
        tuple(leaves),
        additive,
        time,
        rollup.partition_granularity if time else None,
        inside=plan.data_source if inside else None,
    )


def _shape(rollup: Rollup, leaves: tuple[str, ...], catalog: Catalog) -> Shape:
    time = _part_time(rollup)
    conditions: tuple[Predicate, ...] = ()
    if time is not None and rollup.partition_granularity is not None:
        kind = catalog.dimension(time.member).time_kind
        conditions = (Predicate(time.member, "in_range", (Slot(0, kind), Slot(1, kind))),)
    paths = [
        *(each.path for each in (*rollup.measures, *rollup.dimensions, *rollup.segments)),
        *(each.path for each in rollup.time_dimensions),
    ]
    return Shape(
        measures=leaves,
        dimensions=(
            *(each.member for each in (*rollup.dimensions, *rollup.segments)),
            *(each.member for each in rollup.time_dimensions if each.granularity is None),
        ),
        time_groupings=tuple(
            TimeGrouping(each.member, each.granularity) for each in rollup.time_dimensions if each.granularity
        ),
        row_conditions=conditions,
        access=all_visible(catalog),
        join_hints=tuple(dict.fromkeys(path for path in paths if len(path) > 1)),
        date_ranges=conditions,
    )


def all_visible(catalog: Catalog) -> Access:
    """What is stored is stored for all: whoever asks is shown what is his."""
    policed = (each.name for each in catalog.cubes.values() if each.access_policies is not None)
    return Access(rows=tuple(RowRule(name, ALWAYS) for name in policed))


def is_whole(layout: Layout, catalog: Catalog) -> bool:
    """Whether no group is in two parts."""
    if layout.time is None or layout.time.granularity is None or layout.parts is None:
        return True
    bins = bins_of(layout.time.granularity, catalog.dimension(layout.time.member).granularities)
    parts = bins_of(layout.parts, {})
    return bins is not None and parts is not None and parts.hold(bins)


def all_rows(shape: Shape) -> Shape:
    """The shape of a layout without bounds of a part."""
    return replace(shape, row_conditions=(), date_ranges=())


def rest(shape: Shape) -> Shape:
    """The shape of a layout with parts for the rows that are in none, as they have no time."""
    (condition,) = shape.date_ranges
    return replace(shape, row_conditions=(Predicate(condition.member, "not_set"),), date_ranges=())


def extreme_part(layout: Layout, *, last: bool) -> Shape:
    """The shape that asks where the first part begins that has rows, or the last one. Its limit is slot 0."""
    assert layout.time is not None
    assert layout.parts is not None
    key = TimeGrouping(layout.time.member, layout.parts)
    return replace(
        layout.shape,
        measures=(),
        dimensions=(),
        time_groupings=(key,),
        row_conditions=(Predicate(layout.time.member, "set"),),
        date_ranges=(),
        ungrouped=False,
        order=(OrderKey(key.key, last),),
        limit=Slot(0, "integer"),
    )


def _part_time(rollup: Rollup) -> Key | None:
    """The first time dimension with a granularity, if the rollup has parts."""
    if rollup.partition_granularity is None:
        return None
    return next(
        (Key(each.member, each.granularity) for each in rollup.time_dimensions if each.granularity), None
    )


def _only_part(plan: Plan) -> Aggregate | KeyedAggregate | None:
    source = plan.source
    if isinstance(source, Combine) and len(source.inputs) == 1:
        source = source.inputs[0]
    return source if isinstance(source, Aggregate | KeyedAggregate) else None


def _is_additive(measure: Measure, catalog: Catalog, *, inside: bool) -> bool:
    """Whether values over parts give the value over the whole: the least of texts is another one where they are ordered
    otherwise. That a measure is of texts is known if a dimension says so of the same SQL.

    :param inside: the values stay where they are, and so does their order.
    """
    if measure.type not in ORDERED or measure.sql is None or inside:
        return measure.type in ADDITIVE
    dimensions = catalog.cubes[measure.cube].dimensions.values()
    same = [each for each in dimensions if each.sql is not None and each.sql.parts == measure.sql.parts]
    if len(measure.sql.parts) == 1 and isinstance(only := measure.sql.parts[0], MemberReference):
        member = catalog.member(only.member)
        same += [member] if isinstance(member, Dimension) else []
    return all(each.type != "string" for each in same)


def _unstorable(measure: Measure) -> str | None:
    for kind, words in (
        (measure.multi_stage, "is evaluated in stages"),
        (measure.rolling_window, "rolls over what cannot be added up"),
        (measure.conversion, "is a conversion"),
        (measure.semi_additive, "is semi-additive"),
    ):
        if kind is not None:
            return f"'{measure.full_name}' {words}: store the measures that it is made of"
    return None


def _depends_on_query(names: Iterable[str], catalog: Catalog, members: Members) -> str | None:
    """A reason why a member's values are other ones in other queries: its inner query sees the query's filters."""
    for name in names:
        for inner in members.sub_queries(name):
            dimension = catalog.dimension(inner)
            if dimension.multi_stage is not None or dimension.propagate_filters:
                return f"'{inner}' depends on the filters of the query"
    return None


def filled(tree: JoinTree, names: Iterable[str], catalog: Catalog) -> str | None:
    """What of these members and the tree's cubes a query fills, in words; None if nothing."""
    waiting = list(names)
    seen: set[str] = set()
    for cube in tree.cubes:
        waiting += [part.full_name for part in catalog.cubes[cube].primary_key]
    for join in tree.joins:
        if _is_filled(join.sql, catalog):
            return f"the join of '{join.source}' to '{join.target}'"
        waiting += named_members(join.sql)
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        member = catalog.member(name)
        assert member is not None
        declared = catalog.cubes[member.cube]
        for source in (declared.sql, declared.sql_table):
            if source is not None and _is_filled(source, catalog):
                return f"cube '{member.cube}'"
        for template in member.templates:
            if _is_filled(template, catalog):
                return f"'{name}'"
            waiting += named_members(template)
    for cube in tree.cubes:
        for source in (catalog.cubes[cube].sql, catalog.cubes[cube].sql_table):
            if source is not None and _is_filled(source, catalog):
                return f"cube '{cube}'"
    return None


def _is_filled(template: Template, catalog: Catalog) -> bool:
    for part in template.parts:
        if isinstance(part, ContextReference | FilterReference | FilterGroupReference):
            return True
        if isinstance(part, CubeSqlReference):
            declared = catalog.cubes[part.cube]
            sources = (each for each in (declared.sql, declared.sql_table) if each is not None)
            if any(_is_filled(each, catalog) for each in sources):
                return True
        if any(_is_filled(each, catalog) for each in inner_templates(part)):
            return True
    return False
