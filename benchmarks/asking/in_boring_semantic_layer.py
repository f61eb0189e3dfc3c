"""Asks boring-semantic-layer: tables of ibis and functions over them. It is asked the smallest join that can tell."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import ibis
from boring_semantic_layer import Dimension, to_semantic_table, to_untagged
from timed import Asked, Questions, Values, measure

COLUMNS = {
    "users": {"id": "int64", "country": "string"},
    "products": {"id": "int64", "category": "string", "name": "string"},
    "orders": {
        "id": "int64",
        "user_id": "int64",
        "status": "string",
        "amount": "decimal(12, 2)",
        "placed": "timestamp",
    },
    "line_items": {"id": "int64", "order_id": "int64", "product_id": "int64", "price": "decimal(12, 2)"},
}


def tables() -> dict[str, Any]:
    """The four tables with their dimensions and measures."""
    own = {
        name: to_semantic_table(ibis.table(columns, name=name), name=name)
        for name, columns in COLUMNS.items()
    }
    at = Dimension(
        expr=lambda table: table.placed, is_time_dimension=True, smallest_time_grain="TIME_GRAIN_SECOND"
    )
    return {
        "users": own["users"].with_dimensions(country=lambda table: table.country),
        "products": own["products"].with_dimensions(category=lambda table: table.category),
        "orders": own["orders"]
        .with_dimensions(status=lambda table: table.status, at=at)
        .with_measures(count=lambda table: table.count(), amount=lambda table: table.amount.sum()),
        "line_items": own["line_items"].with_measures(revenue=lambda table: table.price.sum()),
    }


def layer(_: Path) -> Questions:
    own = tables()
    orders = own["orders"]
    by_user = orders.join_one(own["users"], on=lambda order, user: order.user_id == user.id)
    with_items = orders.join_many(own["line_items"], on=lambda order, item: order.id == item.order_id)
    with_products = with_items.join_one(
        own["products"], on=lambda item, product: item.product_id == product.id
    )

    def asked(table: Any, **query: Any) -> Asked:
        return lambda: (str(ibis.to_sql(to_untagged(table.query(**query)), dialect="duckdb")), ())

    def with_statuses(
        table: Any, measures: list[str], dimension: str, status: str = "orders.status"
    ) -> Callable[[Values], Asked]:
        return lambda values: asked(
            table,
            measures=measures,
            dimensions=[dimension],
            filters=[{"field": status, "operator": "in", "values": list(values.statuses)}],
        )

    return {
        "filter": with_statuses(orders, ["amount"], "status", "status"),
        "series": lambda values: asked(
            by_user,
            measures=["orders.amount"],
            dimensions=["users.country", "orders.at"],
            time_grain="TIME_GRAIN_MONTH",
            time_range={"start": values.first, "end": values.last},
        ),
        "facts": with_statuses(with_items, ["orders.count", "line_items.revenue"], "orders.status"),
        "fan-out": with_statuses(with_products, ["orders.amount"], "products.category"),
    }


if __name__ == "__main__":
    measure(layer)
