"""Reading a piece of SQL: literal text and reference slots. Knows the syntax, not the names.

``{expression}`` is a slot, also written ``${expression}``; ``\\{`` and ``\\}`` are literal braces, inside SQL
string literals too. The rest is SQL and stays as it is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_TOKEN = re.compile(r"\\[{}]|\$?\{|\}")
_ESCAPE_HINT = r"A literal brace is written \{ or \}, also inside quotes of SQL."


@dataclass(frozen=True, slots=True)
class Slot:
    """``{expression}``; ``written`` is the whole of it and ``offset`` where it stands in the text."""

    expression: str
    written: str
    offset: int


@dataclass(frozen=True, slots=True)
class Misread:
    """What is wrong with a text: a fragment of it, where, why and what to do."""

    fragment: str
    offset: int
    message: str
    hint: str


def split(text: str) -> tuple[str | Slot, ...] | Misread:
    """The text as literals and slots, in order, without empty literals."""
    parts: list[str | Slot] = []
    literal: list[str] = []
    position = 0
    while found := _TOKEN.search(text, position):
        literal.append(text[position : found.start()])
        mark = found.group()
        position = found.end()
        if mark.startswith("\\"):
            literal.append(mark[1])
            continue
        if mark == "}":
            return Misread("}", found.start(), "this '}' closes nothing", _ESCAPE_HINT)
        end = text.find("}", position)
        if end < 0:
            return Misread("{", found.end() - 1, "this '{' is never closed", _ESCAPE_HINT)
        expression = text[position:end]
        written = text[found.start() : end + 1]
        if "{" in expression or not expression.strip():
            return Misread(written, found.start(), f"'{written}' is not a reference", _ESCAPE_HINT)
        if any(literal):
            parts.append("".join(literal))
        literal = []
        parts.append(Slot(expression.strip(), written, found.start()))
        position = end + 1
    literal.append(text[position:])
    if any(literal):
        parts.append("".join(literal))
    return tuple(parts)
