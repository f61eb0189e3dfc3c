"""The oracle's stages, ranks and dimensions over measures, against numbers worked out by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.oracle.evaluate import answer
from tests.oracle.expressions import Arithmetic, Case, Column, Compare, Constant, Expression, Reference, Value
from tests.oracle.members import Directive, RankOrder, Stage
from tests.oracle.test_oracle_itself import shop
from tests.oracle.world import Cube, Dimension, Measure, Table, TableColumn, World

TOTAL = Reference("sales", "total")
ROWS = (
    (1, "Rome", "x", 1),
    (2, "Rome", "y", 2),
    (3, "Rome", "y", 4),
    (4, "Oslo", "x", 8),
    (5, None, "x", 16),
)


def only(city: str) -> dict[str, Any]:
    return {"member": "sales.city", "operator": "equals", "values": [city]}


def sales(*measures: Measure) -> World:
    """A cube of sales by city and product, with ``total`` and these measures."""
    types = {"id": "integer", "city": "text", "product": "text", "amount": "integer"}
    table = Table("sales", tuple(TableColumn(*each) for each in types.items()), ROWS)  # type: ignore[arg-type]
    dimensions = (
        Dimension("id", "number", Column("sales", "id"), primary_key=True),
        Dimension("city", "string", Column("sales", "city")),
        Dimension("product", "string", Column("sales", "product")),
    )
    total = Measure("total", "sum", Column("sales", "amount"))
    return World((Cube("sales", table, dimensions, (total, *measures)),))


def found(
    measures: list[Measure] | Measure, *by: str, **query: Any
) -> dict[tuple[Value, ...] | Value, Value]:
    """The value of the last measure by the dimensions."""
    given = measures if isinstance(measures, list) else [measures]
    names = [f"sales.{name}" for name in by]
    rows = answer(sales(*given), {"measures": [f"sales.{given[-1].name}"], "dimensions": names, **query}).rows
    return {tuple(row[name] for name in names): row[f"sales.{given[-1].name}"] for row in rows}


def number(expression: Expression = TOTAL, **stage: Any) -> Measure:
    return Measure("m", "number", expression, stage=Stage(**stage))


def test_less_keys_repeat_a_value_over_the_groups_that_there_are() -> None:
    cells = {("Rome", "x"), ("Rome", "y"), ("Oslo", "x"), (None, "x")}
    assert found(number(group_by=()), "city", "product") == dict.fromkeys(cells, 31)
    assert found(number(reduce_by=("sales.product",)), "city", "product") == {
        ("Rome", "x"): 7,
        ("Rome", "y"): 7,
        ("Oslo", "x"): 8,
        (None, "x"): 16,
    }


def test_a_share_of_the_total_is_a_formula_over_both() -> None:
    whole = replace(number(group_by=()), name="whole")
    rest = Measure("rest", "number", Arithmetic("-", Reference("sales", "whole"), TOTAL))
    assert found([whole, rest], "city") == {("Rome",): 24, ("Oslo",): 23, (None,): 15}


def test_more_keys_are_aggregated_again() -> None:
    mean = Measure("m", "avg", TOTAL, stage=Stage(add_group_by=("sales.product",)))
    assert found(mean, "city") == {("Rome",): 3.5, ("Oslo",): 8.0, (None,): 16.0}  # (1 + 6) / 2
    assert found(mean) == {(): 15.5}  # (25 + 6) / 2
    # A key that is there already is no new one.
    assert found(mean, "product") == {("x",): 25.0, ("y",): 6.0}


def test_groups_that_the_filters_leave_out_contribute_nothing() -> None:
    big = Compare(">", TOTAL, Constant(5))
    summed = Measure("m", "sum", TOTAL, (big,), stage=Stage(add_group_by=("sales.product",)))
    assert found(summed, "city") == {("Rome",): 6, ("Oslo",): 8, (None,): 16}
    assert found(replace(summed, type="count"), "city") == {("Rome",): 1, ("Oslo",): 1, (None,): 1}
    assert found(replace(summed, filters=(Compare(">", TOTAL, Constant(99)),))) == {(): None}


@pytest.mark.parametrize(
    ("directive", "expected"),
    [
        (Directive(), {("x",): 1, ("y",): 6}),
        (Directive(exclude=("sales.city",)), {("x",): 25, ("y",): 6}),
        (Directive(exclude=("sales.product",)), {("x",): 1, ("y",): 6}),
        (Directive(keep_only=("sales.product",)), {("x",): 25, ("y",): 6}),
        (Directive(keep_only=("sales.product", "sales.city")), {("x",): 1, ("y",): 6}),
        (Directive(exclude=("sales.city",), include=(only("Oslo"),)), {("x",): 8}),
        (Directive(include=(only("Oslo"),)), {}),
    ],
)
def test_a_directive_changes_the_conditions(directive: Directive, expected: dict[Any, Any]) -> None:
    assert found(number(filter=directive), "product", filters=[only("Rome")]) == expected


def test_fixed_starts_from_the_conditions_of_the_query() -> None:
    for mode, expected in (("relative", {("x",): 25, ("y",): 6}), ("fixed", {("x",): 1, ("y",): 6})):
        inner = replace(number(filter=Directive(mode=mode)), name="inner")  # type: ignore[arg-type]
        outer = number(Reference("sales", "inner"), filter=Directive(exclude=("sales.city",)))
        assert found([inner, outer], "product", filters=[only("Rome")]) == expected


def test_groups_without_a_value_to_share_have_none() -> None:
    oslo = number(group_by=("sales.product",), filter=Directive(include=(only("Oslo"),)))
    assert found(oslo, "city", "product") == {
        ("Rome", "x"): 8,
        ("Rome", "y"): None,
        ("Oslo", "x"): 8,
        (None, "x"): 8,
    }


def test_ranks_go_by_partition_with_nulls_last() -> None:
    def rank(expression: Expression, *, down: bool, **stage: Any) -> Measure:
        return Measure("m", "rank", order_by=(RankOrder(expression, down),), stage=Stage(**stage))

    assert found(rank(TOTAL, down=True, group_by=()), "city") == {("Rome",): 3, ("Oslo",): 2, (None,): 1}
    within = rank(TOTAL, down=False, reduce_by=("sales.product",))
    assert found(within, "city", "product") == {
        ("Rome", "x"): 1,
        ("Rome", "y"): 2,
        ("Oslo", "x"): 1,
        (None, "x"): 1,
    }
    unknown = Case(((Compare("<", TOTAL, Constant(8)), TOTAL),), None)
    for down in (True, False):
        ranks = found(rank(unknown, down=down, group_by=()), "city")
        assert ranks == {("Rome",): 1, ("Oslo",): 2, (None,): 2}


# ---------------------------------------------------------------- dimensions over measures


def with_dimension(world: World, dimension: Dimension) -> World:
    """The world with a dimension more on users."""
    users = world.cubes[0]
    return World((replace(users, dimensions=(*users.dimensions, dimension)), *world.cubes[1:]))


def orders_of(propagate: bool = False) -> Dimension:
    return Dimension("orders", "number", Reference("orders", "count"), sub_query=True, propagate=propagate)


def by_dimension(world: World, *filters: dict[str, Any], name: str = "orders") -> dict[Value, Value]:
    query = {"measures": ["users.count"], "dimensions": [f"users.{name}"], "filters": list(filters)}
    return {row[f"users.{name}"]: row["users.count"] for row in answer(world, query).rows}


PAID = {"member": "orders.status", "operator": "equals", "values": ["paid"]}
FEW = {"member": "users.orders", "operator": "lt", "values": ["3"]}


def test_a_sub_query_dimension_has_what_a_query_by_the_key_answers() -> None:
    assert by_dimension(with_dimension(shop(), orders_of())) == {3: 1, 1: 1, 0: 2}
    # Over orders as the root, users without orders are in no answer.
    assert by_dimension(with_dimension(shop(users_join=False, facts_join=True), orders_of())) == {
        3: 1,
        1: 1,
        None: 2,
    }


def test_conditions_of_the_query_reach_a_sub_query_only_if_they_are_let() -> None:
    assert by_dimension(with_dimension(shop(), orders_of()), PAID) == {3: 1, 1: 1}
    assert by_dimension(with_dimension(shop(), orders_of(propagate=True)), PAID) == {2: 1, 1: 1}
    # A condition on a sub-query is none of its own conditions.
    assert by_dimension(with_dimension(shop(), orders_of(propagate=True)), FEW) == {1: 1, 0: 2}


def test_a_multi_stage_dimension_is_that_of_its_own_tuple() -> None:
    big = Compare(">", Reference("orders", "amount"), Constant(10))
    size = Case(((big, Constant("big")),), Constant("small"))
    bucket = Dimension("size", "string", size, stage=Stage(add_group_by=("users.id",)))
    assert by_dimension(with_dimension(shop(), bucket), name="size") == {"small": 3, "big": 1}
    # Under the query's conditions, but not under those on itself.
    rome = {"member": "users.city", "operator": "equals", "values": ["Rome"]}
    small = {"member": "users.size", "operator": "equals", "values": ["small"]}
    assert by_dimension(with_dimension(shop(), bucket), rome, small, name="size") == {"small": 1}
