"""Conditions in words, without their values."""

from __future__ import annotations

from collections.abc import Mapping

from cuboid.query.model import Condition, Junction, Operator, Predicate

_OPERATORS: Mapping[Operator, str] = {
    "in": "equals",
    "not_in": "does not equal",
    "contains": "contains",
    "not_contains": "does not contain",
    "starts_with": "starts with",
    "not_starts_with": "does not start with",
    "ends_with": "ends with",
    "not_ends_with": "does not end with",
    "gt": "is greater than",
    "gte": "is at least",
    "lt": "is less than",
    "lte": "is at most",
    "set": "is not NULL",
    "not_set": "is NULL",
    "in_range": "lies in a half-open range",
    "not_in_range": "lies outside a half-open range",
    "measure_filter": "counts the row",
}

_WITHOUT_VALUES = ("set", "not_set", "in_range", "not_in_range", "measure_filter")


def condition_words(condition: Condition) -> str:
    """The condition as a sentence without subject and values: ``users.city equals a value``."""
    if isinstance(condition, Junction):
        if not condition.items:
            return "always" if condition.operator == "and" else "never"
        parts = [_inner(item) for item in condition.items]
        return f" {condition.operator} ".join(parts)
    return _predicate(condition)


def _inner(condition: Condition) -> str:
    words = condition_words(condition)
    several = isinstance(condition, Junction) and len(condition.items) > 1
    return f"({words})" if several else words


def _predicate(predicate: Predicate) -> str:
    words = f"{predicate.member} {_OPERATORS[predicate.operator]}"
    if predicate.operator not in _WITHOUT_VALUES:
        count = len(predicate.slots)
        words += " a value" if count == 1 else f" one of {count} values"
    return f"{words}, or is NULL" if predicate.or_null else words
