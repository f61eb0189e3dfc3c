"""Model SQL that sqlglot would write again as something that has other values: it is kept as it was meant."""

from __future__ import annotations

import re

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.tokenizer_core import Token, TokenType

from cuboid.catalog.intervals import UNITS
from cuboid.sql.dialect import call, rewritten

_PART = re.compile(r"-?\d+(?:\.\d+)?\s*([a-zA-Z]+)")
_PLAIN_UNITS = frozenset(name + ending for name in UNITS for ending in ("", "s"))


def whole_intervals(text: str, dialect: str) -> str:
    """The SQL with its intervals as sqlglot keeps them.

    ``INTERVAL '1 day 02:00'`` becomes ``CAST('1 day 02:00' AS INTERVAL)``: of a text with one number and unit sqlglot
    keeps no more than these, and takes units for names that it does not know. ``INTERVAL 1.5 HOUR`` becomes
    ``INTERVAL (1.5) HOUR``: sqlglot makes the number a text, which may be cut to a whole number.
    """
    if "interval" not in text.lower():
        return text
    try:
        tokens = sqlglot.tokenize(text, read=dialect)
    except SqlglotError:
        return text  # whoever parses it says what is wrong
    for place in reversed(range(len(tokens) - 1)):
        if tokens[place].token_type == TokenType.INTERVAL:
            text = _with_whole(text, *tokens[place : place + 3])
    return text


def whole_logarithms(tree: exp.Expr) -> exp.Expr:
    """The tree with ``LOG10(x)`` as that. sqlglot writes it as ``LOG(10, x)``, which is less exact on some engines: of
    1000 it is less than 3."""

    def kept(node: exp.Expr) -> exp.Expr:
        to_ten = node.expression and node.this == exp.Literal.number(10)
        return call("LOG10", node.expression) if to_ten else node

    return rewritten(tree, exp.Log, kept)


def _with_whole(text: str, interval: Token, value: Token, after: Token | None = None) -> str:
    """The SQL with one of its intervals so."""
    if value.token_type == TokenType.STRING and _is_cut(value.text):
        whole = f"CAST({text[value.start : value.end + 1]} AS INTERVAL)"
        return text[: interval.start] + whole + text[value.end + 1 :]
    number = after if value.token_type == TokenType.DASH else value
    if number is not None and number.token_type == TokenType.NUMBER and not number.text.isdigit():
        return f"{text[: value.start]}({text[value.start : number.end + 1]}){text[number.end + 1 :]}"
    return text


def _is_cut(value: str) -> bool:
    parts = list(_PART.finditer(value))
    if len(parts) != 1:
        return False
    (part,) = parts
    return part.group() != value.strip() or part.group(1).lower() not in _PLAIN_UNITS
