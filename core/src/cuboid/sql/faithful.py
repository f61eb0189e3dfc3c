"""Model SQL that sqlglot would write again as something that has other values: it is kept as it was meant."""

from __future__ import annotations

import re
from itertools import pairwise

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.tokenizer_core import TokenType

from cuboid.catalog.intervals import UNITS

_PART = re.compile(r"-?\d+(?:\.\d+)?\s*([a-zA-Z]+)")
_PLAIN_UNITS = frozenset(name + ending for name in UNITS for ending in ("", "s"))


def whole_intervals(text: str, dialect: str) -> str:
    """The SQL with ``INTERVAL '1 day 02:00'`` as ``CAST('1 day 02:00' AS INTERVAL)``: of a text with one number and
    unit sqlglot keeps no more than these, and takes units for names that it does not know."""
    if "interval" not in text.lower():
        return text
    try:
        tokens = sqlglot.tokenize(text, read=dialect)
    except SqlglotError:
        return text  # whoever parses it says what is wrong
    for interval, value in reversed(list(pairwise(tokens))):
        if interval.token_type != TokenType.INTERVAL or value.token_type != TokenType.STRING:
            continue
        if _is_cut(value.text):
            whole = f"CAST({text[value.start : value.end + 1]} AS INTERVAL)"
            text = text[: interval.start] + whole + text[value.end + 1 :]
    return text


def whole_logarithms(tree: exp.Expr) -> exp.Expr:
    """The tree with ``LOG10(x)`` as that. sqlglot writes it as ``LOG(10, x)``, which is less exact on some engines: of
    1000 it is less than 3."""

    def kept(node: exp.Expr) -> exp.Expr:
        if isinstance(node, exp.Log) and node.expression and node.this == exp.Literal.number(10):
            return exp.Anonymous(this="LOG10", expressions=[node.expression])
        return node

    return tree.transform(kept, copy=False) if tree.find(exp.Log) else tree


def _is_cut(value: str) -> bool:
    parts = list(_PART.finditer(value))
    if len(parts) != 1:
        return False
    (part,) = parts
    return part.group() != value.strip() or part.group(1).lower() not in _PLAIN_UNITS
