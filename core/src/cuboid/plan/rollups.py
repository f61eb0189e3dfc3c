"""Rollups: which stored rows answer a plan, so that its numbers are the same.

A part of a plan that aggregates a relation is served by a rollup whose relation is the same or joins more cubes that
repeat and drop nothing, whose keys hold all that the part groups by and tests, and whose values are either additive or
stored for these very groups. Ranges of time must begin and end where the stored buckets do. A plan is served as a
whole or not at all. Of several rollups that serve, the one that is expected to be smallest does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from cuboid.catalog.joins import JoinTree
from cuboid.catalog.model import Catalog, Dimension
from cuboid.catalog.timing import bins_of, length_of
from cuboid.plan.alignment import Aligned
from cuboid.plan.layouts import Layout, is_whole
from cuboid.plan.members import Members
from cuboid.plan.nodes import (
    Aggregate,
    Combine,
    Groups,
    Key,
    KeyedAggregate,
    Leaf,
    Plan,
    Relation,
    Source,
    Stage,
    StoredAggregate,
    Total,
    Windowed,
    WithShares,
    WithSwitches,
)
from cuboid.plan.rollup_windows import bucket_keys, moves_whole, without_reach
from cuboid.query.model import Condition, Predicate, Slot, members_of, predicates
from cuboid.types import Interval


class NotServedError(Exception):
    """Why a rollup does not serve a part of a plan, in words."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """What holds for all parts of one plan.

    :param visible: for each cube whose rows are restricted: the relation of what is left; None where it is refused.
    :param masked: dimensions that are shown otherwise than they are.
    """

    visible: Mapping[str, Relation | None]
    masked: frozenset[str]
    aligned: Aligned


class Rollups:
    """Serves plans over one catalog from the layouts of its rollups."""

    def __init__(self, catalog: Catalog, members: Members, layouts: Sequence[Layout]) -> None:
        self._catalog = catalog
        self._members = members
        self._layouts = tuple(layouts)

    # ------------------------------------------------------------ plans

    def serve(self, plan: Plan, aligned: Aligned) -> Plan | None:
        """The plan over stored rows; None if not all of it is stored."""
        try:
            return self._plan(plan, aligned, self._layouts)
        except NotServedError:
            return None

    def why_not(self, plan: Plan, aligned: Aligned, layout: Layout) -> str | None:
        """Why this rollup alone does not serve the plan, in words; None if it does."""
        try:
            self._plan(plan, aligned, (layout,))
        except NotServedError as error:
            return str(error)
        return None

    def _plan(self, plan: Plan, aligned: Aligned, layouts: Sequence[Layout]) -> Plan:
        masked = (rule.member for rule in plan.access.masks)
        asked = _Asked(
            {
                each.cube: None if each.problem is not None else each.relation
                for each in plan.visible
                if each.problem is not None or each.relation.access
            },
            frozenset(
                self._members.origin(name)
                for name in masked
                if isinstance(self._catalog.member(name), Dimension)
            ),
            aligned,
        )
        return replace(plan, source=self._source(plan.source, asked, layouts))

    def _source(self, source: Source, asked: _Asked, layouts: Sequence[Layout]) -> Source:
        match source:
            case Aggregate() | KeyedAggregate():
                served = self._parts(source, asked, layouts)
                return served[0] if len(served) == 1 else Combine(tuple(served))
            case Combine():
                return self._combine(source, asked, layouts)
            case WithShares():
                totals = tuple(
                    Total(
                        each.share,
                        None if each.plan is None else self._plan(each.plan, asked.aligned, layouts),
                    )
                    for each in source.totals
                )
                return WithShares(self._plan(source.answer, asked.aligned, layouts), totals)
            case WithSwitches():
                parts = tuple(
                    replace(each, plan=self._plan(each.plan, asked.aligned, layouts)) for each in source.parts
                )
                return replace(source, parts=parts)
        raise NotServedError("rows that are not aggregated are not stored")

    def _combine(self, node: Combine, asked: _Asked, layouts: Sequence[Layout]) -> Combine:
        served: list[Groups] = []
        for part in node.inputs:
            match part:
                case Aggregate() | KeyedAggregate():
                    served += self._parts(part, asked, layouts)
                case Stage():
                    child = self._combine(part.child, asked, layouts)
                    groups = None if part.groups is None else self._combine(part.groups, asked, layouts)
                    served.append(replace(part, child=child, groups=groups))
                case Windowed(rows=Combine() as rows, calendar=None):
                    served.append(replace(part, rows=self._combine(rows, asked, layouts)))
                case Windowed(rows=Relation() as rows):
                    served.append(self._windowed(part, rows, asked, layouts))
                case _:
                    names = ", ".join(f"'{name}'" for name in part.values)
                    raise NotServedError(f"{names} cannot be computed from stored groups")
        return Combine(tuple(served))

    def _windowed(self, part: Windowed, rows: Relation, asked: _Asked, layouts: Sequence[Layout]) -> Windowed:
        """The window over stored buckets that each frame holds wholly."""
        if part.distinct or rows.tree.root != part.cube:
            raise NotServedError(f"a rolling window over rows of '{part.cube}', which joins repeat or lack")
        if part.calendar is not None:
            raise NotServedError("the frames of its rolling window are looked up in the rows of a calendar")
        origin = self._members.origin
        own = origin(part.frames.time.member)
        others = tuple(key for key in part.keys if key.granularity is None or origin(key.member) != own)
        relation = without_reach(rows, part.frames)
        reason = NotServedError("a frame of its rolling window holds no whole buckets of any length")
        for key in bucket_keys(part.frames, self._catalog, asked.aligned):
            found = self._cheapest(Aggregate(relation, (*others, key), part.leaves), asked, layouts)
            if isinstance(found, StoredAggregate):
                return replace(part, rows=found)
            reason = found
        raise reason

    def _parts(
        self, part: Aggregate | KeyedAggregate, asked: _Asked, layouts: Sequence[Layout]
    ) -> list[StoredAggregate]:
        """The part from one rollup, or its leaves from several."""
        found = self._cheapest(part, asked, layouts)
        if isinstance(found, StoredAggregate):
            return [found]
        if len(part.leaves) < 2:
            raise found
        by_rollup: dict[str, StoredAggregate] = {}
        for leaf in part.leaves:
            one = self._cheapest(replace(part, leaves=(leaf,)), asked, layouts)
            if isinstance(one, NotServedError):
                raise one
            known = by_rollup.get(one.rollup)
            fits = known is not None and known.exact == one.exact
            name = one.rollup if fits or known is None else f"{one.rollup}/{leaf.measure}"
            by_rollup[name] = (
                replace(known, leaves=(*known.leaves, leaf)) if known is not None and fits else one
            )
        return list(by_rollup.values())

    def _cheapest(
        self, part: Aggregate | KeyedAggregate, asked: _Asked, layouts: Sequence[Layout]
    ) -> StoredAggregate | NotServedError:
        reason = NotServedError("there is no rollup")
        found: list[tuple[tuple[int, float, bool], StoredAggregate]] = []
        for layout in layouts:
            try:
                found.append((self._cost(layout), self._serve(part, layout, asked)))
            except NotServedError as error:
                reason = error
        return min(found, key=lambda pair: pair[0])[1] if found else reason

    def _cost(self, layout: Layout) -> tuple[int, float, bool]:
        """Smaller for fewer rows, as far as that is told without counting: fewer keys, longer buckets. Then for newer
        rows."""
        lengths = (
            length_of(key.granularity, self._catalog.dimension(key.member).granularities)
            if key.granularity
            else 0.0
            for key in layout.keys
            if self._catalog.dimension(key.member).type == "time"
        )
        return len(layout.keys), -sum(lengths), layout.follows is None

    # ------------------------------------------------------------ one part and one rollup

    def _serve(self, part: Aggregate | KeyedAggregate, layout: Layout, asked: _Asked) -> StoredAggregate:
        relation = part.relation
        _same_rows(relation, layout.tree)
        conditions = (*relation.conditions, *relation.access, *self._row_rules(relation, layout, asked))
        tested = {self._members.origin(name) for name in members_of(conditions)}
        grouped = {self._members.origin(key.member) for key in part.keys}
        if hidden := sorted((tested | grouped) & asked.masked):
            raise NotServedError(f"'{hidden[0]}' is masked for whoever asks")
        shifts = {shift.member: shift.intervals for shift in relation.shifts}
        sources = {key: self._key_source(key, shifts, layout) for key in part.keys}
        tests = [each for condition in conditions for each in predicates(condition)]
        for name in dict.fromkeys(each.member for each in tests):
            own = [each for each in tests if each.member == name]
            sources[Key(name)] = self._tested_source(name, own, layout, asked)
        segments = tuple(self._members.origin(name) for name in relation.segments)
        for name in segments:
            if Key(name) not in layout.keys:
                raise NotServedError(f"segment '{name}' is not stored")
        exact = not segments and not shifts and self._is_exact(part, layout, conditions)
        if not exact:
            for leaf in part.leaves:
                self._check_additive(part, leaf, layout)
        return StoredAggregate(
            layout.rollup,
            part.keys,
            part.leaves,
            conditions,
            segments,
            tuple(sources.items()),
            exact,
            self._bounds(relation, layout),
            relation.shifts,
        )

    def _row_rules(self, relation: Relation, layout: Layout, asked: _Asked) -> tuple[Condition, ...]:
        """What access rules leave of the rows, where that is of the relation's root and stored."""
        found: tuple[Condition, ...] = ()
        for cube, visible in asked.visible.items():
            if cube == relation.tree.root and visible is not None and _within(visible.tree, layout.tree):
                found = (*found, *visible.access)
            elif cube in layout.tree.cubes or relation.sub_queries:
                raise NotServedError(f"whoever asks does not see all rows of '{cube}'")
        return found

    def _key_source(self, key: Key, shifts: Mapping[str, Sequence[Interval]], layout: Layout) -> Key:
        """The stored key from which a key is read, the coarsest for a time."""
        member = self._members.origin(key.member)
        dimension = self._catalog.dimension(member)
        stored = [each for each in layout.keys if each.member == member]
        if not stored:
            raise NotServedError(f"'{member}' is not stored")
        if key.granularity is None:
            if Key(member) not in stored:
                raise NotServedError(f"'{member}' is stored by {', '.join(_granularities(stored))} only")
            return Key(member)
        wanted = bins_of(key.granularity, dimension.granularities)
        moved = shifts.get(member, ())
        fitting = [
            each
            for each in stored
            if (
                each.granularity == key.granularity
                or each.granularity is None
                or (
                    wanted is not None
                    and (bins := bins_of(each.granularity, dimension.granularities)) is not None
                    and wanted.hold(bins)
                )
            )
            and self._moves_whole(each, moved)
        ]
        if not fitting:
            raise NotServedError(
                f"'{member}' by {key.granularity} does not follow from {', '.join(_granularities(stored))}"
            )
        return max(
            fitting,
            key=lambda each: (
                length_of(each.granularity, dimension.granularities) if each.granularity else 0.0
            ),
        )

    def _moves_whole(self, key: Key, shifts: Iterable[Interval]) -> bool:
        """Whether these shifts move the buckets of a stored time to whole buckets of it: else one would lie in two."""
        if key.granularity is None:
            return True
        bins = bins_of(key.granularity, self._catalog.dimension(key.member).granularities)
        if bins is None:
            return not tuple(shifts)
        return all(moves_whole(bins, each) for each in shifts)

    def _tested_source(self, name: str, tests: Sequence[Predicate], layout: Layout, asked: _Asked) -> Key:
        """The stored key whose values tell whether the conditions on a member hold."""
        member = self._members.origin(name)
        found = self._catalog.member(member)
        if not isinstance(found, Dimension):
            raise NotServedError(f"the filters of '{member}' test rows")
        stored = [each for each in layout.keys if each.member == member]
        if not stored:
            raise NotServedError(f"'{member}', which a filter tests, is not stored")
        if found.type != "time":
            return Key(member)
        for key in stored:
            if all(self._tells(key, each, asked.aligned) for each in tests):
                return key
        raise NotServedError(
            f"the range of '{member}' does not begin and end with its stored {', '.join(_granularities(stored))}"
        )

    def _tells(self, key: Key, test: Predicate, aligned: Aligned) -> bool:
        """Whether the bucket of a time tells if the test holds for all times in it."""
        if test.operator in ("set", "not_set"):
            return True
        return test.operator in ("in_range", "not_in_range", "gte", "lt") and all(
            (slot.index, key) in aligned and self._moves_whole(key, slot.shifts) for slot in test.slots
        )

    def _is_exact(
        self, part: Aggregate | KeyedAggregate, layout: Layout, conditions: Sequence[Condition]
    ) -> bool:
        """Whether each group of the part is one stored row; without keys there is a group where there is no row."""
        if conditions and not part.keys:
            return False
        asked = {Key(self._members.origin(key.member), key.granularity) for key in part.keys}
        pinned = {
            Key(self._members.origin(each.member))
            for each in conditions
            if isinstance(each, Predicate)
            and each.operator == "in"
            and len(each.slots) == 1
            and not each.or_null
        }
        tested = {self._members.origin(name) for name in members_of(conditions)}
        return (
            asked <= set(layout.keys) <= asked | pinned
            and tested <= {key.member for key in (*asked, *pinned)}
            and _within(layout.tree, part.relation.tree)
            and {leaf.measure for leaf in part.leaves} <= set(layout.leaves)
            and is_whole(layout, self._catalog)
        )

    def _check_additive(self, part: Aggregate | KeyedAggregate, leaf: Leaf, layout: Layout) -> None:
        if leaf.measure not in layout.leaves:
            raise NotServedError(f"'{leaf.measure}' is not stored")
        if leaf.measure not in layout.additive:
            type = self._catalog.measure(leaf.measure).type
            raise NotServedError(
                f"'{leaf.measure}' ({type}) is stored for other groups, and its values cannot be aggregated again"
            )
        if isinstance(part, KeyedAggregate):
            raise NotServedError(f"a join of the query repeats the rows that '{leaf.measure}' aggregates")

    def _bounds(self, relation: Relation, layout: Layout) -> tuple[Slot, Slot] | None:
        """The query's range of the time that parts are cut by: without one, all parts are read."""
        if layout.time is None:
            return None
        for each in relation.conditions:
            if (
                isinstance(each, Predicate)
                and each.operator == "in_range"
                and not each.or_null
                and self._members.origin(each.member) == layout.time.member
            ):
                start, end = each.slots
                return start, end
        return None


def _same_rows(relation: Relation, stored: JoinTree) -> None:
    """The stored relation has the part's rows, each as often, maybe with more attributes."""
    if relation.top is not None:
        raise NotServedError("the first values of a dimension are told by rows")
    if relation.tree.root != stored.root:
        raise NotServedError(f"it begins at '{stored.root}', the query at '{relation.tree.root}'")
    if not _within(relation.tree, stored):
        missing = next(join for join in relation.tree.joins if join not in stored.joins)
        raise NotServedError(f"it does not join '{missing.target}' as the query does")


def _within(tree: JoinTree, other: JoinTree) -> bool:
    return tree.root == other.root and set(tree.joins) <= set(other.joins)


def _granularities(keys: Iterable[Key]) -> Iterator[str]:
    return (key.granularity or "its own value" for key in keys)
