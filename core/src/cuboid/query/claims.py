"""Claims of the principal as SQL of the model reads them: by their form in the shape, by their values in slots."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from cuboid.query.model import Claim
from cuboid.query.values import Slots
from cuboid.types import ParameterType, Principal, Scalar


def read_claims(paths: Iterable[tuple[str, ...]], principal: Principal, slots: Slots) -> tuple[Claim, ...]:
    """The claims of these paths, in one order for all principals."""
    return tuple(_claim(path, _find(principal.claims, path), slots) for path in sorted(paths))


def claimed_groups(principal: Principal) -> frozenset[str]:
    """The groups of the claim ``groups``, a list of texts or one text."""
    given = principal.claims.get("groups")
    listed: Any = [given] if isinstance(given, str) else given
    return frozenset(each for each in listed if isinstance(each, str)) if _is_list(listed) else frozenset()


def _find(claims: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    found: Any = claims
    for name in path:
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def _claim(path: tuple[str, ...], value: Any, slots: Slots) -> Claim:
    if value is None:
        return Claim(path, "missing")
    values = list(value) if _is_list(value) else [value]
    types = {_type(each) for each in values}
    if None in types or len(types) > 1:
        return Claim(path, "unfit")
    found = tuple(slots.add(_typed(each), type) for each in values for type in types if type is not None)
    return Claim(path, "list" if _is_list(value) else "scalar", found)


def _is_list(value: Any) -> bool:
    return isinstance(value, list | tuple)


def _type(value: Any) -> ParameterType | None:
    match value:
        case bool():
            return "boolean"
        case str():
            return None if "\0" in value else "string"
        case int() | Decimal():
            return "number"
        case float():
            return "number" if math.isfinite(value) else None
    return None


def _typed(value: Any) -> Scalar:
    """Numbers of JSON with a fraction are decimals to whoever wrote them."""
    return Decimal(repr(value)) if isinstance(value, float) else value
