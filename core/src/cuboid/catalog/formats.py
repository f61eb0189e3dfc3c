"""Display formats: from a model's ``format`` to the wire's ``format`` and ``formatDescription``.

Source: rest-contract 1.6.4; the table of named formats is that of Cube 1.7. Specifiers are d3-format's, where
``~`` trims insignificant zeros.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from cuboid.types import SemanticType

WireFormat = str | Mapping[str, Any]

_FAMILIES = {
    "number": ",{}f",
    "percent": "{}%",
    "currency": "$,{}f",
    "decimal": ",{}f",
    "accounting": "(,{}f",
}


def _named() -> dict[str, str]:
    named = {"decimal": ",.2~f", "abbr": ".2~s", "accounting": "(,.2~f", "id": ".0f"}
    for digits in range(7):
        for family, pattern in _FAMILIES.items():
            # Without decimals there is nothing to trim; only the SI form keeps the tilde.
            named[f"{family}_{digits}"] = pattern.format(f".{digits}~" if digits else ".0")
        named[f"abbr_{digits}"] = f".{digits}~s"
    return named


NAMED_FORMATS: Mapping[str, str] = MappingProxyType(_named())
"""Named numeric formats and their d3-format specifiers."""

_MEASURE_FORMATS = frozenset({"percent", "currency", "number"})
_DIMENSION_FORMATS = _MEASURE_FORMATS | {"imageUrl", "link"}
_SPELLINGS = {"image_url": "imageUrl"}
_DESCRIPTIONS = {"percent": ".2~%", "currency": "$,.2~f", "number": ",.2~f"}
_D3_SPECIFIER = re.compile(
    r"(?:(.)?([<>=^]))?([+\-( ])?([$#])?(0)?([0-9]+)?(,)?(\.[0-9]+)?(~)?([a-zA-Z%])?", re.DOTALL
)


def known_formats(*, measure: bool) -> tuple[str, ...]:
    """Every name that a measure's or dimension's ``format`` may have; for suggestions."""
    return (*sorted(_MEASURE_FORMATS if measure else _DIMENSION_FORMATS), *NAMED_FORMATS)


def wire_format(written: str, type: SemanticType, *, measure: bool) -> WireFormat | None:
    """The wire's form of a format given as text; None if it is no format for that type.

    Numbers take any d3-format specifier, time dimensions any strftime text.
    """
    name = _SPELLINGS.get(written, written)
    if name in NAMED_FORMATS:
        return {"type": "custom-numeric", "value": NAMED_FORMATS[name], "alias": name}
    if name in (_MEASURE_FORMATS if measure else _DIMENSION_FORMATS):
        return name
    if type == "time" and not measure:
        return {"type": "custom-time", "value": name} if "%" in name else None
    if (type == "number" or measure) and name and _D3_SPECIFIER.fullmatch(name):
        return {"type": "custom-numeric", "value": name}
    return None


def format_description(
    format: WireFormat | None, type: SemanticType, currency: str | None = None
) -> dict[str, str] | None:
    """``formatDescription`` of a number: ``{name, specifier, currency?}``; None for other types.

    :param format: the wire's form, as :func:`wire_format` gives it.
    """
    if type != "number":
        return None
    if isinstance(format, Mapping) and format.get("type") == "custom-numeric":
        described = {"name": format.get("alias", "custom"), "specifier": format["value"]}
    elif isinstance(format, str) and format in _DESCRIPTIONS:
        described = {"name": format, "specifier": _DESCRIPTIONS[format]}
    else:
        described = {"name": "number", "specifier": _DESCRIPTIONS["number"]}
    if currency is not None:
        described["currency"] = currency
    return described
