"""Pieces of model SQL: text with slots, each slot resolved when the catalog is compiled.

A slot is a cube, a member, or something that a query fills: a claim of its security context, or its filters.
Whatever a query fills arrives as a bound parameter.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import msgspec


class Place(msgspec.Struct, frozen=True, gc=False):
    """Where something is written: file (relative to the project), 1-based line and column.

    Of a model's places there are hundreds of thousands, which lead nowhere: the garbage collector need not see them.
    """

    file: str
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class CubeReference:
    """``{CUBE}`` or ``{other}``: stands for the cube's alias in FROM, so that ``{CUBE}.col`` is a column.

    :param path: the join path to ``cube`` as written (``{a.b}`` gives ``("a", "b")``), else ``(cube,)``.
    """

    cube: str
    path: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MemberReference:
    """``{member}``, ``{cube.member}`` or ``{a.b.cube.member}``: stands for the member's SQL.

    :param member: the full name.
    :param path: the cubes of the join path, the member's cube last.
    :param granularity: for ``{time_dimension.day}``, a built-in or a custom one.
    """

    member: str
    path: tuple[str, ...]
    granularity: str | None = None


@dataclass(frozen=True, slots=True)
class CubeSqlReference:
    """``{cube.sql()}``: the cube's own relation, its ``sql`` in parentheses or its table."""

    cube: str


@dataclass(frozen=True, slots=True)
class ContextReference:
    """``{SECURITY_CONTEXT.a.b.filter('column')}``: a condition on a claim of whoever asks.

    :param claim: the path into the claims.
    :param form: ``filter``: the column equals the claim or is in it, always true without the claim and never with an
        empty list; ``required_filter``: the same, but without the claim the query is refused; ``unsafe_value``: the
        claim's text itself, as a bound value where the model's setting allows it.
    :param column: the SQL that is compared; None for ``unsafe_value``.
    :param arguments: for a function in place of the column (``lambda x: f'id = {x}'``): its one name; ``column`` then
        is the whole condition and holds :class:`ArgumentReference` slots, each for the claim's value, or for all
        values of a list with commas between them. Empty for a plain column.
    """

    claim: tuple[str, ...]
    form: Literal["filter", "required_filter", "unsafe_value"]
    column: Template | None = None
    arguments: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FilterReference:
    """``{FILTER_PARAMS.cube.member.filter('column')}``: the query's filter on the member, applied to ``column``.

    :param arguments: for a function in place of the column (``lambda x, y: ...``): the names that stand for the
        values in order; ``column`` then holds :class:`ArgumentReference` slots. Empty for a plain column.
    :param time_shift: for ``.time_shifts.name.filter``: the filter moved by that named shift.
    """

    member: str
    column: Template
    arguments: tuple[str, ...] = ()
    time_shift: str | None = None


@dataclass(frozen=True, slots=True)
class FilterGroupReference:
    """``{FILTER_GROUP(...)}``: the largest part of the query's filters that speaks of these members only, with
    ``or`` kept whole."""

    filters: tuple[FilterReference, ...]


@dataclass(frozen=True, slots=True)
class ArgumentReference:
    """The n-th value of a filter, inside a :class:`FilterReference` with arguments."""

    index: int


@dataclass(frozen=True, slots=True)
class ZoneReference:
    """``{SQL_UTILS.convertTz(x)}``: a time as civil time in the query's zone."""

    value: Template


@dataclass(frozen=True, slots=True)
class EncodedReference:
    """``{SQL_UTILS.urlEncode(x)}``: a value as part of a URL."""

    value: Template


Reference = CubeReference | MemberReference
"""What leads to other members and cubes."""

Filled = (
    CubeSqlReference
    | ContextReference
    | FilterReference
    | FilterGroupReference
    | ArgumentReference
    | ZoneReference
    | EncodedReference
)
"""What stands for something else than a member or an alias."""


@dataclass(frozen=True, slots=True)
class Template:
    """A piece of model SQL: literal text and resolved slots, in order.

    A whole SQL of one bare identifier (``sql: amount``) has been turned into ``{CUBE}.amount`` already.
    """

    parts: tuple[str | Reference | Filled, ...]
    place: Place

    @property
    def references(self) -> tuple[Reference, ...]:
        """The cubes and members referred to, those inside other slots included, in order of appearance."""
        found: list[Reference] = []
        for part in self.parts:
            if isinstance(part, CubeReference | MemberReference):
                found.append(part)
            else:
                for inner in inner_templates(part):
                    found += inner.references
        return tuple(found)

    @property
    def slots(self) -> tuple[Reference | Filled, ...]:
        """All that is not literal text, at the top level, in order of appearance."""
        return tuple(part for part in self.parts if not isinstance(part, str))


def inner_templates(part: str | Reference | Filled) -> tuple[Template, ...]:
    """The pieces of SQL that stand inside a slot."""
    match part:
        case ContextReference(column=Template() as column):
            return (column,)
        case FilterReference(column=column) | ZoneReference(value=column) | EncodedReference(value=column):
            return (column,)
        case FilterGroupReference(filters=filters):
            return tuple(each.column for each in filters)
    return ()
