"""Strategies for members: typed expressions over a cube's columns, its other members and its to-one cubes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st
from tests.oracle.cells import INTEGERS, LITERAL_TEXTS
from tests.oracle.expressions import (
    Arithmetic,
    Case,
    Coalesce,
    Column,
    Compare,
    Concat,
    Constant,
    Expression,
    IsNull,
    Logic,
    Ratio,
    Reference,
)
from tests.oracle.world import Dimension, Measure, MemberType, Segment, Table, TimeKind

MEMBER_TYPES: dict[str, MemberType] = {
    "integer": "number",
    "decimal": "number",
    "text": "string",
    "boolean": "boolean",
    "timestamp": "time",
    "timestamptz": "time",
    "date": "time",
}
TIME_KINDS: dict[str, TimeKind] = {"timestamptz": "instant", "date": "date"}


class Formulas:
    """Draws expressions of one cube. ``texts`` and ``numbers`` grow as dimensions are defined."""

    def __init__(self, draw: st.DrawFn, cube: str, table: Table, to_one: Sequence[str]) -> None:
        self.draw = draw
        self.cube = cube
        names = {column.name for column in table.columns}
        self.texts: list[Expression] = [Column(cube, "s"), Reference(cube, "s")]
        self.numbers: list[Expression] = [Column(cube, "n"), Reference(cube, "n")]
        self.flags: list[Expression] = [Column(cube, "flag")] if "flag" in names else []
        self.plain_numbers: list[Expression] = [Column(cube, "n"), Reference(cube, "n")]
        if "amount" in names:
            self.plain_numbers += [Column(cube, "amount"), Reference(cube, "amount")]
        if to_one:
            other = draw(st.sampled_from(to_one))
            self.texts += [Reference(other, "s")] * 2
            self.numbers += [Reference(other, "n")] * 2

    def text(self) -> Expression:
        base = self.draw(st.sampled_from(self.texts))
        constant = Constant(self.draw(st.sampled_from(LITERAL_TEXTS)))
        form = self.draw(st.sampled_from(("coalesce", "concat", "case", "nested")))
        if form == "coalesce":
            return Coalesce((base, constant))
        if form == "concat":
            return Concat((base, constant, self.draw(st.sampled_from(self.texts))))
        if form == "case":
            return Case(((self.condition(), base),), constant)
        return Coalesce((Concat((constant, base)), constant))

    def number(self) -> Expression:
        base = self.draw(st.sampled_from(self.numbers))
        constant = Constant(self.draw(st.sampled_from(INTEGERS)))
        form = self.draw(st.sampled_from(("+", "-", "*", "coalesce", "case")))
        if form == "coalesce":
            return Coalesce((base, constant))
        if form == "case":
            return Case(((self.condition(), base),), self.draw(st.sampled_from((None, constant))))
        return Arithmetic(form, base, constant)  # type: ignore[arg-type]

    def condition(self) -> Expression:
        number = self.draw(st.sampled_from(self.numbers))
        text = self.draw(st.sampled_from(self.texts))
        form = self.draw(st.sampled_from(("number", "text", "null", "logic", "flag")))
        limit = Constant(self.draw(st.sampled_from((0, 1, 2, 3))))
        if form == "flag" and self.flags:
            return self.flags[0]
        if form == "text":
            other = Constant(self.draw(st.sampled_from(("a", "A", "b", "", "o'neil"))))
            return Compare(self.draw(st.sampled_from(("=", "<>", "<"))), text, other)
        if form == "null":
            return IsNull(self.draw(st.sampled_from((number, text))), self.draw(st.booleans()))
        compared = Compare(self.draw(st.sampled_from((">", "<=", "=", "<>"))), number, limit)
        if form == "logic":
            return Logic(self.draw(st.sampled_from(("and", "or"))), (compared, IsNull(text)))
        return compared

    def labelled(self) -> Expression:
        """A case whose results are texts, for the model's ``case`` form."""
        first, second = (Constant(label) for label in self.draw(st.permutations(("low", "it's", "100%")))[:2])
        branches = ((self.condition(), first), (self.condition(), second))
        otherwise = Constant("other") if self.draw(st.booleans()) else None
        return Case(branches, otherwise)


@st.composite
def members_of(
    draw: st.DrawFn,
    cube: str,
    table: Table,
    to_one: Sequence[str],
    key: Sequence[str],
    joined: bool,
) -> dict[str, Any]:
    """Dimensions, measures and segments of a cube over its own table."""
    formulas = Formulas(draw, cube, table, to_one)
    dimensions = [
        Dimension(
            column.name,
            MEMBER_TYPES[column.type],
            Column(cube, column.name),
            primary_key=column.name in key,
            time_kind=TIME_KINDS.get(column.type, "utc"),
        )
        for column in table.columns
    ]
    for position in range(draw(st.integers(0, 3))):
        dimension = draw(derived_dimension(formulas, f"x{position}"))
        dimensions.append(dimension)
        if dimension.type == "string":
            formulas.texts.append(Reference(cube, dimension.name))
        elif dimension.type == "number":
            formulas.numbers.append(Reference(cube, dimension.name))
    segments = [Segment("chosen", formulas.condition())] if draw(st.booleans()) else []
    if not key and joined:
        # Without a key, absent rows cannot be told from rows of NULLs: only plain columns are safe to read.
        measures = [
            Measure("least", "min", Column(cube, "n")),
            Measure("kinds", "count_distinct", Column(cube, "s")),
        ]
    else:
        measures = draw(keyed_measures(formulas))
    return {"dimensions": tuple(dimensions), "measures": tuple(measures), "segments": tuple(segments)}


@st.composite
def derived_dimension(draw: st.DrawFn, formulas: Formulas, name: str) -> Dimension:
    """A dimension with a formula of its own."""
    form = draw(st.sampled_from(("text", "number", "boolean", "case")))
    if form == "text":
        return Dimension(name, "string", formulas.text())
    if form == "number":
        return Dimension(name, "number", formulas.number())
    if form == "boolean":
        return Dimension(name, "boolean", formulas.condition())
    return Dimension(name, "string", formulas.labelled(), as_case=True)


@st.composite
def keyed_measures(draw: st.DrawFn, formulas: Formulas) -> list[Measure]:
    """``count`` and up to four others; then up to two composed ones over exact whole numbers.

    Ratios divide whole numbers only: two ratios that are equal are then equal as floats too, so that order
    among groups is the same everywhere.
    """
    cube = formulas.cube
    measures = [Measure("count", "count")]
    whole = ["count"]
    for position in range(draw(st.integers(1, 4))):
        name = f"m{position}"
        filters = (formulas.condition(),) if draw(st.integers(0, 2)) == 0 else ()
        kind = draw(st.sampled_from(("sum", "sum", "avg", "min", "max", "count_distinct", "count")))
        expression: Expression
        if kind in ("count", "count_distinct"):
            plain = draw(st.sampled_from((formulas.texts[0], formulas.numbers[0])))
            expression = plain if draw(st.booleans()) else formulas.text()
            if kind == "count" and filters and draw(st.booleans()):
                measures.append(Measure(name, "count", None, filters))
                continue
        else:
            plain = draw(st.sampled_from(formulas.plain_numbers))
            expression = plain if draw(st.booleans()) else formulas.number()
            if kind == "sum" and not _is_decimal(expression):
                whole.append(name)
        measures.append(Measure(name, kind, expression, filters))  # type: ignore[arg-type]
    for position in range(draw(st.integers(0, 2))):
        left, right = (Reference(cube, draw(st.sampled_from(whole))) for _ in range(2))
        form = draw(st.sampled_from(("ratio", "difference", "coalesce")))
        composed: Expression = Ratio(left, right)
        if form == "difference":
            composed = Arithmetic("-", left, Coalesce((right, Constant(0))))
        elif form == "coalesce":
            composed = Coalesce((left, Constant(0)))
        measures.append(Measure(f"c{position}", "number", composed))
    return measures


def _is_decimal(expression: Expression) -> bool:
    match expression:
        case Column(_, "amount") | Reference(_, "amount"):
            return True
    return False


__all__ = ["Formulas", "members_of"]
