"""The oracle's access policies and filled SQL, against rows picked by hand.

orders 1 DE 10 of user 1      users 1 Ann Berlin 100
       2 DE 20 of user 2            2 Ben Rome   200
       3 IT 40 of user 2            3 Cem Rome   400
       4 IT 80 of nobody
"""

from __future__ import annotations

from typing import Any

import pytest
from tests.oracle.evaluate import answer
from tests.oracle.expressions import Column, Compare, Expression, Value
from tests.oracle.policies import Claim, ClaimSlot, ClaimTest, ParamSlot, Policy, Principal, Slot
from tests.oracle.world import Cube, Dimension, Join, Measure, Table, TableColumn, View, ViewPart, World

USERS = ((1, "Ann", "Berlin", 100), (2, "Ben", "Rome", 200), (3, "Cem", "Rome", 400))
ORDERS = ((1, 1, "DE", 10), (2, 2, "DE", 20), (3, 2, "IT", 40), (4, None, "IT", 80))


def shop(
    users: tuple[Policy, ...] | None = None,
    orders: tuple[Policy, ...] | None = None,
    slots: tuple[Slot, ...] = (),
    *,
    from_users: bool = False,
) -> World:
    """``from_users``: the join is declared on users, from one to many."""
    on: Expression = Compare("=", Column("orders", "user_id"), Column("users", "id"))

    def table(name: str, columns: str, *rows: tuple[Value, ...]) -> Table:
        texts = ("name", "city", "country")
        types = tuple(TableColumn(c, "text" if c in texts else "integer") for c in columns.split())
        return Table(name, types, rows)

    def dimension(cube: str, name: str, type: Any = "string", **more: Any) -> Dimension:
        return Dimension(name, type, Column(cube, name), **more)

    first = Cube(
        "users",
        table("users", "id name city salary", *USERS),
        (
            dimension("users", "id", "number", primary_key=True),
            dimension("users", "name", mask="***"),
            dimension("users", "city"),
            dimension("users", "salary", "number"),
        ),
        (Measure("count", "count"), Measure("salaries", "sum", Column("users", "salary"), mask=-1)),
        joins=(Join("orders", "one_to_many", on),) if from_users else (),
        policies=users,
    )
    second = Cube(
        "orders",
        table("orders", "id user_id country amount", *ORDERS),
        (
            dimension("orders", "id", "number", primary_key=True),
            dimension("orders", "country"),
            dimension("orders", "amount", "number"),
        ),
        (Measure("count", "count"), Measure("sum", "sum", Column("orders", "amount"))),
        joins=() if from_users else (Join("users", "many_to_one", on),),
        policies=orders,
        as_select=bool(slots),
        slots=slots,
    )
    return World((first, second))


def equals(member: str, values: Any) -> dict[str, Any]:
    return {"member": member, "operator": "equals", "values": values}


def ask(world: World, who: Principal, *columns: str, **query: Any) -> list[tuple[Value, ...]]:
    """The answer's rows, in any order."""
    measures = [name for name in columns if world.measure(name)]
    dimensions = [name for name in columns if name not in measures]
    rows = answer(world, {"measures": measures, "dimensions": dimensions, **query}, who).rows
    return sorted((tuple(row[name] for name in columns) for row in rows), key=str)


SELLERS = Policy(("seller",), filters=(equals("orders.country", Claim("country")),))
AUDITORS = Policy(("auditor",), filters=({"member": "orders.amount", "operator": "gte", "values": ["40"]},))
CLERKS = Policy(("clerk",), includes=("id", "country", "count"))


def who(*groups: str, **claims: Any) -> Principal:
    return Principal(groups, claims)


@pytest.mark.parametrize(
    ("principal", "expected"),
    [
        (who("seller", country="DE"), (2, 30)),
        (who("seller", country="IT"), (2, 120)),
        (who("seller", country=["DE", "IT"]), (4, 150)),
        (who("seller", country=[]), (0, None)),
        (who("seller"), (0, None)),
        (who("seller", "auditor", country="DE"), (4, 150)),  # 1 and 2, 3 and 4
        (who("auditor"), (2, 120)),
        (who("other"), (0, None)),
    ],
)
def test_policies_open_rows_and_add_up(principal: Principal, expected: tuple[Value, ...]) -> None:
    world = shop(orders=(SELLERS, AUDITORS))
    assert ask(world, principal, "orders.count", "orders.sum") == [expected]


def test_a_left_join_to_hidden_rows_finds_nothing_and_stays_one() -> None:
    world = shop(orders=(SELLERS,), from_users=True)
    italian = who("seller", country="IT")
    assert ask(world, italian, "users.name", "orders.sum") == [("Ann", None), ("Ben", 40), ("Cem", None)]


def test_a_cube_that_is_only_joined_shows_the_rows_that_some_policy_opens() -> None:
    romans = Policy(("*",), filters=(equals("users.city", ["Rome"]),))
    assert ask(shop(users=(romans,)), who(), "users.city", "orders.sum") == [("Rome", 60), (None, 90)]
    assert ask(shop(users=(romans,)), who(), "orders.sum") == [(150,)]


def test_a_filter_sees_what_each_row_has_one_of() -> None:
    romans = Policy(("*",), filters=(equals("users.city", ["Rome"]),))
    hidden = Policy(("nobody",))
    assert ask(shop(orders=(romans,), users=(hidden,)), who(), "orders.sum") == [(60,)]


def test_each_named_member_by_the_policies_that_grant_it() -> None:
    managers = Policy(("manager",), filters=(equals("orders.country", ["IT"]),))
    world = shop(orders=(CLERKS, managers))
    both = who("clerk", "manager")
    assert ask(world, both, "orders.count") == [(4,)]
    assert ask(world, both, "orders.count", "orders.sum") == [(2, 120)]
    assert ask(world, who("clerk"), "orders.sum") == [(None,)]
    assert ask(world, who("clerk"), "orders.sum", "orders.country") == []
    assert ask(world, who("clerk"), "orders.count", filters=[equals("orders.amount", ["10"])]) == [(0,)]


def test_conditions_decide_whether_a_policy_applies() -> None:
    policy = Policy(("*",), (ClaimTest("level", ">=", 3), ClaimTest("region", "in", ("eu", "us"))))
    for claims, count in (
        ({"level": 3, "region": "eu"}, 4),
        ({"level": 2, "region": "eu"}, 0),
        ({"level": 3}, 0),
    ):
        assert ask(shop(orders=(policy,)), who(**claims), "orders.count") == [(count,)]


STAFF = Policy(("staff",), includes=("id", "city", "count"), masked=("name", "salary", "salaries"))
ROMANS = Policy(("roman",), filters=(equals("users.city", ["Rome"]),))


def test_masks_show_where_no_policy_shows_the_value() -> None:
    world = shop(users=(STAFF, ROMANS))
    assert ask(world, who("staff"), "users.id", "users.name", "users.salary") == [
        (1, "***", None),
        (2, "***", None),
        (3, "***", None),
    ]
    assert ask(world, who("staff", "roman"), "users.id", "users.name", "users.salary") == [
        (1, "***", None),
        (2, "Ben", 200),
        (3, "Cem", 400),
    ]
    assert ask(world, who("staff"), "users.name", "users.count") == [("***", 3)]


def test_conditions_test_what_is_shown() -> None:
    world = shop(users=(STAFF, ROMANS))
    for values, count in ((["200"], 0), ([None], 3)):
        assert ask(world, who("staff"), "users.count", filters=[equals("users.salary", values)]) == [(count,)]


def test_a_measure_is_shown_for_groups_that_say_that_all_their_rows_are_open() -> None:
    world, principal = shop(users=(STAFF, ROMANS)), who("staff", "roman")
    assert ask(world, principal, "users.salaries") == [(-1,)]
    assert ask(world, principal, "users.city", "users.salaries") == [("Berlin", -1), ("Rome", 600)]


# ---------------------------------------------------------------- views


def sold(*policies: Policy, orders: tuple[Policy, ...] | None = None) -> World:
    """Orders and their users in one view, which has policies."""
    parts = (
        ViewPart(("orders",), ("country", "count", "sum"), prefix=False),
        ViewPart(("orders", "users"), ("city", "salary", "count"), prefix=True),
    )
    return World(shop(orders=orders).cubes, (View("sold", parts, policies=policies),))


def seen(world: World, who: Principal, *names: str) -> list[tuple[Value, ...]]:
    """The rows for members of the view, of which those with measures' names are measures."""
    measures = [f"sold.{name}" for name in names if name in ("count", "sum", "users_count")]
    dimensions = [name for each in names if (name := f"sold.{each}") not in measures]
    rows = answer(world, {"measures": measures, "dimensions": dimensions}, who).rows
    return sorted((tuple(row[f"sold.{name}"] for name in names) for row in rows), key=str)


IN_ROME = Policy(("roman",), filters=(equals("sold.users_city", ["Rome"]),))


def test_the_row_filters_of_a_view_are_conditions_whatever_is_measured() -> None:
    world = sold(IN_ROME)
    assert seen(world, who("roman"), "sum") == [(60,)]  # orders 2 and 3
    assert seen(world, who("roman"), "users_count") == [(1,)]  # Ben; Cem has no order
    assert seen(world, who(), "sum") == [(None,)]
    assert ask(world, who(), "orders.sum") == [(150,)]  # of the cube itself, which has no policies


def test_a_view_grants_its_members_and_the_cubes_row_filters_hold_besides() -> None:
    clerks = Policy(("clerk",), includes=("count",))
    world = sold(IN_ROME, clerks, orders=(SELLERS,))
    seller = {"country": "IT"}
    assert seen(world, who("clerk", "seller", **seller), "count") == [(2,)]  # orders 3 and 4
    assert seen(world, who("clerk", "seller", **seller), "sum") == [(None,)]  # nobody grants it
    assert seen(world, who("clerk", "roman", "seller", **seller), "count", "sum") == [(1, 40)]  # order 3


def test_a_member_that_a_view_masks_is_shown_on_the_joined_rows_of_who_shows_it() -> None:
    staff = Policy(("staff",), includes=("count", "users_city", "country"), masked=("users_salary", "sum"))
    world = sold(staff, IN_ROME)
    assert seen(world, who("staff"), "users_salary", "count") == [(None, 4)]
    assert seen(world, who("staff", "roman"), "users_salary", "count") == [(200, 2), (None, 2)]
    by_city = seen(world, who("staff", "roman"), "users_city", "sum")
    assert by_city == [("Berlin", None), ("Rome", 60), (None, None)]
    assert seen(world, who("staff", "roman"), "country", "sum") == [("DE", None), ("IT", None)]


# ---------------------------------------------------------------- SQL that a query fills


def test_claims_choose_the_rows_of_a_select() -> None:
    world = shop(slots=(ClaimSlot("country", "country"),))
    for claims, total in (
        ({}, 150),
        ({"country": "IT"}, 120),
        ({"country": ["DE"]}, 30),
        ({"country": []}, None),
    ):
        assert ask(world, who(**claims), "orders.sum") == [(total,)]


def test_filter_params_restate_the_conditions_on_one_member() -> None:
    """On another column, so that it can be told: a condition on the amount leaves users with it, and no orders."""
    world = shop(slots=(ParamSlot((("orders.amount", "id"),)),))
    small = [{"member": "orders.amount", "operator": "lt", "values": ["3"]}]
    assert ask(world, who(), "orders.count", filters=small) == [(0,)]
    wide = [{"member": "orders.amount", "operator": "gt", "values": ["2"]}]  # ids above 2
    assert ask(world, who(), "orders.count", filters=wide) == [(2,)]
    # An `or` with another member is one condition, and is not restated.
    other = [{"or": [*wide, equals("orders.country", ["none"])]}]
    assert ask(world, who(), "orders.count", filters=other) == [(4,)]


def test_a_group_restates_conditions_whose_members_are_all_in_it() -> None:
    world = shop(slots=(ParamSlot((("orders.amount", "id"), ("orders.country", "country"))),))
    either = [{"or": [equals("orders.country", ["DE"]), equals("orders.amount", ["4", "80"])]}]
    # Restated: country DE or id 4 (or 80), so that order 3 is gone; of the rest, 1, 2 and 4 are left by the condition.
    assert ask(world, who(), "orders.sum", filters=either) == [(110,)]
    nothing = [{"or": [equals("orders.country", ["DE"]), equals("orders.amount", ["80"])]}]
    assert ask(world, who(), "orders.sum", filters=nothing) == [(30,)]  # no order has the id 80
