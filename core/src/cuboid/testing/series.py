"""What rolling windows and stages ask of a dialect: series of numbers, offsets of bins, joins of frames and rows."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlglot import exp

from cuboid.catalog.timing import Bins
from cuboid.sql.dialect import number
from cuboid.sql.reading import column, identifier
from cuboid.testing import moments
from cuboid.testing.compose import flag, numbered, select, table
from cuboid.testing.live import Open, live, wrong_cells
from cuboid.testing.subject import Subject
from cuboid.types import Interval

STEPS = ((0, 10, 3), (0, 0, 1), (5, 4, 1), (-7, 7, 7), (-86400, 2 * 86400, 86400), (0, 3999, 1))
"""First, last, step: one of a single number, one of none, one that is longer than an engine's recursion goes."""


class Series(Subject):
    """``steps``, ``bin_offset``, ``within``, ``same``."""

    @pytest.mark.parametrize(("first", "last", "step"), STEPS)
    @pytest.mark.parametrize("read", [False, True], ids=["written", "read"])
    @live
    async def test_numbers_are_counted_up_in_steps(
        self, source: Open, first: int, last: int, step: int, read: bool
    ) -> None:
        """The bounds are literals, or columns of a row."""
        composer = source.composer()
        if read:
            bounds = select(low=number(first), high=number(last)).subquery(identifier("limits"))
            numbers = source.dialect.steps(column("low"), column("high"), step, bounds)
        else:
            numbers = source.dialect.steps(number(first), number(last), step, None)
        tree = select(n=column("n")).from_(numbers.subquery(identifier("numbers"))).order_by(column("n"))
        rows = await source.rows(composer, tree, ("n", "number"))
        assert rows == [(n,) for n in range(first, last + 1, step)]

    @pytest.mark.parametrize(("interval", "origin"), moments.INTERVALS, ids=str)
    @live
    async def test_bins_know_how_long_after_the_origin_they_begin(
        self, source: Open, interval: Interval, origin: datetime
    ) -> None:
        edges = [moments.moved(origin, interval, n) for n in range(-3, 4)]
        given = [edge + timedelta(milliseconds=step) for edge in edges for step in (-1, 0, 1)]
        composer = source.composer()
        civil = source.dialect.to_civil(column("value"), "UTC", "date")
        values = [composer.parameter(each, "date") for each in given]
        offset = source.dialect.bin_offset(interval, origin, civil)
        tree = select(start=offset).from_(numbered(values)).order_by(column("n"))
        rows = await source.rows(composer, tree, ("start", "number"))
        assert not wrong_cells(rows, [(Bins(interval, origin).offset(each),) for each in given], given)

    @pytest.mark.parametrize("left", [False, True], ids=["inner", "left"])
    @live
    async def test_frames_are_joined_to_the_rows_in_them(self, source: Open, left: bool) -> None:
        frames = table(
            [select(bucket=number(n), low=number(n), high=number(n + 2)) for n in (0, 1, 2, 9)], "f"
        )
        rows = table([select(at=number(n)) for n in (0, 1, 1, 3)], "r")
        at, low, high = column("at", "r"), column("low", "f"), column("high", "f")
        test = exp.and_(exp.GTE(this=at, expression=low), exp.LT(this=at.copy(), expression=high))
        joined = source.dialect.within(frames, "bucket", rows, test, left=left)
        tree = joined.select(
            exp.alias_(column("bucket", "f"), "bucket", quoted=True),
            exp.alias_(exp.Count(this=at.copy()), "rows", quoted=True),
        )
        found = await source.rows(
            source.composer(), tree.group_by("1").order_by("1"), ("bucket", "number"), ("rows", "number")
        )
        assert found == [(0, 3), (1, 2), (2, 1), *([(9, 0)] if left else [])]

    @live
    async def test_null_is_the_same_as_null(self, source: Open) -> None:
        composer = source.composer()
        some = composer.parameter("a", "string")
        nothing = exp.cast(exp.null(), exp.DataType.Type.TEXT)
        sides = table([select(n=number(0), side=some), select(n=number(1), side=nothing)], "a")
        others = table(
            [select(m=number(0), other=some.copy()), select(m=number(1), other=nothing.copy())], "b"
        )
        same = source.dialect.same(column("side", "a"), column("other", "b"))
        met = exp.Is(this=column("m", "b"), expression=exp.null()).not_()
        tree = (
            select(n=column("n", "a"), m=column("m", "b"), met=flag(met))
            .from_(sides)
            .join(others, on=same, join_type="LEFT")
            .order_by("1")
        )
        rows = await source.rows(composer, tree, ("n", "number"), ("m", "number"), ("met", "number"))
        assert rows == [(0, 0, 1), (1, 1, 1)]
