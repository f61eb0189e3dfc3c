"""Asks sidemantic, which reads Cube's YAML."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from sidemantic import SemanticLayer, load_from_directory
from timed import Asked, Questions, Values, measure


def layer(folder: Path) -> Questions:
    semantic = SemanticLayer(auto_register=False)
    load_from_directory(semantic, str(folder))

    def asked(metrics: list[str], dimensions: list[str], filters: list[str]) -> Asked:
        return lambda: (semantic.compile(metrics=metrics, dimensions=dimensions, filters=filters), ())

    def with_statuses(metrics: list[str], dimension: str) -> Callable[[Values], Asked]:
        return lambda values: asked(metrics, [dimension], [f"orders.status IN {values.statuses}"])

    return {
        "filter": with_statuses(["orders.amount"], "orders.status"),
        "series": lambda values: asked(
            ["orders.amount"],
            ["users.country", "orders.at__month"],
            [f"orders.at >= '{values.first}'", f"orders.at < '{values.after}'"],
        ),
        "facts": with_statuses(["orders.count", "line_items.revenue"], "orders.status"),
        "fan-out": with_statuses(["orders.amount"], "products.category"),
    }


if __name__ == "__main__":
    measure(layer)
