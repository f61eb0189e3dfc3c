"""How a plan's source is read: the shape that every kind of source is lowered to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sqlglot import exp

from cuboid.plan.nodes import Key


@dataclass(frozen=True, slots=True)
class Reading:
    """A SELECT that lacks its columns, and how keys and leaf measures are written in its scope.

    ``grouped``: the keys need GROUP BY, and conditions on what it yields are HAVING instead of WHERE.
    """

    select: exp.Select
    keys: Mapping[Key, exp.Expr]
    leaf: Callable[[str], exp.Expr]
    grouped: bool


@dataclass(frozen=True, slots=True)
class Table:
    """Groups that stand under a name: the column of each key and of each value."""

    name: str
    keys: Mapping[Key, str]
    values: Mapping[str, str]

    def reading(self, alias: str | None = None) -> Reading:
        """A SELECT from the table, whose columns are named with ``alias`` if one is given."""
        table = exp.Table(this=identifier(self.name))
        source = table if alias is None else exp.alias_(table, identifier(alias), table=True)
        return Reading(
            exp.Select().from_(source),
            {key: column(name, alias) for key, name in self.keys.items()},
            lambda measure: column(self.values[measure], alias),
            grouped=False,
        )


def identifier(name: str) -> exp.Identifier:
    """A quoted identifier."""
    return exp.to_identifier(name, quoted=True)


def column(name: str, table: str | None = None) -> exp.Expr:
    """A quoted column."""
    return exp.column(identifier(name), table=None if table is None else identifier(table))


def aliased(value: exp.Expr, name: str) -> exp.Expr:
    """``value AS "name"``; a column of that very name stays as it is."""
    if isinstance(value, exp.Column) and not value.table and value.name == name:
        return value
    if isinstance(value, (exp.Connector, exp.Not)):
        # Where NULLS LAST is not to be had, sqlglot sorts by `value IS NULL`, and these bind looser than IS.
        value = exp.Paren(this=value)
    return exp.alias_(value, identifier(name), copy=False)


def group_by_position(select: exp.Select, count: int) -> exp.Select:
    """Groups by the first ``count`` columns; without any, a SELECT of aggregates has one row by itself."""
    return select.group_by(*(str(n) for n in range(1, count + 1)), copy=False) if count else select
