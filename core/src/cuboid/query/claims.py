"""Claims of the principal as SQL of the model reads them: by their form in the shape, by their values in slots."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from cuboid.query.model import Claim
from cuboid.query.values import Slots
from cuboid.types import ParameterType, Principal, Scalar


def read_claims(paths: Iterable[tuple[str, ...]], principal: Principal, slots: Slots) -> tuple[Claim, ...]:
    """The claims of these paths, in one order for all principals."""
    claims = model_claims(principal)
    return tuple(_claim(path, _find(claims, path), slots) for path in sorted(paths))


def model_claims(principal: Principal) -> Mapping[str, Any]:
    """What the model's SQL and policies read of the principal's claims."""
    return principal.claims if principal.model_claims is None else principal.model_claims


def claims_of_model(claims: Mapping[str, Any], namespace: str | None) -> Mapping[str, Any] | None:
    """What the model reads of a token's ``claims``, frozen as they are; None for all of them.

    With a ``namespace`` that is what stands under this claim, nothing if there is none. Else members of the claim
    ``u``, where Cube's first tokens had their context, stand beside the others and before them.
    """
    if namespace is not None:
        own = claims.get(namespace)
        return own if isinstance(own, Mapping) else MappingProxyType({})
    under = claims.get("u")
    if not isinstance(under, Mapping):
        return None
    merged = {**claims, **under}
    merged.pop("u")
    return MappingProxyType(merged)


def freeze(value: Any) -> Any:
    """JSON with mappings and tuples that nobody can change: claims are shared by all requests of a token."""
    if isinstance(value, Mapping):
        return MappingProxyType({key: freeze(item) for key, item in value.items()})
    if isinstance(value, list | tuple):
        return tuple(freeze(item) for item in value)
    return value


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
        case int():
            return "number" if abs(value) < 10**38 else None  # no engine has wider exact numbers
        case Decimal():
            return "number"
        case float():
            return "number" if math.isfinite(value) else None
    return None


def _typed(value: Any) -> Scalar:
    """Numbers of JSON with a fraction are decimals to whoever wrote them."""
    return Decimal(repr(value)) if isinstance(value, float) else value
