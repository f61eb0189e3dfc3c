"""What was asked, twice: as parsed from JSON (:class:`Query`) and as normalized for planning
(:class:`Question`, whose :class:`Shape` is free of values).

Two questions that differ in values only (dates, filter values, limits) have equal shapes and share one
plan; the values travel beside it, by slot.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from cuboid.catalog.access import Mask
from cuboid.types import Interval, ParameterType, Scalar, TimeKind

CacheMode = Literal["stale-if-slow", "stale-while-revalidate", "must-revalidate", "no-cache"]
ResponseFormat = Literal["default", "compact", "columnar"]

# ---------------------------------------------------------------- as parsed


@dataclass(frozen=True, slots=True)
class Filter:
    """A leaf filter as written; ``values`` are texts or None, and None altogether when not given."""

    member: str
    operator: str
    values: tuple[str | None, ...] | None
    path: str


@dataclass(frozen=True, slots=True)
class FilterGroup:
    """``{"and": [...]}`` or ``{"or": [...]}``; an empty group is no condition."""

    operator: Literal["and", "or"]
    items: tuple[Filter | FilterGroup, ...]
    path: str


DateRange = str | tuple[str, ...]
"""A relative expression, or one or two absolute dates as written."""


@dataclass(frozen=True, slots=True)
class TimeDimension:
    """One entry of ``timeDimensions`` as written."""

    dimension: str
    granularity: str | None
    date_range: DateRange | None
    compare_date_range: tuple[DateRange, ...] | None
    path: str


@dataclass(frozen=True, slots=True)
class AskedShare:
    """One entry of ``percentOfTotal`` as written."""

    measure: str
    within: tuple[str, ...]
    path: str


@dataclass(frozen=True, slots=True)
class AskedTop:
    """``top`` as written; ``others`` is a text, None, or False to leave them out."""

    dimension: str
    by: str
    limit: int
    others: str | Literal[False] | None


@dataclass(frozen=True, slots=True)
class Query:
    """One query object as parsed: its shape is valid, its names are not looked up yet.

    ``measures``, ``segments``: None if the key was absent (the echo then lacks it too). ``order``: None for
    the default order, ``()`` for explicitly none, else (member as written, descending). Dimensions with three
    parts have been moved to the end of ``time_dimensions``. ``timezone`` is canonical or None (the default).
    """

    measures: tuple[str, ...] | None
    dimensions: tuple[str, ...]
    segments: tuple[str, ...] | None
    time_dimensions: tuple[TimeDimension, ...]
    filters: tuple[Filter | FilterGroup, ...]
    order: tuple[tuple[str, bool], ...] | None
    limit: int | None
    offset: int | None
    total: bool | None
    timezone: str | None
    ungrouped: bool | None
    response_format: ResponseFormat | None
    cache: CacheMode | None
    join_hints: tuple[tuple[str, ...], ...] = ()
    percent_of_total: tuple[AskedShare, ...] = ()
    top: AskedTop | None = None


# ---------------------------------------------------------------- as normalized

Operator = Literal[
    "in",  # any of the slots; with or_null also NULL
    "not_in",  # none of the slots; with or_null also NULL
    "contains",
    "not_contains",
    "starts_with",
    "not_starts_with",
    "ends_with",
    "not_ends_with",
    "gt",
    "gte",
    "lt",
    "lte",
    "set",
    "not_set",
    "in_range",  # slots (start, end): start <= x < end
    "not_in_range",  # slots (start, end): x < start or x >= end
    "measure_filter",  # the member is a measure: its own row filters hold
]


class Values(tuple[Scalar, ...]):
    """The values of a question by slot; ``civil`` has for each time what it is on the wall clock of the query's zone.

    Shifts begin there: a range from a midnight that a clock change skips begins at one o'clock, and a month before at
    midnight.
    """

    civil: Mapping[int, datetime]

    def __new__(cls, values: Iterable[Scalar] = (), civil: Mapping[int, datetime] | None = None) -> Values:
        made = super().__new__(cls, values)
        made.civil = {} if civil is None else dict(civil)
        return made


@dataclass(frozen=True, slots=True)
class Slot:
    """The place of one value: ``index`` into ``Question.values``, and how it is typed in SQL.

    :param shifts: of a time that is compared with a column which these intervals move, one after the other: what
        the column itself is then compared with.
    """

    index: int
    type: ParameterType
    shifts: tuple[Interval, ...] = ()

    @property
    def time_kind(self) -> TimeKind | None:
        """What a time among the values is compared with; None for a value that is none."""
        return self.type if self.type == "instant" or self.type == "utc" or self.type == "date" else None


@dataclass(frozen=True, slots=True)
class Predicate:
    """A condition on one member (full name). Several slots: positive string operators hold if any matches,
    negative ones if none does. ``or_null``: NULL satisfies it too."""

    member: str
    operator: Operator
    slots: tuple[Slot, ...] = ()
    or_null: bool = False


@dataclass(frozen=True, slots=True)
class Junction:
    """``and``/``or`` over conditions; an empty ``and`` always holds, an empty ``or`` never."""

    operator: Literal["and", "or"]
    items: tuple[Condition, ...]


Condition = Predicate | Junction


def predicates(condition: Condition) -> Iterator[Predicate]:
    """The leaves of a condition tree, in order."""
    if isinstance(condition, Junction):
        for item in condition.items:
            yield from predicates(item)
    else:
        yield condition


ALWAYS = Junction("and", ())
NEVER = Junction("or", ())


def members_of(conditions: Iterable[Condition]) -> frozenset[str]:
    """The full names of the members that the conditions test."""
    return frozenset(each.member for condition in conditions for each in predicates(condition))


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim that SQL of the model reads, without its value: its form decides the SQL, its slots have the values.

    ``unfit`` is what is neither a scalar nor a list of scalars of one type: SQL that reads it is refused.
    """

    path: tuple[str, ...]
    form: Literal["missing", "scalar", "list", "unfit"]
    slots: tuple[Slot, ...] = ()


@dataclass(frozen=True, slots=True)
class RowRule:
    """Which rows of a cube the principal may see.

    :param problem: why that cannot be told; a statement that reads the cube is refused then.
    """

    cube: str
    condition: Condition
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class MaskRule:
    """A member of the query whose values are replaced by ``mask``, but for the rows (of a measure: the groups) that
    satisfy ``shown``, if there is such a condition."""

    member: str
    shown: Condition | None
    mask: Mask


@dataclass(frozen=True, slots=True)
class Access:
    """What the principal brings to a question, free of values.

    :param claims: those that the SQL of the question's cubes may read.
    :param rows: a rule for each cube with policies or filters that the question may reach, applied to the cube's rows
        before any join.
    :param conditions: of views: restrict the rows of every relation, whatever it measures.
    """

    claims: tuple[Claim, ...] = ()
    rows: tuple[RowRule, ...] = ()
    conditions: tuple[Condition, ...] = ()
    masks: tuple[MaskRule, ...] = ()

    def claim(self, path: tuple[str, ...]) -> Claim | None:
        """The claim of that path, if it was asked for."""
        return next((each for each in self.claims if each.path == path), None)

    def rule(self, cube: str) -> RowRule | None:
        """The rule for the rows of the cube, if there is one."""
        return next((each for each in self.rows if each.cube == cube), None)

    def mask(self, member: str) -> MaskRule | None:
        """The rule by which the member is masked, if it is."""
        return next((each for each in self.masks if each.member == member), None)


NO_ACCESS_RULES = Access()


@dataclass(frozen=True, slots=True)
class TimeGrouping:
    """A time dimension grouped by a granularity; its column is ``member.granularity``."""

    member: str
    granularity: str

    @property
    def key(self) -> str:
        return f"{self.member}.{self.granularity}"


@dataclass(frozen=True, slots=True)
class OrderKey:
    """``key`` is a selected column: a member's full name or ``TimeGrouping.key``."""

    key: str
    descending: bool


@dataclass(frozen=True, slots=True)
class Included:
    """The row conditions that the filter directive of a measure, or of a dimension made of measures, adds to those its
    parts are evaluated under."""

    member: str
    conditions: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Pin:
    """The values that a query leaves of a switch, at least one."""

    switch: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Share:
    """A measure's value for a group by its value with ``within`` alone as keys, which are names of columns."""

    measure: str
    within: tuple[str, ...]

    @property
    def key(self) -> str:
        return f"{self.measure}.percent_of_total"


@dataclass(frozen=True, slots=True)
class Top:
    """A dimension cut to its first ``limit`` values by a measure; the rest become ``others``, without a slot NULL, or
    are left out (``drop``)."""

    dimension: str
    by: str
    limit: Slot
    others: Slot | None
    drop: bool


@dataclass(frozen=True, slots=True)
class Shape:
    """A question without its values: hashable, and the key of the plan cache together with the catalog.

    ``row_conditions`` (dimensions, date ranges; AND-ed) restrict rows before aggregation. ``group_conditions``
    (measures, or one ``or`` over measures and dimensions; AND-ed) restrict the aggregated rows. ``order`` is
    effective: defaults applied, keys that are not selected dropped. ``limit`` is None only for ``total`` and rollups.
    ``join_hints`` are paths of two or more cubes along which each of them is joined, where it is joined.
    ``date_ranges`` are those of the row conditions that the query's time dimensions state; ``included`` are
    conditions of the measures, as the model has them, read against the query's zone and clock.
    """

    measures: tuple[str, ...] = ()
    dimensions: tuple[str, ...] = ()
    time_groupings: tuple[TimeGrouping, ...] = ()
    segments: tuple[str, ...] = ()
    row_conditions: tuple[Condition, ...] = ()
    group_conditions: tuple[Condition, ...] = ()
    order: tuple[OrderKey, ...] = ()
    limit: Slot | None = None
    offset: Slot | None = None
    timezone: str = "UTC"
    ungrouped: bool = False
    total: bool = False
    access: Access = NO_ACCESS_RULES
    join_hints: tuple[tuple[str, ...], ...] = ()
    included: tuple[Included, ...] = ()
    date_ranges: tuple[Predicate, ...] = ()
    shares: tuple[Share, ...] = ()
    top: Top | None = None
    pins: tuple[Pin, ...] = ()


@dataclass(frozen=True, slots=True)
class Question:
    """A normalized query: what to plan (``shape``), the values of its slots, and what to echo.

    :param echo: the ``query`` object of the answer, in the wire's key order, without ``queryType``.
    :param effective_order: (id as the client may write it, descending): given or default order, for ``/v1/sql``.
    :param date_range: for compareDateRange, this range as ``(start, end)`` wire texts.
    """

    query: Query
    shape: Shape
    values: Values
    echo: Mapping[str, Any]
    effective_order: tuple[tuple[str, bool], ...]
    date_range: tuple[str, str] | None = None
