"""Who may see what, and SQL that a query fills: definitions. Rules 14 and 15 of docs/explanation/semantics.md."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Scalar = str | int | bool


@dataclass(frozen=True, slots=True)
class Claim:
    """In place of the values of a row filter: what the security context says of a name."""

    name: str


@dataclass(frozen=True, slots=True)
class ClaimTest:
    """A condition of a policy: ``security_context.<claim> <op> <value>``."""

    claim: str
    op: Literal["==", ">=", "in"]
    value: Scalar | tuple[Scalar, ...]

    @property
    def text(self) -> str:
        """As a model writes it."""
        value = list(self.value) if isinstance(self.value, tuple) else self.value
        return f"{{ security_context.{self.claim} {self.op} {value!r} }}"

    def holds(self, claims: Mapping[str, Any]) -> bool:
        """False for a claim that is not there."""
        said = claims.get(self.claim)
        if said is None:
            return False
        if self.op == "in":
            return said in self.value  # type: ignore[operator]
        return bool(said == self.value if self.op == "==" else said >= self.value)


@dataclass(frozen=True, slots=True)
class Policy:
    """``groups``: ``*`` is everybody. ``includes``, ``excludes``: short names of the members that are granted, all
    without ``includes``; ``masked``: those that are granted masked, None without ``member_masking``. ``filters``: the
    row filter, in the query's JSON form with full names and perhaps a :class:`Claim` as values; none opens all rows."""

    groups: tuple[str, ...]
    conditions: tuple[ClaimTest, ...] = ()
    includes: tuple[str, ...] | None = None
    excludes: tuple[str, ...] = ()
    masked: tuple[str, ...] | None = None
    filters: tuple[Mapping[str, Any], ...] = ()

    def full(self, member: str) -> bool:
        """Whether the member is granted with its value."""
        return (self.includes is None or member in self.includes) and member not in self.excludes

    def grants(self, member: str) -> bool:
        """Whether the member is granted, in full or masked."""
        return self.full(member) or member in (self.masked or ())


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks: the groups and the other claims of the security context."""

    groups: tuple[str, ...] = ()
    claims: Mapping[str, Any] = field(default_factory=dict)

    @property
    def context(self) -> dict[str, Any]:
        """The security context."""
        return {"groups": list(self.groups), **self.claims}


NOBODY = Principal()


@dataclass(frozen=True, slots=True)
class ClaimSlot:
    """``{SECURITY_CONTEXT.<claim>.filter('<column>')}`` in a cube's SELECT."""

    claim: str
    column: str


@dataclass(frozen=True, slots=True)
class ParamSlot:
    """``{FILTER_PARAMS.<member>.filter('<column>')}``; with several pairs a FILTER_GROUP of these."""

    pairs: tuple[tuple[str, str], ...]


Slot = ClaimSlot | ParamSlot
