"""URLs made of a row's values: percent encoding and parameters, in functions that every engine has."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

from sqlglot import exp

from cuboid.sql.templates import enclosed

_ENCODED = '%\t\n\r "#$&+,/:;<=>?@[\\]^`{|}'
"""The ASCII characters that have a meaning in a URL, the percent sign first: it is part of what stands for the others.
Others than ASCII stay: browsers encode them."""


def url_encoded(value: exp.Expr) -> exp.Expr:
    """The value's text as a part of a URL."""
    encoded: exp.Expr = exp.cast(value, "text")
    for character in _ENCODED:
        by = exp.Literal.string(quote(character, safe=""))
        encoded = exp.func("REPLACE", encoded, exp.Literal.string(character), by)
    return encoded


def with_parameters(url: exp.Expr, parameters: Sequence[tuple[str, exp.Expr]]) -> exp.Expr:
    """The URL with parameters after it: after ``?``, or ``&`` if it has a ``?`` already. NULL if the URL is; of a value
    that is NULL the parameter is empty."""
    text = exp.cast(url.copy(), "text")
    begun = exp.GT(
        this=exp.StrPosition(this=text.copy(), substr=exp.Literal.string("?")),
        expression=exp.Literal.number(0),
    )
    parts: list[exp.Expr] = [
        text,
        exp.Case().when(begun, exp.Literal.string("&")).else_(exp.Literal.string("?")),
    ]
    for index, (key, value) in enumerate(parameters):
        parts.append(exp.Literal.string(f"{'&' if index else ''}{quote(key, safe='')}="))
        parts.append(exp.Coalesce(this=url_encoded(value), expressions=[exp.Literal.string("")]))
    known = exp.Is(this=enclosed(url), expression=exp.null()).not_()
    return exp.Case().when(known, exp.Concat(expressions=parts))
