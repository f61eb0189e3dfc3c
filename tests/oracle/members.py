"""What measures and dimensions may have beside their SQL: windows, shifts, stages, snapshots, conversions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from tests.oracle.expressions import Expression
from tests.oracle.spans import Span

Bound = Span | Literal["unbounded"] | None


@dataclass(frozen=True, slots=True)
class Window:
    """``rolling_window``; ``to_date`` is a granularity and excludes the rest."""

    trailing: Bound = None
    leading: Bound = None
    offset: Literal["start", "end"] = "end"
    to_date: str | None = None


@dataclass(frozen=True, slots=True)
class Shift:
    """A ``time_shift``: what is added to the time of a row, so ``prior 1 month`` is plus one month. ``member``: the
    one time dimension that is shifted, None for all."""

    member: str | None
    span: Span

    @property
    def prior(self) -> bool:
        return self.span.number > 0


@dataclass(frozen=True, slots=True)
class Directive:
    """``filter`` of a stage. ``include``: filters in the query's JSON form."""

    mode: Literal["relative", "fixed"] = "relative"
    exclude: tuple[str, ...] = ()
    keep_only: tuple[str, ...] | None = None
    include: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Stage:
    """``multi_stage: true`` and what it brings; names are full names of dimensions."""

    group_by: tuple[str, ...] | None = None
    reduce_by: tuple[str, ...] = ()
    add_group_by: tuple[str, ...] = ()
    filter: Directive | None = None
    shifts: tuple[Shift, ...] = ()


@dataclass(frozen=True, slots=True)
class RankOrder:
    """One key of a ``rank``."""

    expression: Expression
    descending: bool


@dataclass(frozen=True, slots=True)
class SemiAdditive:
    """Which snapshots of a group count."""

    time_dimension: str
    take: Literal["last", "first", "average"]
    by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SwitchCase:
    """What a measure is for the values of a switch."""

    switch: str
    branches: tuple[tuple[str, Expression], ...]
    otherwise: Expression | None = None


@dataclass(frozen=True, slots=True)
class Conversion:
    """``steps``: (count measure, time dimension) by full names; ``window`` None: any time."""

    steps: tuple[tuple[str, str], ...]
    entity: str
    window: Span | None
    value: Literal["count", "rate"]
