"""Differences between the planner and the rules that were found once, pinned so that they stay mended."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from tests.oracle.expressions import (
    Case,
    Column,
    Compare,
    Constant,
    Expression,
    IsNull,
    Logic,
    Ratio,
    Reference,
)
from tests.oracle.members import Conversion, Stage, SwitchCase, Window
from tests.oracle.pipeline import Pipeline
from tests.oracle.policies import Policy
from tests.oracle.spans import Span
from tests.oracle.test_oracle_access import equals, shop
from tests.oracle.test_oracle_windows import sales
from tests.oracle.test_planner_agrees import check
from tests.oracle.world import Cube, Dimension, Join, Measure, Table, TableColumn, View, ViewPart, World

TEXTS = ("b", "guest_b", "driver_b", "note")


def two_roles() -> World:
    """A trip with a driver and a guest, both people; its guest does not exist."""

    def table(name: str, columns: str, row: tuple[int | str, ...]) -> Table:
        types = tuple(TableColumn(c, "text" if c in TEXTS else "integer") for c in columns.split())
        return Table(name, types, (row,))

    people = table("t_people", "a b n m", (2, "3", 10, 20))
    trips = table("t_trips", "id note guest_a guest_b driver_a driver_b", (4, "o", 1, "1", 2, "3"))

    def on(prefix: str, role: str) -> Expression:
        return Logic(
            "and",
            tuple(Compare("=", Column("trips", f"{prefix}_{part}"), Column(role, part)) for part in "ab"),
        )

    def role(name: str, *joins: Join) -> Cube:
        key = (
            Dimension("a", "number", Column(name, "a"), primary_key=True),
            Dimension("b", "string", Column(name, "b"), primary_key=True),
        )
        members = (*key, *(Dimension(c, "number", Column(name, c)) for c in ("n", "m")))
        return Cube(name, people, members, (Measure("count", "count"),), joins=joins)

    trip = Cube(
        "trips",
        trips,
        (
            Dimension("id", "number", Column("trips", "id"), primary_key=True),
            Dimension("note", "string", Column("trips", "note")),
        ),
        joins=(Join("guests", "many_to_one", on("guest", "guests")),),
    )
    return World(
        (trip, role("guests"), role("drivers", Join("trips", "one_to_many", on("driver", "drivers"))))
    )


# DuckDB 2.0.0 answers wrongly unless its common_subplan optimizer is off, which the driver sees to.
def test_two_roles_of_one_table_are_counted_apart(pipeline: Pipeline) -> None:
    world = two_roles()
    pipeline.show(world)
    check(
        pipeline,
        world,
        {
            "measures": ["guests.count", "drivers.count"],
            "dimensions": ["trips.note", "drivers.n", "guests.m"],
        },
    )


def test_a_condition_on_a_number_is_none_on_a_shifted_time(pipeline: Pipeline) -> None:
    world = sales()
    pipeline.show(world)
    small = {"member": "sales.id", "operator": "lte", "values": ["4"]}
    query = {"measures": ["sales.last_month"], "dimensions": ["sales.id"], "filters": [small]}
    check(pipeline, world, {**query, "timeDimensions": []})


def test_a_condition_on_a_mask_that_a_joined_cube_decides(pipeline: Pipeline) -> None:
    masked = Policy(("*",), includes=("id", "country", "count", "sum"), masked=("amount",))
    romans = Policy(("*",), filters=(equals("users.city", ["Rome"]),))
    world = shop(orders=(masked, romans))
    pipeline.show(world)
    big = {"member": "orders.amount", "operator": "gt", "values": ["10"]}
    check(pipeline, world, {"measures": ["orders.count"], "filters": [big], "timeDimensions": []})


def test_what_a_dimension_of_measures_is_evaluated_by_can_be_an_alternative(pipeline: Pipeline) -> None:
    # The comparison with the inner query's values read `a OR b IS NOT DISTINCT FROM c`: a OR (b …).
    small = Logic(
        "or", (Compare("<", Column("orders", "amount"), Constant(30)), IsNull(Reference("users", "id")))
    )
    many = Case(
        ((Compare(">", Reference("orders", "sum"), Constant(50)), Constant("many")),), Constant("few")
    )
    users, orders = shop().cubes
    orders = replace(
        orders,
        dimensions=(
            *orders.dimensions,
            Dimension("small", "boolean", small),
            Dimension("kind", "string", many, stage=Stage(add_group_by=("orders.small",))),
        ),
    )
    world = World((users, orders))
    pipeline.show(world)
    asked = {"measures": ["orders.count"], "filters": [], "timeDimensions": []}
    check(pipeline, world, {**asked, "dimensions": ["orders.kind"]})
    check(pipeline, world, {**asked, "dimensions": ["orders.kind", "users.city"]})


def test_the_name_of_the_others_beside_a_measure_in_one_alternative(pipeline: Pipeline) -> None:
    # HAVING repeats the grouped expression, and with it the parameter: DuckDB did not find it in GROUP BY.
    world = shop()
    pipeline.show(world)
    rest = {"member": "orders.country", "operator": "equals", "values": ["rest"]}
    big = {"member": "orders.sum", "operator": "gt", "values": ["100"]}
    asked = {"dimensions": ["orders.country"], "measures": ["orders.sum"], "timeDimensions": []}
    top = {"dimension": "orders.country", "by": "orders.count", "limit": 1, "others": "rest"}
    check(pipeline, world, {**asked, "top": top, "filters": [{"or": [rest, big]}]})
    check(pipeline, world, {**asked, "measures": [], "top": top, "filters": [{"or": [rest, big]}]})


def test_a_mask_stands_on_absent_rows(pipeline: Pipeline) -> None:
    # Order 4 is nobody's; the filter that shows names of users who are not from Rome holds for its absent user, too.
    hidden = Policy(("*",), includes=("id", "city"), masked=("name",))
    nowhere = Policy(("*",), filters=({"member": "users.city", "operator": "notEquals", "values": ["Rome"]},))
    world = shop(users=(hidden, nowhere))
    pipeline.show(world)
    check(
        pipeline,
        world,
        {"measures": ["orders.count"], "dimensions": ["users.name"], "filters": [], "timeDimensions": []},
    )


def test_a_mask_is_decided_by_the_rows_of_its_cube_whatever_is_joined(pipeline: Pipeline) -> None:
    # It was decided by what was joined: by no city where these are hidden, by that of which the user is mayor.
    masked = Policy(("*",), includes=("id", "count"), masked=("name",))
    of_rome = Policy(("*",), filters=(equals("cities.name", ["Rome"]),))
    closed = Policy(("nobody",))
    cities = Cube(
        "cities",
        Table("t_cities", (TableColumn("name", "text"), TableColumn("mayor", "integer")), (("Rome", 1),)),
        (Dimension("name", "string", Column("cities", "name"), primary_key=True),),
        (Measure("count", "count"),),
        joins=(Join("users", "many_to_one", Compare("=", Column("cities", "mayor"), Column("users", "id"))),),
    )
    users, orders = shop(users=(masked, of_rome)).cubes
    home = Join("cities", "many_to_one", Compare("=", Column("users", "city"), Column("cities", "name")))
    users = replace(users, joins=(home,))
    names = {"dimensions": ["users.name"], "timeDimensions": [], "filters": []}
    hidden = World((users, orders, replace(cities, policies=(closed,))))
    pipeline.show(hidden)
    check(pipeline, hidden, {**names, "measures": ["users.count"]})
    circle = World((users, orders, cities))
    pipeline.show(circle)
    check(pipeline, circle, {**names, "measures": ["users.count"]})
    check(pipeline, circle, {**names, "measures": ["cities.count"], "joinHints": [["cities", "users"]]})


def test_two_windows_over_the_same_rows_reach_as_far_as_each(pipeline: Pipeline) -> None:
    # They read the same buckets, which were bounded by how far the one reaches that reaches less.
    world = sales()
    pipeline.show(world)
    for first, last in (
        ("2024-01-03", "2024-01-05"),
        ("2024-02-01", "2024-02-02"),
        ("2023-12-30", "2023-12-31"),
    ):
        days = {"dimension": "sales.at", "granularity": "day", "dateRange": [first, last]}
        asked = {"dimensions": [], "filters": [], "timeDimensions": [days]}
        check(pipeline, world, {**asked, "measures": ["sales.last2", "sales.month"]})
        check(pipeline, world, {**asked, "measures": ["sales.ahead", "sales.last2"]})


def test_a_range_that_restricts_another_fact_is_no_time_to_roll_along(pipeline: Pipeline) -> None:
    # It was taken for the window's, so that rows without that time were in no frame.
    def cube(name: str, day: date | None) -> Cube:
        columns = (TableColumn("id", "integer"), TableColumn("day", "date"))
        window = Measure("rolling", "sum", Column(name, "id"), window=Window(trailing=Span(2, "day")))
        return Cube(
            name,
            Table(f"t_{name}", columns, ((1, day),)),
            (
                Dimension("id", "number", Column(name, "id"), primary_key=True),
                Dimension("day", "time", Column(name, "day"), time_kind="date"),
            ),
            (Measure("count", "count"), window),
        )

    calls, visits = cube("calls", None), cube("visits", date(2024, 1, 1))
    both = tuple(
        Join(name, "many_to_one", Compare("=", Column("people", "id"), Column(name, "id")))
        for name in ("calls", "visits")
    )
    world = World((replace(cube("people", date(2024, 1, 1)), joins=both), calls, visits))
    pipeline.show(world)
    ranged = {"dimension": "calls.day", "dateRange": ["2024-01-01", "2024-01-31"]}
    asked = {"dimensions": ["people.id"], "filters": [], "timeDimensions": [ranged]}
    check(pipeline, world, {**asked, "measures": ["calls.count", "visits.rolling"]})
    check(pipeline, world, {**asked, "measures": ["visits.rolling"]})


def test_a_key_that_a_stage_leaves_out_and_adds_again_is_the_states_through_a_view_too(
    pipeline: Pipeline,
) -> None:
    users, orders = shop().cubes
    again = Measure(
        "again",
        "sum",
        Reference("orders", "sum"),
        stage=Stage(reduce_by=("orders.country",), add_group_by=("orders.country", "orders.id")),
    )
    orders = replace(orders, measures=(*orders.measures, again))
    view = View("all_orders", (ViewPart(("orders",), ("country", "again"), False),))
    world = World((users, orders), (view,))
    pipeline.show(world)
    for cube in ("orders", "all_orders"):
        asked = {"measures": [f"{cube}.again"], "dimensions": [f"{cube}.country"], "filters": []}
        check(pipeline, world, {**asked, "timeDimensions": []})


def test_what_top_goes_by_along_another_path_is_refused(pipeline: Pipeline) -> None:
    # The oracle took it for a question of its own, in which a measure may be meant along another path (1.6).
    users, orders = shop().cubes
    each = Measure("each", "number", Ratio(Reference("users", "count"), Reference("orders", "count")))
    users = replace(users, measures=(*users.measures, each))
    parts = (
        ViewPart(("orders",), ("country", "count"), False),
        ViewPart(("orders", "users"), ("each",), False),
    )
    world = World((users, orders), (View("sold", parts),))
    pipeline.show(world)
    top = {"dimension": "sold.country", "by": "sold.count", "limit": 1}
    asked = {"measures": ["sold.each"], "dimensions": ["sold.country"], "timeDimensions": [], "filters": []}
    assert check(pipeline, world, asked) == "answers"
    assert check(pipeline, world, {**asked, "top": top}).startswith("refused")


def visiting() -> World:
    """Visits of users, who have spent what no condition on visits can be asked of; worth one or the other."""
    users, orders = shop().cubes
    spent = Dimension("spent", "number", Reference("orders", "sum"), sub_query=True, propagate=True)
    users = replace(
        users,
        dimensions=(*users.dimensions, spent),
        measures=(*users.measures, Measure("all_spent", "sum", Reference("users", "spent"))),
    )
    kinds = SwitchCase(
        "visits.kind",
        (("visits", Reference("visits", "count")), ("money", Reference("users", "all_spent"))),
    )
    columns = (TableColumn("id", "integer"), TableColumn("user_id", "integer"), TableColumn("day", "date"))
    visits = Cube(
        "visits",
        Table("t_visits", columns, tuple((number, 1, date(2024, 1, number)) for number in (1, 2, 3))),
        (
            Dimension("id", "number", Column("visits", "id"), primary_key=True),
            Dimension("day", "time", Column("visits", "day"), time_kind="date"),
            Dimension("kind", "switch", Constant(None), values=("visits", "money")),
            Dimension("sole", "switch", Constant(None), values=("one",)),
        ),
        (
            Measure("count", "count"),
            Measure("worth", "number", stage=Stage(), switch=kinds),
            Measure(
                "only",
                "number",
                stage=Stage(),
                switch=SwitchCase("visits.sole", (("one", Reference("visits", "count")),)),
            ),
            Measure(
                "again",
                "conversion",
                conversion=Conversion((("visits.count", "visits.day"),) * 2, "users.spent", None, "rate"),
            ),
        ),
        joins=(
            Join("users", "many_to_one", Compare("=", Column("visits", "user_id"), Column("users", "id"))),
        ),
    )
    return World((users, orders, visits))


def test_of_a_switch_with_one_value_only_the_branch_that_counts_needs_a_path(pipeline: Pipeline) -> None:
    # The oracle looked for all branches' sub-queries, whichever branch counted.
    world = visiting()
    pipeline.show(world)
    late = {"member": "visits.id", "operator": "gt", "values": ["1"]}
    for value, outcome in (("visits", "answers"), ("money", "without join path")):
        pinned = {"member": "visits.kind", "operator": "equals", "values": [value]}
        asked = {"measures": ["visits.worth"], "dimensions": [], "timeDimensions": []}
        assert check(pipeline, world, {**asked, "filters": [late, pinned]}) == outcome


def test_a_measure_of_a_switch_with_no_value_left_is_refused(pipeline: Pipeline) -> None:
    # A switch that has one value in all was taken for one that is left.
    world = visiting()
    pipeline.show(world)
    none = {"member": "visits.sole", "operator": "notEquals", "values": ["one"]}
    asked = {"measures": ["visits.only"], "dimensions": [], "timeDimensions": []}
    assert check(pipeline, world, {**asked, "filters": [none]}).startswith("refused")
    shown = {**asked, "dimensions": ["visits.sole"], "filters": [none]}
    assert check(pipeline, world, shown) == "empty answers"
    share = {"measure": "visits.only", "within": []}
    assert check(pipeline, world, {**shown, "percentOfTotal": [share]}).startswith("refused")


def test_what_tells_the_entity_of_a_conversion_needs_a_path_without_rows_too(pipeline: Pipeline) -> None:
    # The oracle found that there is none on the first row.
    world = visiting()
    pipeline.show(world)
    late = {"member": "visits.id", "operator": "gt", "values": ["100"]}
    asked = {"measures": ["visits.again"], "dimensions": [], "timeDimensions": [], "filters": [late]}
    assert check(pipeline, world, asked) == "without join path"
