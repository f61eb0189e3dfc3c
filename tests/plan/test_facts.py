"""Which filters restrict which measures, on the classic chasm: orders and returns of users."""

import pytest

from cuboid.catalog.compile import compile_catalog
from cuboid.catalog.files import ModelFile
from cuboid.catalog.joins import JoinGraph
from cuboid.plan.facts import Facts, Restriction

MODEL = """
cubes:
  - name: users
    sql_table: users
    joins:
      - {name: orders, relationship: one_to_many, sql: "{CUBE}.id = {orders}.user_id"}
      - {name: returns, relationship: one_to_many, sql: "{CUBE}.id = {returns}.user_id"}
    dimensions: [{name: id, sql: id, type: number, primary_key: true}, {name: city, sql: city, type: string}]
  - name: orders
    sql_table: orders
    joins: [{name: lines, relationship: one_to_many, sql: "{CUBE}.id = {lines}.order_id"}]
    dimensions: [{name: id, sql: id, type: number, primary_key: true}, {name: status, sql: s, type: string}]
  - name: returns
    sql_table: returns
    dimensions: [{name: id, sql: id, type: number, primary_key: true}, {name: reason, sql: r, type: string}]
  - name: lines
    sql_table: lines
    dimensions: [{name: id, sql: id, type: number, primary_key: true}, {name: sku, sql: s, type: string}]
"""


@pytest.fixture(scope="module")
def graph() -> JoinGraph:
    return JoinGraph(compile_catalog([ModelFile("m.yml", MODEL)]))


def restricted(graph: JoinGraph, measure_cubes: list[str], filters: str, grouped: str = "") -> set[str]:
    """The measure cubes that a condition on ``filters`` (members) restricts."""
    members = frozenset(filters.split())
    restriction = Restriction(members, frozenset(member.partition(".")[0] for member in members))
    facts = Facts(graph, measure_cubes, grouped.split())
    return {cube for cube in measure_cubes if facts.restricts(restriction, cube)}


@pytest.mark.parametrize(
    ("measures", "filters", "expected"),
    [
        ("orders", "returns.reason", "orders"),  # one fact: everything applies, as in Cube
        ("users orders", "orders.status", "users orders"),  # users is an attribute of orders: one fact
        ("orders returns", "orders.status", "orders"),  # a fact's own member restricts that fact only
        ("orders returns", "returns.reason", "returns"),
        ("orders returns", "users.city", "orders returns"),  # shared
        ("orders returns", "lines.sku", "orders"),  # a detail of orders is on its side
        ("users orders returns", "users.city", "users orders returns"),
        ("users orders returns", "orders.status", "orders"),  # users is shared: not narrowed by one fact
        ("orders returns", "users.city orders.status", "orders"),  # an `or` over both belongs to orders
        ("orders returns", "orders.status returns.reason", "orders returns"),  # torn: restricts all
        ("lines returns", "orders.status", "lines"),  # an attribute of lines alone
    ],
)
def test_a_condition_restricts_the_facts_it_belongs_to(graph, measures, filters, expected) -> None:
    assert restricted(graph, measures.split(), filters) == set(expected.split())


def test_a_condition_on_a_grouped_member_restricts_all(graph) -> None:
    assert restricted(graph, ["orders", "returns"], "orders.status", "orders.status") == {"orders", "returns"}
