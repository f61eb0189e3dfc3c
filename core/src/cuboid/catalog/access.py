"""Access policies: who may see which members and rows of a cube or view."""

from __future__ import annotations

from dataclasses import dataclass

from cuboid.catalog.expressions import Expression
from cuboid.catalog.pieces import Place, Template

Mask = str | int | float | bool | Template | None
"""What is shown in place of a value: a constant or SQL."""


@dataclass(frozen=True, slots=True)
class MemberLevel:
    """Short names of members: ``includes`` less ``excludes``; ``includes`` None means all of them."""

    includes: tuple[str, ...] | None = None
    excludes: tuple[str, ...] = ()

    def holds(self, member: str) -> bool:
        """Whether the member is among them."""
        return (self.includes is None or member in self.includes) and member not in self.excludes


@dataclass(frozen=True, slots=True)
class PolicyFilter:
    """One condition of ``row_level``: a member, an operator and values that are evaluated over the security context.

    :param values: literals or expressions; an expression that gives a list gives all its items.
    """

    member: str
    operator: str
    values: tuple[str | Expression, ...] | Expression | None
    place: Place


@dataclass(frozen=True, slots=True)
class PolicyGroup:
    """``and`` or ``or`` over filters."""

    operator: str
    items: tuple[PolicyFilter | PolicyGroup, ...]


@dataclass(frozen=True, slots=True)
class AccessPolicy:
    """One item of ``access_policy``.

    :param groups: to whom it applies; ``*`` is everybody.
    :param conditions: all must be true of the security context.
    :param member_level: members that are readable; None for all.
    :param masking: members that are readable masked.
    :param row_level: filters, all of which must hold; None for all rows.
    """

    groups: tuple[str, ...]
    place: Place
    conditions: tuple[Expression, ...] = ()
    member_level: MemberLevel | None = None
    masking: MemberLevel | None = None
    row_level: tuple[PolicyFilter | PolicyGroup, ...] | None = None
