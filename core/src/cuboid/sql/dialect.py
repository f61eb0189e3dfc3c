"""The dialect contract: what an engine's SQL says differently, on sqlglot trees, never on strings.

A plugin subclasses :class:`Dialect`. Two methods are abstract; the others have defaults that hold for
engines near the SQL standard and are overridden where the engine differs. What a dialect cannot say raises
:class:`cuboid.errors.UnsupportedFeature`. A dialect does no I/O and keeps no state.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar, Literal

from sqlglot import exp

from cuboid.errors import UnsupportedFeature
from cuboid.types import ParameterType, SemanticType, TimeKind, Value

PlaceholderStyle = Literal["qmark", "dollar", "format", "typed"]


class Dialect(ABC):
    """One engine's SQL.

    ``name`` is the registry's key; ``sqlglot`` the name of sqlglot's dialect for parsing and rendering;
    ``placeholders`` the style its driver's parameters take: ``?``, ``$1``, ``%s`` (a literal ``%`` is then doubled) or,
    where the server wants to know each parameter's type, ``{p1:Type}`` with what :meth:`parameter_type` says.
    """

    name: ClassVar[str]
    sqlglot: ClassVar[str]
    placeholders: ClassVar[PlaceholderStyle] = "qmark"
    max_identifier_bytes: ClassVar[int] = 63

    # ------------------------------------------------------------ time

    @abstractmethod
    def to_civil(self, value: exp.Expr, zone: str, kind: TimeKind) -> exp.Expr:
        """``value`` as a zoneless wall-clock timestamp in ``zone`` (an IANA name, already validated).

        ``instant`` and ``utc`` values are shifted to the zone; a ``date`` is not, it becomes its midnight. For
        ``utc`` the result must also be right if the column turns out to carry a zone or to be a date.
        """

    @abstractmethod
    def date_trunc(self, granularity: str, civil: exp.Expr) -> exp.Expr:
        """``civil`` (what :meth:`to_civil` gave) floored to one of the eight granularities, as a zoneless
        timestamp; weeks begin on Monday."""

    def epoch(self) -> exp.Expr:
        """The database's clock in seconds since 1970."""
        return exp.Extract(this=exp.var("EPOCH"), expression=exp.CurrentTimestamp())

    # ------------------------------------------------------------ values

    def parameter(self, placeholder: exp.Expr, type: ParameterType) -> exp.Expr:
        """``placeholder`` with the cast that gives it a definite type where it is compared with a column."""
        if type == "instant":
            return exp.cast(placeholder, exp.DataType.Type.TIMESTAMPTZ)
        if type == "utc" or type == "date":
            return exp.cast(placeholder, exp.DataType.Type.TIMESTAMP)
        return placeholder

    def parameter_type(self, value: Value) -> str:
        """What a ``typed`` placeholder calls the type of ``value``; no text of the value is ever in it."""
        raise NotImplementedError(f"The {self.name} dialect does not name the types of its typed placeholders.")

    def padding(self, type: SemanticType, donor: exp.Expr) -> exp.Expr:
        """A NULL that pads a UNION branch for a column of the given meaning.

        ``donor`` is a scalar subquery of the column's exact type that finds no row: a typed NULL on every engine.
        Engines whose UNION takes the type from the branch that has one return a bare NULL.
        """
        return donor

    def pick(self, value: exp.Expr, type: SemanticType) -> exp.Expr:
        """The aggregate that returns the one non-NULL value of a group in which all others are NULL."""
        return exp.Max(this=value)

    # ------------------------------------------------------------ strings

    def like(self, value: exp.Expr, pattern: exp.Expr) -> exp.Expr:
        """``value`` matches ``pattern`` without regard to case; ``\\`` escapes ``%``, ``_`` and itself."""
        return exp.Escape(this=exp.ILike(this=value, expression=pattern), expression=exp.Literal.string("\\"))

    # ------------------------------------------------------------ aggregates

    def count_distinct(self, value: exp.Expr) -> exp.Expr:
        """The number of distinct non-NULL values of one expression."""
        return exp.Count(this=exp.Distinct(expressions=[value]))

    def approx_count_distinct(self, value: exp.Expr) -> exp.Expr:
        """An approximate number of distinct values."""
        raise UnsupportedFeature(f"The {self.name} dialect has no approximate distinct count.")
