"""How a member is shown: format, currency, title, whether it is public."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cuboid.catalog import keys
from cuboid.catalog.access import Mask
from cuboid.catalog.fields import Fields, read_entries
from cuboid.catalog.formats import WireFormat, known_formats, wire_format
from cuboid.catalog.naming import titleize
from cuboid.catalog.nodes import Entries, Scalar
from cuboid.catalog.scope import Scope, Use
from cuboid.errors import closest, did_you_mean
from cuboid.types import SemanticType

_MASK = Use("a mask")
_AGGREGATE_MASK = Use("a mask", measures=True)


@dataclass(frozen=True, slots=True)
class Shown:
    """What every kind of member says of itself; ``visible`` is None where nothing is written."""

    title: str
    short_title: str
    description: str | None
    visible: bool | None
    meta: Any


def read_shown(fields: Fields, name: str, cube_title: str) -> Shown:
    """Titles, description, visibility and meta."""
    short_title = fields.text("title") or titleize(name)
    return Shown(
        title=f"{cube_title} {short_title}",
        short_title=short_title,
        description=fields.text("description"),
        visible=fields.flag("public", "visible", "shown"),
        meta=fields.mapping("meta"),
    )


def read_currency(fields: Fields, type: SemanticType) -> str | None:
    """The three letters in upper case."""
    written = fields.scalar("currency")
    if written is None:
        return None
    code = written.text.upper()
    if type != "number":
        fields.problems.error(
            written.place,
            f"'currency' belongs to {fields.noun}s with numbers",
            "Set a type that is a number, or remove it.",
        )
    elif len(code) != 3 or not (code.isascii() and code.isalpha()):
        fields.problems.error(
            written.place, f"'{written.text}' is no currency", "Write its three letters (ISO 4217), e.g. EUR."
        )
    return code


def read_format(fields: Fields, type: SemanticType, *, measure: bool) -> WireFormat | None:
    """The wire's form of ``format``; None if there is none or it is wrong (reported)."""
    node = fields.node("format")
    if node is None:
        return None
    if isinstance(node, Entries) and not measure:
        return _link_format(node, fields)
    written = fields.scalar("format")
    if written is None:
        return None
    format = wire_format(written.text, type, measure=measure)
    if format is None:
        hint = did_you_mean(closest(written.text, known_formats(measure=measure)))
        fields.problems.error(
            written.place,
            f"'{written.text}' is no format of a {type} {fields.noun}",
            hint or "Use a named format, or for numbers a d3-format specifier, for times a strftime text.",
        )
    return format


def _link_format(node: Entries, fields: Fields) -> WireFormat | None:
    link = read_entries(node, keys.LINK_FORMAT, fields.problems)
    if link is None or link.choice("type", {"link": "link"}) is None:
        return None
    label = link.text("label")
    if label is None:
        if not link.has("label"):
            link.missing("label", "the link's text")
        return None
    return {"type": "link", "label": label}


def read_mask(fields: Fields, scope: Scope, type: SemanticType, *, measure: bool = False) -> Mask:
    """What stands in place of the value for those who may only see it masked: a constant of its ``type`` or ``{sql}``,
    which for a measure aggregates by itself."""
    node = fields.node("mask")
    if isinstance(node, Scalar):
        if node.value is not None and not _fits(node.value, type):
            # No answer is wrong for it, and nobody may need the mask.
            scope.problems.warn(
                node.place,
                f"the mask '{node.text}' is no {type}: who may only see it masked gets an error",
                "Write a mask of the member's type, or {sql: ...}; without one it is NULL.",
            )
        return node.value
    if not isinstance(node, Entries):
        if node is not None:
            scope.problems.error(
                node.place,
                "a mask is a text, a number, true, false or {sql: ...}",
                "E.g. mask: '***', or mask: {sql: NULL}.",
            )
        return None
    mask = read_entries(node, keys.MASK, scope.problems)
    return scope.required_sql(mask, _AGGREGATE_MASK if measure else _MASK) if mask else None


def _fits(mask: str | int | float | bool, type: SemanticType) -> bool:
    """Whether the constant is a value of that type; anything can be shown as a text."""
    match type:
        case "string":
            return True
        case "boolean":
            return isinstance(mask, bool)
        case "number":
            return isinstance(mask, int | float) and not isinstance(mask, bool) and math.isfinite(mask)
        case "time":
            return isinstance(mask, str) and _is_moment(mask)


def _is_moment(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True
