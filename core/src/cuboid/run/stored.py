"""What is stored beforehand: one rollup in one zone, how its rows are read, and what a query needs of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from cuboid.types import Column, Statement

if TYPE_CHECKING:
    from cuboid.catalog.rollups import RefreshKey

Bounds = tuple[datetime, datetime]
"""A half-open range ``[start, end)`` of civil time, zoneless, on the wall clock of the rollup's zone."""

BEGINNING = datetime(1900, 1, 1)
"""From when on rows are read that follow others where none are known."""


@dataclass(frozen=True, slots=True)
class StoredRollup:
    """The rows of one rollup in one zone.

    :param name: ``cube.rollup``.
    :param zone: whose wall clock its times are on.
    :param table: under which name the store shows the rows: the same through all refreshes, another one when what is
        stored changes (it ends with a digest of the statement, the columns, the database and the length of
        parts).
    :param columns: of the rows, by the names that a reader uses; times are civil times of the zone.
    :param data_source: where the rows come from.
    :param select: the statement that yields the rows whose time is within the bounds; of all rows without bounds.
    :param time: the column by which the rows are cut into parts, if they are.
    :param parts: how long a part is (``hour`` to ``year``).
    :param range: of a rollup in parts, what asks the source for the first and the last moment, in civil time: one
        statement with two cells, or two with one each. NULLs are no rows.
    :param rest: of a rollup in parts, the statement that yields the rows without a time, which are in no range.
    :param order: columns by which stored rows are ordered, so that readers who filter by them skip most.
    :param refresh_key: what tells that stored rows are out of date, as the model says it: by the clock, unless there
        are ``keys``.
    :param keys: statements that tell it by their answers.
    :param cubes: whose data the rows are made of.
    :param built: of a rollup in parts, what asks the source between which moments it is to be stored, as far as the
        model says so.
    :param follows: the rollup whose last rows these rows replace: ``select`` yields them from the first of its bounds
        on, and ``table`` shows both.
    :param compared: measures, and the places of their columns, of which the store finds the least or greatest again:
        not texts, which databases order in their own ways.
    :param scheduled: it is kept fresh though nobody asks.
    :param given: the names that ``select`` has for the columns.
    :param inside: it is kept in the database that the rows come from.
    :param original: its rows are those of a cube's SQL, with all columns that there are.
    :param between: the rollup with the rows between those of ``follows`` and the newest: ``select`` yields them too, up
        to the second of its bounds.
    :param folds: what asks the source for its texts, by the columns' names, whether it takes different ones for one.
    :param reads: what must be stored before, as its rows are made of that.
    :param definition: differs for all rollups whose rows differ: the digest in ``table`` is short, and may not.
    """

    name: str
    zone: str
    table: str
    columns: tuple[Column, ...]
    data_source: str
    select: Callable[[Bounds | None], Statement]
    time: str | None = None
    parts: str | None = None
    range: tuple[Statement, ...] = ()
    built: tuple[Statement | None, Statement | None] = (None, None)
    rest: Statement | None = None
    order: tuple[str, ...] = ()
    refresh_key: RefreshKey | None = None
    keys: tuple[Statement, ...] = ()
    cubes: tuple[str, ...] = ()
    scheduled: bool = True
    compared: tuple[tuple[str, int], ...] = ()
    follows: StoredRollup | None = None
    given: tuple[str, ...] = ()
    inside: bool = False
    original: bool = False
    reads: tuple[StoredRollup, ...] = ()
    folds: Statement | None = None
    between: StoredRollup | None = None
    definition: str = ""

    @property
    def type(self) -> str:
        """As the model has it."""
        if self.original:
            return "original_sql"
        return "rollup" if self.follows is None else "rollup_lambda"


@dataclass(frozen=True, slots=True)
class RollupUse:
    """A query reads the rollup; of its parts only those within ``bounds``, if there are any. It compares the texts of
    the columns in ``texts``."""

    stored: StoredRollup
    bounds: Bounds | None = None
    texts: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Refreshed:
    """What a query reads of a table now.

    :param at: when it was refreshed (aware), for people.
    :param rows: another text when other rows are read: several builds end in any order, so that no moment tells it.
    """

    at: datetime
    rows: str
