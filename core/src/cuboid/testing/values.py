"""Parameters on their way in, cells on their way out."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from sqlglot import exp

from cuboid.errors import CuboidError, DriverError, QueryFailed
from cuboid.sql.dialect import number, text
from cuboid.sql.reading import column
from cuboid.testing.compose import flag, numbered, select, truth, typed
from cuboid.testing.live import Open, live, wrong_cells
from cuboid.testing.subject import Subject
from cuboid.types import ParameterType, Scalar, SemanticType

TEXTS = (
    "",
    " ",
    "plain",
    "it's",
    "''",
    "'; SELECT 1 --",
    'say "hello"',
    "`tick`",
    "50%",
    "%s %d %(name)s %%",
    "under_score",
    "back\\slash",
    "\\",
    "\\'",
    "\\\\n",
    "new\nline",
    "carriage\r\nreturn",
    "tab\there",
    "? ?? $1 :name {p1:String} @x #{y}",
    "/* comment */ -- comment",
    "Größe Ω Ж 日本 עברית",
    "😀👩‍👩‍👧",
    "e\u0301 is not \u00e9",
    "\u2028\u00a0\ufeff",
    "null",
    "NULL",
    "true",
    "2024-01-01",
    "007",
    "x" * 70_000,
)

INTEGERS = (0, 1, -1, 127, -128, 2**31, -(2**31) - 1, 2**53 + 1, 10**15, 2**63 - 1, -(2**63))

DECIMALS = (
    Decimal("0.1"),
    Decimal("-0.1"),
    Decimal("1.50"),
    Decimal("0.000001"),
    Decimal("99999999.99"),
    Decimal("-123456789012.345"),
)
"""Fifteen digits at most: right on engines whose only fractions are binary, too."""

EXACT = (
    Decimal("9" * 38),
    Decimal("-" + "9" * 38),
    Decimal("12345678901234567890123456789.123456789"),
    Decimal("0." + "0" * 10 + "1" * 20),
    Decimal("12345678." + "1" * 30),  # some engines store no more than 30 places
    Decimal("9007199254740993.5"),
)

FLOATS = (0.0, 0.1, -2.5, 1e-300, 1.7976931348623157e308, 3.141592653589793, 1 / 3)

TIMES = (
    datetime(1970, 1, 1),
    datetime(2020, 2, 29, 12, 30, 15),
    datetime(2021, 12, 31, 23, 59, 59, 999000),
    datetime(2037, 6, 15, 1, 2, 3, 500000),
    datetime(1969, 12, 31, 23, 59, 59),
    datetime(1930, 1, 1),
)


class Values(Subject):
    """What a filter binds and what an answer holds."""

    # ------------------------------------------------------------ parameters

    @live
    async def test_texts_come_back_as_they_went_in(self, source: Open) -> None:
        composer = source.composer()
        tree = numbered(composer.parameter(each, "string") for each in TEXTS)
        rows = await source.rows(
            composer,
            select(n=column("n"), value=column("value")).from_(tree).order_by("1"),
            ("n", "number"),
            ("value", "string"),
        )
        assert not wrong_cells([row[1:] for row in rows], [(each,) for each in TEXTS], TEXTS)

    @pytest.mark.parametrize("value", ["nul \0 inside", "\ud800"], ids=["NUL", "half a character"])
    @live
    async def test_text_that_an_engine_may_not_hold_comes_back_or_is_an_error(
        self, source: Open, value: str
    ) -> None:
        composer = source.composer()
        try:
            rows = await source.rows(
                composer, select(value=composer.parameter(value, "string")), ("value", "string")
            )
        except QueryFailed:
            rows = [(value,)]
        assert rows == [(value,)]
        assert await source.one() == 1

    @live
    async def test_texts_are_compared_as_they_are(self, source: Open) -> None:
        """A parameter equals the same text in the statement itself, quoted by the dialect, and not another."""
        plain = [each for each in TEXTS if len(each) < 100]
        for value in plain:
            composer = source.composer()
            same = exp.EQ(this=composer.parameter(value, "string"), expression=text(value))
            other = exp.EQ(this=composer.parameter(value + "x", "string"), expression=text(value))
            rows = await source.rows(
                composer, select(same=flag(same), other=flag(other)), ("same", "number"), ("other", "number")
            )
            assert rows == [(1, 0)], value

    @live
    async def test_integers_of_64_bits_come_back_and_compare_exactly(self, source: Open) -> None:
        composer = source.composer()
        tree = numbered(composer.parameter(each, "number") for each in INTEGERS)
        picked = select(n=column("n"), value=exp.cast(column("value"), exp.DataType.Type.BIGINT))
        rows = await source.rows(
            composer, picked.from_(tree).order_by("1"), ("n", "number"), ("value", "number")
        )
        assert not wrong_cells([row[1:] for row in rows], [(each,) for each in INTEGERS], INTEGERS)
        assert {type(row[1]) for row in rows} == {int}
        for value in INTEGERS:
            near = value + 1 if value < 2**63 - 1 else value - 1
            await _compares(source, value, near, "BIGINT")

    @live
    async def test_decimals_compare_exactly(self, source: Open) -> None:
        for value in DECIMALS:
            last = Decimal(1).scaleb(int(value.as_tuple().exponent))
            await _compares(source, value, value + last, "DECIMAL(38, 9)")

    @pytest.mark.parametrize("value", EXACT, ids=str)
    @live
    async def test_decimals_of_38_digits_are_exact_or_an_error(self, source: Open, value: Decimal) -> None:
        _, digits, exponent = value.as_tuple()
        assert isinstance(exponent, int)
        type = f"DECIMAL(38, {-exponent})"
        near = Decimal((0 if value > 0 else 1, (*digits[:-1], digits[-1] - 1 if digits[-1] else 1), exponent))
        if self.can("exact_decimals"):
            await _compares(source, value, near, type)
            rows = await source.rows(
                source.composer(), select(value=typed(format(value, "f"), type)), ("value", "number")
            )
            assert rows == [(value,)]
            assert isinstance(rows[0][0], Decimal | int)
        else:
            with pytest.raises(CuboidError):
                await _compares(source, value, near, type)

    @live
    async def test_floats_compare_with_floats(self, source: Open) -> None:
        for value in FLOATS:
            composer = source.composer()
            constant = exp.cast(text(repr(value)), exp.DataType.Type.DOUBLE)
            same = exp.EQ(this=constant, expression=composer.parameter(value, "number"))
            more = exp.LT(this=constant.copy(), expression=composer.parameter(abs(value) * 1.5 + 1, "number"))
            tests = select(same=flag(same), more=flag(more) if abs(value) < 1e308 else number(1))
            assert await source.rows(composer, tests, ("same", "number"), ("more", "number")) == [(1, 1)], (
                value
            )

    @live
    async def test_truth_values_compare_with_conditions(self, source: Open) -> None:
        for value in (True, False):
            composer = source.composer()
            same = exp.EQ(this=truth(value), expression=composer.parameter(value, "boolean"))
            other = exp.EQ(this=truth(not value), expression=composer.parameter(value, "boolean"))
            tests = select(same=flag(same), other=flag(other))
            assert await source.rows(composer, tests, ("same", "number"), ("other", "number")) == [(1, 0)]

    @pytest.mark.parametrize("kind", ["instant", "utc", "date"])
    @live
    async def test_times_come_back_as_they_went_in(self, source: Open, kind: ParameterType) -> None:
        composer = source.composer()
        bound = [each.replace(tzinfo=UTC) if kind == "instant" else each for each in TIMES]
        tree = numbered(composer.parameter(each, kind) for each in bound)
        rows = await source.rows(
            composer,
            select(n=column("n"), value=column("value")).from_(tree).order_by("1"),
            ("n", "number"),
            ("value", "time"),
        )
        assert not wrong_cells([row[1:] for row in rows], [(each,) for each in TIMES], TIMES)

    @live
    async def test_an_instant_is_the_same_in_every_zone(self, source: Open) -> None:
        there = timezone(timedelta(hours=5, minutes=45))
        composer = source.composer()
        here = datetime(2024, 7, 1, 12, tzinfo=UTC)
        same = exp.EQ(
            this=composer.parameter(here, "instant"),
            expression=composer.parameter(here.astimezone(there), "instant"),
        )
        assert await source.rows(composer, select(same=flag(same)), ("same", "number")) == [(1,)]

    @pytest.mark.parametrize("kind", ["instant", "utc", "date"])
    @live
    async def test_times_are_compared_to_the_millisecond(self, source: Open, kind: ParameterType) -> None:
        """The last millisecond of a range belongs to it, the first of the next does not."""
        end = datetime(2024, 1, 1, tzinfo=UTC if kind == "instant" else None)
        composer = source.composer()
        last = composer.parameter(end - timedelta(milliseconds=1), kind)
        before = exp.LT(this=last, expression=composer.parameter(end, kind))
        equal = exp.LT(this=composer.parameter(end, kind), expression=composer.parameter(end, kind))
        tests = select(before=flag(before), equal=flag(equal))
        assert await source.rows(composer, tests, ("before", "number"), ("equal", "number")) == [(1, 0)]

    @pytest.mark.parametrize("type", ["string", "number", "boolean", "instant", "utc", "date"])
    @live
    async def test_none_is_null(self, source: Open, type: ParameterType) -> None:
        """It neither equals a value nor differs from it."""
        constants = {"string": text("x"), "number": number(1), "boolean": truth(True)}
        composer = source.composer()
        moment = datetime(2024, 1, 1, tzinfo=UTC if type == "instant" else None)
        constant = constants[type] if type in constants else composer.parameter(moment, type)
        equal = exp.EQ(this=constant, expression=composer.parameter(None, type))
        other = exp.NEQ(this=constant.copy(), expression=composer.parameter(None, type))
        tests = select(equal=flag(equal), other=flag(other))
        assert await source.rows(composer, tests, ("equal", "number"), ("other", "number")) == [(0, 0)]

    @live
    async def test_percent_signs_in_the_statement_are_themselves(self, source: Open) -> None:
        """With and without parameters: a client library may read placeholders in one case only."""
        composer = source.composer()
        tree = select(value=text("100% %s %%"), left=exp.Mod(this=number(7), expression=number(4)))
        due = ("100% %s %%", 3)
        columns = (("value", "string"), ("left", "number"))
        assert await source.rows(composer, tree, *columns) == [due]  # type: ignore[arg-type]
        composer = source.composer()
        tree = tree.select(exp.alias_(composer.parameter("%d", "string"), "more", quoted=True))
        assert await source.rows(composer, tree, *columns, ("more", "string")) == [(*due, "%d")]  # type: ignore[arg-type]

    @live
    async def test_quotes_and_backslashes_in_the_statement_are_themselves(self, source: Open) -> None:
        for value in ("it's", "\\", "a\\'b", 'x"y`z', "line\nline", "\\n", "? $1 {p:String}", "/* x */ --"):
            rows = await source.rows(source.composer(), select(value=text(value)), ("value", "string"))
            assert rows == [(value,)]

    # ------------------------------------------------------------ cells

    @live
    async def test_cells_have_semantic_types(self, source: Open) -> None:
        moment = datetime(2024, 2, 29, 12, 30, 15, 123000)
        composer = source.composer()
        columns: dict[str, tuple[exp.Expr, SemanticType, Scalar]] = {
            "whole": (typed("42", "BIGINT"), "number", 42),
            "approximate": (exp.cast(text("2.5"), exp.DataType.Type.DOUBLE), "number", 2.5),
            "letters": (exp.cast(text("Größe"), exp.DataType.Type.TEXT), "string", "Größe"),
            "yes": (truth(True), "boolean", True),
            "no": (truth(False), "boolean", False),
            "day": (typed("2024-02-29", "DATE"), "time", datetime(2024, 2, 29)),
            "wall": (composer.parameter(moment, "utc"), "time", moment),
            "instant": (composer.parameter(moment.replace(tzinfo=UTC), "instant"), "time", moment),
            "counted": (exp.Count(this=exp.Star()), "number", 1),
            "nothing": (exp.null(), "string", None),
        }
        tree = select(**{name: value for name, (value, _, _) in columns.items()})
        statement = composer.statement(tree, *((name, type) for name, (_, type, _) in columns.items()))
        result = await source.run(statement)
        assert result.columns == tuple(columns)
        (row,) = result.rows
        for (name, (_, _, due)), cell in zip(columns.items(), row, strict=True):
            assert cell == due, name
            assert type(cell) is type(due), f"{name} is a {type(cell).__name__}, not a {type(due).__name__}"
        assert result.finished_at.tzinfo is not None

    @live
    async def test_every_type_has_nulls(self, source: Open) -> None:
        composer = source.composer()
        types = ("BIGINT", "DECIMAL(10, 2)", "DOUBLE", "TEXT", "DATE")
        nulls: dict[str, exp.Expr] = {
            f"c{n}": exp.cast(exp.null(), exp.DataType.build(type)) for n, type in enumerate(types)
        }
        nulls["c5"] = exp.EQ(this=composer.parameter(None, "number"), expression=number(1))
        nulls["c6"] = composer.parameter(None, "utc")
        types_ = ("number", "number", "number", "string", "time", "boolean", "time")
        named = zip(nulls, types_, strict=True)
        assert await source.rows(composer, select(**nulls), *named) == [(None,) * 7]  # type: ignore[arg-type]

    @live
    async def test_sums_and_averages_of_decimals_are_decimals(self, source: Open) -> None:
        values = ["0.10", "0.20", "99999999.99"]
        tree = numbered(typed(value, "DECIMAL(18, 2)") for value in values)
        total = select(total=exp.Sum(this=column("value"))).from_(tree)
        ((cell,),) = await source.rows(source.composer(), total, ("total", "number"))
        due = sum((Decimal(value) for value in values), Decimal())
        if self.can("exact_decimals"):
            assert cell == due
            assert isinstance(cell, Decimal)
        else:
            assert abs(Decimal(str(cell)) - due) < Decimal("0.001")

    @live
    async def test_sums_of_64_bit_integers_are_exact(self, source: Open) -> None:
        values = (2**62 - 1, 5, -3)
        tree = numbered(typed(str(value), "BIGINT") for value in values)
        total = select(total=exp.Sum(this=column("value"))).from_(tree)
        ((cell,),) = await source.rows(source.composer(), total, ("total", "number"))
        assert cell == sum(values)
        assert isinstance(cell, Decimal | int)

    @live
    async def test_no_rows_still_have_columns(self, source: Open) -> None:
        composer = source.composer()
        statement = composer.statement(
            select(a=number(1), b=text("x")).where(exp.false()), ("a", "number"), ("b", "string")
        )
        result = await source.run(statement)
        assert (list(result.rows), result.columns) == ([], ("a", "b"))

    @live
    async def test_a_date_parameter_is_accepted(self, source: Open) -> None:
        composer = source.composer()
        same = exp.EQ(
            this=composer.parameter(date(2024, 2, 29), "date"),
            expression=composer.parameter(datetime(2024, 2, 29), "date"),
        )
        assert await source.rows(composer, select(same=flag(same)), ("same", "number")) == [(1,)]

    @live
    async def test_a_wrong_number_of_parameters_is_a_failed_query(self, source: Open) -> None:
        composer = source.composer()
        statement = composer.statement(select(value=composer.parameter("x", "string")), ("value", "string"))
        with pytest.raises(DriverError):
            await source.run(type(statement)(statement.sql, (), statement.columns))
        assert await source.one() == 1


async def _compares(source: Open, value: Scalar, near: Scalar, type: str) -> None:
    """The parameter equals the constant of that type, and its neighbour does not."""
    composer = source.composer()
    constant = typed(format(value, "f") if isinstance(value, Decimal) else str(value), type)
    same = exp.EQ(this=constant, expression=composer.parameter(value, "number"))
    other = exp.EQ(this=constant.copy(), expression=composer.parameter(near, "number"))
    tests = select(same=flag(same), other=flag(other))
    rows = await source.rows(composer, tests, ("same", "number"), ("other", "number"))
    assert rows == [(1, 0)], f"{value} and {near}"
