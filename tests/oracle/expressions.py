"""A small language for member SQL that both sides understand: it renders to model SQL and evaluates in Python.

Only constructs with one meaning on every engine are here. Evaluation is SQL's three-valued logic: None is
NULL, comparisons with NULL are NULL, ``and``/``or`` are Kleene's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Literal as OneOf

Value = None | bool | int | Decimal | float | str | date | datetime


@dataclass(frozen=True, slots=True)
class Column:
    """A raw column of a cube's table."""

    cube: str
    name: str


@dataclass(frozen=True, slots=True)
class Reference:
    """A member by name: a dimension in row expressions, a measure in composed ones."""

    cube: str
    member: str


@dataclass(frozen=True, slots=True)
class Constant:
    """A literal."""

    value: Value


@dataclass(frozen=True, slots=True)
class Compare:
    """``left op right``."""

    op: OneOf["=", "<>", "<", "<=", ">", ">="]
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """``left op right`` over exact numbers."""

    op: OneOf["+", "-", "*"]
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class Ratio:
    """Floating division; a zero divisor gives NULL."""

    dividend: Expression
    divisor: Expression


@dataclass(frozen=True, slots=True)
class Coalesce:
    """The first item that is not NULL."""

    items: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Case:
    """The value of the first branch whose condition is true."""

    branches: tuple[tuple[Expression, Expression], ...]
    otherwise: Expression | None


@dataclass(frozen=True, slots=True)
class Concat:
    """``||``: NULL if any item is NULL."""

    items: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class IsNull:
    """``item IS NULL``, or ``IS NOT NULL``."""

    item: Expression
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Logic:
    """Kleene ``AND`` / ``OR``."""

    op: OneOf["and", "or"]
    items: tuple[Expression, ...]


Expression = (
    Column | Reference | Constant | Compare | Arithmetic | Ratio | Coalesce | Case | Concat | IsNull | Logic
)

Lookup = Callable[[Column | Reference], Value]


@dataclass(frozen=True, slots=True)
class Spelling:
    """What SQL's dialects write differently.

    ``concatenation``: the operator ``||``, or the function CONCAT where that operator is OR. ``backslash``: one in a
    text literal is an escape, and has to be doubled.
    """

    concatenation: OneOf["operator", "function"] = "operator"
    backslash: bool = False


STANDARD = Spelling()


def truth_and(items: Iterator[bool | None]) -> bool | None:
    """Kleene conjunction: false wins, then NULL; nothing is true."""
    unknown = False
    for item in items:
        if item is False:
            return False
        unknown = unknown or item is None
    return None if unknown else True


def truth_or(items: Iterator[bool | None]) -> bool | None:
    """Kleene disjunction: true wins, then NULL; nothing is false."""
    unknown = False
    for item in items:
        if item is True:
            return True
        unknown = unknown or item is None
    return None if unknown else False


def compare(op: str, left: Value, right: Value) -> bool | None:
    """SQL comparison; texts by code point."""
    if left is None or right is None:
        return None
    if op == "=":
        return left == right
    if op == "<>":
        return left != right
    if op == "<":
        return left < right  # type: ignore[operator]
    if op == "<=":
        return left <= right  # type: ignore[operator]
    if op == ">":
        return left > right  # type: ignore[operator]
    return left >= right  # type: ignore[operator]


def evaluate(expression: Expression, lookup: Lookup) -> Value:
    """The value of ``expression`` where ``lookup`` gives columns and referenced members."""
    match expression:
        case Column() | Reference():
            return lookup(expression)
        case Constant(value):
            return value
        case Compare(op, left, right):
            return compare(op, evaluate(left, lookup), evaluate(right, lookup))
        case Arithmetic(op, left, right):
            return _arithmetic(op, evaluate(left, lookup), evaluate(right, lookup))
        case Ratio(dividend, divisor):
            top, bottom = evaluate(dividend, lookup), evaluate(divisor, lookup)
            return None if top is None or not bottom else float(top) / float(bottom)  # type: ignore[arg-type]
        case Coalesce(items):
            return next((v for item in items if (v := evaluate(item, lookup)) is not None), None)
        case Case(branches, otherwise):
            for condition, value in branches:
                if evaluate(condition, lookup) is True:
                    return evaluate(value, lookup)
            return None if otherwise is None else evaluate(otherwise, lookup)
        case Concat(items):
            texts = [evaluate(item, lookup) for item in items]
            return None if any(text is None for text in texts) else "".join(texts)  # type: ignore[arg-type]
        case IsNull(item, negated):
            return (evaluate(item, lookup) is None) is not negated
        case Logic(op, items):
            truths = (evaluate(item, lookup) for item in items)
            return (truth_and if op == "and" else truth_or)(truths)  # type: ignore[arg-type]


def _arithmetic(op: str, left: Value, right: Value) -> Value:
    if left is None or right is None:
        return None
    if op == "+":
        return left + right  # type: ignore[operator]
    return left - right if op == "-" else left * right  # type: ignore[operator]


def atoms(expression: Expression) -> Iterator[Column | Reference]:
    """Every column and member that ``expression`` names, in order of appearance."""
    match expression:
        case Column() | Reference():
            yield expression
        case Compare(_, left, right) | Arithmetic(_, left, right) | Ratio(left, right):
            yield from atoms(left)
            yield from atoms(right)
        case Coalesce(items) | Concat(items) | Logic(_, items):
            for item in items:
                yield from atoms(item)
        case Case(branches, otherwise):
            for condition, value in branches:
                yield from atoms(condition)
                yield from atoms(value)
            if otherwise is not None:
                yield from atoms(otherwise)
        case IsNull(item, _):
            yield from atoms(item)
        case Constant():
            return


def mapped(expression: Expression, change: Callable[[Column | Reference], Expression]) -> Expression:
    """``expression`` with something else for each column and member that it names."""

    def each(items: tuple[Expression, ...]) -> tuple[Expression, ...]:
        return tuple(mapped(item, change) for item in items)

    match expression:
        case Column() | Reference():
            return change(expression)
        case Compare(_, left, right) | Arithmetic(_, left, right):
            return replace(expression, left=mapped(left, change), right=mapped(right, change))
        case Ratio(dividend, divisor):
            return Ratio(*each((dividend, divisor)))
        case Coalesce(items) | Concat(items) | Logic(_, items):
            return replace(expression, items=each(items))
        case Case(branches, otherwise):
            pairs = tuple((mapped(condition, change), mapped(value, change)) for condition, value in branches)
            return Case(pairs, None if otherwise is None else mapped(otherwise, change))
        case IsNull(item, _):
            return replace(expression, item=mapped(item, change))
        case Constant():
            return expression


def to_sql(expression: Expression, cube: str, spelling: Spelling = STANDARD) -> str:
    """``expression`` as model SQL of ``cube``.

    Operands that are expressions of their own are put in parentheses; *references are not*, because
    keeping ``{a} * 2`` right when ``a`` is a sum is the planner's duty.
    """

    def sql(item: Expression) -> str:
        return to_sql(item, cube, spelling)

    def operand(item: Expression) -> str:
        text = sql(item)
        return f"({text})" if isinstance(item, Compare | Arithmetic | Concat | IsNull | Logic) else text

    match expression:
        case Column(owner, name):
            return f"{{CUBE}}.{name}" if owner == cube else f"{{{owner}}}.{name}"
        case Reference(owner, member):
            return f"{{{member}}}" if owner == cube else f"{{{owner}.{member}}}"
        case Constant(value):
            return literal_sql(value, spelling)
        case Compare(op, left, right) | Arithmetic(op, left, right):
            return f"{operand(left)} {op} {operand(right)}"
        case Ratio(dividend, divisor):
            return f"CAST({sql(dividend)} AS DOUBLE) / NULLIF({sql(divisor)}, 0)"
        case Coalesce(items):
            return f"COALESCE({', '.join(sql(item) for item in items)})"
        case Case(branches, otherwise):
            whens = " ".join(f"WHEN {sql(c)} THEN {sql(v)}" for c, v in branches)
            tail = "" if otherwise is None else f" ELSE {sql(otherwise)}"
            return f"CASE {whens}{tail} END"
        case Concat(items) if spelling.concatenation == "function":
            return f"CONCAT({', '.join(map(sql, items))})"
        case Concat(items):
            return " || ".join(operand(item) for item in items)
        case IsNull(item, negated):
            return f"{operand(item)} IS {'NOT ' if negated else ''}NULL"
        case Logic(op, items):
            return f" {op.upper()} ".join(operand(item) for item in items)


def literal_sql(value: Value, spelling: Spelling = STANDARD) -> str:
    """A literal; braces are escaped for the model's template language."""
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int | Decimal):
        return str(value)
    return quoted(str(value), spelling).replace("{", "\\{").replace("}", "\\}")


def quoted(text: str, spelling: Spelling) -> str:
    """A text literal."""
    doubled = text.replace("\\", "\\\\") if spelling.backslash else text
    return "'" + doubled.replace("'", "''") + "'"
