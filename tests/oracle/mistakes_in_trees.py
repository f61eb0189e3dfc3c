"""Changes to the finished SQL tree, as a planner's mistake would make them."""

from __future__ import annotations

from sqlglot import exp

from cuboid.sql import conversions


def inner(join: exp.Join) -> None:
    join.set("side", None)


def counts_all(count: exp.Count) -> None:
    if not isinstance(count.this, exp.Distinct):
        count.set("this", exp.Star())


def counts_repeated(count: exp.Count) -> None:
    if isinstance(count.this, exp.Distinct):
        count.set("this", count.this.expressions[0])


def floating(total: exp.Sum) -> None:
    total.set("this", exp.Cast(this=total.this.copy(), to=exp.DataType.build("double")))


def distinct(call: exp.Sum | exp.Avg) -> None:
    if not isinstance(
        call.this, exp.Distinct
    ):  # plans inside plans are changed with the one around them, too
        call.set("this", exp.Distinct(expressions=[call.this.copy()]))


def only_first(order: exp.Order) -> None:
    order.set("expressions", order.expressions[:1])


def nulls_first(ordered: exp.Ordered) -> None:
    ordered.set("nulls_first", True)


def swapped(select: exp.Select) -> None:
    limit, offset = select.args.get("limit"), select.args.get("offset")
    if limit is not None and offset is not None:
        one, other = limit.expression.copy(), offset.expression.copy()
        limit.set("expression", other)
        offset.set("expression", one)


def drops_null(either: exp.Or) -> None:
    if isinstance(either.expression, exp.Is):
        either.replace(either.this.copy())


def unwrapped(paren: exp.Paren) -> None:
    if isinstance(paren.this, exp.Add | exp.Sub | exp.Or):
        paren.replace(paren.this.copy())


def no_zero(coalesce: exp.Coalesce) -> None:
    coalesce.replace(coalesce.this.copy())


def first_of_case(case: exp.Case) -> None:
    if case.args.get("default") is None and len(case.args["ifs"]) == 1:
        case.replace(case.args["ifs"][0].args["true"].copy())


def conditions_on_measures_first(select: exp.Select) -> None:
    """HAVING before the union: a condition on the combined row is dropped where a CTE holds its parts."""
    if select.args.get("with_") or select.args.get("with"):
        select.set("where", None)


def at_any_time(tree: exp.Expr) -> None:
    for test in list(tree.find_all(exp.GTE)):
        if test.this.name == test.expression.name == conversions.TIME:
            test.replace(exp.true())


def upside_down(window: exp.Window) -> None:
    """Ranks go the other way."""
    if isinstance(window.this, exp.Anonymous) and window.this.name == "RANK":
        for key in window.args["order"].expressions:
            key.set("desc", not key.args.get("desc"))


def dense(rank: exp.Anonymous) -> None:
    if rank.name == "RANK":
        rank.set("this", "DENSE_RANK")
