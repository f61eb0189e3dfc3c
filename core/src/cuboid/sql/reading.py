"""How a plan's source is read: the shape that every kind of source is lowered to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

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
        source = table if alias is None else exp.alias_(table, identifier(alias), table=True, copy=False)
        return Reading(
            exp.Select().from_(source),
            {key: column(name, alias) for key, name in self.keys.items()},
            lambda measure: column(self.values[measure], alias),
            grouped=False,
        )


def identifier(name: str) -> exp.Identifier:
    """A quoted identifier."""
    return exp.Identifier(this=name, quoted=True)


def column(name: str, table: str | None = None) -> exp.Expr:
    """A quoted column."""
    # sqlglot's builders copy what they are given and parse what may be text; nodes made directly cost a tenth.
    this = exp.Identifier(this=name, quoted=True)
    if table is None:
        return exp.Column(this=this)
    return exp.Column(this=this, table=exp.Identifier(this=table, quoted=True))


def aliased(value: exp.Expr, name: str) -> exp.Expr:
    """``value AS "name"``; a column of that very name stays as it is."""
    if isinstance(value, exp.Column) and not value.table and value.name == name:
        return value
    if isinstance(value, (exp.Connector, exp.Not, exp.Is)):
        # Where NULLS LAST is not to be had, sqlglot sorts by `value IS NULL`, and these bind no closer than IS.
        value = exp.Paren(this=value)
    if "alias" in value.arg_types and not isinstance(
        value, exp.Subquery
    ):  # nor may its alias be in the value
        return exp.alias_(value, identifier(name), copy=False)
    return exp.Alias(this=value, alias=identifier(name))


def group_by_position(select: exp.Select, count: int) -> exp.Select:
    """Groups by the first ``count`` columns; without any, a SELECT of aggregates has one row by itself."""
    if count:
        select.set("group", exp.Group(expressions=[exp.Literal.number(n) for n in range(1, count + 1)]))
    return select


def join(
    select: exp.Select, table: exp.Expr, side: Literal["LEFT", "INNER", "CROSS"], on: exp.Expr | None = None
) -> exp.Select:
    """``select`` joined to the table; both go into the tree as they are."""
    joined = exp.Join(this=table, on=on, **({"side": side} if side == "LEFT" else {"kind": side}))
    select.append("joins", joined)
    return select
