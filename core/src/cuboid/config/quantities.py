"""How people write durations, sizes, switches and lists in settings, and what they mean.

Every function takes what a flag, an environment variable or YAML may hold and raises ``ValueError`` with a
reason that can stand after the value: ``'10x' is not a duration …``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

_DURATIONS: Mapping[str, float] = {"": 1, "ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}
_SIZES: Mapping[str, int] = {"": 1, "b": 1, "kb": 1024, "mb": 1024**2, "gb": 1024**3}
_QUANTITY = re.compile(r"\s*(\d{1,15}(?:\.\d{1,9})?)\s*([a-z]*)\s*", re.IGNORECASE | re.ASCII)
_SWITCHES: Mapping[str, bool] = {
    "true": True,
    "1": True,
    "yes": True,
    "on": True,
    "false": False,
    "0": False,
    "no": False,
    "off": False,
}


def read_duration(value: object) -> float:
    """Seconds: a number, or a number with ``ms``, ``s``, ``m``, ``h`` or ``d`` (``10m`` is 600)."""
    return _quantity(value, _DURATIONS, "a duration such as 600, 30s, 10m or 1h")


def read_size(value: object) -> int:
    """Bytes: a number, or a number with ``kb``, ``mb`` or ``gb`` (of 1024, as Cube counts them)."""
    return int(_quantity(value, _SIZES, "a size such as 1048576, 100kb or 50mb"))


def read_count(value: object) -> int:
    """A whole number; ``true`` is none, although Python counts it as 1."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and re.fullmatch(r"\s*[+-]?\d{1,18}\s*", value, re.ASCII):
        return int(value)
    raise ValueError("is not a whole number")


def read_number(value: object) -> int | float:
    """A number, whole or with a fraction."""
    if isinstance(value, str) and re.fullmatch(r"\s*[+-]?\d{1,18}(\.\d{1,18})?\s*", value, re.ASCII):
        return float(value) if "." in value else int(value)
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        return value
    raise ValueError("is not a number")


def read_switch(value: object) -> bool:
    """True or false, also written as 1/0, yes/no or on/off."""
    if isinstance(value, bool):
        return value
    known = _SWITCHES.get(str(value).strip().lower())
    if known is None:
        raise ValueError("is neither true nor false")
    return known


def read_list(value: object) -> tuple[str, ...]:
    """Texts: a list, or one text with commas between; blanks around an entry do not count."""
    if isinstance(value, str):
        value = value.split(",")
    if not isinstance(value, (list, tuple)) or not all(isinstance(entry, str) for entry in value):
        raise ValueError("is not a list of texts")
    return tuple(stripped for entry in value if (stripped := entry.strip()))


def _quantity(value: object, units: Mapping[str, float], wanted: str) -> float:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return value
    match = _QUANTITY.fullmatch(value) if isinstance(value, str) else None
    factor = units.get(match[2].lower()) if match else None
    if match is None or factor is None:
        raise ValueError(f"is not {wanted}")
    return float(match[1]) * factor
