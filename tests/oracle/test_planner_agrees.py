"""The planner's answers on a real database are those of the oracle, over generated worlds.

A failure prints the model, the tables as a script, the query, the SQL and both answers, and how to repeat it.
More queries: ``pytest tests/oracle --oracle-queries=20000``; the same ones again: ``--hypothesis-seed=N``; a
failure made small: ``--oracle-shrink``.
"""

from __future__ import annotations

import json
from collections import Counter

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tests.oracle.compare import difference
from tests.oracle.evaluate import Answer, NoPathError, RefusedError, answer
from tests.oracle.features import features
from tests.oracle.pipeline import Loaded, Pipeline
from tests.oracle.questions import JsonQuery, queries
from tests.oracle.render import model_text, tables_script
from tests.oracle.schemas import worlds
from tests.oracle.world import World

from cuboid.errors import CuboidError, NoJoinPath, UnsupportedFeature

QUERIES_PER_WORLD = 8


@pytest.mark.timeout(0)  # as long as --oracle-queries takes; each query has a deadline
def test_every_answer_is_the_oracles(
    pipeline: Pipeline, compared: Counter[str], pytestconfig: pytest.Config
) -> None:
    engine = pipeline.engine
    queries_per_world = QUERIES_PER_WORLD * (1 if engine.embedded else 2)  # tables take a server longer
    wanted = -(
        -pytestconfig.getoption("--oracle-queries") // (1 if engine.embedded else 4) // queries_per_world
    )
    shrinking = [Phase.shrink] if pytestconfig.getoption("--oracle-shrink") else []

    @settings(
        max_examples=wanted,
        deadline=None,
        database=None,
        print_blob=True,
        phases=[Phase.generate, *shrinking],
        suppress_health_check=[
            HealthCheck.too_slow,
            HealthCheck.data_too_large,
            HealthCheck.large_base_example,
        ],
    )
    @given(st.data())
    def agree(data: st.DataObject) -> None:
        world, zone = data.draw(worlds())
        compared["worlds"] += 1
        pipeline.show(world)
        for _ in range(queries_per_world):
            query = data.draw(queries(world, zone))
            compared.update(["queries", f"on {engine.name}", *features(world, query)])
            compared[check(pipeline, world, query)] += 1

    agree()


def check(pipeline: Pipeline, world: World, query: JsonQuery) -> str:
    """Fails with a full report unless both agree; says on what they did."""
    expected: Answer | Exception
    got: Loaded | Exception
    try:
        expected = answer(world, query)
    except (NoPathError, RefusedError) as error:
        expected = error
    try:
        got = pipeline.load(query)
    except CuboidError as error:
        got = error
    if isinstance(expected, NoPathError) and isinstance(got, NoJoinPath):
        return "without join path"
    if isinstance(expected, RefusedError) and isinstance(got, UnsupportedFeature):
        return "refused"
    if isinstance(expected, Exception) or isinstance(got, Exception):
        raise AssertionError(report(pipeline, world, query, "one is an error", expected, got)) from None
    found = difference(expected, got, total=bool(query.get("total")))
    if found is not None:
        raise AssertionError(report(pipeline, world, query, found, expected, got))
    return "answers" if expected.rows else "empty answers"


def report(
    pipeline: Pipeline,
    world: World,
    query: JsonQuery,
    found: str,
    expected: Answer | Exception,
    got: Loaded | Exception,
) -> str:
    """Everything that is needed to reproduce the difference by hand."""
    try:
        sql = pipeline.sql(query)
    except CuboidError as error:
        sql = f"no SQL: {error}"
    wanted = "\n".join(map(str, expected.rows)) if isinstance(expected, Answer) else repr(expected)
    shown = "\n".join(map(str, got.rows)) if isinstance(got, Loaded) else repr(got)
    parts = {
        "difference": f"{found}, on {pipeline.engine.name}",
        "model": model_text(world, pipeline.engine),
        "tables": tables_script(world, pipeline.engine),
        "query": json.dumps(query, ensure_ascii=False),
        "sql": sql,
        "expected": wanted,
        "got": shown,
    }
    return "\n\n".join(f"--- {title}\n{text}" for title, text in parts.items())
