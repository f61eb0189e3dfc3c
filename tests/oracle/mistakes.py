"""Mistakes that a planner plausibly makes, each planted into Cuboid at run time: the comparison must catch them all.

Most change the finished SQL tree, as the mistake would; so they outlive rearrangements of the planner.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch
from zoneinfo import ZoneInfo

from sqlglot import exp

from cuboid.catalog.joins import JoinGraph, JoinTree
from cuboid.catalog.model import Cube
from cuboid.plan import (
    additions,
    build,
    evaluation,
    rollup_windows,
    scans,
    states,
    sub_queries,
    windows,
)
from cuboid.plan.facts import Facts
from cuboid.query import dates, normalize, policies
from cuboid.query.model import ALWAYS, Access
from cuboid.sql import conversions
from cuboid.sql.aggregates import LeafSql
from cuboid.sql.lower import Lowering
from cuboid.sql.members import MemberSql
from cuboid.sql.slots import SlotSql, always
from cuboid.sql.snapshots import Snapshots
from cuboid.sql.windows import WindowSql
from cuboid.types import Interval
from cuboid_duckdb.dialect import DuckDBDialect


@dataclass(frozen=True, slots=True)
class Mistake:
    """``plant`` is a context manager in which Cuboid makes the mistake."""

    title: str
    plant: Callable[[], Any]

    @property
    def rare(self) -> bool:
        """Whether it takes hundreds of queries to show."""
        return self.title in RARE


def in_tree(title: str, change: Callable[[exp.Expr], object]) -> Mistake:
    """A mistake that shows in the SQL: ``change`` is made to every statement's tree."""

    @contextmanager
    def plant() -> Iterator[None]:
        right = Lowering.lower

        def wrong(self: Lowering) -> Any:
            lowered = right(self)
            change(lowered.tree)
            return lowered

        with patch.object(Lowering, "lower", wrong):
            yield

    return Mistake(title, plant)


def in_code(title: str, owner: Any, name: str, wrong: Any) -> Mistake:
    """A mistake in one function: ``wrong`` stands in its place."""
    return Mistake(title, lambda: patch.object(owner, name, wrong))


def each(kind: type[exp.Expr], change: Callable[[Any], object]) -> Callable[[exp.Expr], None]:
    """A change to every node of a kind."""

    def walk(tree: exp.Expr) -> None:
        for node in list(tree.find_all(kind)):
            change(node)

    return walk


def becomes(kind: type[exp.Expr], other: type[exp.Expr]) -> Callable[[exp.Expr], None]:
    """Every binary node of a kind becomes one of another."""
    return each(kind, lambda n: type(n) is kind and n.replace(other(this=n.this, expression=n.expression)))


def without(part: str) -> Callable[[exp.Expr], None]:
    """Every SELECT loses a clause."""
    return each(exp.Select, lambda select: select.set(part, None))


def _inner(join: exp.Join) -> None:
    join.set("side", None)


def _counts_all(count: exp.Count) -> None:
    if not isinstance(count.this, exp.Distinct):
        count.set("this", exp.Star())


def _counts_repeated(count: exp.Count) -> None:
    if isinstance(count.this, exp.Distinct):
        count.set("this", count.this.expressions[0])


def _floating(total: exp.Sum) -> None:
    total.set("this", exp.Cast(this=total.this.copy(), to=exp.DataType.build("double")))


def _distinct(call: exp.Sum | exp.Avg) -> None:
    if not isinstance(
        call.this, exp.Distinct
    ):  # plans inside plans are changed with the one around them, too
        call.set("this", exp.Distinct(expressions=[call.this.copy()]))


def _only_first(order: exp.Order) -> None:
    order.set("expressions", order.expressions[:1])


def _nulls_first(ordered: exp.Ordered) -> None:
    ordered.set("nulls_first", True)


def _swapped(select: exp.Select) -> None:
    limit, offset = select.args.get("limit"), select.args.get("offset")
    if limit is not None and offset is not None:
        one, other = limit.expression.copy(), offset.expression.copy()
        limit.set("expression", other)
        offset.set("expression", one)


def _drops_null(either: exp.Or) -> None:
    if isinstance(either.expression, exp.Is):
        either.replace(either.this.copy())


def _unwrapped(paren: exp.Paren) -> None:
    if isinstance(paren.this, exp.Add | exp.Sub | exp.Or):
        paren.replace(paren.this.copy())


def _no_zero(coalesce: exp.Coalesce) -> None:
    coalesce.replace(coalesce.this.copy())


def _first_of_case(case: exp.Case) -> None:
    if case.args.get("default") is None and len(case.args["ifs"]) == 1:
        case.replace(case.args["ifs"][0].args["true"].copy())


def _conditions_on_measures_first(select: exp.Select) -> None:
    """HAVING before the union: a condition on the combined row is dropped where a CTE holds its parts."""
    if select.args.get("with_") or select.args.get("with"):
        select.set("where", None)


# ---------------------------------------------------------------- in functions

_to_utc = dates.to_utc


def _fixed_offset(civil: datetime, zone: ZoneInfo) -> datetime:
    offset = datetime(2024, 1, 1, tzinfo=zone).utcoffset()
    assert offset is not None
    return (civil - offset).replace(tzinfo=UTC)


def _second_pass(civil: datetime, zone: ZoneInfo) -> datetime:
    return civil.replace(tzinfo=zone, fold=1).astimezone(UTC)


def _moved_dates(civil: datetime, zone: ZoneInfo, kind: str) -> datetime:
    instant = _to_utc(civil, zone)
    return instant if kind == "instant" else instant.replace(tzinfo=None)


def _sundays(right: Any = DuckDBDialect.date_trunc) -> Any:
    def wrong(self: Any, granularity: str, civil: exp.Expr) -> exp.Expr:
        if granularity != "week":
            return right(self, granularity, civil)
        day = exp.Interval(this=exp.Literal.string("1"), unit=exp.var("DAY"))
        later = exp.Paren(this=exp.Add(this=civil, expression=day))
        return exp.Sub(this=right(self, granularity, later), expression=day.copy())

    return wrong


def _without_filters(right: Any = LeafSql.input) -> Any:
    return lambda self, measure, scope: right(self, replace(measure, filters=()), scope)


def _only_first_key(right: Any = Cube.primary_key) -> Any:
    return property(lambda self: right.fget(self)[:1])


def _last_declared(right: Any = JoinGraph._index) -> Any:
    return lambda self, cube: -right(self, cube)


class _Propagating:
    """A catalog all of whose sub-queries let the query's conditions in."""

    def __init__(self, catalog: Any) -> None:
        self.cubes = catalog.cubes
        self._catalog = catalog

    def dimension(self, name: str) -> Any:
        return replace(self._catalog.dimension(name), propagate_filters=True)


def _always_propagated(right: Any = sub_queries._inner) -> Any:
    return lambda catalog, *given: right(_Propagating(catalog), *given)


def _never_propagated(right: Any = sub_queries._inner) -> Any:
    return lambda *given: replace(right(*given), segments=(), row_conditions=())


def _shares_of_what_is_left(right: Any = additions.with_shares) -> Any:
    """The groups that conditions and the limit leave are what the totals are added up from."""

    def wrong(plan: Any, *given: Any) -> Any:
        made = right(plan, *given)
        answer = replace(
            made.source.answer,
            order=plan.order,
            limit=plan.limit,
            offset=plan.offset,
            conditions=plan.conditions,
        )
        totals = tuple(replace(each, plan=None, over_groups=True) for each in made.source.totals)
        return replace(made, source=replace(made.source, answer=answer, totals=totals))

    return wrong


def _shares_of_all(right: Any = additions._total) -> Any:
    return lambda share, shape, *given: right(replace(share, within=()), shape, *given)


def _lowest_first(right: Any = additions.plan_top) -> Any:
    def wrong(*given: Any) -> Any:
        top = right(*given)
        if top is None:
            return None
        upwards = tuple(replace(each, descending=False) for each in top.plan.order)
        return replace(top, plan=replace(top.plan, order=upwards))

    return wrong


def _others_dropped(right: Any = additions.plan_top) -> Any:
    return lambda *given: (top := right(*given)) and replace(top, drop=True, others=None)


def _one_more(right: Any = additions.plan_top) -> Any:
    """The others hold the first values, too: what is cut has nothing in it that was kept."""

    def wrong(*given: Any) -> Any:
        top = right(*given)
        return top and replace(top, plan=replace(top.plan, offset=top.plan.limit))

    return wrong


def _one_unit(right: Any = conversions.Conversions.__init__) -> Any:
    def wrong(self: Any, node: Any, *given: Any) -> None:
        window = node.window
        if window is not None:
            window = replace(
                window, **{part: min(1, getattr(window, part)) for part in ("months", "seconds")}
            )
        right(self, replace(node, window=window), *given)

    return wrong


def _at_any_time(tree: exp.Expr) -> None:
    for test in list(tree.find_all(exp.GTE)):
        if test.this.name == test.expression.name == conversions.TIME:
            test.replace(exp.true())


def _among_those_that_went(right: Any = conversions.Conversions._value) -> Any:
    return lambda self, counted, through: right(self, through, through)


def _first_branch(right: Any = evaluation.chosen) -> Any:
    return lambda name, case, pins, catalog: (case.branches[0][1], right(name, case, pins, catalog)[1])


def _never_lacking(right: Any = evaluation.chosen) -> Any:
    return lambda *given: (right(*given)[0], True)


def _all_values(right: Any = normalize.switches.pins) -> Any:
    def wrong(conditions: Any, values: Any, catalog: Any) -> Any:
        kept, pins = right(conditions, values, catalog)
        return kept, tuple(replace(pin, values=catalog.dimension(pin.switch).values) for pin in pins)

    return wrong


def _no_answer_is_an_answer(right: Any = build.plan_sub_queries) -> Any:
    return lambda *given: tuple(replace(each, plain=True) for each in right(*given))


def _cut_tuples(right: Any = sub_queries._by) -> Any:
    """Of several dimensions that a bucket is evaluated by only the first counts."""
    return lambda catalog, dimension: right(catalog, dimension)[:1]


def _ungrouped_facts(right: Any = Facts.__init__) -> Any:
    return lambda self, graph, cubes, grouped: right(self, graph, cubes, ())


def _without_beginning(right: Any = WindowSql._bounds) -> Any:
    return lambda self, *given: (None, right(self, *given)[1])


def _other_way(right: Any = states._shift) -> Any:
    """What was a month ago is in a month."""

    def wrong(member: str, steps: Any) -> Any:
        shift = right(member, steps)
        back = tuple(Interval(-each.months, -each.seconds) for each in shift.intervals)
        return replace(shift, intervals=back)

    return wrong


def _stage_without(**parts: Any) -> Any:
    """A stage that a part of its definition does not reach."""
    right = evaluation.child_state

    def wrong(state: Any, root: Any, stage: Any, *given: Any) -> Any:
        return right(state, root, replace(stage, **parts), *given)

    return wrong


def _snapshots(**parts: Any) -> Any:
    right = Snapshots.__init__

    def wrong(self: Any, node: Any, *given: Any) -> None:
        right(self, replace(node, **parts) if node.take != "average" else node, *given)

    return wrong


def _other_end(right: Any = Snapshots.__init__) -> Any:
    def wrong(self: Any, node: Any, *given: Any) -> None:
        take = {"last": "first", "first": "last"}.get(node.take, node.take)
        right(self, replace(node, take=take), *given)

    return wrong


def _dense(rank: exp.Anonymous) -> None:
    if rank.name == "RANK":
        rank.set("this", "DENSE_RANK")


RARE = (
    "a value that the case lacks has the first one's",
    "frames hold parts of buckets",
    "windows are one bucket long",
    "frames have no beginning",
    "no frame reaches before the range",
    "a shift goes the other way",
    "a shift leaves the conditions",
    "stages keep what reduce_by leaves out",
    "stages keep what group_by leaves out",
    "stages lack what add_group_by adds",
    "stages pass all filters on",
    "the last is the first",
    "snapshots are of the whole group",
    "ranks leave no gaps",
    "decimals are added as doubles",
    "NULL keys joined by =",
    "a condition restricts every fact",
    "the axes restrict their own fact only",
    "weeks begin on Sunday",
    "bounds by the offset of one day",
    "a repeated hour begins with its second pass",  # tests/query/test_zones.py catches it at once
    "zones move dates",
    "sub-queries see the outer conditions",
    "sub-queries see no conditions",
    "masks are forgotten",
    "filters are not restated",
    "a conversion's window is one unit long",
    "a step may come before the one before",
    "a row follows itself",
    "the rate is among those that went on",
    "a tuple without an answer is computed from NULL",
)
MISTAKES: tuple[Mistake, ...] = (
    in_tree("an INNER JOIN where LEFT is due", each(exp.Join, _inner)),
    in_tree("no DISTINCT where a join repeats rows", without("distinct")),
    in_tree("repeated keys are counted", each(exp.Count, _counts_repeated)),
    in_tree("a count of a column counts rows", each(exp.Count, _counts_all)),
    in_tree("equal values are added once", each(exp.Sum, _distinct)),
    in_tree("an average of different values", each(exp.Avg, _distinct)),
    in_tree("decimals are added as doubles", each(exp.Sum, _floating)),
    in_tree("a range holds its end", becomes(exp.LT, exp.LTE)),
    in_tree("a range lacks its start", becomes(exp.GTE, exp.GT)),
    in_tree("alternatives must all hold", becomes(exp.Or, exp.And)),
    in_tree("a negation drops NULL", each(exp.Or, _drops_null)),
    in_tree("conditions on rows are dropped", without("where")),
    in_tree("conditions on measures are dropped", without("having")),
    in_tree("conditions on measures before the union", each(exp.Select, _conditions_on_measures_first)),
    in_tree("NULL comes first", each(exp.Ordered, _nulls_first)),
    in_tree("ties are in any order", each(exp.Order, _only_first)),
    in_tree("limit and offset change places", each(exp.Select, _swapped)),
    in_tree("no parentheses around a member's SQL", each(exp.Paren, _unwrapped)),
    in_tree("COALESCE is lost", each(exp.Coalesce, _no_zero)),
    in_tree("what a measure leaves out counts", each(exp.Case, _first_of_case)),
    in_tree("NULL keys joined by =", becomes(exp.NullSafeEQ, exp.EQ)),
    in_code("filters of measures are forgotten", LeafSql, "input", _without_filters()),
    in_code("an absent row counts", MemberSql, "exists", lambda self, cube, scope: None),
    in_code(
        "distinct counts and means are added up",
        scans,
        "ADDITIVE",
        (*scans.ADDITIVE, "count_distinct", "avg"),
    ),
    in_code(
        "groups of other rows are added up", scans, "_same_rows", lambda fine, coarse, keys, catalog: True
    ),
    in_code("joins never repeat rows", JoinTree, "fans_out", lambda self, cube, target=None: False),
    in_code("0 pads the union", DuckDBDialect, "padding", lambda *given: exp.Literal.number(0)),
    in_code("the first part of a key is the key", Cube, "primary_key", _only_first_key()),
    in_code("a condition restricts every fact", Facts, "restricts", lambda *given: True),
    in_code("the axes restrict their own fact only", Facts, "__init__", _ungrouped_facts()),
    in_code("the last declared root wins", JoinGraph, "_index", _last_declared()),
    in_code("groups are times of UTC", DuckDBDialect, "to_civil", lambda self, value, zone, kind: value),
    in_code("weeks begin on Sunday", DuckDBDialect, "date_trunc", _sundays()),
    in_code("bounds by the offset of one day", dates, "to_utc", _fixed_offset),
    in_code("a repeated hour begins with its second pass", dates, "to_utc", _second_pass),
    in_code("zones move dates", dates, "bound", _moved_dates),
    in_code(
        "a day lasts to its first millisecond", dates, "following", lambda civil: civil - timedelta(days=1)
    ),
    in_code("sub-queries see the outer conditions", sub_queries, "_inner", _always_propagated()),
    in_code("sub-queries see no conditions", sub_queries, "_inner", _never_propagated()),
    in_code("row policies are forgotten", policies.Policies, "rows", lambda *given: ALWAYS),
    in_code("policies narrow each other", policies, "any_of", policies.all_of),
    in_code("a missing claim opens all rows", policies, "NEVER", ALWAYS),
    in_code("what nobody grants is answered", policies.Policies, "readable", lambda *given: True),
    in_code("masks are forgotten", Access, "mask", lambda self, member: None),
    in_code(
        "shares are of what conditions and the limit leave", build, "with_shares", _shares_of_what_is_left()
    ),
    in_code("shares are of all groups", additions, "_total", _shares_of_all()),
    in_code("the lowest come first", build, "plan_top", _lowest_first()),
    in_code("the others are dropped", build, "plan_top", _others_dropped()),
    in_code("the first are those after the first", build, "plan_top", _one_more()),
    in_code("frames hold parts of buckets", rollup_windows, "_hold", lambda *given: True),
    in_code(
        "windows are one bucket long", WindowSql, "_bounds", lambda self, frames, begin, end: (begin, end)
    ),
    in_code("frames have no beginning", WindowSql, "_bounds", _without_beginning()),
    in_code("no frame reaches before the range", windows, "_reach", lambda frames: (0, 0)),
    in_code("a shift goes the other way", states, "_shift", _other_way()),
    in_code("a shift leaves the conditions", states, "_moved", lambda condition, shifts, origin: condition),
    in_code("stages keep what reduce_by leaves out", evaluation, "child_state", _stage_without(reduce_by=())),
    in_code("stages keep what group_by leaves out", evaluation, "child_state", _stage_without(group_by=None)),
    in_code("stages lack what add_group_by adds", evaluation, "child_state", _stage_without(add_group_by=())),
    in_code("stages pass all filters on", evaluation, "child_state", _stage_without(filter=None)),
    in_code("the last is the first", Snapshots, "__init__", _other_end()),
    in_code("snapshots are of the whole group", Snapshots, "__init__", _snapshots(by=())),
    in_tree("ranks leave no gaps", each(exp.Anonymous, _dense)),
    in_code("a conversion's window is one unit long", conversions.Conversions, "__init__", _one_unit()),
    in_tree("a step may come before the one before", _at_any_time),
    in_code("a row follows itself", conversions, "_another", lambda one, other: exp.true()),
    in_code(
        "the rate is among those that went on", conversions.Conversions, "_value", _among_those_that_went()
    ),
    in_code("a switch has its first value", evaluation, "chosen", _first_branch()),
    in_code("a value that the case lacks has the first one's", evaluation, "chosen", _never_lacking()),
    in_code("conditions on a switch leave all", normalize.switches, "pins", _all_values()),
    in_code(
        "a tuple without an answer is computed from NULL",
        build,
        "plan_sub_queries",
        _no_answer_is_an_answer(),
    ),
    in_code("buckets by a part of their tuple", sub_queries, "_by", _cut_tuples()),
    in_code("filters are not restated", SlotSql, "_restated", lambda *given: always()),
)


__all__ = ["MISTAKES", "RARE", "Mistake"]
