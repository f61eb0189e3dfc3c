"""The same question gives the same JSON on every engine, to the byte."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from tests.across.conftest import Shops
from tests.across.questions import QUESTIONS
from tests.engines.fixtures import EMBEDDED, SERVERS

DIFFERENT = {
    (
        "postgres",
        "a product of decimals",
    ): "scale is the value's, not the type's: COALESCE(discount, 0) is 0 or 0.10, "
    "so a product has as many digits as its factors in that row",
}
"""Where an engine's own arithmetic shows, and why."""


def cases() -> Iterator[Any]:
    """Every question on every server."""
    for engine in SERVERS:
        for question in QUESTIONS:
            reason = DIFFERENT.get((engine, question))
            marks = [pytest.mark.xfail(strict=True, reason=reason)] if reason else []
            yield pytest.param(engine, question, marks=[pytest.mark.engine(EMBEDDED, engine), *marks])


@pytest.mark.parametrize(("engine", "question"), list(cases()))
def test_the_answer_is_that_of_the_other_engines(shop_on: Shops, engine: str, question: str) -> None:
    query = QUESTIONS[question]
    assert body(shop_on(engine).results(query)) == body(shop_on(EMBEDDED).results(query))


def body(results: list[dict[str, Any]]) -> bytes:
    """The rows as they came over the wire, in their order, and the totals."""
    assert all(result["data"] for result in results)
    return orjson.dumps([[result["data"], result.get("total")] for result in results])
