"""The same question gives the same JSON on every engine, to the byte."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import orjson
import pytest
from tests.across.conftest import Shops
from tests.across.questions import QUESTIONS
from tests.engines.fixtures import DATABASES, EMBEDDED

DIGITS = {("postgres", "a product of decimals")}
"""Where an engine counts an expression's decimal digits for each value (docs/explanation/semantics.md, 5.5): the
numbers are the same, their zeros at the end are not."""


def cases() -> Iterator[Any]:
    """Every question on every server."""
    for engine in DATABASES:
        for question in QUESTIONS:
            yield pytest.param(engine, question, marks=pytest.mark.engine(EMBEDDED, engine))


@pytest.mark.parametrize(("engine", "question"), list(cases()))
def test_the_answer_is_that_of_the_other_engines(shop_on: Shops, engine: str, question: str) -> None:
    query = QUESTIONS[question]
    found, expected = shop_on(engine).results(query), shop_on(EMBEDDED).results(query)
    if (engine, question) in DIGITS:
        assert body(found) != body(expected)
        found, expected = without_zeros(found), without_zeros(expected)
    assert body(found) == body(expected)


@pytest.mark.parametrize(
    "engine",
    [pytest.param(engine, marks=pytest.mark.engine(EMBEDDED, engine)) for engine in ("mysql", "mariadb")],
)
def test_the_second_client_library_gives_the_same_answers(shop_on: Shops, engine: str) -> None:
    first, second = shop_on(engine), shop_on(engine, "asyncmy")
    for question, query in QUESTIONS.items():
        assert body(second.results(query)) == body(first.results(query)), question


def without_zeros(results: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Decimals as short as they can be written."""
    rows = [
        {name: format(Decimal(cell).normalize(), "f") for name, cell in row.items()}
        for result in results
        for row in result["data"]
    ]
    return [{"data": rows}]


def body(results: list[dict[str, Any]]) -> bytes:
    """The rows as they came over the wire, in their order, and the totals."""
    assert all(result["data"] for result in results)
    return orjson.dumps([[result["data"], result.get("total")] for result in results])
