"""Searches generated worlds for the first query that is not answered as the oracle answers it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from tests.oracle.asking import asked
from tests.oracle.both_ways import NOT_SERVED, TOO_SLOW, agree, with_rollups
from tests.oracle.engines import Engine
from tests.oracle.permits import principals
from tests.oracle.pipeline import Pipeline
from tests.oracle.questions import queries
from tests.oracle.schemas import worlds
from tests.oracle.test_planner_agrees import Disagreement, check
from tests.oracle.world import World

QUERIES_PER_WORLD = 8
WORLDS_PER_BATCH = 25
NOT_COMPARED = (NOT_SERVED, TOO_SLOW)


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

    def compare(pipeline: Pipeline, data: st.DataObject, found: Search) -> None:
        world, zone = data.draw(worlds())
        questions = [data.draw(asked(world, zone)) for _ in range(QUERIES_PER_WORLD)]
        if not _shown(pipeline, world):
            found.queries += len(questions)
            found.failed += len(questions)
            return
        for question in questions:
            _note(found, lambda question=question: check(pipeline, world, *question))  # type: ignore[misc]

    return _search(engine, most, compare)


def first_stored_difference(engine: Engine, most: int) -> Search:
    """As :func:`first_difference`, between the answers over the tables and those from rollups. A query counts if
    rollups serve it."""

    def compare(pipeline: Pipeline, data: st.DataObject, found: Search) -> None:
        world, zone = data.draw(worlds())
        questions = [
            (data.draw(queries(world, zone)), data.draw(principals(world))) for _ in range(QUERIES_PER_WORLD)
        ]
        text = with_rollups(world, questions, pipeline, data, kept_in="the-database")
        kept = pipeline.show_with_rollups(world, text)
        for question in questions if kept is not None else ():
            assert kept is not None
            kept.served.clear()
            _note(found, lambda question=question: agree(pipeline, world, text, kept, question))  # type: ignore[misc]

    return _search(engine, most, compare, drawn=8)


def _search(
    engine: Engine,
    most: int,
    compare: Callable[[Pipeline, st.DataObject, Search], None],
    drawn: int = 1,
) -> Search:
    """What ``compare`` finds in batches of worlds. ``drawn``: how many are drawn at most for one that counts."""
    found = Search()

    def search(data: st.DataObject) -> None:
        compare(pipeline, data, found)

    with Pipeline(engine) as pipeline:
        for batch in range(-(-most * drawn // (WORLDS_PER_BATCH * QUERIES_PER_WORLD))):
            run = settings(
                max_examples=WORLDS_PER_BATCH,
                deadline=None,
                database=None,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            )(given(st.data())(search))
            with suppress(_Found):
                seed(batch + 1)(run)()
            if found.report is not None or found.queries >= most:
                break
    return found


def _shown(pipeline: Pipeline, world: World) -> bool:
    """Whether Cuboid takes the world at all, under the mistake."""
    try:
        pipeline.show(world)
    except Exception:
        return False
    return True


def _note(found: Search, compared: Callable[[], str]) -> None:
    """What came of one more query. Ends the search with a wrong answer."""
    try:
        found.queries += compared() not in NOT_COMPARED
    except Disagreement as error:
        found.queries += 1
        if error.answered:
            found.report = str(error)
            raise _Found from None
        found.failed += 1
    except Exception:
        found.queries += 1
        found.failed += 1


__all__ = ["Search", "first_difference", "first_stored_difference"]
