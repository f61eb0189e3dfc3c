"""Rows on the wire: their keys, in order, in the three response formats."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from cuboid.catalog.model import Catalog
from cuboid.errors import InternalError
from cuboid.query.model import Question
from cuboid.result.rows import PIECE_ROWS, wire_rows
from cuboid.types import Result

Ask = Callable[..., Question]
Answer = Callable[..., Result]

DAY = datetime(2024, 1, 2)
MONTH = datetime(2024, 1, 1)


@pytest.fixture
def rows(question: Ask, catalog: Catalog) -> Callable[..., Any]:
    def make(echo: dict[str, Any], result: Result, **extra: Any) -> Any:
        date_range = extra.pop("date_range", None)
        return json.loads(wire_rows(result, question(echo, date_range=date_range), catalog, **extra))

    return make


def by(granularity: str, dimension: str = "Orders.createdAt") -> dict[str, str]:
    return {"dimension": dimension, "granularity": granularity}


def test_keys_are_in_the_order_of_the_select(rows: Any, result: Answer) -> None:
    echo = {
        "measures": ["Orders.count", "Users.count"],
        "dimensions": ["Users.city", "Orders.status"],
        "timeDimensions": [by("day")],
    }
    (row,) = rows(echo, result(("Oslo", "paid", DAY, 3, 2)))
    assert list(row.items()) == [
        ("Users.city", "Oslo"),
        ("Orders.status", "paid"),
        ("Orders.createdAt.day", "2024-01-02T00:00:00.000"),
        ("Orders.count", "3"),
        ("Users.count", "2"),
        ("Orders.createdAt", "2024-01-02T00:00:00.000"),
    ]


@pytest.mark.parametrize("order", [("month", "day"), ("day", "month")])
def test_the_bare_time_key_has_the_finest_granularity(
    rows: Any, result: Answer, order: tuple[str, str]
) -> None:
    cells = {"day": DAY, "month": MONTH}
    echo = {"timeDimensions": [by(name) for name in order]}
    (row,) = rows(echo, result(tuple(cells[name] for name in order)))
    assert row["Orders.createdAt"] == row["Orders.createdAt.day"] == "2024-01-02T00:00:00.000"


def test_the_bare_time_key_is_the_dimension_s_own_if_that_is_selected(rows: Any, result: Answer) -> None:
    echo = {"dimensions": ["Orders.createdAt"], "timeDimensions": [by("month")]}
    (row,) = rows(echo, result((datetime(2024, 1, 2, 3, 4, 5, 6789), MONTH)))
    assert row == {
        "Orders.createdAt": "2024-01-02T03:04:05.006",
        "Orders.createdAt.month": "2024-01-01T00:00:00.000",
    }


def test_a_comparison_s_rows_carry_their_range(rows: Any, result: Answer) -> None:
    date_range = ("2024-01-01T00:00:00.000", "2024-01-02T23:59:59.999")
    echo = {"measures": ["Orders.count"]}
    (row,) = rows(echo, result((1,)), date_range=date_range)
    assert list(row.items())[-1] == (
        "compareDateRange",
        "2024-01-01T00:00:00.000 - 2024-01-02T23:59:59.999",
    )


def test_a_blended_query_s_rows_carry_the_shared_time_axis(rows: Any, result: Answer) -> None:
    echo = {"measures": ["Orders.count"], "timeDimensions": [by("day")]}
    (row,) = rows(echo, result((DAY, 1)), blending_granularity="day")
    assert list(row)[-1] == "time.day"
    assert row["time.day"] == row["Orders.createdAt.day"]


def test_compact_and_columnar_hold_the_same_values(rows: Any, result: Answer) -> None:
    echo = {"measures": ["Orders.count"], "dimensions": ["Orders.status"], "timeDimensions": [by("day")]}
    answer = result(("paid", DAY, 5), (None, None, 1))
    members = ["Orders.status", "Orders.createdAt.day", "Orders.count", "Orders.createdAt"]
    day = "2024-01-02T00:00:00.000"
    assert rows({**echo, "responseFormat": "compact"}, answer) == {
        "members": members,
        "dataset": [["paid", day, "5", day], [None, None, "1", None]],
    }
    assert rows({**echo, "responseFormat": "columnar"}, answer) == {
        "members": members,
        "columns": [["paid", None], [day, None], ["5", "1"], [day, None]],
    }
    assert rows({**echo, "responseFormat": "default"}, answer) == [
        dict(zip(members, ["paid", day, "5", day], strict=True)),
        dict(zip(members, [None, None, "1", None], strict=True)),
    ]


def test_no_rows_are_an_empty_answer_in_every_format(rows: Any, result: Answer) -> None:
    echo = {"measures": ["Orders.count"], "dimensions": ["Orders.status"]}
    empty = result(width=2)
    assert rows(echo, empty) == []
    assert rows({**echo, "responseFormat": "compact"}, empty) == {"members": [], "dataset": []}
    assert rows({**echo, "responseFormat": "columnar"}, empty) == {"members": [], "columns": []}


def test_text_is_encoded_whatever_it_holds(rows: Any, result: Answer) -> None:
    text = 'é "quoted" \\ \n\x00 \U0001f600 </script>'
    assert rows({"dimensions": ["Orders.status"]}, result((text,))) == [{"Orders.status": text}]


def test_a_result_of_another_width_is_refused(rows: Any, result: Answer) -> None:
    with pytest.raises(InternalError, match="has 2 columns; the query selects 1"):
        rows({"measures": ["Orders.count"]}, result((1, 2)))


@pytest.mark.parametrize("height", [1, PIECE_ROWS - 1, PIECE_ROWS, PIECE_ROWS + 1, 2 * PIECE_ROWS + 7])
def test_rows_that_are_written_piece_by_piece_are_all_there_in_order(
    rows: Any, result: Answer, height: int
) -> None:
    echo = {"measures": ["Orders.count"], "dimensions": ["Users.city"]}
    cells = [(None if number % 3 else f"city {number}", number) for number in range(height)]
    assert rows(echo, result(*cells)) == [{"Users.city": city, "Orders.count": f"{n}"} for city, n in cells]
