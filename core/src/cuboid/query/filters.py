"""The ``filters`` of a query: from JSON to :class:`Filter` and :class:`FilterGroup` trees."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Literal, NoReturn, TypeGuard

import orjson

from cuboid.errors import InvalidQuery, closest, did_you_mean
from cuboid.query import checks
from cuboid.query.model import Filter, FilterGroup
from cuboid.query.operators import OPERATORS, VALUELESS

EXPRESSIONS_REFUSED = "Error: Expressions are not allowed in this context"
_LEAF_KEYS = frozenset({"member", "dimension", "operator", "values"})


def parse_filters(value: object) -> tuple[Filter | FilterGroup, ...]:
    """The top-level list, whose items are AND-ed. Raises :class:`InvalidQuery`; its hint says what is wrong
    inside, as the text that Cube gives does not."""
    return tuple(
        _parse(item, f"filters[{index}]", f"filters[{index}]")
        for index, item in enumerate(checks.array(value, "filters"))
    )


def is_expression(value: object) -> bool:
    """Whether this stands where a member's name belongs and is a member expression of the SQL API instead."""
    return isinstance(value, dict) or (isinstance(value, str) and value.startswith("{"))


def _parse(item: object, path: str, top: str) -> Filter | FilterGroup:
    if not isinstance(item, dict):
        checks.refuse(top, "must be one of [object]")
    if "and" in item or "or" in item:
        return _group(item, path, top)
    return _leaf(item, path, top)


def _group(item: Mapping[str, Any], path: str, top: str) -> FilterGroup:
    if len(item) > 1:
        _mismatch(top, path, "A group has one key, `and` or `or`")
    operator: Literal["and", "or"] = "and" if "and" in item else "or"
    items = item[operator]
    if not isinstance(items, (list, tuple)):
        _mismatch(top, f"{path}.{operator}", f"`{operator}` must be an array of filters")
    return FilterGroup(
        operator,
        tuple(_parse(entry, f"{path}.{operator}[{index}]", top) for index, entry in enumerate(items)),
        path,
    )


def _leaf(item: Mapping[str, Any], path: str, top: str) -> Filter:
    for key in item:
        if key not in _LEAF_KEYS:
            _mismatch(top, f"{path}.{key}", f"A filter has no key '{key}'")
    if ("member" in item) == ("dimension" in item):
        _mismatch(top, path, "A filter has exactly one of `member` and `dimension`")
    key = "member" if "member" in item else "dimension"
    member = item[key]
    if is_expression(member):
        raise InvalidQuery(EXPRESSIONS_REFUSED, path=f"{path}.{key}")
    if not isinstance(member, str) or not checks.MEMBER.matches(member):
        _mismatch(top, f"{path}.{key}", f"`{key}` must be a member's name such as 'Orders.status'")
    operator = item.get("operator")
    if operator is None:
        _mismatch(
            top,
            f"{path}.operator",
            "`operator` is required: one of equals, contains, gt, set, inDateRange, …",
        )
    if not isinstance(operator, str) or operator not in OPERATORS:
        suggestion = did_you_mean(closest(str(operator)[:50], OPERATORS)) or f"One of {', '.join(OPERATORS)}"
        _mismatch(top, f"{path}.operator", f"`operator` is unknown. {suggestion}")
    return Filter(member, operator, _values(item, operator, path, top), path)


def _values(item: Mapping[str, Any], operator: str, path: str, top: str) -> tuple[str | None, ...] | None:
    if "values" in item and not isinstance(item["values"], (list, tuple)):
        _mismatch(top, f"{path}.values", "`values` must be an array")
    values = item.get("values")
    if not values and operator not in VALUELESS:
        raise InvalidQuery(
            f"Values required for filter: {orjson.dumps(dict(item)).decode()}", path=f"{path}.values"
        )
    if values is None:
        return None
    texts: list[str | None] = []
    for index, value in enumerate(values):
        if not _is_scalar(value):
            _mismatch(top, f"{path}.values[{index}]", "A value is a text, a number, true, false or null")
        texts.append(written(value))
    return tuple(texts)


def _is_scalar(value: object) -> TypeGuard[str | float | None]:
    return value is None or isinstance(value, (str, int, float))


def written(value: str | float | None) -> str | None:
    """A value as JavaScript's ``String(value)`` writes it, so that the echo is the same."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if value == 0:
        return "0"
    if 1e-6 <= abs(value) < 1e21:
        digits = format(Decimal(repr(value)), "f")
        return digits.rstrip("0").rstrip(".") if "." in digits else digits
    mantissa, _, exponent = f"{value!r}".partition("e")
    return f"{mantissa.removesuffix('.0')}e{int(exponent):+d}"


def _mismatch(top: str, path: str, reason: str) -> NoReturn:
    raise InvalidQuery(
        f'Invalid query format: "{top}" does not match any of the allowed types',
        path=path,
        hint=f"{path}: {reason}",
    )
