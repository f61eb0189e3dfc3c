"""What planning costs: a shape never seen, a shape seen before with other values, and the steps before it."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from measure import Row, side_by_side

from cuboid.planner import Planner
from cuboid.project import Project
from cuboid.query.model import Question
from cuboid.query.normalize import normalize
from cuboid.query.parse import parse

MEASURES = ["orders.count", "line_items.revenue", "Reviews.averageRating"]
DIMENSIONS = ["products.category", "products.discontinued", "suppliers.country"]


def query(day: int) -> dict[str, Any]:
    """Two facts, a join each, a filter and a date range: the kind of question a dashboard asks."""
    return {
        "measures": ["line_items.revenue", "orders.count"],
        "dimensions": ["users.country"],
        "timeDimensions": [
            {
                "dimension": "orders.created_at",
                "granularity": "month",
                "dateRange": [f"2024-01-{day:02}", "2024-12-31"],
            }
        ],
        "filters": [{"member": "orders.status", "operator": "equals", "values": ["completed"]}],
        "timezone": "Europe/Berlin",
    }


def rows(shop: Path, rounds: int) -> list[Row]:
    """The report's rows."""
    project = Project.open(shop)
    catalog = project.catalog
    days = itertools.cycle(range(1, 29))

    def question() -> Question:
        return normalize(parse(query(next(days))), catalog, now=datetime.now(UTC))[0]

    def planner() -> Planner:
        return Planner(catalog, lambda name: project.data_sources[name].dialect)

    used = planner()
    used.prepare(question().shape)
    fresh: Iterator[tuple[Planner, Question]] = ((planner(), question()) for _ in itertools.count())
    ready = list(itertools.islice(fresh, rounds))

    def plan_new() -> None:
        own, asked = ready.pop()
        own.prepare(asked.shape).bind(asked.values)

    def plan_seen() -> None:
        asked = seen()
        used.prepare(asked.shape).bind(asked.values)

    questions = [question() for _ in range(28)]
    seen: Callable[[], Question] = itertools.cycle(questions).__next__
    times = side_by_side(rounds, {"new": plan_new, "seen": plan_seen, "understand": question})
    return [
        Row("bind a shape seen before", times["seen"], most=40e-6),
        Row("plan a new shape", times["new"], "bind a shape seen before"),
        Row("JSON to question", times["understand"], "bind a shape seen before"),
    ]
