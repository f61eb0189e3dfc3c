"""Which features a query uses: for the summary that says what was compared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tests.oracle.access import Access
from tests.oracle.expressions import Ratio, Reference
from tests.oracle.filters import members
from tests.oracle.joins import Facts, NoPathError, find_tree, steps_to_many, tree_from
from tests.oracle.measure_filters import OPERATOR, passing, spelled_out
from tests.oracle.policies import NOBODY, ClaimSlot, Principal
from tests.oracle.question import Question, leaf_measures, read
from tests.oracle.views import added_filters, in_cubes, named
from tests.oracle.world import View, World


def features(world: World, query: Mapping[str, Any], who: Principal = NOBODY) -> set[str]:
    """Names of the features, for counting."""
    asked = set(_defaults(world, query))
    in_views = named(world, query)
    world, query, paths = in_cubes(world, query)
    asked |= {OPERATOR} if OPERATOR in str(query["filters"]) else set()
    world, query = spelled_out(world, query)
    question = read(world, query, passing(paths))
    if len(world.names) > 6:
        asked.add("seven or eight cubes")
    used = asked | set(_paths(world, question))
    access = Access(world, question, who, in_views)
    used |= (
        set(_members(world, question)) | set(_shape(query, question)) | set(_access(world, question, access))
    )
    used |= set(_views(in_views, access))
    for item in query["filters"]:
        used |= set(_operators(item))
    leaves = leaf_measures(world, question)
    cubes = {leaf.partition(".")[0] for leaf in leaves}
    if len(cubes) > 1:
        used.add("measures of several cubes")
    if len(Facts.among(world, cubes).names) > 1:
        used.add("several facts")
        if question.conditions or question.segments:
            used.add("several facts under conditions")
    for cube in cubes:
        used |= _joins(world, question, cube)
    return used


def _defaults(world: World, query: Mapping[str, Any]) -> Iterator[str]:
    """Whether views add filters to the query, or would if it did not release them."""
    added = added_filters(world, query)
    if added:
        yield "default filter of a view"
    bare = {key: value for key, value in query.items() if key not in ("filters", "timeDimensions")}
    if len(added_filters(world, bare)) > len(added):
        yield "default filter that the query releases"


def _paths(world: World, question: Question) -> Iterator[str]:
    if question.paths:
        yield "view"
    if any(
        tree_of(world, path[0], {path[-1]}) != set(path)
        for paths in question.paths.values()
        for path in paths
    ):
        yield "view along another path than the shortest"
    if question.hints:
        yield "joinHints"


def tree_of(world: World, root: str, needed: set[str]) -> set[str]:
    """The cubes that are joined from a root where no path is named."""
    tree = tree_from(world, root, frozenset(needed))
    return {root, *(join.target for _, join in tree.edges)} if tree is not None else set()


def _members(world: World, question: Question) -> Iterator[str]:
    for name in question.measures:
        measure = world.measure(name)
        assert measure is not None
        yield f"measure {measure.type}"
        if measure.filters:
            yield "measure with filters"
        if isinstance(measure.expression, Ratio) and isinstance(measure.expression.divisor, Reference):
            yield "ratio"
        yield from _beyond_rows(world, name)
    named = {*question.grouped, *question.segments, *(n for c in question.conditions for n in c.names)}
    for measured in sorted({each for name in named for each in world.measured(name)}):
        dimension = world.dimension(measured)
        assert dimension is not None
        propagated = ", propagated" if dimension.propagate else ""
        yield f"sub-query dimension{propagated}" if dimension.sub_query else "multi-stage dimension"
    for column in question.columns:
        dimension = world.dimension(column.member)
        assert dimension is not None
        if len(world.cubes_of(column.member)) > 1:
            yield "dimension over another cube"
        if column.granularity:
            yield f"by {column.granularity}"
        if dimension.type == "time":
            yield f"time column ({dimension.time_kind})"
        if dimension.values:
            yield "by a switch"
        if dimension.as_case:
            yield "case dimension"


def _beyond_rows(world: World, name: str, inside: str = "") -> Iterator[str]:
    """What a measure has beside an aggregate of rows, and its children have."""
    measure = world.measure(name)
    assert measure is not None
    if measure.window is not None:
        window = measure.window
        yield f"window to date{inside}" if window.to_date else f"rolling window{inside}"
        if "unbounded" in (window.trailing, window.leading):
            yield "unbounded window"
        if window.offset == "start":
            yield "window from the start"
    if measure.semi is not None:
        yield f"snapshot {measure.semi.take}" + (" by" if measure.semi.by else "")
    if measure.conversion is not None:
        conversion = measure.conversion
        yield f"conversion {conversion.value}{inside}"
        if len(conversion.steps) > 2:
            yield "conversion of three steps"
        if conversion.window is not None:
            yield "conversion within a window"
        if len({step.partition(".")[0] for step, _ in conversion.steps}) < len(conversion.steps):
            yield "conversion between rows of one cube"
    if measure.switch is not None:
        yield "measure that depends on a switch"
    if measure.stage is not None:
        stage = measure.stage
        kind = {"rank": "rank", "number": "formula"}.get(measure.type, "aggregate")
        yield f"{kind} in stages"
        given = {
            "group_by": stage.group_by is not None,
            "reduce_by": stage.reduce_by,
            "add_group_by": stage.add_group_by,
            "filters of groups": measure.filters,
            "time shift by months": any(shift.span.months for shift in stage.shifts),
            "time shift by days": any(not shift.span.months for shift in stage.shifts),
        }
        yield from (word for word, there in given.items() if there)
        if stage.filter is not None:
            yield f"filter directive {stage.filter.mode}"
        if inside:
            yield "stage in a stage"
        inside = " in a stage"
    for child in measure.children:
        yield from _beyond_rows(world, child, inside)


def _views(in_views: Mapping[str, tuple[View, str]], access: Access) -> Iterator[str]:
    """Policies of the views that the query names members of."""
    for view in (view for view, _ in in_views.values() if view.policies is not None):
        policies = access.applicable(view)
        yield "policies of a view" if policies else "no policy of a view applies"
        if any(policy.filters for policy in policies):
            yield "row filters of a view"
    if any(own.name == name for view, name in in_views.values() for own in view.own):
        yield "own member of a view"
    for name in in_views:
        if (shown := access.mask(name)) is not None:
            yield "masked member of a view" + (" on some rows" if shown else "")


def _access(world: World, question: Question, access: Access) -> Iterator[str]:
    """Policies and slots of the cubes that the query names members of."""
    named = [*question.measuring, *question.grouped, *question.segments]
    named += [name for condition in question.conditions for name in condition.names]
    for cube in (world.cube(name) for name in {name.partition(".")[0] for name in named}):
        if cube.inherits:
            yield "cube that extends another"
        policies = access.applicable(cube)
        if cube.policies is not None:
            yield "policies" if policies else "no policy applies"
        if any(policy.filters for policy in policies):
            yield "row filters"
        if len(policies) > 1:
            yield "several policies"
        for slot in cube.slots:
            claim = isinstance(slot, ClaimSlot)
            yield "claim in SQL" if claim else "FILTER_GROUP" if len(slot.pairs) > 1 else "FILTER_PARAMS"
    if access.denied:
        yield "member that nobody grants"
    for name in named:
        if (shown := access.mask(name)) is not None:
            kind = "measure" if world.measure(name) is not None else "dimension"
            yield f"masked {kind}" + (" on some rows" if shown else "")


def _shape(query: Mapping[str, Any], question: Question) -> Iterator[str]:
    flags = {"ungrouped", "total", "segments", "limit", "offset", "order"} & query.keys()
    yield from flags
    if question.zone != "UTC":
        yield "zone other than UTC"
    if question.group_filters:
        yield "measure filter"
    if any("or" in item and len(set(members(item))) > 1 for item in question.group_filters):
        yield "or over measures and dimensions"
    ranges = {key for entry in query["timeDimensions"] for key in entry}
    if "dateRange" in ranges:
        yield "date range"
    if "compareDateRange" in ranges:
        yield "compareDateRange"
    for share in question.shares:
        yield "percentOfTotal within" if share.within else "percentOfTotal"
        if any(share.measure in members(item) for item in question.group_filters):
            yield "percentOfTotal beside a condition on the measure"
    if question.top is not None:
        dropped = question.top.others is False
        yield (
            "top without others"
            if dropped
            else "top with others"
            if question.top.others
            else "top, others NULL"
        )
    if not question.columns:
        yield "no dimensions"
    if not question.measures:
        yield "no measures"


def _operators(item: Mapping[str, Any]) -> Iterator[str]:
    for group in ("and", "or"):
        if group in item:
            yield f"filter group {group}"
            for child in item[group]:
                yield from _operators(child)
    if "operator" in item:
        yield f"filter {item['operator']}"
        if None in (item.get("values") or ()):
            yield "filter with null"


def _joins(world: World, question: Question, cube: str) -> set[str]:
    needed = {cube}.union(*(world.cubes_of(column.member) for column in question.columns))
    try:
        tree = find_tree(world, needed)
    except NoPathError:
        return set()
    others = {tree.root, *(join.target for _, join in tree.edges)} - {cube}
    used = {"join"} if others else set()
    if any(steps_to_many(tree, cube, other) for other in others):
        used.add("fan-out, composite key" if len(world.cube(cube).key) > 1 else "fan-out")
    return used
