"""Searches generated worlds for the first query that is not answered as the oracle answers it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from tests.oracle.asking import Asked, asked
from tests.oracle.engines import Engine
from tests.oracle.pipeline import Pipeline
from tests.oracle.schemas import worlds
from tests.oracle.test_planner_agrees import Disagreement, check
from tests.oracle.world import World

QUERIES_PER_WORLD = 8
WORLDS_PER_BATCH = 25


@dataclass(slots=True)
class Search:
    """What a search has found: after how many queries a wrong answer, and what was said of it; and how many queries
    failed before, which is no wrong answer."""

    queries: int = 0
    report: str | None = None
    failed: int = 0


class _Found(BaseException):
    """Ends a search at once: hypothesis lets what is no Exception pass."""


def first_difference(engine: Engine, most: int) -> Search:
    """The search for a wrong answer among at most so many queries, those of the usual comparison."""
    found = Search()

    def search(data: st.DataObject) -> None:
        world, zone = data.draw(worlds())
        questions = [data.draw(asked(world, zone)) for _ in range(QUERIES_PER_WORLD)]
        if _shown(pipeline, world):
            for question in questions:
                _compare(pipeline, world, question, found)
        else:
            found.queries += len(questions)
            found.failed += len(questions)

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
            if found.report is not None:
                break
    return found


def _shown(pipeline: Pipeline, world: World) -> bool:
    """Whether Cuboid takes the world at all, under the mistake."""
    try:
        pipeline.show(world)
    except Exception:
        return False
    return True


def _compare(pipeline: Pipeline, world: World, question: Asked, found: Search) -> None:
    found.queries += 1
    try:
        check(pipeline, world, *question)
    except Disagreement as error:
        if error.answered:
            found.report = str(error)
            raise _Found from None
        found.failed += 1
    except Exception:
        found.failed += 1


__all__ = ["Search", "first_difference"]
