"""From a state to the groups that have the values of measures: each kind of measure by the nodes that compute it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from cuboid.catalog.joins import JoinPath
from cuboid.catalog.model import Catalog, Measure
from cuboid.catalog.pieces import Template
from cuboid.catalog.stages import Conversion, MultiStage, SwitchCase
from cuboid.errors import UnsupportedFeature
from cuboid.plan.conversions import first_step, plan_conversion
from cuboid.plan.facts import Facts
from cuboid.plan.fanout import aggregate_leaves
from cuboid.plan.frames import Frames
from cuboid.plan.members import Members, merged
from cuboid.plan.mentions import Mentions, named_members
from cuboid.plan.nodes import Combine, Groups, Key, KeyedAggregate, Leaf, Relation, Stage, Windowed
from cuboid.plan.relations import Asked, Relations
from cuboid.plan.snapshots import with_snapshots
from cuboid.plan.stages import check_stage
from cuboid.plan.states import State, child_state
from cuboid.plan.switches import chosen
from cuboid.plan.windows import check_window, framed_state, frames_of, without_range
from cuboid.query.model import Condition


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Evaluates the measures of one query, those inside stages among them.

    :param root: the query's own state.
    :param facts: those among which conditions restrict what they do.
    """

    asked: Asked
    root: State
    facts: Facts
    catalog: Catalog
    members: Members
    mentions: Mentions
    relations: Relations

    def combined(self, state: State, leaves: Mapping[str, frozenset[JoinPath]]) -> Combine:
        """The groups of the state with the values of the leaves."""
        by_cube: dict[str, list[str]] = {}
        inputs: list[Groups] = []
        for leaf, paths in leaves.items():
            measure = self.catalog.measure(leaf)
            windowed = self._windowed(state, measure, paths)
            if windowed is not None:
                inputs.append(windowed)
            elif measure.multi_stage is not None:
                inputs.append(self._stage(state, measure, measure.multi_stage, paths))
            elif measure.conversion is not None:
                inputs.append(self._conversion(state, measure, measure.conversion, paths))
            else:
                by_cube.setdefault(measure.cube, []).append(leaf)
        for cube in self.mentions.in_order(by_cube):
            by_relation: dict[Relation, list[str]] = {}
            for leaf in by_cube[cube]:
                relation = self.relations.relation(self.asked, state, {leaf: leaves[leaf]}, self.facts, cube)
                by_relation.setdefault(relation, []).append(leaf)
            for relation, parts in by_relation.items():
                part = aggregate_leaves(self.catalog, self.members, relation, state.keys, cube, parts)
                inputs += with_snapshots(self.catalog, part)
        return Combine(tuple(inputs))

    def _conversion(
        self,
        state: State,
        measure: Measure,
        conversion: Conversion,
        paths: frozenset[JoinPath],
    ) -> Groups:
        name = measure.full_name
        own = first_step(conversion, state, self.members)
        first = self.relations.relation(self.asked, own, {name: paths}, self.facts, measure.cube)
        later = replace(self.asked, top=None)
        return plan_conversion(
            self.catalog,
            self.members,
            name,
            first,
            state,
            lambda inner, named: self.relations.relation(later, inner, named),
            self.asked.shape.access,
        )

    def _windowed(self, state: State, measure: Measure, paths: frozenset[JoinPath]) -> Windowed | None:
        """A measure with a rolling window along a time dimension of the state; None for any other."""
        if measure.rolling_window is None:
            return None
        origin = self.members.origin
        ranges = tuple(
            each
            for each in self.asked.shape.date_ranges
            if self.relations.restricts(frozenset({each.member}), self.facts, measure.cube)
        )
        frames = frames_of(measure, measure.rolling_window, state, ranges, self.catalog, origin)
        if frames is None:
            return None
        own = origin(frames.time.member)
        keys = tuple(key for key in state.keys if key.granularity is None or origin(key.member) != own)
        inner = replace(framed_state(state, frames), keys=(*keys, Key(frames.time.member)))
        name = measure.full_name
        if measure.multi_stage is not None:
            check_window(measure, measure.multi_stage)
            inner = replace(without_range(state, frames), keys=state.keys)
            if frames.bins is None and not frames.looked_up:
                raise UnsupportedFeature(
                    f"Measure '{name}' rolls over other measures, which are computed for buckets of time.",
                    hint=f"Give '{own}' a granularity in the query.",
                )
            check_stage(measure, inner, self.catalog, origin)
            child = self.combined(inner, self._part_leaves(name, paths))
            leaves, calendar = (Leaf(name),), self._calendar(state, frames)
            return Windowed(child, state.keys, measure.cube, leaves, frames, False, calendar=calendar)
        relation = self.relations.relation(self.asked, inner, {name: paths}, self.facts, measure.cube)
        part = aggregate_leaves(self.catalog, self.members, relation, keys, measure.cube, (name,))
        distinct, calendar = isinstance(part, KeyedAggregate), self._calendar(state, frames)
        return Windowed(relation, state.keys, measure.cube, part.leaves, frames, distinct, calendar=calendar)

    def _calendar(self, state: State, frames: Frames) -> Relation | None:
        """The rows of the calendar that the frames are looked up in: no condition of the query says which there are."""
        if not frames.looked_up:
            return None
        own = self.members.origin(frames.time.member)
        keys = tuple(key for key in state.keys if self.members.origin(key.member) == own)
        return self.relations.relation(replace(self.asked, top=None), State(keys, (), ()), {})

    def _part_leaves(
        self, name: str, paths: frozenset[JoinPath], branch: Template | None = None
    ) -> Mapping[str, frozenset[JoinPath]]:
        """The leaves of what a measure over measures is made of, meant along its paths too.

        :param branch: the one of its pieces of SQL that counts, beside its filters; None for all.
        """
        names = self.members.parts(name)
        if branch is not None:
            filters = self.catalog.measure(name).filters
            read = {part for sql in (branch, *filters) for part in named_members(sql)}
            names = tuple(part for part in names if part in read) or names
        parts = merged(self.members.leaf_paths(part) for part in names)
        return {leaf: named | paths for leaf, named in parts.items()}

    def _stage(
        self,
        state: State,
        measure: Measure,
        stage: MultiStage,
        paths: frozenset[JoinPath],
    ) -> Stage:
        """A measure that is evaluated in stages, at the state."""
        inner = child_state(
            state,
            self.root,
            stage,
            self._included(measure.full_name),
            self.members.origin,
            self.catalog,
        )
        kept = tuple(key for key in state.keys if key in inner.keys)
        branch, has_value = None, True
        if isinstance(measure.case, SwitchCase):
            branch, has_value = chosen(measure.full_name, measure.case, self.asked.shape.pins, self.catalog)
        if measure.type == "rank":
            inner = replace(inner, keys=state.keys)
        check_stage(measure, inner, self.catalog, self.members.origin)
        leaves = self._part_leaves(measure.full_name, paths, branch)
        groups = None
        if not set(state.keys) <= set(inner.keys):
            groups = self.combined(replace(state, shifts=inner.shifts), leaves)
        child = self.combined(inner, leaves)
        name = measure.full_name
        return Stage(name, measure.type, state.keys, kept, child, groups, branch, has_value)

    def _included(self, measure: str) -> tuple[Condition, ...]:
        """What the measure's filter directive adds."""
        found = (each.conditions for each in self.asked.shape.included if each.member == measure)
        return next(found, ())
