"""What the oracle makes of views, join hints and comparisons, against tables worked out by hand."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from tests.oracle.evaluate import RefusedError, answer, answers
from tests.oracle.expressions import Concat, Constant, IsNull, Ratio, Reference
from tests.oracle.joins import NoPathError, Tree, find_tree
from tests.oracle.test_oracle_itself import diamond, shop
from tests.oracle.test_oracle_windows import sales
from tests.oracle.world import DefaultFilter, Dimension, Measure, Segment, View, ViewPart, World


def steps(tree: Tree) -> list[tuple[str, str]]:
    return [(source, join.target) for source, join in tree.edges]


def test_a_hint_binds_where_its_cubes_are_joined() -> None:
    world, hints = diamond("left", "right"), [("top", "right", "bottom")]
    assert steps(find_tree(world, {"top", "bottom"}, hints=hints)) == [("top", "right"), ("right", "bottom")]
    assert find_tree(world, {"bottom"}, hints=hints) == Tree("bottom", ())
    assert steps(find_tree(world, {"top", "left"}, hints=hints)) == [("top", "left")]


def test_a_path_joins_all_cubes_on_it() -> None:
    tree = find_tree(diamond("left", "right"), {"bottom"}, paths=[("top", "right", "bottom")])
    assert (tree.root, steps(tree)) == ("top", [("top", "right"), ("right", "bottom")])


def test_paths_and_hints_of_two_ways_are_an_error() -> None:
    world, path = diamond("left", "right"), ("top", "right", "bottom")
    with pytest.raises(NoPathError):
        find_tree(world, {"bottom"}, paths=[path, ("top", "left", "bottom")])
    with pytest.raises(NoPathError):
        find_tree(world, {"bottom"}, paths=[path], hints=[("left", "bottom")])


def viewed() -> World:
    """Orders and their users in one view."""
    parts = (
        ViewPart(("orders",), ("status", "count"), prefix=False),
        ViewPart(("orders", "users"), ("city", "count", "credit"), prefix=True),
    )
    world = shop(users_join=False, facts_join=True)
    return World(world.cubes, (View("sold", parts),))


def test_a_measure_of_a_view_is_evaluated_along_its_path() -> None:
    # Users 1 and 2 have orders; users 3 and 4 have none.
    measures = ["sold.users_count", "sold.users_credit"]
    assert answer(viewed(), {"measures": measures}).rows == (
        {"sold.users_count": 2, "sold.users_credit": Decimal("30.50")},
    )
    assert answer(viewed(), {"measures": ["users.count"]}).rows == ({"users.count": 4},)


def test_own_members_of_a_view_are_made_of_members_along_their_paths() -> None:
    # Users 1 and 2 have orders, four of them; users 3 and 4 have none.
    each = Ratio(Reference("sold", "count"), Reference("sold", "users_count"))
    where = Concat((Reference("sold", "status"), Constant("/"), Reference("sold", "users_city")))
    own = (Measure("each", "number", each), Dimension("where", "string", where))
    romans = Segment("romans", IsNull(Reference("sold", "users_city"), negated=True))
    world = viewed()
    world = World(world.cubes, (replace(world.views[0], own=(*own, romans)),))
    assert answer(world, {"measures": ["sold.each"]}).rows == ({"sold.each": 3.0},)  # six orders, two users
    assert answer(world, {"measures": ["sold.each"], "segments": ["sold.romans"]}).rows == (
        {"sold.each": 2.0},
    )
    asked = {"measures": ["sold.count"], "dimensions": ["sold.where"]}
    assert sorted(answer(world, asked).rows, key=str) == WHERE


WHERE = [
    {"sold.where": "open/Rome", "sold.count": 1},
    {"sold.where": "paid/Rome", "sold.count": 3},
    {"sold.where": None, "sold.count": 2},
]


def test_a_default_filter_holds_unless_the_query_asks_about_the_same() -> None:
    romans = {"member": "sold.users_city", "operator": "equals", "values": ["Rome"]}
    world = viewed()
    view = replace(world.views[0], defaults=(DefaultFilter(romans, ("sold.status",)),))
    world = World(world.cubes, (view,))

    def count(*filters: dict[str, Any], measure: str = "sold.count", **more: Any) -> list[Any]:
        rows = answer(world, {"measures": [measure], "filters": list(filters), **more}).rows
        return [row[measure] for row in rows]

    assert count() == [4]
    assert count(dimensions=["sold.users_city"]) == [4]  # grouping by it releases nothing
    assert count({"member": "sold.users_city", "operator": "notSet"}) == [2]
    assert count({"member": "sold.status", "operator": "set"}) == [6]
    assert count(measure="orders.count") == [6]  # does not touch the view


def test_the_groups_of_a_view_are_those_of_its_root() -> None:
    rows = answer(viewed(), {"dimensions": ["sold.users_city"], "measures": ["sold.count"]}).rows
    assert rows == (
        {"sold.users_city": "Rome", "sold.count": 4},
        {"sold.users_city": None, "sold.count": 2},  # nobody's order, and the one of user 99
    )


def test_a_measure_along_two_paths_is_refused() -> None:
    with pytest.raises(RefusedError, match="along different paths"):
        answer(viewed(), {"measures": ["users.count", "sold.users_count"]})


def test_each_range_of_a_comparison_is_answered_by_itself() -> None:
    ranges = [["2024-01-02", "2024-01-05"], "2024-01-01"]
    query: dict[str, Any] = {
        "measures": ["sales.total"],
        "timeDimensions": [{"dimension": "sales.at", "compareDateRange": ranges}],
    }
    later, first = (each.rows for each in answers(sales(), query))
    told = "2024-01-02T00:00:00.000 - 2024-01-05T23:59:59.999"
    assert later == ({"sales.total": 14, "compareDateRange": told},)
    told = "2024-01-01T00:00:00.000 - 2024-01-01T23:59:59.999"
    assert first == ({"sales.total": 1, "compareDateRange": told},)
