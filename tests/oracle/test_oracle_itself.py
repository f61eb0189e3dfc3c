"""The oracle against tables worked out by hand: it is the judge, so it is judged first."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from tests.oracle import times
from tests.oracle.evaluate import RefusedError, answer
from tests.oracle.expressions import (
    Coalesce,
    Column,
    Compare,
    Constant,
    Expression,
    IsNull,
    Logic,
    Ratio,
    Reference,
    Value,
    evaluate,
)
from tests.oracle.filters import FilterReader
from tests.oracle.joins import Facts, NoPathError, closure, find_tree
from tests.oracle.world import (
    Cube,
    Dimension,
    Join,
    Measure,
    Relationship,
    Segment,
    Table,
    TableColumn,
    World,
)


def equal(cube: str, column: str, other: str, its: str) -> Expression:
    return Compare("=", Column(cube, column), Column(other, its))


def to(target: str, relationship: Relationship, on: Expression) -> Join:
    return Join(target, relationship, on)


def table(name: str, columns: dict[str, Any], *rows: tuple[Value, ...]) -> Table:
    return Table(name, tuple(TableColumn(column, type) for column, type in columns.items()), rows)


def plain(cube: str, name: str, type: Any = "string", **more: Any) -> Dimension:
    return Dimension(name, type, Column(cube, name), **more)


USERS = table(
    "users",
    {"id": "integer", "city": "text", "credit": "decimal"},
    (1, "Rome", Decimal("10.50")),
    (2, "Rome", Decimal("20.00")),
    (3, None, Decimal("5.00")),
    (4, "Oslo", None),
)
ORDERS = table(
    "orders",
    {"id": "integer", "user_id": "integer", "status": "text", "amount": "integer"},
    (1, 1, "paid", 5),
    (2, 1, "paid", 7),
    (3, 1, "open", 1),
    (4, 2, "paid", 2),
    (5, None, "open", 100),
    (6, 99, "paid", 200),  # an orphan
)
RETURNS = table(
    "returns",
    {"id": "integer", "user_id": "integer", "reason": "text"},
    (1, 1, "late"),
    (2, 1, "broken"),
    (3, 3, "late"),
)


def shop(*, users_join: bool = True, facts_join: bool = False) -> World:
    """Users with orders and returns. ``users_join``: declared on users (one_to_many); ``facts_join``: on the
    facts (many_to_one)."""
    links = {
        "orders": equal("orders", "user_id", "users", "id"),
        "returns": equal("returns", "user_id", "users", "id"),
    }
    many = tuple(to(name, "one_to_many", on) for name, on in links.items()) if users_join else ()
    one = {name: (to("users", "many_to_one", on),) if facts_join else () for name, on in links.items()}
    users = Cube(
        "users",
        USERS,
        (plain("users", "id", "number", primary_key=True), plain("users", "city")),
        (
            Measure("count", "count"),
            Measure("credit", "sum", Column("users", "credit")),
            Measure("credit_or_one", "sum", Coalesce((Column("users", "credit"), Constant(1)))),
            Measure("average", "avg", Column("users", "credit")),
            Measure(
                "orders_each", "number", Ratio(Reference("orders", "count"), Reference("users", "count"))
            ),
        ),
        joins=many,
    )
    orders = Cube(
        "orders",
        ORDERS,
        (plain("orders", "id", "number", primary_key=True), plain("orders", "status")),
        (
            Measure("count", "count"),
            Measure("amount", "sum", Column("orders", "amount")),
            Measure("paid", "sum", Column("orders", "amount"), (equal_text("orders", "status", "paid"),)),
        ),
        (Segment("open", equal_text("orders", "status", "open")),),
        one["orders"],
    )
    returns = Cube(
        "returns",
        RETURNS,
        (plain("returns", "id", "number", primary_key=True), plain("returns", "reason")),
        (Measure("count", "count"),),
        joins=one["returns"],
    )
    return World((users, orders, returns))


def equal_text(cube: str, column: str, text: str) -> Expression:
    return Compare("=", Column(cube, column), Constant(text))


def rows(world: World, **query: Any) -> list[tuple[Value, ...]]:
    return [tuple(row.values()) for row in answer(world, query).rows]


# ---------------------------------------------------------------- fan-out, chasms, grain


def test_a_join_that_repeats_users_leaves_their_sums_alone() -> None:
    # By status, from users: paid has users 1 and 2, open user 1, no order users 3 and 4.
    found = rows(shop(), measures=["users.credit", "users.count"], dimensions=["orders.status"])
    assert found == [("paid", Decimal("30.50"), 2), ("open", Decimal("10.50"), 1), (None, Decimal("5.00"), 2)]


def test_two_facts_on_one_dimension_do_not_repeat_each_other() -> None:
    found = rows(shop(), measures=["orders.amount", "returns.count"], dimensions=["users.city"])
    # Rome: 5 + 7 + 1 + 2 and two returns; user 3 has no city and one return; Oslo has neither.
    assert found == [("Rome", 15, 2), ("Oslo", None, 0), (None, None, 1)]


def test_orphans_and_missing_keys_stay_in_a_fact_that_is_the_root() -> None:
    world = shop(users_join=False, facts_join=True)
    found = rows(world, measures=["orders.amount"], dimensions=["users.city"])
    assert found == [(None, 300), ("Rome", 15)]


def test_facts_as_roots_combine_all_groups_and_pad_with_null() -> None:
    world = shop(users_join=False, facts_join=True)
    found = rows(world, measures=["orders.count", "returns.count"], dimensions=["users.city", "users.id"])
    assert found == [
        ("Rome", 1, 3, 2),
        (None, None, 2, None),  # orders without a user; returns have no such group, so not even 0
        ("Rome", 2, 1, None),
        (None, 3, None, 1),
    ]


def test_an_absent_row_contributes_nothing_even_through_coalesce() -> None:
    world = shop(users_join=False, facts_join=True)
    found = rows(world, measures=["users.credit_or_one"], dimensions=["orders.status"])
    assert found == [("paid", Decimal("30.50")), ("open", Decimal("10.50"))]


def test_a_ratio_is_taken_of_the_combined_row() -> None:
    found = rows(shop(), measures=["users.orders_each"], dimensions=["users.city"])
    assert found == [("Rome", 2.0), ("Oslo", 0.0), (None, 0.0)]


def test_an_average_is_of_rows_of_its_cube_not_of_joined_rows() -> None:
    found = rows(
        shop(), measures=["users.average"], dimensions=["orders.status"], order={"orders.status": "asc"}
    )
    assert found == [("open", 10.5), ("paid", 15.25), (None, 5.0)]


def test_filters_of_a_measure_leave_rows_out_and_groups_in() -> None:
    found = rows(
        shop(), measures=["orders.paid"], dimensions=["orders.status"], order=[["orders.status", "asc"]]
    )
    assert found == [("open", None), ("paid", 214)]


def test_without_dimensions_there_is_one_row_even_over_nothing() -> None:
    nothing = [{"member": "orders.status", "operator": "equals", "values": ["none"]}]
    assert rows(shop(), measures=["orders.count", "orders.amount"], filters=nothing) == [(0, None)]
    assert rows(shop(), dimensions=["orders.status"], filters=nothing) == []


COMPOSITE = table(
    "parts",
    {"a": "text", "b": "text", "n": "integer"},
    ("1", "23", 1),
    ("12", "3", 2),  # concatenated, the same key
    ("1", None, 4),
    (None, "1", 8),
    (None, None, 16),  # no row of the cube
)
USES = table(
    "uses", {"id": "integer", "a": "text", "b": "text"}, (1, "1", "23"), (2, "1", "23"), (3, "12", "3")
)


def composite() -> World:
    on = Logic("and", (equal("uses", "a", "parts", "a"), equal("uses", "b", "parts", "b")))
    parts = Cube(
        "parts",
        COMPOSITE,
        (plain("parts", "a", primary_key=True), plain("parts", "b", primary_key=True)),
        (Measure("count", "count"), Measure("n", "sum", Column("parts", "n"))),
        joins=(to("uses", "one_to_many", on),),
    )
    uses = Cube(
        "uses", USES, (plain("uses", "id", "number", primary_key=True),), (Measure("count", "count"),)
    )
    return World((parts, uses))


def test_composite_keys_are_tuples_and_a_key_of_nulls_is_none() -> None:
    assert rows(composite(), measures=["parts.count", "parts.n"]) == [(4, 15)]


def test_composite_keys_under_a_fan_out() -> None:
    used = [{"member": "uses.id", "operator": "set"}]
    assert rows(composite(), measures=["parts.count", "parts.n"], filters=used) == [(2, 3)]


def test_a_measure_over_many_rows_of_another_cube_is_refused() -> None:
    world = composite()
    odd = Measure("odd", "sum", Reference("uses", "id"))
    parts = world.cubes[0]
    broken = Cube("parts", parts.table, parts.dimensions, (odd,), joins=parts.joins)
    with pytest.raises(RefusedError, match="many rows"):
        answer(World((broken, world.cubes[1])), {"measures": ["parts.odd"]})


# ---------------------------------------------------------------- join paths and facts


def diamond(*order: str) -> World:
    """top -> left, right -> bottom, with its joins declared in the given order."""
    empty = table("t", {"id": "integer"})
    on = {name: equal(name, "id", name, "id") for name in ("left", "right", "bottom")}
    joins = {
        "top": tuple(to(name, "many_to_one", on[name]) for name in order),
        "left": (to("bottom", "many_to_one", on["bottom"]),),
        "right": (to("bottom", "many_to_one", on["bottom"]),),
        "bottom": (),
    }
    key = {name: (plain(name, "id", "number", primary_key=True),) for name in joins}
    return World(tuple(Cube(name, empty, key[name], joins=declared) for name, declared in joins.items()))


@pytest.mark.parametrize("order", [("left", "right"), ("right", "left")])
def test_equal_paths_are_decided_by_the_order_of_declaration(order: tuple[str, str]) -> None:
    tree = find_tree(diamond(*order), {"top", "bottom"})
    assert [(source, join.target) for source, join in tree.edges] == [("top", order[0]), (order[0], "bottom")]


def test_the_root_with_the_fewest_joins_wins() -> None:
    assert find_tree(diamond("left", "right"), {"bottom", "left"}).root == "left"


def test_joins_are_followed_in_their_direction_only() -> None:
    with pytest.raises(NoPathError):
        find_tree(diamond("left", "right"), {"left", "right"})


def test_another_cube_of_the_query_is_the_last_resort_for_a_root() -> None:
    assert find_tree(diamond("left", "right"), {"left", "right"}, {"top"}).root == "top"


def test_facts_are_measure_cubes_that_no_other_determines() -> None:
    world = shop(users_join=False, facts_join=True)
    assert closure(world, "orders") == {"orders", "users"}
    assert Facts.among(world, (name for name in world.names)).names == ("orders", "returns")


def test_a_condition_on_one_fact_restricts_that_fact_only() -> None:
    query: dict[str, Any] = {"measures": ["orders.count", "returns.count"], "dimensions": ["users.city"]}
    paid = [{"member": "orders.status", "operator": "equals", "values": ["paid"]}]
    found = rows(shop(), **query, filters=paid, order=[["users.city", "asc"]])
    assert found == [("Oslo", None, 0), ("Rome", 3, 2), (None, None, 1)]
    assert rows(shop(), **query, segments=["orders.open"]) == [
        ("Rome", 1, 2),
        ("Oslo", None, 0),
        (None, None, 1),
    ]


def test_an_or_of_one_item_is_that_item() -> None:
    paid = {"member": "orders.status", "operator": "equals", "values": ["paid"]}
    rome = {"member": "users.city", "operator": "equals", "values": ["Rome"]}
    # Split, the city restricts both facts and the status orders only; kept whole, all would be the orders'.
    for filters in ([paid, rome], [{"or": [{"and": [paid, {"or": [rome]}]}]}]):
        assert rows(shop(), measures=["orders.count", "returns.count"], filters=filters) == [(3, 2)]


def test_a_condition_on_a_shared_dimension_restricts_all() -> None:
    rome = [{"member": "users.city", "operator": "equals", "values": ["Rome"]}]
    assert rows(shop(), measures=["orders.count", "returns.count"], filters=rome) == [(4, 2)]


def test_a_condition_on_what_is_grouped_by_restricts_all() -> None:
    paid = [{"member": "orders.status", "operator": "equals", "values": ["paid"]}]
    found = rows(shop(), measures=["orders.count", "users.count"], dimensions=["orders.status"], filters=paid)
    # Users 1 and 2; and all four paid orders, the orphan too, since orders are counted without users.
    assert found == [("paid", 4, 2)]


# ---------------------------------------------------------------- logic and filters


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        (Logic("and", (Constant(None), Constant(False))), False),
        (Logic("and", (Constant(None), Constant(True))), None),
        (Logic("or", (Constant(None), Constant(True))), True),
        (Logic("or", (Constant(None), Constant(False))), None),
        (Compare("<>", Constant(None), Constant("x")), None),
        (IsNull(Constant(None)), True),
        (IsNull(Constant(None), negated=True), False),
        (Ratio(Constant(1), Constant(0)), None),
    ],
)
def test_logic_has_three_values(expression: Expression, expected: Value) -> None:
    assert evaluate(expression, lambda atom: None) is expected


@pytest.mark.parametrize(
    ("operator", "values", "passing"),
    [
        ("equals", ["Rome"], ["Rome"]),
        ("equals", [None], [None]),
        ("equals", ["Rome", None], ["Rome", None]),
        ("notEquals", ["Rome"], ["Oslo", None]),
        ("notEquals", [None], ["Rome", "Oslo"]),
        ("notEquals", ["Rome", None], ["Oslo"]),
        ("in", ["Rome", "Oslo"], ["Rome", "Oslo"]),
        ("notIn", ["Rome", "Oslo"], [None]),
        ("contains", ["OM"], ["Rome"]),
        ("contains", ["%"], []),
        ("contains", ["om", None], ["Rome", None]),
        ("contains", [None], [None]),
        ("notContains", ["om"], ["Oslo", None]),
        ("notContains", ["om", None], ["Oslo"]),
        ("notContains", [None], ["Rome", "Oslo", None]),
        ("startsWith", ["r", "o"], ["Rome", "Oslo"]),
        ("notStartsWith", ["r", "o"], [None]),
        ("endsWith", ["E"], ["Rome"]),
        ("notEndsWith", ["e"], ["Oslo", None]),
        ("gt", ["Oslo"], ["Rome"]),
        ("lte", ["Oslo"], ["Oslo"]),
        ("set", [], ["Rome", "Oslo"]),
        ("notSet", [], [None]),
    ],
)
def test_each_operator_treats_null_as_the_contract_says(
    operator: str, values: list[str | None], passing: list[str | None]
) -> None:
    reader = FilterReader(shop(), "UTC")
    item = {"member": "users.city", "operator": operator, "values": values}
    assert [city for city in ("Rome", "Oslo", None) if reader.holds(item, lambda _, c=city: c)] == passing


# ---------------------------------------------------------------- time


@pytest.mark.parametrize(
    ("civil", "zone", "instant"),
    [
        ("2024-03-31T02:30", "Europe/Berlin", "2024-03-31T01:00"),  # skipped: the moment of the change
        ("2024-10-27T02:30", "Europe/Berlin", "2024-10-27T00:30"),  # twice: the first time
        ("2011-12-30T12:00", "Pacific/Apia", "2011-12-30T10:00"),  # a day that never was
        (
            "2023-03-12T00:00",
            "America/Havana",
            "2023-03-12T05:00",
        ),  # midnight skipped: the day begins at 01:00
        ("2023-11-05T00:30", "America/Havana", "2023-11-05T04:30"),
        ("2024-04-07T01:45", "Australia/Lord_Howe", "2024-04-06T14:45"),  # half an hour, twice
        ("2024-01-01T00:00", "Asia/Kathmandu", "2023-12-31T18:15"),
    ],
)
def test_bounds_are_the_earliest_instant_at_or_after(civil: str, zone: str, instant: str) -> None:
    assert times.earliest(datetime.fromisoformat(civil), zone) == datetime.fromisoformat(instant)


def test_the_repeated_hour_merges() -> None:
    first, second = datetime(2024, 10, 27, 0, 30), datetime(2024, 10, 27, 1, 30)
    shown = {times.floor(times.wall(instant, "Europe/Berlin"), "hour") for instant in (first, second)}
    assert shown == {datetime(2024, 10, 27, 2)}


@pytest.mark.parametrize(
    ("granularity", "floored"),
    [
        ("second", "2023-08-20T13:45:59"),
        ("minute", "2023-08-20T13:45"),
        ("hour", "2023-08-20T13:00"),
        ("day", "2023-08-20"),
        ("week", "2023-08-14"),  # a Sunday belongs to the week of the Monday before
        ("month", "2023-08-01"),
        ("quarter", "2023-07-01"),
        ("year", "2023-01-01"),
    ],
)
def test_floors(granularity: str, floored: str) -> None:
    at = datetime(2023, 8, 20, 13, 45, 59, 999000)
    assert times.floor(at, granularity) == datetime.fromisoformat(floored)


@pytest.mark.parametrize(
    ("operator", "day", "passing"),
    [
        ("beforeDate", "2024-01-02", [1]),
        ("beforeOrOnDate", "2024-01-02", [1, 2]),
        ("afterDate", "2024-01-02", [3]),
        ("afterOrOnDate", "2024-01-02", [2, 3]),
        ("onTheDate", "2024-01-02", [2]),
        ("notInDateRange", "2024-01-02", [1, 3]),
    ],
)
def test_a_bare_date_is_its_whole_day(operator: str, day: str, passing: list[int]) -> None:
    world = World((Cube("events", table("events", {"at": "timestamp"}), (plain("events", "at", "time"),)),))
    item = {"member": "events.at", "operator": operator, "values": [day]}
    instants = {number: datetime(2024, 1, number, 12) for number in (1, 2, 3)}
    reader = FilterReader(world, "UTC")
    assert [n for n, at in instants.items() if reader.holds(item, lambda _, at=at: at)] == passing
    assert not reader.holds(item, lambda _: None)


# ---------------------------------------------------------------- order and pages


def test_nulls_are_last_both_ways_and_ties_are_broken_by_the_group_columns() -> None:
    for direction, expected in (
        ("asc", ["Oslo", "Rome", "Rome", None]),
        ("desc", ["Rome", "Rome", "Oslo", None]),
    ):
        found = rows(shop(), dimensions=["users.city", "users.id"], order={"users.city": direction})
        assert [city for city, _ in found] == expected
        assert [number for city, number in found if city == "Rome"] == [1, 2]


def test_the_default_order_is_by_the_finest_granularity_of_the_first_time_dimension() -> None:
    at = table(
        "events", {"at": "timestamp", "n": "integer"}, (datetime(2024, 5, 1), 1), (datetime(2024, 2, 1), 2)
    )
    world = World((Cube("events", at, (plain("events", "at", "time"), plain("events", "n", "number"))),))
    by = [{"dimension": "events.at", "granularity": unit} for unit in ("year", "month")]
    found = answer(world, {"dimensions": ["events.n"], "timeDimensions": by}).rows
    assert [row["events.n"] for row in found] == [2, 1]  # by year alone, the tie would put 1 first


def test_total_counts_groups_before_the_page() -> None:
    page = answer(shop(), {"dimensions": ["users.id"], "limit": 1, "offset": 1, "total": True})
    assert (page.total, page.limit, page.offset) == (4, 1, 1)


def test_ungrouped_shows_joined_rows() -> None:
    found = rows(
        shop(),
        measures=["orders.amount"],
        dimensions=["users.id", "orders.id"],
        ungrouped=True,
        order=[["users.id", "asc"]],
    )
    assert found == [(1, 1, 5), (1, 2, 7), (1, 3, 1), (2, 4, 2), (3, None, None), (4, None, None)]
