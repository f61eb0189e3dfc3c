"""Statements of constants, built as the planner builds its own: trees, slots, one dialect, binding."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlglot import exp
from sqlglot.errors import ErrorLevel

from cuboid.query.model import Slot
from cuboid.sql.binding import Pattern, prepare, slot_mark
from cuboid.sql.dialect import Dialect, number, text
from cuboid.sql.reading import aliased, column, identifier
from cuboid.types import Column, ParameterType, Scalar, SemanticType, Statement

SLOW = "cuboid_kit_slow"
"""The name in every slow statement, by which a server's list of running statements can be searched."""


class Composer:
    """Builds one statement; use once."""

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
        self._values: list[Scalar] = []

    def parameter(self, value: Scalar, type: ParameterType, pattern: Pattern = "plain") -> exp.Expr:
        """A bound value, typed as in a filter."""
        slot = Slot(len(self._values), type)
        self._values.append(value)
        return self.dialect.parameter(slot_mark(slot, pattern), type)

    def slot(self, value: int) -> exp.Expr:
        """A LIMIT or OFFSET."""
        self._values.append(value)
        return slot_mark(Slot(len(self._values) - 1, "integer"))

    def statement(self, tree: exp.Expr, *columns: tuple[str, SemanticType]) -> Statement:
        """The tree as text with its parameters, and what its columns mean."""
        text = tree.sql(dialect=self.dialect.sqlglot, unsupported_level=ErrorLevel.RAISE, pretty=True)
        result = tuple(Column(name, type) for name, type in columns)
        return prepare(text, self.dialect, result, "kit").bind(self._values)


def select(**columns: exp.Expr) -> exp.Select:
    """``SELECT value AS "name", …``."""
    return exp.Select().select(*(aliased(value, name) for name, value in columns.items()))


def table(rows: Sequence[exp.Select], name: str = "input") -> exp.Subquery:
    """The rows, each a SELECT of constants, as a FROM clause."""
    return union(rows).subquery(identifier(name), copy=False)


def union(rows: Sequence[exp.Select]) -> exp.Query:
    """``UNION ALL`` of the rows."""
    whole: exp.Query = rows[0]
    for row in rows[1:]:
        whole = exp.union(whole, row, distinct=False, copy=False)
    return whole


def numbered(values: Iterable[exp.Expr]) -> exp.Subquery:
    """A table ``input`` with the columns ``n`` (0, 1, …) and ``value``."""
    return table([select(n=number(n), value=value) for n, value in enumerate(values)])


def typed(value: str, type: str) -> exp.Expr:
    """A constant of a column's type, e.g. ``typed("1.50", "DECIMAL(10, 2)")``."""
    return exp.cast(text(value), exp.DataType.build(type))


def truth(value: bool) -> exp.Expr:
    """A truth value, on engines without literals for it too."""
    return exp.paren(exp.EQ(this=number(1), expression=number(1 if value else 0)))


def flag(condition: exp.Expr) -> exp.Expr:
    """1 where the condition is true, else 0."""
    return exp.Case().when(condition, "1").else_("0")


def digits(places: int) -> exp.Select:
    """``SELECT … FROM`` so many copies of the table of ten digits: 10 ** places rows, still without columns."""
    ten = [select(d=number(n)) for n in range(10)]
    source = exp.Select().with_("digits", as_=union(ten), copy=False).from_(_place(0), copy=False)
    for place in range(1, places):
        source = source.join(_place(place), join_type="CROSS", copy=False)
    return source


def index(places: int) -> exp.Expr:
    """0 to 10 ** places - 1: the number of a row of :func:`digits`; 32 bits hold nine places."""
    return _weighed(10**place for place in range(places))


def slow(dialect: Dialect, places: int) -> Statement:
    """Counts 10 ** places rows one by one: a remainder of all digits keeps optimizers from knowing the answer."""
    mixed = _weighed(7 * place + 1 for place in range(places))
    hit = exp.EQ(this=exp.Mod(this=mixed, expression=number(1009)), expression=number(1))
    counted = digits(places).select(aliased(exp.Count(this=exp.Star()), SLOW), copy=False)
    return Composer(dialect).statement(counted.where(hit, copy=False), (SLOW, "number"))


def _weighed(weights: Iterable[int]) -> exp.Expr:
    total = number(0)
    for place, weight in enumerate(weights):
        part = exp.Mul(this=column("d", f"t{place}"), expression=number(weight))
        total = exp.Add(this=total, expression=part)
    return exp.paren(total)


def _place(place: int) -> exp.Expr:
    return exp.alias_(exp.to_table("digits"), f"t{place}", table=True)
