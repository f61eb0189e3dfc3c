"""Join trees, by hand-drawn graphs: which root, which path, which cubes a join repeats."""

import itertools

import pytest

from cuboid.catalog.compile import compile_catalog
from cuboid.catalog.files import ModelFile
from cuboid.catalog.joins import JoinGraph
from cuboid.errors import NoJoinPath

RELATIONSHIPS = {">": "many_to_one", "<": "one_to_many", "=": "one_to_one"}


def graph(*edges: str, cubes: str = "") -> JoinGraph:
    """``a>b`` is a join declared on a, many to one; cubes are declared in the order of ``cubes``, then of mention."""
    declared: dict[str, list[str]] = {name: [] for name in cubes.split()}
    for edge in edges:
        sign = next(sign for sign in RELATIONSHIPS if sign in edge)
        source, target = edge.split(sign)
        for name in (source, target):
            declared.setdefault(name, [])
        declared[source].append(
            f"{{name: {target}, relationship: {RELATIONSHIPS[sign]}, sql: '{{CUBE}}.x = {{{target}}}.y'}}"
        )
    text = "cubes:\n" + "".join(
        f"  - name: {name}\n    sql_table: {name}\n    joins: [{', '.join(joins)}]\n"
        "    dimensions: [{name: id, sql: id, type: number, primary_key: true}]\n"
        for name, joins in declared.items()
    )
    catalog = compile_catalog([ModelFile("m.yml", text)])
    assert not catalog.errors
    return JoinGraph(catalog)


def path(tree) -> str:
    return " ".join([tree.root, *(f"{join.source}-{join.target}" for join in tree.joins)])


def test_one_cube_needs_no_join() -> None:
    assert path(graph("a>b").tree(["a"])) == "a"


def test_the_root_is_the_cube_that_reaches_the_others() -> None:
    assert (
        path(graph("orders>users", cubes="users orders").tree(["users", "orders"])) == "orders orders-users"
    )


def test_joins_are_not_followed_against_their_direction() -> None:
    with pytest.raises(NoJoinPath) as error:
        graph("orders>users", "returns>users").tree(["orders", "returns"])
    assert str(error.value) == "Can't find join path to join 'orders', 'returns'"
    assert "from 'orders' 'returns' cannot be reached" in error.value.hint


def test_intermediate_cubes_are_joined() -> None:
    assert path(graph("a>b", "b>c").tree(["a", "c"])) == "a a-b b-c"


def test_the_shortest_path_wins_even_if_declared_later() -> None:
    assert path(graph("a>b", "b>c", "c>d", "a>d").tree(["a", "d"])) == "a a-d"


def test_equal_paths_are_decided_by_declaration() -> None:
    assert path(graph("a>c", "a>b", "b>d", "c>d").tree(["a", "d"])) == "a a-c c-d"
    assert path(graph("a>b", "a>c", "b>d", "c>d").tree(["a", "d"])) == "a a-b b-d"


def test_fewest_joins_decide_between_roots_then_declaration() -> None:
    assert path(graph("a<b", "b>a", cubes="b a").tree(["a", "b"])) == "b b-a"
    assert path(graph("a<b", "b>a", cubes="a b").tree(["a", "b"])) == "a a-b"


def test_the_order_of_members_never_changes_the_tree() -> None:
    edges = ("a>b", "a>c", "b>d", "c>d", "d<e", "e>b")
    trees = {path(graph(*edges).tree(order)) for order in itertools.permutations("abde")}
    assert len(trees) == 1


def test_another_root_is_tried_only_when_no_needed_cube_reaches_all() -> None:
    chain = graph("lines>products", "lines<returns", cubes="orders lines products returns")
    with pytest.raises(NoJoinPath):
        chain.tree(["products", "returns"])
    assert path(chain.tree(["products", "returns"], ["lines"])) == "lines lines-products lines-returns"


@pytest.mark.parametrize(
    ("edges", "needed", "repeated"),
    [
        (["orders>users"], ["orders", "users"], {"users"}),
        (["users<orders"], ["orders", "users"], {"users"}),
        (["users=profiles"], ["users", "profiles"], set()),
        (["users<orders", "users<returns"], ["orders", "returns"], {"users", "orders", "returns"}),
        (["users<orders", "users<returns"], ["users", "orders", "returns"], {"users", "orders", "returns"}),
        (["lines>orders", "orders>users"], ["lines", "users"], {"orders", "users"}),
        (
            ["lines>orders", "orders>users", "lines>products"],
            ["lines", "users", "products"],
            {"orders", "users", "products"},
        ),
    ],
)
def test_a_cube_is_repeated_if_some_step_away_from_it_leads_to_many(edges, needed, repeated) -> None:
    hub = graph(*edges)
    tree = hub.tree(needed, ["users"])
    assert {cube for cube in tree.cubes if tree.fans_out(cube)} == repeated


def test_fan_out_towards_one_cube_looks_at_that_path_only() -> None:
    tree = graph("lines>orders", "orders>users").tree(["lines", "users"])
    assert tree.fans_out("users", "lines")
    assert not tree.fans_out("orders", "users")
    assert not tree.fans_out("lines", "users")


def test_closure_follows_to_one_steps_both_ways() -> None:
    shop = graph("lines>orders", "users<orders", "users=profiles", "returns>users")
    assert shop.closure("lines") == {"lines", "orders", "users", "profiles"}
    assert shop.closure("users") == {"users", "profiles"}
    assert shop.closure("returns") == {"returns", "users", "profiles"}


def test_a_written_path_is_binding() -> None:
    diamond = graph("o>b", "o>s", "b>city", "s>city")
    assert path(diamond.tree(["o", "city"])) == "o o-b b-city"
    assert path(diamond.tree(["o", "s", "city"], paths=[("s", "city")])) == "o o-s s-city"


def test_two_written_paths_to_one_cube_are_refused() -> None:
    diamond = graph("o>b", "o>s", "b>city", "s>city")
    with pytest.raises(NoJoinPath) as error:
        diamond.tree(["o", "b", "s", "city"], paths=[("s", "city"), ("b", "city")])
    assert "by two paths, from 'b' and from 's'" in error.value.hint


def test_a_cube_on_a_written_path_is_not_the_root_unless_it_begins_it() -> None:
    both_ways = graph("users<orders", "orders>users", cubes="users orders")
    assert path(both_ways.tree(["users", "orders"])) == "users users-orders"
    assert path(both_ways.tree(["users", "orders"], paths=[("orders", "users")])) == "orders orders-users"


def test_cubes_that_conditions_read_are_joined_before() -> None:
    text = """
cubes:
  - name: orders
    sql_table: orders
    joins:
      - {name: rates, relationship: many_to_one, sql: "{CUBE}.day = {rates.day} AND {users.money} = {rates.money}"}
      - {name: users, relationship: many_to_one, sql: "{CUBE}.user_id = {users.id}"}
    dimensions: [{name: id, sql: id, type: number, primary_key: true}]
  - name: users
    sql_table: users
    dimensions: [{name: id, sql: id, type: number, primary_key: true}, {name: money, sql: c, type: string}]
  - name: rates
    sql_table: rates
    dimensions:
      - {name: day, sql: day, type: time, primary_key: true}
      - {name: money, sql: c, type: string, primary_key: true}
"""
    catalog = compile_catalog([ModelFile("m.yml", text)])
    assert not catalog.errors
    assert path(JoinGraph(catalog).tree(["orders", "rates"])) == "orders orders-users orders-rates"


def test_equally_short_paths_are_reported_once() -> None:
    assert graph("a>b", "b>c").ambiguities() == ()
    (ambiguity,) = graph("o>b", "o>s", "b>city", "s>city").ambiguities()
    assert (ambiguity.root, ambiguity.chosen.source, ambiguity.other.source) == ("o", "b", "s")
    warning = ambiguity.warning()
    assert str(warning).startswith("m.yml:")
    assert "{s.city.member}" in warning.hint
