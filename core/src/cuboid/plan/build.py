"""From a shape to a plan: each measure on its own relation, then all combined.

The relation of a measure joins the cubes of the query's group keys, of the conditions that restrict the measure
(:mod:`cuboid.plan.facts`) and of the measure itself, and no other: which measures are asked together never
changes a number.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from cuboid.catalog.joins import JoinGraph, JoinPath, JoinTree
from cuboid.catalog.model import Catalog, Measure
from cuboid.catalog.pieces import MemberReference, Template
from cuboid.catalog.stages import Conversion, MultiStage, SwitchCase
from cuboid.errors import InvalidQuery, NoJoinPath, UnsupportedFeature
from cuboid.plan.access import visible_rows
from cuboid.plan.additions import plan_top, with_shares
from cuboid.plan.conversions import first_step, plan_conversion
from cuboid.plan.facts import Facts, Restriction
from cuboid.plan.fanout import aggregate_leaves
from cuboid.plan.guards import refuse_unplanned
from cuboid.plan.members import Members, merged
from cuboid.plan.nodes import (
    Aggregate,
    Combine,
    Groups,
    Key,
    KeyedAggregate,
    Leaf,
    Plan,
    Relation,
    Rows,
    Source,
    Stage,
    Windowed,
)
from cuboid.plan.snapshots import with_snapshots
from cuboid.plan.stages import check_stage
from cuboid.plan.states import State, child_state
from cuboid.plan.sub_queries import plan_sub_queries
from cuboid.plan.switches import chosen, plan_by_switches, switches_among
from cuboid.plan.windows import check_window, framed_state, frames_of, without_range
from cuboid.query.model import Access, Condition, Shape, members_of, predicates


@dataclass(frozen=True, slots=True)
class _Evaluation:
    """What is the same for all measures of one query, those inside stages among them."""

    shape: Shape
    root: State
    facts: Facts

    def included(self, measure: str) -> tuple[Condition, ...]:
        """What the measure's filter directive adds."""
        found = (each.conditions for each in self.shape.included if each.member == measure)
        return next(found, ())


class Builder:
    """Builds plans over one catalog."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._graph = JoinGraph(catalog)
        self._members = Members(catalog)

    def build(
        self, shape: Shape, along: frozenset[JoinPath] = frozenset(), facts: Facts | None = None
    ) -> Plan:
        """The plan of a normalized question, not yet rewritten.

        :param along: join paths that the measures are meant along.
        :param facts: those among which conditions restrict what they do; by default the question's own.

        Raises :class:`NoJoinPath`, :class:`UnsupportedFeature`, and :class:`InvalidQuery` for members of several
        data sources.
        """
        if grouped := switches_among(shape, self._catalog):
            plan = plan_by_switches(
                shape, grouped, self._catalog, lambda inner: self.build(inner, along, facts)
            )
            if not shape.shares or shape.total:
                return plan
            keys = tuple(key for key in plan.keys if key.member not in grouped)
            return with_shares(plan, shape, self._catalog, facts or self._facts(shape, keys), self._among)
        groupings = ((each.member, each.granularity) for each in shape.time_groupings)
        refuse_unplanned(self._catalog, self._all_members(shape), groupings)
        keys = (
            *(Key(member) for member in shape.dimensions),
            *(Key(grouping.member, grouping.granularity) for grouping in shape.time_groupings),
        )
        data_source = self._data_source(shape)
        try:
            source = (
                self._rows(shape, keys) if shape.ungrouped else self._aggregates(shape, keys, along, facts)
            )
        except NoJoinPath as error:
            raise NoJoinPath(self._all_cubes(shape), hint=error.hint) from None
        plan = Plan(
            source=source,
            keys=keys,
            measures=shape.measures,
            conditions=shape.group_conditions,
            order=() if shape.total else shape.order,
            limit=None if shape.total else shape.limit,
            offset=None if shape.total else shape.offset,
            timezone=shape.timezone,
            data_source=data_source,
            counted=shape.total,
            access=shape.access,
            visible=visible_rows(self._graph, self._members, shape.access),
        )
        if not shape.shares or shape.total:
            return plan
        found = self._facts(shape, keys)
        return with_shares(plan, shape, self._catalog, found, self._among)

    def _among(self, shape: Shape, facts: Facts | None) -> Plan:
        return self.build(shape, facts=facts)

    def _facts(self, shape: Shape, keys: tuple[Key, ...]) -> Facts:
        leaves = self._members.row_leaves(self._leaf_measures(shape))
        cubes = self._sorted({self._catalog.measure(leaf).cube for leaf in leaves})
        return Facts(self._graph, cubes, (self._members.origin(key.member) for key in keys))

    # ------------------------------------------------------------ sources

    def _aggregates(
        self, shape: Shape, keys: tuple[Key, ...], along: frozenset[JoinPath], facts: Facts | None
    ) -> Source:
        root = State(keys, shape.row_conditions, shape.segments)
        leaves = {leaf: paths | along for leaf, paths in self._leaf_measures(shape).items()}
        if not leaves:
            return Aggregate(self._relation(shape, root, {}, None, None), keys, ())
        return self._combined(_Evaluation(shape, root, facts or self._facts(shape, keys)), root, leaves)

    def _combined(
        self, evaluation: _Evaluation, state: State, leaves: Mapping[str, frozenset[JoinPath]]
    ) -> Combine:
        """The groups of the state with the values of the leaves."""
        by_cube: dict[str, list[str]] = {}
        inputs: list[Groups] = []
        for leaf, paths in leaves.items():
            measure = self._catalog.measure(leaf)
            windowed = self._windowed(evaluation, state, measure, paths)
            if windowed is not None:
                inputs.append(windowed)
            elif measure.multi_stage is not None:
                inputs.append(self._stage(evaluation, state, measure, measure.multi_stage, paths))
            elif measure.conversion is not None:
                inputs.append(self._conversion(evaluation, state, measure, measure.conversion, paths))
            else:
                by_cube.setdefault(measure.cube, []).append(leaf)
        for cube in self._sorted(by_cube):
            by_relation: dict[Relation, list[str]] = {}
            for leaf in by_cube[cube]:
                relation = self._relation(
                    evaluation.shape, state, {leaf: leaves[leaf]}, evaluation.facts, cube
                )
                by_relation.setdefault(relation, []).append(leaf)
            for relation, parts in by_relation.items():
                part = aggregate_leaves(self._catalog, self._members, relation, state.keys, cube, parts)
                inputs += with_snapshots(self._catalog, part)
        return Combine(tuple(inputs))

    def _conversion(
        self,
        evaluation: _Evaluation,
        state: State,
        measure: Measure,
        conversion: Conversion,
        paths: frozenset[JoinPath],
    ) -> Groups:
        shape, name = evaluation.shape, measure.full_name
        own = first_step(conversion, state, self._members)
        first = self._relation(shape, own, {name: paths}, evaluation.facts, measure.cube)
        later = replace(shape, top=None)
        return plan_conversion(
            self._catalog,
            self._members,
            name,
            first,
            state,
            lambda inner, named: self._relation(later, inner, named, None, None),
        )

    def _windowed(
        self, evaluation: _Evaluation, state: State, measure: Measure, paths: frozenset[JoinPath]
    ) -> Windowed | None:
        """A measure with a rolling window along a time dimension of the state; None for any other."""
        if measure.rolling_window is None:
            return None
        shape, origin = evaluation.shape, self._members.origin
        frames = frames_of(measure, measure.rolling_window, state, shape.date_ranges, self._catalog, origin)
        if frames is None:
            return None
        own = origin(frames.time.member)
        keys = tuple(key for key in state.keys if key.granularity is None or origin(key.member) != own)
        inner = replace(framed_state(state, frames), keys=(*keys, Key(frames.time.member)))
        name = measure.full_name
        if measure.multi_stage is not None:
            check_window(measure, measure.multi_stage)
            inner = replace(without_range(state, frames), keys=state.keys)
            if frames.bins is None:
                raise UnsupportedFeature(
                    f"Measure '{name}' rolls over other measures, which are computed for buckets of time.",
                    hint=f"Give '{own}' a granularity in the query.",
                )
            check_stage(measure, inner, self._catalog, origin)
            child = self._combined(evaluation, inner, self._part_leaves(name, paths))
            return Windowed(child, state.keys, measure.cube, (Leaf(name),), frames, distinct=False)
        relation = self._relation(shape, inner, {name: paths}, evaluation.facts, measure.cube)
        part = aggregate_leaves(self._catalog, self._members, relation, keys, measure.cube, (name,))
        distinct = isinstance(part, KeyedAggregate)
        return Windowed(relation, state.keys, measure.cube, part.leaves, frames, distinct)

    def _part_leaves(
        self, name: str, paths: frozenset[JoinPath], branch: Template | None = None
    ) -> Mapping[str, frozenset[JoinPath]]:
        """The leaves of what a measure over measures is made of, meant along its paths too.

        :param branch: the one of its pieces of SQL that counts, beside its filters; None for all.
        """
        names = self._members.parts(name)
        if branch is not None:
            filters = self._catalog.measure(name).filters
            read = {part for sql in (branch, *filters) for part in _named_members(sql)}
            names = tuple(part for part in names if part in read) or names
        parts = merged(self._members.leaf_paths(part) for part in names)
        return {leaf: named | paths for leaf, named in parts.items()}

    def _stage(
        self,
        evaluation: _Evaluation,
        state: State,
        measure: Measure,
        stage: MultiStage,
        paths: frozenset[JoinPath],
    ) -> Stage:
        """A measure that is evaluated in stages, at the state."""
        inner = child_state(
            state, evaluation.root, stage, evaluation.included(measure.full_name), self._members.origin
        )
        kept = tuple(key for key in state.keys if key in inner.keys)
        branch, has_value = None, True
        if isinstance(measure.case, SwitchCase):
            branch, has_value = chosen(measure.full_name, measure.case, evaluation.shape.pins, self._catalog)
        if measure.type == "rank":
            inner = replace(inner, keys=state.keys)
        check_stage(measure, inner, self._catalog, self._members.origin)
        leaves = self._part_leaves(measure.full_name, paths, branch)
        groups = None
        if not set(state.keys) <= set(inner.keys):
            groups = self._combined(evaluation, replace(state, shifts=inner.shifts), leaves)
        child = self._combined(evaluation, inner, leaves)
        return Stage(measure.full_name, state.keys, kept, child, groups, branch, has_value)

    def _rows(self, shape: Shape, keys: tuple[Key, ...]) -> Source:
        leaves = self._leaf_measures(shape)
        for leaf in leaves:
            measure = self._catalog.measure(leaf)
            if (
                measure.multi_stage is not None
                or measure.rolling_window is not None
                or measure.conversion is not None
                or measure.type in ("number", "string", "time", "boolean")
            ):
                raise UnsupportedFeature(
                    f"Measure '{leaf}' has an aggregate of its own and cannot be shown row by row.",
                    hint="Ask for it without `ungrouped`.",
                )
        root = State(keys, shape.row_conditions, shape.segments)
        return Rows(self._relation(shape, root, leaves, None, None), keys)

    def _relation(
        self,
        shape: Shape,
        state: State,
        leaves: Mapping[str, frozenset[JoinPath]],
        facts: Facts | None,
        cube: str | None,
    ) -> Relation:
        """The rows for the group keys and the leaves; with ``facts`` only under what restricts ``cube``.

        :param leaves: with the paths along which they are meant.
        """
        members = {*leaves, *(key.member for key in state.keys)}
        conditions: list[Condition] = []
        for condition in state.moved_conditions(self._members.origin):
            tested = frozenset(predicate.member for predicate in predicates(condition))
            if self._restricts(tested, facts, cube):
                conditions.append(condition)
                members |= tested
        segments = [each for each in state.segments if self._restricts(frozenset({each}), facts, cube)]
        members |= set(segments)
        top = plan_top(shape, self._catalog, self._among)
        if top is not None and not top.drop and Key(top.dimension) not in state.keys:
            top = None
        if top is not None:
            members.add(top.dimension)
        members |= members_of(shape.access.conditions)
        members |= set(self._masking(members, shape.access))
        paths = frozenset[JoinPath]().union(*leaves.values())
        tree = self._tree(members, paths, shape)
        sub_queries = plan_sub_queries(self._catalog, self._members, members, shape, self.build)
        return Relation(
            tree, tuple(conditions), tuple(segments), shape.access.conditions, sub_queries, state.shifts, top
        )

    def _masking(self, members: Iterable[str], access: Access) -> Iterator[str]:
        """What the masks of these dimensions are made of and shown by: they are masked on the rows. Masks of measures
        stand on groups."""
        masks = (access.mask(name) for name in members if not self._is_measure(name))
        for rule in filter(None, masks):
            if rule.shown is not None:
                yield from members_of((rule.shown,))
            if isinstance(rule.mask, Template):
                yield from _named_members(rule.mask)

    def _tree(self, members: set[str], paths: frozenset[JoinPath], shape: Shape) -> JoinTree:
        """The tree over the members' cubes, from one of them; if none reaches all, from another cube of the query.

        Cube looks at all cubes of a query together: some other cube that is asked for may be the one from which
        all joins lead on.
        """
        return self._graph.tree(
            self._cubes_of(members).union(*paths),
            roots=self._cubes_of(self._all_members(shape)),
            paths=paths.union(*(self._members.paths(member) for member in members)),
            hints=shape.join_hints,
        )

    def _restricts(self, members: frozenset[str], facts: Facts | None, cube: str | None) -> bool:
        if facts is None or cube is None:
            return True
        owners = frozenset[str]().union(*(self._members.owners(name) for name in members))
        origins = frozenset(self._members.origin(name) for name in members)
        return facts.restricts(Restriction(origins, owners), cube)

    # ------------------------------------------------------------ what the shape mentions

    def _leaf_measures(self, shape: Shape) -> Mapping[str, frozenset[JoinPath]]:
        """The leaves of all measures selected or filtered by, each once, in order of mention, with their paths."""
        wanted = [*shape.measures]
        for condition in shape.group_conditions:
            wanted += [p.member for p in predicates(condition) if self._is_measure(p.member)]
        wanted += _masking_measures(shape.access)
        return merged(self._members.leaf_paths(measure) for measure in wanted)

    def _all_members(self, shape: Shape) -> list[str]:
        """All members that the query names, in the order in which Cube collects them."""
        names = [*shape.measures, *shape.dimensions, *shape.segments]
        conditions = (*shape.row_conditions, *shape.group_conditions)
        names += [p.member for condition in conditions for p in predicates(condition)]
        names += [grouping.member for grouping in shape.time_groupings]
        return names

    def _all_cubes(self, shape: Shape) -> list[str]:
        owners = (sorted(self._members.owners(name)) for name in self._all_members(shape))
        return list(dict.fromkeys(cube for cubes in owners for cube in cubes))

    def _cubes_of(self, members: Iterable[str]) -> frozenset[str]:
        return frozenset[str]().union(*(self._members.cubes(member) for member in members))

    def _data_source(self, shape: Shape) -> str:
        named: dict[str, str] = {}
        for cube in self._all_cubes(shape):
            named.setdefault(self._catalog.cubes[cube].data_source, cube)
        if len(named) > 1:
            listed = ", ".join(f"'{cube}' is in '{source}'" for source, cube in named.items())
            raise InvalidQuery(
                f"One query cannot use several data sources: {listed}.",
                hint="Ask one query per data source.",
            )
        return next(iter(named))

    def _sorted(self, cubes: Iterable[str]) -> list[str]:
        """The cubes in order of declaration."""
        return sorted(cubes, key=lambda cube: self._catalog.cubes[cube].index)

    def _is_measure(self, name: str) -> bool:
        cube, _, member = name.partition(".")
        return member in self._catalog.cubes[cube].measures


def _named_members(template: Template) -> Iterator[str]:
    """The members that a piece of SQL refers to."""
    for reference in template.references:
        if isinstance(reference, MemberReference):
            yield reference.member


def _masking_measures(access: Access) -> Iterator[str]:
    """The measures that masks of measures are made of."""
    for rule in access.masks:
        if isinstance(rule.mask, Template):
            yield from _named_members(rule.mask)
