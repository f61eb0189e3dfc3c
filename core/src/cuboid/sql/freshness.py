"""Refresh keys as SQL: statements whose results change when cached answers are due."""

from __future__ import annotations

from sqlglot import exp

from cuboid.sql.dialect import Dialect


def refresh_key_text(dialect: Dialect, seconds: int) -> str:
    """A key that changes every ``seconds`` seconds by the database's clock."""
    periods = exp.Floor(this=exp.Div(this=dialect.epoch(), expression=exp.Literal.number(seconds)))
    return exp.select(exp.alias_(periods, "refresh_key")).sql(dialect=dialect.sqlglot)
