"""The dialect contract: what an engine's SQL says differently, on sqlglot trees, never on strings.

A plugin subclasses :class:`Dialect`. Two methods are abstract; the others have defaults that hold for
engines near the SQL standard and are overridden where the engine differs. What a dialect cannot say raises
:class:`cuboid.errors.UnsupportedFeature`. A dialect does no I/O and keeps no state.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import ClassVar, Literal

from sqlglot import exp

from cuboid.errors import UnsupportedFeature
from cuboid.types import Interval, ParameterType, Scalar, SemanticType, TimeKind

ShiftUnit = Literal["month", "second"]

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
    having_by_alias: ClassVar[bool] = False
    """HAVING knows a grouped expression by its column's alias only; by the standard it knows the expression only."""
    joins_need_equality: ClassVar[bool] = False
    """A LEFT JOIN by inequalities alone is refused."""
    cuts_quotients: ClassVar[bool] = False
    """Decimals divide to digits of the engine's own choice, fewer or more than a double's: 0.3333 for 1.0 / 3."""
    subtracts_in_windows: ClassVar[bool] = False
    """A sum over a frame that moves is that of the frame before it, less what left: of doubles it is not the sum."""
    orders_by_input: ClassVar[bool] = False
    """ORDER BY takes a name for a column of what is read before it takes it for one of the answer, where a value may be
    hidden: answers are ordered by position."""

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

    def date_bin(self, interval: Interval, origin: datetime, civil: exp.Expr) -> exp.Expr:
        """The start of the bin that ``civil`` is in: ``origin`` plus a whole number of ``interval``, before the origin
        too. Months are counted from the origin's day, or the last day of a month that lacks it.

        :param origin: a zoneless wall time in whole seconds.
        """
        if min(interval.months, interval.seconds) < 0 or bool(interval.months) == bool(interval.seconds):
            raise UnsupportedFeature(
                "A custom interval is a number of months or a number of seconds above zero, not both.",
                hint="Years and quarters are months; weeks, days, hours and minutes are seconds.",
            )
        if interval.months:
            return self.bin_months(interval.months, origin, civil)
        return self.bin_seconds(interval.seconds, origin, civil)

    def bin_months(self, months: int, origin: datetime, civil: exp.Expr) -> exp.Expr:
        """:meth:`date_bin` for whole months."""
        start = self.constant(origin)
        first = origin == datetime(origin.year, origin.month, 1)
        if first and months in _UNITS:
            # A unit of the calendar, which begins some months later: what moving clips is the day, and that is cut off.
            late = (origin.month - 1) % months
            moved = self.shift(civil, number(-late), "month") if late else civil
            floor = self.date_trunc(_UNITS[months], moved)
            return self.shift(floor, number(late), "month") if late else floor
        return self.shift(start, _floored(self._whole_months(origin, civil), months), "month")

    def bin_seconds(self, seconds: int, origin: datetime, civil: exp.Expr) -> exp.Expr:
        """:meth:`date_bin` for whole seconds."""
        start = self.constant(origin)
        return self.shift(start, _floored(self.elapsed_seconds(start.copy(), civil), seconds), "second")

    def bin_offset(self, interval: Interval, origin: datetime, civil: exp.Expr) -> exp.Expr:
        """How many months or seconds after ``origin`` the bin begins that ``civil`` is in (see :meth:`date_bin`), as an
        integer expression."""
        if interval.seconds:
            return _floored(self.elapsed_seconds(self.constant(origin), civil), interval.seconds)
        return _floored(self._whole_months(origin, civil), interval.months)

    def _whole_months(self, origin: datetime, civil: exp.Expr) -> exp.Expr:
        passed = exp.paren(
            exp.Sub(
                this=self.month_number(civil),
                expression=exp.Literal.number(origin.year * 12 + origin.month),
            )
        )
        if origin == datetime(origin.year, origin.month, 1):
            return passed
        # The month of ``civil`` has begun, but the origin's day and time in it may still be ahead.
        ahead = exp.LT(
            this=civil.copy(), expression=self.shift(self.constant(origin), passed.copy(), "month")
        )
        return exp.paren(exp.Sub(this=passed, expression=exp.Case().when(ahead, "1").else_("0")))

    def steps(self, first: exp.Expr, last: exp.Expr, step: int, source: exp.Expr | None) -> exp.Select:
        """A SELECT of one column, ``n``: the integers ``first``, ``first + step`` and so on up to ``last``; none if
        that is less.

        :param source: a FROM item with one row in which the two are columns; None where they are literals.
        """
        if (numbers := self.series(first, last, step)) is not None:
            select = exp.select(exp.alias_(numbers, "n", quoted=True))
            return select if source is None else select.from_(source)
        n, limit = (exp.column(name, quoted=True) for name in ("n", "last_n"))
        bounds = exp.select(exp.alias_(first, "n", quoted=True), exp.alias_(last, "last_n", quoted=True))
        if source is not None:
            bounds = bounds.from_(source)
        first_step = (
            exp.select(n, limit).from_(bounds.subquery("bounds")).where(exp.LTE(this=n, expression=limit))
        )
        following = exp.Add(this=n, expression=exp.Literal.number(step))
        next_step = (
            exp.select(following, limit).from_("steps").where(exp.LTE(this=following, expression=limit))
        )
        steps = exp.TableAlias(this=exp.to_identifier("steps"), columns=[n.this, limit.this])
        counted = exp.union(first_step, next_step, distinct=False)
        return exp.select(n).from_("steps").with_(steps, as_=counted, recursive=True)

    def series(self, first: exp.Expr, last: exp.Expr, step: int) -> exp.Expr | None:
        """The numbers of :meth:`steps` by an expression that makes a row for each; None where there is none: recursion
        makes them."""
        return None

    def within(self, series: exp.Expr, key: str, rows: exp.Expr, test: exp.Expr, *, left: bool) -> exp.Select:
        """A SELECT, still without columns, from ``series`` joined to ``rows`` (two aliased tables) by a ``test`` that
        is no equality.

        :param key: a column that tells the rows of the series apart.
        :param left: those without a match stay.
        """
        if not left or not self.joins_need_equality:
            return exp.Select().from_(series).join(rows, on=test, join_type="LEFT" if left else "INNER")
        # The matches are found first, and joined to the series by its key.
        names = [exp.to_identifier(each.alias, quoted=True) for each in (series, rows)]
        matched = exp.to_identifier(f"matched_{key}", quoted=True)
        of_series = exp.column(exp.to_identifier(key, quoted=True), table=names[0])
        matches = exp.select(exp.Column(this=exp.Star(), table=names[1]), exp.alias_(of_series, matched))
        matches = matches.from_(series.copy()).join(rows, join_type="CROSS").where(test)
        same = exp.EQ(this=of_series.copy(), expression=exp.column(matched.copy(), table=names[1].copy()))
        return exp.Select().from_(series).join(matches.subquery(names[1].copy()), on=same, join_type="LEFT")

    def add_interval(self, civil: exp.Expr, interval: Interval) -> exp.Expr:
        """``civil`` moved by ``interval``, forwards or backwards: months first, then seconds."""
        if interval.months:
            civil = self.shift(civil, number(interval.months), "month")
        if interval.seconds:
            civil = self.shift(civil, number(interval.seconds), "second")
        return civil

    def constant(self, moment: datetime) -> exp.Expr:
        """A zoneless timestamp that the model or Cuboid itself wrote, of the type that :meth:`to_civil` gives."""
        return exp.cast(exp.Literal.string(moment.isoformat(" ")), exp.DataType.Type.TIMESTAMP)

    def shift(self, civil: exp.Expr, count: exp.Expr, unit: ShiftUnit) -> exp.Expr:
        """``civil`` moved by ``count`` (an integer expression, of either sign) months or seconds. A month that lacks
        the day gives its last day."""
        one = exp.Interval(this=exp.Literal.string("1"), unit=exp.var(unit.upper()))
        return exp.paren(exp.Add(this=civil, expression=exp.Mul(this=one, expression=exp.paren(count))))

    def month_number(self, civil: exp.Expr) -> exp.Expr:
        """Twelve times the year plus the month, as an integer expression."""
        year = exp.Extract(this=exp.var("YEAR"), expression=civil)
        month = exp.Extract(this=exp.var("MONTH"), expression=civil.copy())
        return exp.Add(this=exp.Mul(this=year, expression=exp.Literal.number(12)), expression=month)

    def elapsed_seconds(self, start: exp.Expr, end: exp.Expr) -> exp.Expr:
        """Seconds from ``start`` to ``end``, floored to an integer expression; negative where ``end`` is earlier."""
        elapsed = exp.paren(exp.Sub(this=end, expression=start))
        return exp.Floor(this=exp.Extract(this=exp.var("EPOCH"), expression=elapsed))

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

    def parameter_type(self, value: Scalar) -> str:
        """What a ``typed`` placeholder calls the type of ``value``; no text of the value is ever in it."""
        raise NotImplementedError(
            f"The {self.name} dialect does not name the types of its typed placeholders."
        )

    def is_in(self, value: exp.Expr, candidates: Sequence[exp.Expr], type: ParameterType) -> exp.Expr:
        """``value`` equals one of ``candidates``, which are two or more parameters of one type; NULL if it is NULL."""
        return exp.In(this=value, expressions=list(candidates))

    def same(self, left: exp.Expr, right: exp.Expr) -> exp.Expr:
        """Whether the two, of one type, are equal or both NULL: true or false, where tables are joined."""
        return exp.NullSafeEQ(this=left, expression=right)

    def padding(self, type: SemanticType, donor: exp.Expr) -> exp.Expr:
        """A NULL that pads a UNION branch for a column of the given meaning.

        In most engines UNION takes each column's type from a branch that has one. The others return ``donor``, a scalar
        subquery of the column's exact type that finds no row: a typed NULL on every engine.
        """
        return exp.null()

    def pick(self, value: exp.Expr, type: SemanticType) -> exp.Expr:
        """The aggregate that returns the one non-NULL value of a group in which all others are NULL."""
        return exp.Max(this=value)

    # ------------------------------------------------------------ strings

    def like(self, value: exp.Expr, pattern: exp.Expr) -> exp.Expr:
        """``value`` matches ``pattern`` without regard to case; ``\\`` escapes ``%``, ``_`` and itself."""
        return exp.Escape(this=exp.ILike(this=value, expression=pattern), expression=exp.Literal.string("\\"))

    # ------------------------------------------------------------ aggregates

    def average(self, value: exp.Expr) -> exp.Expr:
        """The mean of the non-NULL values, precise to a double's 16 digits also where all values are integers."""
        return exp.Avg(this=value)

    def quotient(self, division: exp.Div) -> exp.Expr:
        """A measure that is a quotient as a whole, as the model wrote it, with a double's digits where the engine
        ``cuts_quotients``. An engine that cuts divisions of whole numbers leaves those alone."""
        if self.cuts_quotients:
            division.set("this", exp.cast(division.this, exp.DataType.Type.DOUBLE))
        return division

    def count_distinct(self, value: exp.Expr) -> exp.Expr:
        """The number of distinct non-NULL values of one expression."""
        return exp.Count(this=exp.Distinct(expressions=[value]))

    def approx_count_distinct(self, value: exp.Expr) -> exp.Expr:
        """An approximate number of distinct values."""
        raise UnsupportedFeature(f"The {self.name} dialect has no approximate distinct count.")

    # ------------------------------------------------------------ model SQL

    def own(self, tree: exp.Expr) -> exp.Expr:
        """Model SQL as it was read, with what sqlglot would write as something that the engine lacks put otherwise."""
        return tree

    # ------------------------------------------------------------ collations

    def folds(self, value: exp.Expr) -> exp.Expr | None:
        """Whether the engine may take two texts of ``value``, a column, for one though they differ; None where it never
        does."""
        return None


def call(name: str, *arguments: exp.Expr) -> exp.Expr:
    """A call of the engine's function ``name``."""
    return exp.Anonymous(this=name, expressions=list(arguments))


def rewritten(tree: exp.Expr, kind: type[exp.Expr], rule: Callable[[exp.Expr], exp.Expr]) -> exp.Expr:
    """The tree, itself changed, with what ``rule`` makes of each node of this kind, also of one inside another."""
    for node in reversed(list(tree.find_all(kind))):
        put = rule(node)
        if node is tree:
            tree = put
        elif put is not node:
            node.replace(put)
    return tree


def mean(total: exp.Expr, value: exp.Expr, one: exp.Expr) -> exp.Expr:
    """``total``, a sum of integers or exact decimals, by the number of ``value``: the double next to the true mean, on
    engines whose own mean has too few digits.

    :param one: 1 as a decimal with as many zeros as the mean needs digits.
    """
    exact = exp.Mul(this=total, expression=one)
    return exp.cast(
        exp.Div(this=exact, expression=exp.Count(this=value.copy()), typed=True), exp.DataType.Type.DOUBLE
    )


def number(value: int) -> exp.Expr:
    """A whole number in SQL."""
    return exp.Literal.number(value) if value >= 0 else exp.Neg(this=exp.Literal.number(-value))


def text(value: str) -> exp.Expr:
    """A text in SQL."""
    return exp.Literal.string(value)


_UNITS = {1: "month", 3: "quarter", 12: "year"}
"""Granularities by their months."""


def _floored(count: exp.Expr, step: int) -> exp.Expr:
    """``count`` floored to a multiple of ``step``, in integer arithmetic alone: engines disagree on what ``/`` gives,
    and agree that the sign of ``%`` is its left side's."""
    if step == 1:
        return count
    divisor = exp.Literal.number(step)
    remainder = exp.paren(exp.Mod(this=exp.paren(count.copy()), expression=divisor))
    positive = exp.paren(exp.Add(this=remainder, expression=divisor.copy()))
    modulo = exp.paren(exp.Mod(this=positive, expression=divisor.copy()))
    return exp.Sub(this=count, expression=modulo)
