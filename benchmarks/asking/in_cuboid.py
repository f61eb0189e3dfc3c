"""Asks Cuboid: from a request's JSON to a statement."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from timed import Asked, Questions, Text, Values, measure

from cuboid.catalog.compile import compile_catalog
from cuboid.catalog.files import ModelFile
from cuboid.planner import Planner
from cuboid.query.normalize import normalize
from cuboid.query.parse import decode, parse
from cuboid_duckdb.dialect import DuckDBDialect


def layer(folder: Path) -> Questions:
    catalog = compile_catalog([ModelFile("model.yml", (folder / "model.yml").read_text())])
    dialect = DuckDBDialect()
    planner = Planner(catalog, lambda _: dialect)

    def text(request: str) -> Text:
        (question,) = normalize(parse(decode(request)), catalog, now=datetime.now(UTC))
        statement = planner.prepare(question.shape).bind(question.values)
        return statement.sql, statement.parameters

    def asked(request: Mapping[str, Any]) -> Asked:
        sent = json.dumps(request)
        return lambda: text(sent)

    def with_statuses(measures: list[str], dimension: str) -> Callable[[Values], Asked]:
        return lambda values: asked(
            {
                "measures": measures,
                "dimensions": [dimension],
                "filters": [{"member": "orders.status", "operator": "equals", "values": values.statuses}],
            }
        )

    def series(values: Values) -> Asked:
        time = {
            "dimension": "orders.at",
            "granularity": "month",
            "dateRange": [values.first, values.last],
        }
        return asked(
            {"measures": ["orders.amount"], "dimensions": ["users.country"], "timeDimensions": [time]}
        )

    return {
        "filter": with_statuses(["orders.amount"], "orders.status"),
        "series": series,
        "facts": with_statuses(["orders.count", "line_items.revenue"], "orders.status"),
        "fan-out": with_statuses(["orders.amount"], "products.category"),
    }


if __name__ == "__main__":
    measure(layer)
