"""Conditions as SQL, in three-valued logic: a row passes if the whole is true."""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp

from cuboid.query.model import Condition, Junction, Predicate, Slot
from cuboid.sql.binding import Pattern, slot_mark
from cuboid.sql.dialect import Dialect
from cuboid.sql.templates import enclosed

_PATTERNS: dict[str, Pattern] = {
    "contains": "contains",
    "not_contains": "contains",
    "starts_with": "prefix",
    "not_starts_with": "prefix",
    "ends_with": "suffix",
    "not_ends_with": "suffix",
}


class Filters:
    """Lowers conditions for one dialect; ``value`` gives the SQL of a member by its full name."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect

    def condition(self, condition: Condition, value: Callable[[str], exp.Expr]) -> exp.Expr:
        """The condition as a boolean expression."""
        if isinstance(condition, Junction):
            parts = [self.condition(item, value) for item in condition.items]
            return exp.and_(*parts) if condition.operator == "and" else exp.or_(*parts)
        return self._predicate(condition, lambda: enclosed(value(condition.member)))

    def _predicate(self, predicate: Predicate, value: Callable[[], exp.Expr]) -> exp.Expr:
        test = self._test(predicate, value)
        is_null = exp.Is(this=value(), expression=exp.null()) if predicate.or_null else None
        if test is None:
            return is_null if is_null is not None else exp.false()
        return test if is_null is None else exp.or_(test, is_null)

    def _test(self, predicate: Predicate, value: Callable[[], exp.Expr]) -> exp.Expr | None:
        slots = predicate.slots
        match predicate.operator:
            case "set":
                return exp.Is(this=value(), expression=exp.null()).not_()
            case "not_set":
                return exp.Is(this=value(), expression=exp.null())
            case "in_range":
                start, end = (self._parameter(slot) for slot in slots)
                return exp.and_(exp.GTE(this=value(), expression=start), exp.LT(this=value(), expression=end))
            case "not_in_range":
                start, end = (self._parameter(slot) for slot in slots)
                return exp.or_(exp.LT(this=value(), expression=start), exp.GTE(this=value(), expression=end))
            case "gt" | "gte" | "lt" | "lte":
                comparison = {"gt": exp.GT, "gte": exp.GTE, "lt": exp.LT, "lte": exp.LTE}[predicate.operator]
                return comparison(this=value(), expression=self._parameter(slots[0]))
            case "in":
                return self._membership(slots, value)
            case "not_in":
                return self._exclusion(slots, value)
            case operator:
                pattern = _PATTERNS[operator]
                tests = [self._dialect.like(value(), self._parameter(slot, pattern)) for slot in slots]
                if not tests:
                    return None
                if operator.startswith("not_"):
                    return exp.and_(*(exp.Not(this=exp.Paren(this=test)) for test in tests))
                return exp.or_(*tests)

    def _membership(self, slots: tuple[Slot, ...], value: Callable[[], exp.Expr]) -> exp.Expr | None:
        if not slots:
            return None
        if len(slots) == 1:
            return exp.EQ(this=value(), expression=self._parameter(slots[0]))
        return exp.In(this=value(), expressions=[self._parameter(slot) for slot in slots])

    def _exclusion(self, slots: tuple[Slot, ...], value: Callable[[], exp.Expr]) -> exp.Expr | None:
        if not slots:
            return None
        if len(slots) == 1:
            return exp.NEQ(this=value(), expression=self._parameter(slots[0]))
        return exp.Not(this=exp.In(this=value(), expressions=[self._parameter(slot) for slot in slots]))

    def _parameter(self, slot: Slot, pattern: Pattern = "plain") -> exp.Expr:
        return self._dialect.parameter(slot_mark(slot, pattern), slot.type)
