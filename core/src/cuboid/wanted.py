"""What travels on the way of an answer: what is wanted, what is kept, what is told."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from cuboid.planner import Planner
from cuboid.planning import Parts
from cuboid.query.model import Question
from cuboid.request import Request
from cuboid.result.envelope import Body
from cuboid.run.data_source import DataSource
from cuboid.run.refresh_keys import Key, Values
from cuboid.run.stored import RollupUse


@dataclass(frozen=True, slots=True)
class Wanted:
    """A question, planned.

    :param key: all that shapes the answer, in this process.
    :param statements: what ``parts`` ask of which data source, as far as one run is told from another.
    :param tenant: of whoever asks, empty for none.
    :param cubes: whose rows it reads.
    :param uses: of rollups; without any, ``keys`` tell whether an answer is out of date. Without either it is not kept.
    :param renewed: seconds after which it is out of date in any case.
    """

    question: Question
    planner: Planner
    parts: Parts
    uses: Sequence[RollupUse]
    cubes: frozenset[str]
    keys: tuple[Key, ...] | None
    renewed: float
    statements: tuple[tuple[int, str], ...]
    key: Hashable
    tenant: str
    cast_numerics: bool
    blended: bool
    dev: bool

    @property
    def mode(self) -> str:
        """The cache mode."""
        return self.question.query.cache or "stale-if-slow"


@dataclass(frozen=True, slots=True)
class Understood:
    """A request, read and planned."""

    request: Request
    wanted: Sequence[Wanted]

    def sources(self) -> Iterator[DataSource]:
        """Those that are asked."""
        return (source for one in self.wanted for source, _ in one.parts)


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer in the cache.

    :param values: of the refresh keys, before the statements were run.
    :param written: when it was put here, by a clock that never goes back.
    :param finished: when the statements were answered; empty if another process has run them.
    """

    body: Body
    values: Values
    written: float
    finished: tuple[datetime, ...]
    cubes: frozenset[str]


@dataclass(frozen=True, slots=True)
class Told:
    """A result object for one asker; ``slow``: it is out of date, since the one that is not takes too long."""

    body: Body
    slow: bool = False
