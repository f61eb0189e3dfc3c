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


MemberValue = Callable[[str], exp.Expr]
"""The SQL of a member by its full name."""

ParameterValue = Callable[[str, Slot, exp.Expr], exp.Expr]
"""What a member is compared with: given the member, the slot and the typed placeholder."""


class Filters:
    """Lowers conditions for one dialect.

    :param adapt: changes what a member is compared with, where the member's value was changed likewise.
    """

    def __init__(
        self, dialect: Dialect, adapt: ParameterValue = lambda member, slot, placeholder: placeholder
    ) -> None:
        self._dialect = dialect
        self._adapt = adapt

    def condition(self, condition: Condition, value: MemberValue) -> exp.Expr:
        """The condition as a boolean expression over the members' values."""
        if isinstance(condition, Junction):
            parts = [self.condition(item, value) for item in condition.items]
            if not parts:
                return exp.true() if condition.operator == "and" else exp.false()
            return exp.and_(*parts) if condition.operator == "and" else exp.or_(*parts)
        return self._predicate(condition, lambda: enclosed(value(condition.member)))

    def _predicate(self, predicate: Predicate, value: Callable[[], exp.Expr]) -> exp.Expr:
        test = self._test(predicate, value)
        is_null = exp.Is(this=value(), expression=exp.null()) if predicate.or_null else None
        if test is None:
            return is_null if is_null is not None else exp.false()
        return test if is_null is None else exp.or_(test, is_null)

    def _test(self, predicate: Predicate, value: Callable[[], exp.Expr]) -> exp.Expr | None:
        member = predicate.member
        slots = predicate.slots
        match predicate.operator:
            case "measure_filter":  # the member's value is the test
                return value()
            case "set":
                return exp.Is(this=value(), expression=exp.null()).not_()
            case "not_set":
                return exp.Is(this=value(), expression=exp.null())
            case "in_range":
                start, end = (self._parameter(member, slot) for slot in slots)
                return exp.and_(exp.GTE(this=value(), expression=start), exp.LT(this=value(), expression=end))
            case "not_in_range":
                start, end = (self._parameter(member, slot) for slot in slots)
                return exp.or_(exp.LT(this=value(), expression=start), exp.GTE(this=value(), expression=end))
            case "gt" | "gte" | "lt" | "lte":
                comparison = {"gt": exp.GT, "gte": exp.GTE, "lt": exp.LT, "lte": exp.LTE}[predicate.operator]
                return comparison(this=value(), expression=self._parameter(member, slots[0]))
            case "in":
                return self._membership(member, slots, value)
            case "not_in":
                return self._exclusion(member, slots, value)
            case operator:
                pattern = _PATTERNS[operator]
                tests = [
                    self._dialect.like(value(), self._parameter(member, slot, pattern)) for slot in slots
                ]
                if not tests:
                    return None
                if operator.startswith("not_"):
                    return exp.and_(*(exp.Not(this=exp.Paren(this=test)) for test in tests))
                return exp.or_(*tests)

    def _membership(
        self, member: str, slots: tuple[Slot, ...], value: Callable[[], exp.Expr]
    ) -> exp.Expr | None:
        if not slots:
            return None
        if len(slots) == 1:
            return exp.EQ(this=value(), expression=self._parameter(member, slots[0]))
        return self._dialect.is_in(value(), [self._parameter(member, slot) for slot in slots], slots[0].type)

    def _exclusion(
        self, member: str, slots: tuple[Slot, ...], value: Callable[[], exp.Expr]
    ) -> exp.Expr | None:
        if not slots:
            return None
        if len(slots) == 1:
            return exp.NEQ(this=value(), expression=self._parameter(member, slots[0]))
        parameters = [self._parameter(member, slot) for slot in slots]
        return exp.Not(this=self._dialect.is_in(value(), parameters, slots[0].type))

    def _parameter(self, member: str, slot: Slot, pattern: Pattern = "plain") -> exp.Expr:
        return self._adapt(member, slot, self._dialect.parameter(slot_mark(slot, pattern), slot.type))
