"""The shop's model answers: every member of it, and the same numbers as SQL written by hand."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

import cuboid
from cuboid.project import Project

CATALOG = Project.open(Path(__file__).parents[2] / "examples" / "shop").catalog
MEMBERS = [
    *(f"measures {cube}.{name}" for cube, each in CATALOG.cubes.items() for name in each.measures),
    *(
        f"dimensions {cube}.{name}"
        for cube, each in CATALOG.cubes.items()
        for name, d in each.dimensions.items()
        if d.public
    ),
    *(f"segments {cube}.{name}" for cube, each in CATALOG.cubes.items() for name in each.segments),
]

# A question, and SQL that answers it cube by cube: every fact is aggregated on its own before it is joined.
BY_HAND: dict[str, tuple[dict[str, Any], str]] = {
    "revenue and orders by country": (
        {"measures": ["line_items.revenue", "orders.count"], "dimensions": ["users.country"]},
        """
        WITH revenue AS (
            SELECT country, sum(quantity * unit_price * (1 - coalesce(discount, 0))) AS revenue
            FROM orders LEFT JOIN users ON users.id = user_id JOIN line_items ON order_id = orders.id GROUP BY 1),
        counted AS (SELECT country, count(*) AS n FROM orders LEFT JOIN users ON users.id = user_id GROUP BY 1)
        SELECT country, revenue, n FROM counted LEFT JOIN revenue USING (country) WHERE country IS NOT NULL
        UNION ALL
        SELECT NULL, (SELECT revenue FROM revenue WHERE country IS NULL), n FROM counted WHERE country IS NULL
        """,
    ),
    "two facts about the same products": (
        {"measures": ["line_items.units", "Reviews.count"], "dimensions": ["products.discontinued"]},
        """
        SELECT discontinued,
               (SELECT sum(quantity) FROM line_items LEFT JOIN products ON products.id = product_id
                WHERE products.discontinued IS NOT DISTINCT FROM groups.discontinued),
               (SELECT count(*) FROM reviews LEFT JOIN products ON products.id = product_id
                WHERE products.discontinued IS NOT DISTINCT FROM groups.discontinued)
        FROM (SELECT DISTINCT discontinued FROM products) AS groups
        """,
    ),
    "shipping is not repeated for each line": (
        {"measures": ["orders.shipping_total", "line_items.units"], "dimensions": ["orders.status"]},
        """
        SELECT status, sum(shipping), sum((SELECT sum(quantity) FROM line_items WHERE order_id = orders.id))
        FROM orders GROUP BY 1
        """,
    ),
    "a ratio of two cubes": (
        {"measures": ["line_items.revenue_per_order"]},
        """
        SELECT sum(quantity * unit_price * (1 - coalesce(discount, 0))) / (SELECT count(*) FROM orders)
        FROM orders JOIN line_items ON order_id = orders.id
        """,
    ),
    "lines through a composite key": (
        {"measures": ["line_items.count"], "dimensions": ["returns.reason"], "segments": ["line_items.discounted"]},
        """
        SELECT reason, count(DISTINCT (order_id, line_number))
        FROM line_items LEFT JOIN returns USING (order_id, line_number) WHERE discount > 0 GROUP BY 1
        """,
    ),
    "measures with filters": (
        {"measures": ["orders.completed_count", "orders.cancelled_share"], "dimensions": ["orders.channel"]},
        """
        SELECT channel, count(*) FILTER (status = 'completed'),
               100.0 * count(*) FILTER (status = 'cancelled') / count(*) FROM orders GROUP BY 1
        """,
    ),
    "a case dimension and filters": (
        {
            "measures": ["users.count", "users.average_age"],
            "dimensions": ["users.age_group"],
            "filters": [{"or": [
                {"member": "users.city", "operator": "contains", "values": ["LIS"]},
                {"member": "users.city", "operator": "notSet"}]}],
        },
        """
        SELECT CASE WHEN age IS NULL THEN 'unknown' WHEN age < 30 THEN 'under 30'
                    WHEN age < 50 THEN '30 to 49' ELSE '50 and over' END, count(*), avg(age)
        FROM users WHERE city IS NULL OR city ILIKE '%lis%' GROUP BY 1
        """,
    ),
}  # fmt: skip


def comparable(value: object) -> object:
    """Numbers to nine digits: the database divides decimals as floating point, and sums in any order."""
    if isinstance(value, str):
        try:
            value = Decimal(value)
        except ArithmeticError:
            return value
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return f"{Decimal(value):.9g}"
    return value


def rows(found: list[tuple[object, ...]]) -> list[tuple[object, ...]]:
    return sorted((tuple(comparable(value) for value in row) for row in found), key=repr)


@pytest.mark.parametrize("name", BY_HAND)
def test_answers_equal_sql_written_by_hand(
    shop: cuboid.EmbeddedProject, database: duckdb.DuckDBPyConnection, name: str
) -> None:
    query, sql = BY_HAND[name]
    selected = [*query.get("dimensions", []), *query["measures"]]
    found = [tuple(row[member] for member in selected) for row in shop.load(query)]
    assert rows(found) == rows(database.execute(sql).fetchall())


def test_the_model_has_no_mistakes() -> None:
    assert (CATALOG.errors, CATALOG.warnings) == ((), ())


@pytest.mark.parametrize("member", MEMBERS)
def test_every_member_answers(shop: cuboid.EmbeddedProject, member: str) -> None:
    kind, name = member.split(" ")
    cube = name.split(".")[0]
    query: dict[str, Any] = {kind: [name], "limit": 3}
    if kind == "segments":
        query["measures"] = [f"{cube}.count"]
    assert shop.load(query)
