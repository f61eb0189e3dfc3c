"""Access policies of one cube or view for one principal: which apply, what they grant, which rows they open."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Set

from cuboid.catalog.access import AccessPolicy, PolicyFilter, PolicyGroup
from cuboid.catalog.expressions import Expression
from cuboid.catalog.model import Cube, Dimension, Measure, Member, Segment
from cuboid.catalog.pieces import Place
from cuboid.errors import Forbidden, UserError
from cuboid.query.claims import model_claims
from cuboid.query.conditions import FilterTree, Scope, condition, resolve
from cuboid.query.filters import written
from cuboid.query.model import ALWAYS, NEVER, Condition, Filter, FilterGroup, Junction
from cuboid.types import Principal


class Policies:
    """The policies of ``cube`` that apply to ``principal``, who is in ``groups``.

    Raises :class:`Forbidden` for a condition that is neither true nor false; what is missing from the context is false.
    """

    def __init__(self, cube: Cube, principal: Principal, groups: Set[str]) -> None:
        self.cube = cube
        self._claims = model_claims(principal)
        self._applicable = tuple(
            policy
            for policy in cube.access_policies or ()
            if ("*" in policy.groups or any(each in groups for each in policy.groups))
            and all(self._holds(each) for each in policy.conditions)
        )

    @property
    def applicable(self) -> tuple[AccessPolicy, ...]:
        """Those that apply."""
        return self._applicable

    def full(self, member: Member) -> tuple[AccessPolicy, ...]:
        """Those that grant the member as it is."""
        return tuple(
            policy
            for policy in self._applicable
            if policy.member_level is None or policy.member_level.holds(_granted_as(member))
        )

    def masked(self, member: Member) -> tuple[AccessPolicy, ...]:
        """Those that grant the member under a mask; a segment has no value that could be masked."""
        if isinstance(member, Segment):
            return ()
        return tuple(
            policy
            for policy in self._applicable
            if policy.masking is not None
            and policy.masking.holds(_granted_as(member))
            and not (policy.member_level is None or policy.member_level.holds(_granted_as(member)))
        )

    def readable(self, member: Member) -> bool:
        """Whether some policy grants the member, masked or not."""
        return self.cube.access_policies is None or bool(self.full(member) or self.masked(member))

    def rows(self, scope: Scope, policies: Iterable[AccessPolicy] | None = None) -> Condition:
        """Which rows these policies open, by default all that apply: those that any of them does.

        Raises :class:`Forbidden` where a filter cannot be applied.
        """
        opened = [
            self._opened(policy, scope) for policy in (self._applicable if policies is None else policies)
        ]
        return any_of(opened)

    def _holds(self, expression: Expression) -> bool:
        value = expression.value(self._claims)
        if value is None:
            return False
        if not isinstance(value, bool):
            raise Forbidden(
                f"A condition of the access policies of '{self.cube.name}' is neither true nor false for this security "
                f"context: {expression.text}",
                hint=f"Compare in the condition, as in security_context.team == 'x' ({_shown(expression.place)}).",
            )
        return value

    # ------------------------------------------------------------ rows

    def _opened(self, policy: AccessPolicy, scope: Scope) -> Condition:
        if policy.row_level is None:
            return ALWAYS
        return all_of([self._condition(item, scope) for item in policy.row_level])

    def _condition(self, item: PolicyFilter | PolicyGroup, scope: Scope) -> Condition:
        if isinstance(item, PolicyGroup):
            parts = [self._condition(each, scope) for each in item.items]
            return all_of(parts) if item.operator == "and" else any_of(parts)
        if item.values is None:
            return stated(Filter(item.member, item.operator, None, "access_policy"), self.cube.name, scope)
        values = tuple(self._values(item))
        if not values:  # a filter on a claim that is missing lets nothing through, whatever its operator
            return NEVER
        return stated(Filter(item.member, item.operator, values, "access_policy"), self.cube.name, scope)

    def _values(self, item: PolicyFilter) -> Iterator[str]:
        given = item.values if isinstance(item.values, tuple) else (item.values,)
        for each in given:
            found = each.value(self._claims) if isinstance(each, Expression) else each
            for value in found if isinstance(found, list | tuple) else (found,):
                text = None if isinstance(value, Mapping | list | tuple) else written(value)
                if text is not None:
                    yield text
                elif value is not None:
                    raise Forbidden(
                        f"An access policy of '{self.cube.name}' compares '{item.member}' with a value of the security "
                        "context that is neither a text, a number, true or false, nor a list of these.",
                        hint=f"The filter is at {_shown(item.place)}.",
                    )


def _granted_as(member: Member) -> str:
    """The name by which policies speak of the member: a link is granted with its dimension."""
    return member.stands_for if isinstance(member, Dimension) else member.name


def stated(tree: FilterTree, cube: str, scope: Scope) -> Condition:
    """The condition that a filter of a policy or plugin on ``cube`` stands for. Raises :class:`Forbidden`."""
    for leaf in leaves(tree):
        if isinstance(scope.catalog.member(leaf.member), Measure):
            raise Forbidden(
                f"The access rules of '{cube}' filter by the measure '{leaf.member}', which no row has.",
                hint="Filter by a dimension.",
            )
    try:
        return condition(resolve(tree, scope), scope) or ALWAYS
    except UserError as error:
        raise Forbidden(
            f"The access rules of '{cube}' cannot be applied: {error.message}", hint=error.hint
        ) from None


def leaves(tree: FilterTree) -> Iterator[Filter]:
    """The filters of a tree."""
    if isinstance(tree, FilterGroup):
        for item in tree.items:
            yield from leaves(item)
    else:
        yield tree


def any_of(conditions: Iterable[Condition]) -> Condition:
    """One of the conditions holds."""
    parts = tuple(dict.fromkeys(each for each in conditions if each != NEVER))
    if ALWAYS in parts:
        return ALWAYS
    return parts[0] if len(parts) == 1 else Junction("or", parts)


def all_of(conditions: Iterable[Condition]) -> Condition:
    """All of the conditions hold."""
    parts = tuple(dict.fromkeys(each for each in conditions if each != ALWAYS))
    if NEVER in parts:
        return NEVER
    return parts[0] if len(parts) == 1 else Junction("and", parts)


def _shown(place: Place) -> str:
    return f"{place.file}:{place.line}"
