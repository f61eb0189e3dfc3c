"""Definitions of multi-stage members: what is evaluated first, and over which groups."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from cuboid.catalog.pieces import Place, Template
from cuboid.catalog.timing import TimeShift
from cuboid.types import Interval


@dataclass(frozen=True, slots=True)
class FilterDirective:
    """Changes the filters of the inner query.

    :param mode: ``fixed`` starts from the filters of the query itself, ``relative`` from those inherited.
    :param exclude: full names of members whose filters are dropped.
    :param keep_only: full names of the members whose filters alone are kept; None for all. Never beside ``exclude``.
    :param include: filters to add, in the query's JSON form with full member names, checked.
    """

    mode: Literal["relative", "fixed"] = "relative"
    exclude: tuple[str, ...] = ()
    keep_only: tuple[str, ...] | None = None
    include: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class RankOrder:
    """One key by which ``rank`` orders."""

    sql: Template
    descending: bool


@dataclass(frozen=True, slots=True)
class MultiStage:
    """What ``multi_stage: true`` says beside the SQL. Names are full names of dimensions.

    :param group_by: keep only these of the query's dimensions; None to keep all (``grain.keep_only``).
    :param reduce_by: leave these out (``grain.exclude``).
    :param add_group_by: group by these too, then aggregate again (``grain.include``).
    :param order_by: for ``rank``.
    """

    group_by: tuple[str, ...] | None = None
    reduce_by: tuple[str, ...] = ()
    add_group_by: tuple[str, ...] = ()
    filter: FilterDirective | None = None
    time_shifts: tuple[TimeShift, ...] = ()
    order_by: tuple[RankOrder, ...] = ()


@dataclass(frozen=True, slots=True)
class SwitchCase:
    """A measure that is another one by the value of a switch dimension.

    :param switch: the full name of the switch dimension.
    :param branches: (values, SQL) pairs, the first that holds the value counts.
    """

    switch: str
    branches: tuple[tuple[tuple[str, ...], Template], ...]
    otherwise: Template | None
    place: Place

    @property
    def templates(self) -> tuple[Template, ...]:
        """The SQL of all branches."""
        branches = tuple(sql for _, sql in self.branches)
        return branches if self.otherwise is None else (*branches, self.otherwise)


@dataclass(frozen=True, slots=True)
class SemiAdditive:
    """A measure that must not be summed over time: a balance, a stock.

    :param time_dimension: full name of the time dimension of the snapshots, on the measure's own cube.
    :param take: within each group only the rows of the ``last`` or ``first`` snapshot count; ``average`` takes each
        snapshot by itself and averages over the snapshots that there are.
    :param by: full names of dimensions: the last or first snapshot of each of these is taken (each account's last),
        not that of the whole group.
    """

    time_dimension: str
    take: Literal["last", "first", "average"]
    by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ConversionStep:
    """Rows that a ``measure`` of type count counts (its cube, its filters), at the time of ``time_dimension``."""

    measure: str
    time_dimension: str


@dataclass(frozen=True, slots=True)
class Conversion:
    """How many rows of the first step go on through all others, each not before the one before and all within
    ``window`` of the first, for the same ``entity``.

    :param steps: at least two; the first is on the measure's own cube.
    :param entity: full name of a dimension that each step's cube determines.
    :param window: how long after the first step the last may be; None for any time.
    :param value: the ``count`` of rows of the first step that went through, or its ``rate`` among all of them.
    """

    steps: tuple[ConversionStep, ...]
    entity: str
    window: Interval | None
    value: Literal["count", "rate"]
