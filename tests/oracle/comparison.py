"""Searches generated worlds for the first query that is not answered as the oracle answers it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from tests.oracle.asking import asked
from tests.oracle.engines import Engine
from tests.oracle.pipeline import Pipeline
from tests.oracle.schemas import worlds
from tests.oracle.test_planner_agrees import check

QUERIES_PER_WORLD = 8
WORLDS_PER_BATCH = 25


@dataclass(frozen=True, slots=True)
class Difference:
    """After how many queries, and what was said of it."""

    after: int
    report: str


class _Found(BaseException):
    """Ends a search at once: hypothesis lets what is no Exception pass."""


def first_difference(engine: Engine, most: int) -> Difference | None:
    """The first difference among at most so many queries, those of the usual comparison; any error is one."""
    number = 0
    found: list[str] = []

    def search(data: st.DataObject) -> None:
        nonlocal number
        world, zone = data.draw(worlds())
        questions = [data.draw(asked(world, zone)) for _ in range(QUERIES_PER_WORLD)]
        try:
            pipeline.show(world)
            for query, who in questions:
                number += 1
                check(pipeline, world, query, who)
        except Exception as error:
            found.append(str(error) or repr(error))
            raise _Found from None

    with Pipeline(engine) as pipeline:
        for batch in range(-(-most // (WORLDS_PER_BATCH * QUERIES_PER_WORLD))):
            run = settings(
                max_examples=WORLDS_PER_BATCH,
                deadline=None,
                database=None,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            )(given(st.data())(search))
            with suppress(_Found):
                seed(batch + 1)(run)()
            if found:
                return Difference(number, found[0])
    return None


__all__ = ["Difference", "first_difference"]
