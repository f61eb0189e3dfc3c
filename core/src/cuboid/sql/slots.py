"""What a query fills in the SQL of a model: claims of whoever asks, the query's own filters, its zone."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlglot import exp

from cuboid.catalog.model import Catalog, Dimension
from cuboid.catalog.pieces import (
    ArgumentReference,
    ContextReference,
    CubeSqlReference,
    EncodedReference,
    Filled,
    FilterGroupReference,
    FilterReference,
    MemberReference,
    Template,
    ZoneReference,
)
from cuboid.errors import Forbidden, InternalError
from cuboid.query.model import Access, Claim, Condition, Predicate, Slot, predicates
from cuboid.sql.binding import slot_mark
from cuboid.sql.dialect import Dialect
from cuboid.sql.filters import Filters
from cuboid.sql.templates import enclosed
from cuboid.sql.urls import url_encoded
from cuboid.types import TimeKind

Arguments = tuple[tuple[exp.Expr, ...], ...]
"""What the names of a function in the model stand for: each for one or more expressions."""

Expressed = Callable[[Template, Arguments], exp.Expr]
"""A piece of SQL inside a slot, in the scope of the slot, with what its arguments stand for."""


class SlotSql:
    """Renders the slots of one statement.

    :param zone: the query's time zone.
    """

    def __init__(self, catalog: Catalog, dialect: Dialect, access: Access, zone: str) -> None:
        self._catalog = catalog
        self._dialect = dialect
        self._access = access
        self._zone = zone
        self._filters = Filters(dialect)

    def render(
        self, part: Filled, conditions: Sequence[Condition], arguments: Arguments, expressed: Expressed
    ) -> list[exp.Expr]:
        """What stands in the slot's place; several expressions stand between commas.

        :param conditions: the row conditions of the relation that the SQL is part of.

        Raises :class:`Forbidden` for a claim that is required and missing, or that cannot be compared.
        """
        match part:
            case ArgumentReference(index=index):
                return [each.copy() for each in arguments[index]]
            case ContextReference(form="unsafe_value"):
                return self._values(self._claim(part)) or [exp.null()]
            case ContextReference():
                return [self._context(part, expressed)]
            case FilterReference():
                return [self._restated((part,), conditions, expressed)]
            case FilterGroupReference(filters=filters):
                return [self._restated(filters, conditions, expressed)]
            case ZoneReference(value=value):
                kind = self._time_kind(value)
                return [self._dialect.to_civil(expressed(value, ()), self._zone, kind)]
            case EncodedReference(value=value):
                return [url_encoded(expressed(value, ()))]
            case CubeSqlReference(cube=cube):
                raise InternalError(f"The relation of '{cube}' was not put into its place.")

    # ------------------------------------------------------------ claims

    def _context(self, part: ContextReference, expressed: Expressed) -> exp.Expr:
        claim = self._claim(part)
        assert part.column is not None
        if claim.form == "missing":
            if part.form == "required_filter":
                raise Forbidden(
                    f"The claim '{_dotted(part)}' is required and the security context does not have it.",
                    hint="Ask with a token that names it.",
                )
            return always()
        values = self._values(claim)
        if not values:
            return exp.EQ(this=exp.Literal.number(1), expression=exp.Literal.number(0))
        if part.arguments:
            return expressed(part.column, (tuple(values),))
        column = enclosed(expressed(part.column, ()))
        if len(values) == 1:
            return exp.EQ(this=column, expression=values[0])
        return self._dialect.is_in(column, values, claim.slots[0].type)

    def _claim(self, part: ContextReference) -> Claim:
        claim = self._access.claim(part.claim)
        if claim is None:
            raise InternalError(f"The claim '{_dotted(part)}' was not read.")
        if claim.form == "unfit":
            raise Forbidden(
                f"The claim '{_dotted(part)}' must be a text, a number, true or false, or a list of such values of "
                "one type.",
                hint="It is compared with a column of the database.",
            )
        return claim

    def _values(self, claim: Claim) -> list[exp.Expr]:
        return [self._parameter(slot) for slot in claim.slots]

    def _parameter(self, slot: Slot) -> exp.Expr:
        return self._dialect.parameter(slot_mark(slot), slot.type)

    # ------------------------------------------------------------ the query's filters

    def _restated(
        self, filters: Sequence[FilterReference], conditions: Sequence[Condition], expressed: Expressed
    ) -> exp.Expr:
        """Those of the conditions that test the filters' members only, on the filters' columns instead."""
        by_member = {self._catalog.origin(each.member): each for each in filters}
        parts: list[exp.Expr] = []
        for condition in conditions:
            tested = [self._catalog.origin(each.member) for each in predicates(condition)]
            if not tested or not by_member.keys() >= set(tested):
                continue
            if any(self._access.mask(each.member) is not None for each in predicates(condition)):
                continue  # it tests what the principal sees, and the column here is the true value
            if all(
                self._can_restate(each, by_member[self._catalog.origin(each.member)])
                for each in predicates(condition)
            ):
                parts.append(self._condition(condition, by_member, expressed))
        return exp.and_(*parts) if parts else always()

    def _condition(
        self, condition: Condition, by_member: dict[str, FilterReference], expressed: Expressed
    ) -> exp.Expr:
        if not isinstance(condition, Predicate):
            parts = [self._condition(each, by_member, expressed) for each in condition.items]
            return exp.and_(*parts) if condition.operator == "and" else exp.or_(*parts)
        part = by_member[self._catalog.origin(condition.member)]
        if not part.arguments:
            return self._filters.condition(condition, lambda name: expressed(part.column, ()))
        if condition.operator == "in_range":
            start, end = condition.slots
            # Functions compare with the end itself, as in `BETWEEN`: they are given the last moment.
            last = self._dialect.parameter(slot_mark(end, "last"), end.type)
            return enclosed(expressed(part.column, ((self._parameter(start),), (last,))))
        tests = [enclosed(expressed(part.column, ((self._parameter(slot),),))) for slot in condition.slots]
        return exp.or_(*tests)

    def _can_restate(self, predicate: Predicate, part: FilterReference) -> bool:
        """A function is written for the values of `equals` or for both ends of a range, and for nothing else."""
        if part.time_shift is not None:
            return False
        if not part.arguments:
            return predicate.operator != "measure_filter"
        if predicate.operator == "in_range":
            return len(part.arguments) == 2
        return predicate.operator == "in" and not predicate.or_null and len(part.arguments) == 1

    def _time_kind(self, value: Template) -> TimeKind:
        """What the SQL holds: as the time dimension that it refers to, else a zoneless UTC time."""
        for reference in value.references:
            member = (
                self._catalog.member(reference.member) if isinstance(reference, MemberReference) else None
            )
            if isinstance(member, Dimension) and member.type == "time":
                return member.time_kind
        return "utc"


def always() -> exp.Expr:
    """``1 = 1``: every engine has it."""
    return exp.EQ(this=exp.Literal.number(1), expression=exp.Literal.number(1))


def _dotted(part: ContextReference) -> str:
    return ".".join(part.claim)
