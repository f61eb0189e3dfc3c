"""Functions that do wrong what Cuboid's do right; each stands in place of the one that it wraps."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlglot import exp

from cuboid.catalog.joins import JoinGraph
from cuboid.catalog.model import Cube
from cuboid.plan import additions, build, evaluation, rewrite, scans, states, sub_queries
from cuboid.plan.facts import Facts
from cuboid.query import access, dates, normalize
from cuboid.query.model import NEVER
from cuboid.sql.aggregates import LeafSql
from cuboid.sql.conversions import Conversions
from cuboid.sql.snapshots import Snapshots
from cuboid.sql.windows import WindowSql
from cuboid.types import Interval
from cuboid_duckdb.dialect import DuckDBDialect

to_utc = dates.to_utc


def fixed_offset(civil: datetime, zone: ZoneInfo) -> datetime:
    offset = datetime(2024, 1, 1, tzinfo=zone).utcoffset()
    assert offset is not None
    return (civil - offset).replace(tzinfo=UTC)


def second_pass(civil: datetime, zone: ZoneInfo) -> datetime:
    return civil.replace(tzinfo=zone, fold=1).astimezone(UTC)


def moved_dates(civil: datetime, zone: ZoneInfo, kind: str) -> datetime:
    instant = to_utc(civil, zone)
    return instant if kind == "instant" else instant.replace(tzinfo=None)


def sundays(right: Any = DuckDBDialect.date_trunc) -> Any:
    def wrong(self: Any, granularity: str, civil: exp.Expr) -> exp.Expr:
        if granularity != "week":
            return right(self, granularity, civil)
        day = exp.Interval(this=exp.Literal.string("1"), unit=exp.var("DAY"))
        later = exp.Paren(this=exp.Add(this=civil, expression=day))
        return exp.Sub(this=right(self, granularity, later), expression=day.copy())

    return wrong


def without_filters(right: Any = LeafSql.input) -> Any:
    return lambda self, measure, scope: right(self, replace(measure, filters=()), scope)


def only_first_key(right: Any = Cube.primary_key) -> Any:
    return property(lambda self: right.fget(self)[:1])


def last_declared(right: Any = JoinGraph._index) -> Any:
    return lambda self, cube: -right(self, cube)


def always_propagated(right: Any = sub_queries._inner) -> Any:
    return lambda members, dimension, *given: right(
        members, replace(dimension, propagate_filters=True), *given
    )


def never_propagated(right: Any = sub_queries._inner) -> Any:
    return lambda *given: replace(right(*given), segments=(), row_conditions=())


def whatever_the_conditions(right: Any = scans._same_rows) -> Any:
    """Rows under other conditions are taken for the same rows."""
    return lambda fine, coarse, *given: right(
        fine, replace(coarse, conditions=fine.conditions, segments=fine.segments), *given
    )


def in_place_of(right: rewrite.Rule, wrong: rewrite.Rule) -> tuple[rewrite.Rule, ...]:
    """The rules of rewriting with one changed."""
    return tuple(wrong if rule is right else rule for rule in rewrite.RULES)


def shares_of_what_is_left(right: Any = scans.share_over_groups) -> Any:
    """The groups that conditions and the limit leave are what the totals are added up from."""

    def wrong(plan: Any, catalog: Any) -> Any:
        made = right(plan, catalog)
        if made is plan:
            return plan
        left = {name: getattr(made, name) for name in ("conditions", "order", "limit", "offset")}
        return replace(made, source=replace(made.source, answer=replace(made.source.answer, **left)))

    return wrong


def shares_of_all(right: Any = additions._total) -> Any:
    return lambda share, shape, *given: right(replace(share, within=()), shape, *given)


def lowest_first(right: Any = additions.plan_top) -> Any:
    def wrong(*given: Any) -> Any:
        top = right(*given)
        if top is None:
            return None
        upwards = tuple(replace(each, descending=False) for each in top.plan.order)
        return replace(top, plan=replace(top.plan, order=upwards))

    return wrong


def others_dropped(right: Any = additions.plan_top) -> Any:
    return lambda *given: (top := right(*given)) and replace(top, drop=True, others=None)


def one_more(right: Any = additions.plan_top) -> Any:
    """The others hold the first values, too: what is cut has nothing in it that was kept."""

    def wrong(*given: Any) -> Any:
        top = right(*given)
        return top and replace(top, plan=replace(top.plan, offset=top.plan.limit))

    return wrong


def one_unit(right: Any = Conversions.__init__) -> Any:
    def wrong(self: Any, node: Any, *given: Any) -> None:
        window = node.window
        if window is not None:
            window = replace(
                window, **{part: min(1, getattr(window, part)) for part in ("months", "seconds")}
            )
        right(self, replace(node, window=window), *given)

    return wrong


def among_those_that_went(right: Any = Conversions._value) -> Any:
    return lambda self, counted, through: right(self, through, through)


def first_branch(right: Any = evaluation.chosen) -> Any:
    return lambda name, case, pins, catalog: (case.branches[0][1], right(name, case, pins, catalog)[1])


def never_lacking(right: Any = evaluation.chosen) -> Any:
    return lambda *given: (right(*given)[0], True)


def all_values(right: Any = normalize.switches.pins) -> Any:
    def wrong(conditions: Any, values: Any, catalog: Any) -> Any:
        kept, pins = right(conditions, values, catalog)
        return kept, tuple(replace(pin, values=catalog.dimension(pin.switch).values) for pin in pins)

    return wrong


def no_answer_is_an_answer(right: Any = build.plan_sub_queries) -> Any:
    return lambda *given: tuple(replace(each, plain=True) for each in right(*given))


def cut_tuples(right: Any = sub_queries._by) -> Any:
    """Of several dimensions that a bucket is evaluated by only the first counts."""
    return lambda catalog, dimension: right(catalog, dimension)[:1]


def ungrouped_facts(right: Any = Facts.__init__) -> Any:
    return lambda self, graph, cubes, grouped: right(self, graph, cubes, ())


def without_beginning(right: Any = WindowSql._bounds) -> Any:
    return lambda self, *given: (None, right(self, *given)[1])


def other_way(right: Any = states._shift) -> Any:
    """What was a month ago is in a month."""

    def wrong(member: str, steps: Any) -> Any:
        shift = right(member, steps)
        back = tuple(Interval(-each.months, -each.seconds) for each in shift.intervals)
        return replace(shift, intervals=back)

    return wrong


def stage_without(**parts: Any) -> Any:
    """A stage that a part of its definition does not reach."""
    right = evaluation.child_state

    def wrong(state: Any, root: Any, stage: Any, *given: Any) -> Any:
        return right(state, root, replace(stage, **parts), *given)

    return wrong


def snapshots(**parts: Any) -> Any:
    right = Snapshots.__init__

    def wrong(self: Any, node: Any, *given: Any) -> None:
        right(self, replace(node, **parts) if node.take != "average" else node, *given)

    return wrong


def without_nulls(right: Any = LeafSql.where_counted) -> Any:
    """Rows whose value is NULL do not tell which snapshot is the last."""

    def wrong(self: Any, measure: Any, value: exp.Expr, scope: Any) -> exp.Expr:
        counted = right(self, measure, value, scope)
        if measure.sql is None:
            return counted
        given = self.input(replace(measure, filters=()), scope)
        there = exp.Not(this=exp.Is(this=exp.Paren(this=given), expression=exp.Null()))
        return exp.Case().when(there, counted)

    return wrong


def without_paths(**left: Any) -> Any:
    """Joins are found without what binds them, but for what is refused."""
    right = JoinGraph.tree

    def wrong(
        self: Any, needed: Any, roots: Any = (), paths: Any = (), hints: Any = (), root: Any = None
    ) -> Any:
        right(self, needed, roots, paths, hints, root)
        return right(self, needed, roots, **{"paths": paths, "hints": hints, "root": root} | left)

    return wrong


def without_rules_of_views(right: Any = access.AccessReader.read) -> Any:
    """What a view's policies say of rows is forgotten, but not what nobody grants."""

    def wrong(self: Any, *given: Any) -> Any:
        found = right(self, *given)
        return replace(found, conditions=tuple(each for each in found.conditions if each == NEVER))

    return wrong


def first_range(right: Any = normalize._expand) -> Any:
    """All ranges of a comparison are the first."""
    return lambda query: [(right(query)[0][0], index) for _, index in right(query)]


def other_end(right: Any = Snapshots.__init__) -> Any:
    def wrong(self: Any, node: Any, *given: Any) -> None:
        take = {"last": "first", "first": "last"}.get(node.take, node.take)
        right(self, replace(node, take=take), *given)

    return wrong
