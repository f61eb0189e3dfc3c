"""Reading a piece of SQL: literal text and reference slots. Knows the syntax, not the names.

``{expression}`` is a slot, also written ``${expression}``; ``\\{`` and ``\\}`` are literal braces, inside SQL
string literals too. The rest is SQL and stays as it is. Slots that begin with a word of :data:`CONTEXT_WORDS` may
have texts in quotes, and in these braces.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

CONTEXT_WORDS = frozenset(
    {"FILTER_PARAMS", "FILTER_GROUP", "SECURITY_CONTEXT", "USER_CONTEXT", "COMPILE_CONTEXT", "SQL_UTILS"}
)
"""What a slot begins with that is no reference to a cube or member."""

_CONTEXT = re.compile(rf"\s*({'|'.join(sorted(CONTEXT_WORDS))})\b")
_QUOTE_OR_BRACE = re.compile(r"\\.|\"\"\"|'''|[\"'{}]", re.DOTALL)
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


def is_context(expression: str) -> bool:
    """Whether the slot's expression is about the security context, the query's filters and the like."""
    return _CONTEXT.match(expression) is not None


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
        in_context = _CONTEXT.match(text, position) is not None
        end = _closing_brace(text, position) if in_context else text.find("}", position)
        if end < 0:
            return Misread("{", found.end() - 1, "this '{' is never closed", _ESCAPE_HINT)
        expression = text[position:end]
        written = text[found.start() : end + 1]
        if ("{" in expression and not in_context) or not expression.strip():
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


def _closing_brace(text: str, position: int) -> int:
    """Where the slot ends: at the first ``}`` outside of quotes; -1 if there is none before the next ``{``."""
    while found := _QUOTE_OR_BRACE.search(text, position):
        mark = found.group()
        if mark == "}":
            return found.start()
        if mark == "{":
            return -1
        position = found.end() if mark.startswith("\\") else _closing_quote(text, found.end(), mark)
        if position < 0:
            return -1
    return -1


def _closing_quote(text: str, position: int, quote: str) -> int:
    """Where the text in quotes has ended; -1 if it does not."""
    while found := re.compile(rf"\\.|{quote}", re.DOTALL).search(text, position):
        position = found.end()
        if found.group() == quote:
            return position
    return -1
