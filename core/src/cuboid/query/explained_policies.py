"""Which access policies a question meets, in words: names of groups and conditions as the model has them, no values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from typing import Any

from cuboid.catalog.access import AccessPolicy, PolicyFilter, PolicyGroup
from cuboid.catalog.expressions import Expression
from cuboid.catalog.model import Catalog
from cuboid.query.access import named_members
from cuboid.query.model import Question
from cuboid.query.policies import Policies
from cuboid.query.words import condition_words
from cuboid.types import Principal


def explain_policies(
    question: Question, catalog: Catalog, principal: Principal, groups: Set[str], read: Sequence[str]
) -> list[dict[str, Any]]:
    """One entry for each cube or view with policies or filters that the question meets.

    :param groups: those that the principal is in.
    :param read: the cubes whose rows the plan reads.
    """
    named = {name.partition(".")[0] for name in named_members(question.query)}
    found = []
    for name in sorted({*named, *read}, key=lambda cube: catalog.cubes[cube].index):
        cube = catalog.cubes[name]
        rule = question.shape.access.rule(name)
        masks = [each.member for each in question.shape.access.masks if each.member.partition(".")[0] == name]
        if cube.access_policies is None and rule is None:
            continue
        entry: dict[str, Any] = {"cube": name, "policies": []}
        if cube.access_policies is not None:
            entry["policies"] = list(_policies(cube.access_policies, Policies(cube, principal, groups)))
        if rule is not None:
            entry["rows"] = rule.problem or condition_words(rule.condition)
        entry["masked"] = masks
        found.append(entry)
    return found


def _policies(declared: Sequence[AccessPolicy], policies: Policies) -> Iterator[dict[str, Any]]:
    for policy in declared:
        yield {
            "groups": list(policy.groups),
            "conditions": [each.text for each in policy.conditions],
            "applies": policy in policies.applicable,
            "rows": "all" if policy.row_level is None else _all(policy.row_level),
        }


def _all(items: Sequence[PolicyFilter | PolicyGroup], operator: str = "and") -> str:
    return f" {operator} ".join(map(_words, items)) or "all"


def _words(item: PolicyFilter | PolicyGroup) -> str:
    if isinstance(item, PolicyGroup):
        return f"({_all(item.items, item.operator)})"
    if item.values is None:
        return f"{item.member} {item.operator}"
    given = item.values if isinstance(item.values, tuple) else (item.values,)
    # A constant may be a secret of the model's author; an expression is only the name of a claim.
    values = [each.text if isinstance(each, Expression) else "a constant" for each in given]
    return f"{item.member} {item.operator} {', '.join(values)}"
