"""Refresh keys as SQL: statements whose results change when cached answers are due."""

from __future__ import annotations

import functools

from sqlglot import exp

from cuboid.catalog.pieces import Template
from cuboid.errors import UnsupportedFeature
from cuboid.sql.binding import prepare
from cuboid.sql.dialect import Dialect
from cuboid.types import Statement


@functools.lru_cache(256)
def refresh_key_text(dialect: Dialect, seconds: float, shift: int = 0) -> str:
    """A key that changes every ``seconds`` seconds by the database's clock.

    :param shift: seconds that are added to that clock.
    """
    clock = dialect.epoch()
    if shift:
        number = exp.Literal.number(abs(shift))
        clock = exp.paren((exp.Add if shift > 0 else exp.Sub)(this=clock, expression=number))
    periods = exp.Floor(this=exp.Div(this=clock, expression=exp.Literal.number(f"{seconds:g}")))
    return exp.select(exp.alias_(periods, "refresh_key")).sql(dialect=dialect.sqlglot)


def refresh_key_statement(template: Template, dialect: Dialect, cube: str, data_source: str) -> Statement:
    """A key's own SQL; see :func:`written_statement`."""
    return written_statement(template, dialect, f"refresh_key of the cube '{cube}'", data_source)


def written_statement(template: Template, dialect: Dialect, what: str, data_source: str) -> Statement:
    """SQL as the model has it. Raises :class:`UnsupportedFeature` if a query would have to fill it: it is asked once
    for all queries."""
    if not all(isinstance(part, str) for part in template.parts):
        raise UnsupportedFeature(
            f"The {what} depends on who asks, or on the query.",
            hint="It is asked once for all: write it without SECURITY_CONTEXT and FILTER_PARAMS.",
        )
    text = "".join(part for part in template.parts if isinstance(part, str))
    return prepare(text, dialect, (), data_source).bind(())
