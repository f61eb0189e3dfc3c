"""The plan: what is computed from what, free of any dialect and of any value.

Members are full names into the catalog. A plan's source yields the group keys and the leaf measures by
name; the plan itself says which of them are answered, filtered, ordered and cut.

    Plan
    └── Combine | Groups | Rows | WithShares
                  └── Relation (a join tree under conditions); of a Stage its children, which are sources again

Groups are one of many aggregates; WithShares is a plan with further plans beside it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from cuboid.catalog.joins import JoinTree
from cuboid.catalog.pieces import Template
from cuboid.plan.frames import Buckets, Frames
from cuboid.query.model import NO_ACCESS_RULES, Access, Condition, MaskRule, OrderKey, Share, Slot
from cuboid.types import Interval


@dataclass(frozen=True, slots=True)
class Shift:
    """A time dimension (not a view's) reads as its civil time moved by the intervals, one after the other.

    :param looked_up: it is a calendar's, and another row of the calendar is read in place of a row's own: the one whose
        time is the moved one or, with ``sql``, the one for which this is the row's time.
    """

    member: str
    intervals: tuple[Interval, ...]
    sql: Template | None = None
    looked_up: bool = False


@dataclass(frozen=True, slots=True)
class SubQuery:
    """A dimension whose value on a row of ``cube`` is made of measures: a column that the cube's rows carry.

    :param dimension: its full name.
    :param by: the dimensions of the cube that it is evaluated for: the primary key, or others.
    :param plans: for each measure that its SQL refers to a plan that answers it by these.
    :param is_key: whether they are the primary key.
    :param outer: the values are of several cubes, so that it is joined to the rows that join these.
    :param plain: its SQL is the measure alone, so that it is NULL by itself where the plan has no such values.
    """

    cube: str
    dimension: str
    by: tuple[str, ...]
    plans: tuple[Plan, ...]
    is_key: bool = True
    plain: bool = False
    outer: bool = False


@dataclass(frozen=True, slots=True)
class TopRows:
    """The first values of a dimension, which the plan answers; on rows of other values the dimension is the text of the
    slot ``others``, without one NULL, or these rows are left out (``drop``)."""

    dimension: str
    plan: Plan
    others: Slot | None
    drop: bool


@dataclass(frozen=True, slots=True)
class Relation:
    """The rows of a join tree that satisfy all conditions and segments.

    ``conditions`` are the query's and test members as the principal sees them, masked or not; ``access`` are those of
    policies, which test the true values. ``sub_queries`` are the columns that rows carry besides those of their tables.
    ``shifts`` move the times that are grouped by; conditions are moved already, but for those on a looked-up calendar.
    """

    tree: JoinTree
    conditions: tuple[Condition, ...] = ()
    segments: tuple[str, ...] = ()
    access: tuple[Condition, ...] = ()
    sub_queries: tuple[SubQuery, ...] = ()
    shifts: tuple[Shift, ...] = ()
    top: TopRows | None = None

    def repeats(self, cube: str) -> bool:
        """Whether a row of the cube may occur several times: by a join, or as several times are read by one."""
        return self.tree.fans_out(cube) or any(each.looked_up for each in self.shifts)


@dataclass(frozen=True, slots=True)
class VisibleRows:
    """The rows of ``cube`` that the principal may see, which stand in its place wherever it is read: those of the
    relation, whose root is the cube and whose joins repeat none of its rows.

    :param problem: why they cannot be told; reading the cube is refused then.
    :param shown: the masks of its dimensions that other cubes of the relation decide about, row by row.
    """

    cube: str
    relation: Relation
    problem: str | None = None
    shown: tuple[MaskRule, ...] = ()


@dataclass(frozen=True, slots=True)
class Key:
    """A group column: a dimension, or with a granularity a time dimension floored in the query's zone."""

    member: str
    granularity: str | None = None

    @property
    def name(self) -> str:
        return f"{self.member}.{self.granularity}" if self.granularity else self.member


@dataclass(frozen=True, slots=True)
class Leaf:
    """A measure that is aggregated from rows.

    ``by_key``: it is a count of rows and is computed as the number of distinct primary keys, which repeated
    rows do not change.
    """

    measure: str
    by_key: bool = False


class _WithLeaves:
    __slots__ = ()

    leaves: tuple[Leaf, ...]

    @property
    def values(self) -> tuple[str, ...]:
        """The measures that are computed."""
        return tuple(leaf.measure for leaf in self.leaves)


@dataclass(frozen=True, slots=True)
class Aggregate(_WithLeaves):
    """GROUP BY ``keys`` over the relation's rows as they are: right for leaves that no join repeats, and for
    those whose value repetition does not change."""

    relation: Relation
    keys: tuple[Key, ...]
    leaves: tuple[Leaf, ...]


@dataclass(frozen=True, slots=True)
class KeyedAggregate(_WithLeaves):
    """GROUP BY ``keys`` over one row per (keys, primary key of ``cube``): for leaves of a cube whose rows the
    relation's joins repeat."""

    relation: Relation
    keys: tuple[Key, ...]
    cube: str
    leaves: tuple[Leaf, ...]


@dataclass(frozen=True, slots=True)
class Stage:
    """A measure that is computed from the groups of its children.

    A measure that aggregates does so over all groups of ``child`` with equal ``kept`` keys; one that is a formula has a
    value for each of them; a rank is among them. Where the child is not grouped by all of ``keys``, ``groups`` has the
    groups that there are, and each has the value of its kept keys.

    :param type: the measure's, which says how.
    :param kept: those of the keys that the child is grouped by, too; of a rank those within which it ranks.
    :param branch: the measure's SQL for the value of the switch that it depends on, if it does; without ``has_value``
        it is NULL of the type of this SQL.
    """

    measure: str
    type: str
    keys: tuple[Key, ...]
    kept: tuple[Key, ...]
    child: Combine
    groups: Combine | None = None
    branch: Template | None = None
    has_value: bool = True

    @property
    def values(self) -> tuple[str, ...]:
        """The measure."""
        return (self.measure,)


@dataclass(frozen=True, slots=True)
class Windowed(_WithLeaves):
    """Aggregates of the rows in each frame, each row of ``cube`` once; without other keys than the time's for each
    bucket, an empty frame included.

    :param rows: a relation, or the groups that a measure over other measures is computed from.
    :param distinct: the relation repeats the cube's rows.
    :param buckets: the relation's rows are added up by these before they are put into frames.
    :param calendar: the rows of the calendar whose groups the buckets are, where frames are looked up.
    """

    rows: Relation | Combine | StoredAggregate
    keys: tuple[Key, ...]
    cube: str
    leaves: tuple[Leaf, ...]
    frames: Frames
    distinct: bool
    buckets: Buckets | None = None
    calendar: Relation | None = None


@dataclass(frozen=True, slots=True)
class SnapshotAggregate:
    """GROUP BY ``keys`` over those rows of ``cube`` that are of the ``last`` or ``first`` time of their group and of
    their values of ``by``; for ``average`` over those of each time by itself, then the mean of these.

    :param repeated: the relation's joins repeat the cube's rows, so that they are made distinct by primary key first.
    :param plain: leaves that all rows count for, read along with the others; none beside averages.
    """

    relation: Relation
    keys: tuple[Key, ...]
    cube: str
    leaves: tuple[Leaf, ...]
    time_dimension: str
    take: Literal["last", "first", "average"]
    by: tuple[str, ...] = ()
    repeated: bool = False
    plain: tuple[Leaf, ...] = ()

    @property
    def values(self) -> tuple[str, ...]:
        """The measures that are computed."""
        return tuple(leaf.measure for leaf in (*self.leaves, *self.plain))


@dataclass(frozen=True, slots=True)
class StepRows:
    """The rows of a relation that ``measure``, a count, counts: one step of a conversion."""

    relation: Relation
    measure: str
    time_dimension: str


@dataclass(frozen=True, slots=True)
class ConversionAggregate(_WithLeaves):
    """GROUP BY ``keys`` over the rows of the first step, of ``cube``: how many went through all further steps of the
    same entity, or their rate among all of them.

    :param relation: of the first step.
    :param window: how long after the first step the last may be, exclusive; None for any time.
    """

    relation: Relation
    keys: tuple[Key, ...]
    cube: str
    leaves: tuple[Leaf, ...]
    first: StepRows
    steps: tuple[StepRows, ...]
    entity: str
    window: Interval | None
    rate: bool


@dataclass(frozen=True, slots=True)
class Regrouped(_WithLeaves):
    """The groups of ``source`` by ``keys``, which are among its own, each leaf added up; by all of its keys these
    groups themselves. It has all the leaves."""

    source: Aggregate | KeyedAggregate
    keys: tuple[Key, ...]
    leaves: tuple[Leaf, ...]


@dataclass(frozen=True, slots=True)
class TopGroups(_WithLeaves):
    """The groups of ``source`` by ``keys``, with the values of a dimension cut to the first ones as of
    :class:`TopRows`: the first ``limit`` by the leaf ``by`` of the groups of ``ranked``. Leaves of the others are
    added up."""

    source: Aggregate
    keys: tuple[Key, ...]
    leaves: tuple[Leaf, ...]
    dimension: str
    ranked: Aggregate
    by: Leaf
    limit: Slot
    others: Slot | None
    drop: bool


@dataclass(frozen=True, slots=True)
class StoredAggregate(_WithLeaves):
    """GROUP BY ``keys`` over the stored rows of a rollup that satisfy the conditions, which hold for whole rows.

    :param sources: the stored key that each key is read or floored from, and that each tested member is compared as.
    :param exact: each group is one stored row, so that its values are the answer's.
    :param bounds: the query's range of the time by which the rollup is cut into parts.
    """

    rollup: str
    keys: tuple[Key, ...]
    leaves: tuple[Leaf, ...]
    conditions: tuple[Condition, ...]
    segments: tuple[str, ...]
    sources: tuple[tuple[Key, Key], ...]
    exact: bool
    bounds: tuple[Slot, Slot] | None = None
    shifts: tuple[Shift, ...] = ()


FromRows = Aggregate | KeyedAggregate | SnapshotAggregate | ConversionAggregate | StoredAggregate
Groups = FromRows | Stage | Windowed | Regrouped | TopGroups
"""What yields one row per group."""


@dataclass(frozen=True, slots=True)
class Combine:
    """All groups of all inputs (at least one), null-safe; a value is NULL where its input lacks the group."""

    inputs: tuple[Groups, ...]

    @property
    def keys(self) -> tuple[Key, ...]:
        return self.inputs[0].keys


@dataclass(frozen=True, slots=True)
class Rows:
    """The relation's rows themselves, not aggregated; measures are read as row expressions."""

    relation: Relation
    keys: tuple[Key, ...]


@dataclass(frozen=True, slots=True)
class Total:
    """What the values of a share's measure are divided by: the plan's, or the sum ``over_groups`` of the answer. With
    neither the share is NULL."""

    share: Share
    plan: Plan | None
    over_groups: bool = False


@dataclass(frozen=True, slots=True)
class WithShares:
    """The groups of a complete answer, and for each of them its shares of totals."""

    answer: Plan
    totals: tuple[Total, ...]


@dataclass(frozen=True, slots=True)
class Switched:
    """The answer for these values of the switches."""

    values: tuple[str, ...]
    plan: Plan


@dataclass(frozen=True, slots=True)
class WithSwitches:
    """An answer for each combination of values of switches, which are keys of all together."""

    switches: tuple[Key, ...]
    parts: tuple[Switched, ...]


Source = Groups | Combine | Rows | WithShares | WithSwitches


@dataclass(frozen=True, slots=True)
class Plan:
    """A complete answer: ``keys``, ``measures`` and ``shares`` are the columns, in that order.

    ``conditions`` restrict the aggregated rows. ``order`` is what was asked; where it is not empty the remaining
    keys follow as tie-breakers, so that pages and engines agree. ``counted``: the answer is the number of rows.
    ``access`` are the rules for whoever asks, ``visible`` what they leave of each cube that has such. ``inner``: the
    answer is joined to rows, so its columns hold the rows' own values: times are not moved to the query's zone.
    """

    source: Source
    keys: tuple[Key, ...]
    measures: tuple[str, ...]
    conditions: tuple[Condition, ...]
    order: tuple[OrderKey, ...]
    limit: Slot | None
    offset: Slot | None
    timezone: str
    data_source: str
    counted: bool = False
    access: Access = NO_ACCESS_RULES
    visible: tuple[VisibleRows, ...] = ()
    inner: bool = False
    shares: tuple[Share, ...] = ()
