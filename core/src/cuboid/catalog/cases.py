"""``case``: of a dimension, and of a multi-stage measure, there also by the value of a switch dimension."""

from __future__ import annotations

from cuboid.catalog import keys
from cuboid.catalog.fields import Fields, read_entries
from cuboid.catalog.model import Case, CaseBranch
from cuboid.catalog.named import named_dimension
from cuboid.catalog.nodes import Entries, Items, Node, Scalar
from cuboid.catalog.pieces import Template
from cuboid.catalog.scope import Scope, Use
from cuboid.catalog.stages import SwitchCase


def read_case(node: Node, scope: Scope, use: Use) -> Case | None:
    """``{when: [{sql, label}], else: {label}}``; None and an error if it is wrong."""
    fields = read_entries(node, keys.CASE, scope.problems)
    if fields is None:
        return None
    branches = [_branch(item, scope, use) for item in _branches(fields, "a list of {sql, label}")]
    otherwise: str | Template | None = None
    else_node = fields.node("else")
    if else_node is not None:
        else_fields = read_entries(else_node, keys.CASE_ELSE, scope.problems)
        otherwise = _label(else_fields, scope, use) if else_fields else None
    complete = tuple(branch for branch in branches if branch is not None)
    return Case(complete, otherwise) if complete and len(complete) == len(branches) else None


def read_measure_case(node: Node, scope: Scope, use: Use) -> Case | SwitchCase | None:
    """Either form; that with ``switch`` chooses among measures."""
    if isinstance(node, Entries) and any(key.text == "switch" for key, _ in node.entries):
        return _switch(node, scope, use)
    return read_case(node, scope, use)


def _branches(fields: Fields, expected: str) -> tuple[Node, ...]:
    nodes = fields.items("when")
    if not nodes and not fields.has("when"):
        fields.missing("when", expected)
    elif not nodes:
        fields.problems.error(
            fields.place_of("when"),
            "a case needs at least one branch",
            "Write when: [{sql: ..., label: ...}].",
        )
    return nodes


def _branch(node: Node, scope: Scope, use: Use) -> CaseBranch | None:
    fields = read_entries(node, keys.CASE_BRANCH, scope.problems)
    if fields is None:
        return None
    when = scope.required_sql(fields, use)
    label = _label(fields, scope, use)
    return CaseBranch(when, label) if when is not None and label is not None else None


def _label(fields: Fields, scope: Scope, use: Use) -> str | Template | None:
    node = fields.node("label")
    if node is None:
        fields.missing("label", "a text or {sql: ...}")
        return None
    if isinstance(node, Entries):
        label_fields = read_entries(node, keys.LABEL, scope.problems)
        return scope.required_sql(label_fields, use) if label_fields else None
    return fields.text("label")


# ---------------------------------------------------------------- by a switch


def _switch(node: Node, scope: Scope, use: Use) -> SwitchCase | None:
    fields = read_entries(node, keys.SWITCH_CASE, scope.problems)
    if fields is None:
        return None
    switch = named_dimension(fields, "switch", scope)
    values = scope.names.switch_values(switch) if switch else None
    if switch and values is None:
        scope.problems.error(
            fields.place_of("switch"),
            f"'{switch}' is no switch",
            "Refer to a dimension of type switch; conditions on others are written as when: [{sql, label}].",
        )
    branches = [
        _switch_branch(item, scope, use, switch, values)
        for item in _branches(fields, "a list of {value, sql}")
    ]
    otherwise = None
    else_node = fields.node("else")
    if else_node is not None:
        else_fields = read_entries(else_node, keys.SWITCH_ELSE, scope.problems)
        otherwise = scope.required_sql(else_fields, use) if else_fields else None
    complete = tuple(branch for branch in branches if branch is not None)
    if switch is None or values is None or not complete or len(complete) < len(branches):
        return None
    return SwitchCase(switch, complete, otherwise, fields.place)


def _switch_branch(
    node: Node, scope: Scope, use: Use, switch: str | None, known: tuple[str, ...] | None
) -> tuple[tuple[str, ...], Template] | None:
    fields = read_entries(node, keys.SWITCH_BRANCH, scope.problems)
    if fields is None:
        return None
    values = _values(fields)
    for value in values:
        if known is not None and value.text not in known:
            scope.problems.error(
                value.place, f"'{switch}' has no value '{value.text}'", f"It is one of {', '.join(known)}."
            )
    sql = scope.required_sql(fields, use)
    return (tuple(value.text for value in values), sql) if values and sql is not None else None


def _values(fields: Fields) -> tuple[Scalar, ...]:
    """One value or a list of them."""
    node = fields.node("value")
    if node is None:
        fields.missing("value", "a value of the switch")
    nodes = node.items if isinstance(node, Items) else () if node is None else (node,)
    found = []
    for item in nodes:
        if isinstance(item, Scalar):
            found.append(item)
        else:
            fields.problems.error(
                item.place, "a value of a switch is a text", "List plain values, e.g. values: [EUR, USD]."
            )
    return tuple(found)
