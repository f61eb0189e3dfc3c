"""Filters that a model states in the JSON form of queries: ``{member, operator, values}``, ``and``, ``or``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cuboid.catalog import keys
from cuboid.catalog.fields import Fields, read_entries
from cuboid.catalog.named import named_member
from cuboid.catalog.nodes import Entries, Items, Node, Scalar
from cuboid.catalog.scope import Scope
from cuboid.errors import closest, did_you_mean

VALUELESS = ("set", "notSet")

OPERATORS = (
    *("equals", "notEquals", "in", "notIn", "contains", "notContains", "startsWith", "notStartsWith"),
    *("endsWith", "notEndsWith", "gt", "gte", "lt", "lte", *VALUELESS, "inDateRange", "notInDateRange"),
    *("onTheDate", "beforeDate", "beforeOrOnDate", "afterDate", "afterOrOnDate"),
)
"""The operators of queries that a model may state; ``measureFilter`` has none of its own to state."""

_SPELLINGS = {name.lower(): name for name in OPERATORS}


def read_filters(nodes: Sequence[Node], scope: Scope) -> tuple[Mapping[str, Any], ...]:
    """The filters with full member names; wrong ones are reported and left out."""
    return tuple(found for node in nodes if (found := _filter(node, scope)) is not None)


def _filter(node: Node, scope: Scope) -> Mapping[str, Any] | None:
    if isinstance(node, Entries):
        for junction in ("and", "or"):
            if any(key.text == junction for key, _ in node.entries):
                fields = read_entries(node, keys.JUNCTION, scope.problems)
                if fields is None:
                    return None
                return {junction: list(read_filters(fields.items(junction), scope))}
    fields = read_entries(node, keys.STATED_FILTER, scope.problems)
    if fields is None:
        return None
    key = "member" if fields.has("member") else "dimension"
    if not fields.has(key):
        fields.missing("member", "what is filtered")
        return None
    return read_filter(fields, scope, named_member(fields, key, scope))


def read_filter(fields: Fields, scope: Scope, member: str | None) -> Mapping[str, Any] | None:
    """The filter on ``member`` that ``operator`` and ``values`` state; None and an error if it is wrong."""
    operator = read_operator(fields)
    values = _values(fields)
    if member is None or operator is None or values is None:
        return None
    if operator in VALUELESS:
        return {"member": member, "operator": operator}
    if not values:
        fields.missing("values", "what it is compared with")
        return None
    return {"member": member, "operator": operator, "values": values}


def read_operator(fields: Fields) -> str | None:
    """The ``operator`` by its name in queries; None and an error if there is none."""
    written = fields.scalar("operator")
    if written is None:
        if not fields.has("operator"):
            fields.missing("operator", "such as equals")
        return None
    operator = _SPELLINGS.get(written.text.replace("_", "").lower())
    if operator is None:
        hint = did_you_mean(closest(written.text, OPERATORS)) or f"It is one of {', '.join(OPERATORS)}."
        fields.problems.error(written.place, f"there is no operator '{written.text}'", hint)
    return operator


def _values(fields: Fields) -> list[str | None] | None:
    """The values as a query has them: texts and nulls; one value may stand without brackets."""
    node = fields.node("values")
    items = node.items if isinstance(node, Items) else () if node is None else (node,)
    values: list[str | None] = []
    for item in items:
        if not isinstance(item, Scalar):
            fields.problems.error(
                item.place,
                "a filter's value is a text, a number, true, false or null",
                "Write plain values in a list.",
            )
            return None
        values.append(None if item.is_null else item.text)
    return values
