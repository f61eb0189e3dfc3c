"""Matching, order, unions, aggregates and names: what the planner asks of a dialect beside time."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import pytest
from sqlglot import exp

from cuboid.errors import UnsupportedFeature
from cuboid.sql.binding import Pattern
from cuboid.sql.dialect import number, text
from cuboid.sql.names import Names
from cuboid.sql.reading import aliased, column, identifier
from cuboid.testing.compose import (
    Composer,
    digits,
    flag,
    index,
    numbered,
    select,
    table,
    truth,
    union,
)
from cuboid.testing.live import Open, live, wrong_cells
from cuboid.testing.subject import Subject
from cuboid.types import Scalar, SemanticType

HAYSTACK = (
    "",
    "plain",
    "PLAIN",
    "100%",
    "100 percent",
    "under_score",
    "underXscore",
    "back\\slash",
    "backslash",
    "it's",
    'say "hello"',
    "two\nlines",
    "tab\tbed",
    "Größe",
    "GRÖSSE",
    "GRÖẞE",
    "Журнал",
    "ЖУРНАЛ",
    "😀 smile",
    "[abc]",
    "a*b?c",
    "%_\\",
    "\\%",
    "$1 :x ? {p1:String}",
)

NEEDLES = (
    "plain",
    "Plain",
    "%",
    "_",
    "\\",
    "\\%",
    "%_\\",
    "'",
    '"',
    "\n",
    "\t",
    "ö",
    "Ö",
    "журнал",
    "😀",
    "[",
    "*",
    "?",
    "r_s",
    "0%",
    "k\\s",
    "$1",
)

VALUES: dict[SemanticType, tuple[Scalar, Scalar]] = {
    "string": ("apple", "pear"),
    "number": (Decimal("-1.25"), Decimal("10.50")),
    "boolean": (False, True),
    "time": (datetime(1999, 12, 31, 23, 59, 59), datetime(2024, 2, 29, 12)),
}
"""Two values of each semantic type, the smaller first."""

TYPES: tuple[SemanticType, ...] = tuple(VALUES)


class Expressions(Subject):
    """``like``, NULLS LAST, ``padding``, ``pick``, distinct counts, identifiers, LIMIT and OFFSET."""

    # ------------------------------------------------------------ matching

    @pytest.mark.parametrize("pattern", ["contains", "prefix", "suffix"])
    @live
    async def test_text_is_found_as_it_is_without_regard_to_case(
        self, source: Open, pattern: Pattern
    ) -> None:
        composer = source.composer()
        hits = {
            f"h{n}": flag(source.dialect.like(column("value"), composer.parameter(needle, "string", pattern)))
            for n, needle in enumerate(NEEDLES)
        }
        straw = numbered(composer.parameter(each, "string") for each in HAYSTACK)
        tree = select(n=column("n"), **hits).from_(straw).order_by("1")
        rows = await source.rows(composer, tree, *((name, "number") for name in ("n", *hits)))
        due = [tuple(int(_found(each, needle, pattern)) for needle in NEEDLES) for each in HAYSTACK]
        assert not wrong_cells([row[1:] for row in rows], due, HAYSTACK, NEEDLES)

    @live
    async def test_null_matches_nothing_and_not_nothing(self, source: Open) -> None:
        composer = source.composer()
        nothing = exp.cast(exp.null(), exp.DataType.Type.TEXT)
        like = source.dialect.like(nothing, composer.parameter("x", "string", "contains"))
        unlike = exp.Not(
            this=exp.Paren(this=source.dialect.like(nothing.copy(), composer.parameter("x", "string")))
        )
        tests = select(like=flag(like), unlike=flag(unlike))
        assert await source.rows(composer, tests, ("like", "number"), ("unlike", "number")) == [(0, 0)]

    # ------------------------------------------------------------ order

    @pytest.mark.parametrize("type", TYPES)
    @pytest.mark.parametrize("descending", [False, True], ids=["ascending", "descending"])
    @live
    async def test_nulls_are_last_both_ways(self, source: Open, type: SemanticType, descending: bool) -> None:
        small, large = VALUES[type]
        composer = source.composer()
        given = [small, None, large, None, small]
        values = numbered(_constant(composer, each, type) for each in given)
        by = exp.Ordered(this=column("value"), desc=descending, nulls_first=False)
        rows = await source.rows(
            composer, select(value=column("value")).from_(values).order_by(by), ("value", type)
        )
        middle = [large, small, small] if descending else [small, small, large]
        assert [row[0] for row in rows] == [*middle, None, None]

    @live
    async def test_limit_and_offset_cut_in_order(self, source: Open) -> None:
        for limit, offset, due in (
            (3, None, [0, 1, 2]),
            (3, 8, [8, 9]),
            (10000, 7, [7, 8, 9]),
            (0, None, []),
        ):
            composer = source.composer()
            tree = select(n=column("n")).from_(numbered(number(n) for n in range(10))).order_by("1")
            tree = tree.limit(composer.slot(limit))
            if offset is not None:
                tree = tree.offset(composer.slot(offset))
            assert [row[0] for row in await source.rows(composer, tree, ("n", "number"))] == due

    # ------------------------------------------------------------ unions

    @pytest.mark.parametrize("type", TYPES)
    @live
    async def test_three_branches_combine_into_one_row_per_key(
        self, source: Open, type: SemanticType
    ) -> None:
        """The shape of every question over several facts: each branch has one measure, the others are padded."""
        small, large = VALUES[type]
        facts: list[dict[str | None, Scalar]] = [
            {"a": small, "b": large, None: small},
            {"b": small, "c": None, None: large},
            {"a": large, "d": small},
        ]
        composer = source.composer()
        tree = _combined(composer, facts, type)
        rows = await source.rows(
            composer, tree, ("k", "string"), *((f"m{n}", type) for n in range(len(facts)))
        )
        keys = ["a", "b", "c", "d", None]
        due = [(key, *(fact.get(key) for fact in facts)) for key in keys]
        assert not wrong_cells(rows, due, keys, ["k", "m0", "m1", "m2"])

    @live
    async def test_branches_of_several_types_combine(self, source: Open) -> None:
        composer = source.composer()
        rows = await source.rows(
            composer,
            _combined(composer, [{"a": VALUES[type][1]} for type in TYPES], *TYPES),
            ("k", "string"),
            *((f"m{n}", type) for n, type in enumerate(TYPES)),
        )
        assert rows == [("a", *(VALUES[type][1] for type in TYPES))]

    # ------------------------------------------------------------ aggregates

    @pytest.mark.parametrize("type", TYPES)
    @live
    async def test_distinct_values_are_counted_without_null(self, source: Open, type: SemanticType) -> None:
        small, large = VALUES[type]
        for given in ([small, large, None, small, large], [None, None]):
            composer = source.composer()
            values = numbered(_constant(composer, each, type) for each in given)
            tree = select(count=source.dialect.count_distinct(column("value"))).from_(values)
            due = len(set(given) - {None})
            assert await source.rows(composer, tree, ("count", "number")) == [(due,)]

    def test_an_approximate_count_that_is_not_declared_raises(self) -> None:
        if self.can("approx_count_distinct"):
            return
        with pytest.raises(UnsupportedFeature):
            self.dialect.approx_count_distinct(column("value"))

    @live
    async def test_an_approximate_count_is_near(self, source: Open) -> None:
        """Few values are counted exactly by every sketch in use; a thousand within a tenth."""
        if not self.can("approx_count_distinct"):
            return
        for distinct in (3, 1000):
            composer = source.composer()
            few = exp.Mod(this=column("n"), expression=number(distinct))
            inner = digits(4).select(aliased(index(4), "n"))
            count = source.dialect.approx_count_distinct(few)
            tree = select(count=count).from_(inner.subquery(identifier("input")))
            ((cell,),) = await source.rows(composer, tree, ("count", "number"))
            assert isinstance(cell, int)
            assert abs(cell - distinct) <= distinct / 10

    # ------------------------------------------------------------ names

    @live
    async def test_names_are_what_they_were_written(self, source: Open) -> None:
        names = [
            "orders__created_at_day",
            "MixedCase",
            "select",
            "with space",
            "dot.ted",
            "per%cent %s",
            "ques?tion $1",
            "Größe_日本",
            "1st",
        ]
        tree = select(**{name: number(n) for n, name in enumerate(names)})
        outer = exp.Select().select(*(column(name, "inner") for name in names))
        whole = outer.from_(tree.subquery(identifier("inner")))
        composer = source.composer()
        result = await source.run(composer.statement(whole, *((name, "number") for name in names)))
        assert result.columns == tuple(names)
        assert list(result.rows) == [tuple(range(len(names)))]

    @live
    async def test_names_are_told_apart_up_to_the_limit_and_past_it(self, source: Open) -> None:
        """Longer ones are shortened by core; the limit that the dialect declares must be true."""
        limit = source.dialect.max_identifier_bytes
        stem = "n" * (limit - 1)
        wanted = [stem + "1", stem + "2", stem + "21", stem + "22", "ö" * limit + "1", "ö" * limit + "2"]
        names = Names(limit)
        taken = [names.take(name) for name in wanted]
        assert taken[:2] == wanted[:2]
        rows = table([select(**{name: number(n) for n, name in enumerate(taken)})], names.take("t" * limit))
        tree = exp.Select().select(*(column(name) for name in taken)).from_(rows)
        tree = tree.order_by(*(column(name) for name in taken))
        composer = source.composer()
        result = await source.run(composer.statement(tree, *((name, "number") for name in taken)))
        assert result.columns == tuple(taken)
        assert list(result.rows) == [tuple(range(len(taken)))]

    @live
    async def test_a_name_that_hides_a_column_does_not_change_the_condition(self, source: Open) -> None:
        """``SELECT -n AS n … WHERE n > 3``: the condition means the column."""
        tree = select(n=exp.Neg(this=column("n", "input"))).from_(numbered(number(n) for n in range(6)))
        tree = tree.where(exp.GT(this=column("n", "input"), expression=number(3))).order_by("1")
        rows = await source.rows(source.composer(), tree, ("n", "number"))
        assert rows == [(-5,), (-4,)]

    @live
    async def test_a_row_that_a_left_join_does_not_find_is_null(self, source: Open) -> None:
        left = table([select(id=number(1)), select(id=number(2))], "one")
        right = table([select(id=number(1), name=text("x"), amount=number(5))], "two")
        on = exp.EQ(this=column("id", "one"), expression=column("id", "two"))
        tree = select(name=column("name", "two"), amount=column("amount", "two")).from_(left)
        tree = tree.join(right, on=on, join_type="LEFT").order_by(column("id", "one"))
        rows = await source.rows(source.composer(), tree, ("name", "string"), ("amount", "number"))
        assert rows == [("x", 5), (None, None)]


def _found(straw: str, needle: str, pattern: Pattern) -> bool:
    # lower, not casefold: that ß equals SS is more than any engine's matching says.
    straw, needle = straw.lower(), needle.lower()
    if pattern == "prefix":
        return straw.startswith(needle)
    return straw.endswith(needle) if pattern == "suffix" else needle in straw


def _constant(composer: Composer, value: Scalar, type: SemanticType) -> exp.Expr:
    """A value as a column of the type."""
    if type == "time":
        return composer.parameter(value, "utc")
    if type == "boolean":
        return composer.parameter(None, "boolean") if value is None else truth(bool(value))
    native = "DECIMAL(10, 2)" if type == "number" else "TEXT"
    return exp.cast(exp.null() if value is None else text(str(value)), exp.DataType.build(native))


def _combined(composer: Composer, facts: list[dict[str | None, Scalar]], *types: SemanticType) -> exp.Expr:
    """As :mod:`cuboid.sql.combine` does it: CTEs, UNION ALL with padding, GROUP BY the key, one pick a measure."""
    dialect = composer.dialect
    of = [types[n % len(types)] for n in range(len(facts))]
    branches = []
    groups = select(k=column("k"))
    for n, type in enumerate(of):
        branch = select(k=column("k"))
        for m, other in enumerate(of):
            donor = exp.select(column(f"m{m}")).from_(_table(f"fact{m}")).where(exp.false()).subquery()
            value = column(f"m{m}") if m == n else dialect.padding(other, donor)
            branch = branch.select(aliased(value, f"m{m}"))
        branches.append(branch.from_(_table(f"fact{n}")))
        groups = groups.select(aliased(dialect.pick(column(f"m{n}"), type), f"m{n}"))
    whole = groups.from_(union(branches).subquery(identifier("parts"))).group_by("1")
    outer = exp.Select().select(column("k"), *(column(f"m{n}") for n in range(len(of))))
    outer = outer.from_(whole.subquery(identifier("combined")))
    for n, (fact, type) in enumerate(zip(facts, of, strict=True)):
        rows = [
            select(k=_constant(composer, key, "string"), **{f"m{n}": _constant(composer, value, type)})
            for key, value in fact.items()
        ]
        outer = outer.with_(identifier(f"fact{n}"), as_=union(rows))
    return outer.order_by(exp.Ordered(this=column("k"), desc=False, nulls_first=False))


def _table(name: str) -> exp.Table:
    return exp.Table(this=identifier(name))
