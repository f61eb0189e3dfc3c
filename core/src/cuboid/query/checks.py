"""Checks of a query's form, one value at a time, with the texts that Cube's clients know.

A label is the path of the value in the JSON (``timeDimensions[0].granularity``).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NoReturn

from cuboid.errors import InvalidQuery

# JSON levels: 100 levels of and/or are two each, and the query itself has a few.
_DEEPEST = 210
_CUT = 200


class Pattern:
    """A regular expression that a name must match as a whole; ``text`` is how messages show it."""

    def __init__(self, expression: str) -> None:
        self.text = f"/{expression}/"
        # Python's $ also matches before a last line break, so the ends are fullmatch's business.
        self._alternatives = [re.compile(part.strip("^$"), re.ASCII) for part in expression.split("|")]

    def matches(self, name: str) -> bool:
        """Whether all of ``name`` matches."""
        return any(alternative.fullmatch(name) for alternative in self._alternatives)


MEMBER = Pattern(r"^[a-zA-Z0-9_]+\.[a-zA-Z0-9_]+$")
DIMENSION = Pattern(r"^[a-zA-Z0-9_]+\.[a-zA-Z0-9_]+(\.[a-zA-Z0-9_]+)?$")
ORDER_MEMBER = Pattern(r"^[a-zA-Z0-9_]+\.[a-zA-Z0-9_]+(\.[a-zA-Z0-9_]+)?$|^[a-zA-Z0-9_]+$")


def refuse(label: str, problem: str, *, hint: str | None = None) -> NoReturn:
    """Raises ``Invalid query format: "label" problem``."""
    label = label if len(label) <= _CUT else f"{label[:_CUT]}…"
    raise InvalidQuery(f'Invalid query format: "{label}" {problem}', path=label, hint=hint)


def content(value: object, label: str = "", depth: int = 0) -> None:
    """Checks that ``value`` is made of JSON's own types, its numbers are finite and its texts can be stored and
    sent: no NUL, no half of a surrogate pair."""
    if isinstance(value, str):
        _text(value, label or "value")
    elif isinstance(value, float):
        if value != value or value in (float("inf"), float("-inf")):
            refuse(label or "value", "must be a finite number")
    elif isinstance(value, bool) or value is None:
        return
    elif isinstance(value, int):
        if value.bit_length() > 1000:
            refuse(label or "value", "must be a safe number")
    elif depth >= _DEEPEST:
        raise InvalidQuery(
            "The query is nested too deeply: 100 levels of and/or are allowed", path=label[:_CUT]
        )
    elif isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                refuse(label or "value", "must have texts as keys")
            _text(key, label or "value")
            content(item, f"{label}.{key}" if label else key, depth + 1)
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            if type(item) is str and item.isascii() and "\0" not in item:
                continue  # the usual case, without building a label: arrays may be huge
            content(item, f"{label}[{index}]", depth + 1)
    else:
        refuse(label or "value", f"must be JSON, not {type(value).__name__}")


def _text(text: str, label: str) -> None:
    if "\0" in text:
        refuse(label, "must not contain NUL characters")
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            refuse(label, "must be valid Unicode: it has half of a surrogate pair")


def array(value: object, label: str) -> Sequence[Any]:
    """A list (or, from Python, a tuple)."""
    if not isinstance(value, (list, tuple)):
        refuse(label, "must be an array")
    return value


def text(value: object, label: str) -> str:
    """A text that is not empty."""
    if not isinstance(value, str):
        refuse(label, "must be a string")
    if not value:
        refuse(label, "is not allowed to be empty")
    return value


def name(value: object, label: str, pattern: Pattern) -> str:
    """A name that matches ``pattern``."""
    written = text(value, label)
    if not pattern.matches(written):
        shown = written if len(written) <= _CUT else f"{written[:_CUT]}…"
        refuse(label, f'with value "{shown}" fails to match the required pattern: {pattern.text}')
    return written


def count(value: object, label: str) -> int:
    """An integer of at least 0; ``10.0`` is one, as JSON does not tell them apart."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        refuse(label, "must be a number")
    if abs(value) > 2**53 - 1:
        refuse(label, "must be a safe number")
    if value != int(value):
        refuse(label, "must be an integer")
    if value < 0:
        refuse(label, "must be greater than or equal to 0")
    return int(value)


def boolean(value: object, label: str) -> bool:
    """A truth value, or its name as text."""
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    if not isinstance(value, bool):
        refuse(label, "must be a boolean")
    return value


def choice(value: object, label: str, allowed: Sequence[str]) -> str:
    """One of ``allowed``."""
    if not isinstance(value, str) or value not in allowed:
        refuse(label, f"must be one of [{', '.join(allowed)}]")
    return value
