"""The shop's own rule, through the hook ``rewrite_query``: a token's country restricts what it sees."""

from __future__ import annotations

from typing import Any

import duckdb
import pytest

import cuboid

ITALY = {"country": "Italy"}


def test_hook_rewrite_query(shop: cuboid.EmbeddedProject, database: duckdb.DuckDBPyConnection) -> None:
    by_hand = database.execute(
        "SELECT count(*) FROM orders JOIN users ON users.id = user_id WHERE country = 'Italy'"
    ).fetchone()
    assert by_hand is not None
    assert shop.load({"measures": ["orders.count"]}, ITALY) == [{"orders.count": str(by_hand[0])}]


def test_hook_register_template_variables(
    shop: cuboid.EmbeddedProject, database: duckdb.DuckDBPyConnection
) -> None:
    by_hand = database.execute(
        "SELECT sum(quantity) FROM returns WHERE reason = 'wrong size' AND quantity > 0"
    )
    row = by_hand.fetchone()
    assert row is not None
    assert shop.load({"measures": ["returns.wrong_size_units"]}) == [
        {"returns.wrong_size_units": str(row[0])}
    ]


@pytest.mark.parametrize(
    "query",
    [
        {"dimensions": ["users.country"]},
        {"measures": ["line_items.revenue"], "dimensions": ["users.country"]},
        {"measures": ["Reviews.count", "products.count"], "dimensions": ["users.country"]},
        {"timeDimensions": [{"dimension": "orders.created_at", "granularity": "year"}],
         "dimensions": ["users.country"]},
        {"measures": ["orders.count"], "dimensions": ["users.country"],
         "filters": [{"or": [{"member": "users.country", "operator": "equals", "values": ["Japan", "Italy"]}]}]},
    ],
)  # fmt: skip
def test_a_country_sees_itself_only(shop: cuboid.EmbeddedProject, query: dict[str, Any]) -> None:
    assert {row["users.country"] for row in shop.load(query, ITALY)} == {"Italy"}


def test_the_product_catalogue_is_open_to_all(shop: cuboid.EmbeddedProject) -> None:
    query = {
        "measures": ["products.count"],
        "dimensions": ["suppliers.country"],
        "segments": ["products.current"],
    }
    assert shop.load(query, ITALY) == shop.load(query)


def test_a_filter_alone_opens_no_back_door(shop: cuboid.EmbeddedProject) -> None:
    # Products bought by somebody in Japan: asked for by Italy, nobody is both.
    japan = {"member": "users.country", "operator": "equals", "values": ["Japan"]}
    query = {"measures": ["line_items.units"], "dimensions": ["products.name"], "filters": [{"and": [japan]}]}
    assert shop.load(query) != []
    assert shop.load(query, ITALY) == []


def test_a_token_without_the_claim_sees_everything(shop: cuboid.EmbeddedProject) -> None:
    query = {"measures": ["orders.count"]}
    assert shop.load(query, {"sub": "somebody"}) == shop.load(query)


@pytest.mark.parametrize("claim", [None, "", 7, ["Italy"], {"in": "Italy"}])
def test_a_claim_that_is_no_country_is_refused(shop: cuboid.EmbeddedProject, claim: object) -> None:
    with pytest.raises(cuboid.Forbidden, match="claim 'country'"):
        shop.load({"measures": ["orders.count"]}, {"country": claim})
