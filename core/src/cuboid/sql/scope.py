"""What stands where in one FROM clause: which cube has which alias, and what its rows carry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from sqlglot import exp

from cuboid.plan.nodes import Shift, SubQuery
from cuboid.query.model import Condition, Slot

PRESENT = "cuboid__present"
"""A column of ones that a joined relation carries where its own columns cannot tell whether a row is there."""


@dataclass(frozen=True, slots=True)
class TopColumns:
    """How rows of the first values of a dimension are told: ``kept`` is not NULL; the others show ``others``."""

    dimension: str
    kept: exp.Expr
    others: Slot | None


@dataclass(frozen=True, slots=True)
class OuterColumns:
    """Sub-queries that are joined beside the cubes: their names, the columns of their measures, and the tests that
    there is an answer, as of :func:`~cuboid.sql.sub_queries.join_sub_queries`."""

    names: frozenset[str]
    columns: Mapping[tuple[str, str], exp.Expr]
    present: Mapping[str, exp.Expr]


@dataclass(frozen=True, slots=True)
class Scope:
    """Which cube has which alias in a FROM clause; ``root`` is the cube whose rows are never absent, ``marked``
    are those whose relation carries :data:`PRESENT`; ``conditions`` are the query's, for SQL that restates them;
    ``sub_queries`` are columns that the relations carry; ``shifts`` move the times of group columns.

    :param measures: inside a relation that is about to carry sub-queries: the column of each of their measures.
    :param looked_up: of calendars the alias of the row that groups and the query's conditions read instead.
    """

    root: str
    aliases: Mapping[str, str]
    marked: frozenset[str] = frozenset()
    conditions: tuple[Condition, ...] = ()
    sub_queries: tuple[SubQuery, ...] = ()
    measures: Mapping[tuple[str, str], exp.Expr] | None = None
    shifts: tuple[Shift, ...] = ()
    top: TopColumns | None = None
    outer: OuterColumns | None = None
    looked_up: Mapping[str, str] = field(default_factory=dict)

    def as_asked(self) -> Scope:
        """The scope in which groups and the query's conditions are read."""
        if not self.looked_up:
            return self
        return replace(self, aliases={**self.aliases, **self.looked_up}, looked_up={})

    def identifier(self, cube: str) -> exp.Identifier:
        """The cube's alias, quoted."""
        return exp.to_identifier(self.aliases[cube], quoted=True)
