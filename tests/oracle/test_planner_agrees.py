"""The planner's answers on a real database are those of the oracle, over generated worlds.

The worlds are the same in every run, others on each engine: batches with seeds 1, 2, 3 … and, on a server, its own of
them, of worlds that have more of what is seldom asked. More of them: ``--oracle-queries=20000``; others:
``--oracle-seed=fresh``, which is what ``make oracle N=100000`` does. A failure prints the model, the tables as a
script, the query, the SQL, both answers and the seed of its batch: ``--oracle-seed=N`` draws it again,
``--oracle-shrink`` makes it small.
"""

from __future__ import annotations

import json
import secrets

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from tests.oracle.asking import asked
from tests.oracle.compare import difference
from tests.oracle.coverage import Coverage, without_names
from tests.oracle.evaluate import Answer, NoPathError, RefusedError, answers
from tests.oracle.features import features
from tests.oracle.pipeline import Loaded, Pipeline
from tests.oracle.policies import NOBODY, Principal
from tests.oracle.questions import JsonQuery
from tests.oracle.render import model_text, tables_script
from tests.oracle.schemas import worlds
from tests.oracle.world import World

from cuboid.errors import CuboidError, InvalidDateRange, NoJoinPath, UnsupportedFeature

QUERIES_PER_WORLD = 8
WORLDS_PER_BATCH = 25
Told = tuple[Answer, ...]
Came = tuple[Loaded, ...]
VARIANT = "Variant/Dynamic are not allowed in"
PARTS = 2
"""Tests that share the batches of an engine, so that two processes may run them side by side."""
SHARE_OF_SERVERS = 10
"""A server is asked one query for so many of the embedded engine: tables and answers take it longer."""


@pytest.mark.timeout(0)  # as long as --oracle-queries takes; each query has a deadline
@pytest.mark.parametrize("part", range(PARTS))
def test_every_answer_is_the_oracles(
    pipeline: Pipeline, compared: Coverage, pytestconfig: pytest.Config, part: int
) -> None:
    engine = pipeline.engine
    queries_per_world = QUERIES_PER_WORLD * (1 if engine.embedded else 2)
    share = 1 if engine.embedded else SHARE_OF_SERVERS
    wanted = -(-pytestconfig.getoption("--oracle-queries") // share // queries_per_world)
    first = pytestconfig.getoption("--oracle-seed")
    first = secrets.randbits(32) if first == "fresh" else int(first)
    for batch, done in list(enumerate(range(0, wanted, WORLDS_PER_BATCH)))[part::PARTS]:
        number = min(WORLDS_PER_BATCH, wanted - done)
        try:
            agree(pipeline, compared, (first + batch, number, queries_per_world), pytestconfig)
        except BaseException as error:
            error.add_note(
                f"again: --oracle-seed={first + batch} --oracle-queries={number * queries_per_world * share}"
            )
            raise


def agree(pipeline: Pipeline, compared: Coverage, batch: tuple[int, int, int], config: pytest.Config) -> None:
    """One batch: (seed, worlds, queries per world). Small, because hypothesis remembers all that it has drawn."""
    number, size, queries_per_world = batch
    shrinking = [Phase.shrink] if config.getoption("--oracle-shrink") else []

    @seed(number if pipeline.engine.embedded else f"{pipeline.engine.name} {number}")
    @settings(
        max_examples=size,
        deadline=None,
        database=None,
        phases=[Phase.generate, *shrinking],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.data())
    def compare(data: st.DataObject) -> None:
        world, zone = data.draw(worlds(dense=not pipeline.engine.embedded))
        compared.worlds += 1
        pipeline.show(world)
        for _ in range(queries_per_world):
            query, who = data.draw(asked(world, zone))
            outcome = without_names(check(pipeline, world, query, who), world.names)
            compared.add(pipeline.engine.name, features(world, query, who), outcome)

    compare()


class Disagreement(AssertionError):
    """``answered``: Cuboid gave an answer, which is not the oracle's; else it failed where the oracle answers."""

    def __init__(self, report: str, *, answered: bool) -> None:
        super().__init__(report)
        self.answered = answered


def check(pipeline: Pipeline, world: World, query: JsonQuery, who: Principal = NOBODY) -> str:
    """Fails with a full report unless both agree; says on what they did."""
    expected: Told | Exception
    got: Came | Exception
    try:
        expected = answers(world, query, who)
    except (NoPathError, RefusedError) as error:
        expected = error
    try:
        got = pipeline.load_each(query, who)
    except CuboidError as error:
        got = error
    if isinstance(expected, NoPathError) and isinstance(got, NoJoinPath):
        return "without join path"
    refusals = NoJoinPath | UnsupportedFeature | InvalidDateRange
    if isinstance(expected, RefusedError) and isinstance(got, UnsupportedFeature | InvalidDateRange):
        return f"refused: {expected}"
    if isinstance(expected, NoPathError | RefusedError) and isinstance(got, refusals):
        return "refused for one of two reasons"  # which is told first is settled by no rule
    if isinstance(got, CuboidError) and VARIANT in str(got):
        return "refused: ClickHouse neither sorts nor groups by values of several types (a known difference)"
    if isinstance(expected, Exception) or isinstance(got, Exception):
        raise Disagreement(
            report(pipeline, world, (query, who), one_failed(expected), expected, got),
            answered=isinstance(got, tuple),
        ) from None
    total = bool(query.get("total"))
    pairs = zip(expected, got, strict=True)
    found = next(filter(None, (difference(one, other, total=total) for one, other in pairs)), None)
    if found is not None:
        raise Disagreement(report(pipeline, world, (query, who), found, expected, got), answered=True)
    return "answers" if any(each.rows for each in got) else "empty answers"


def one_failed(expected: Told | Exception) -> str:
    return "an answer where there is none" if isinstance(expected, Exception) else "an error"


def report(
    pipeline: Pipeline,
    world: World,
    asked: tuple[JsonQuery, Principal],
    found: str,
    expected: Told | Exception,
    got: Came | Exception,
) -> str:
    """Everything that is needed to reproduce the difference by hand."""
    query, who = asked
    try:
        sql = pipeline.sql(query, who)
    except CuboidError as error:
        sql = f"no SQL: {error}"
    wanted, shown = (
        repr(side)
        if isinstance(side, Exception)
        else "\n".join(str(row) for each in side for row in each.rows)
        for side in (expected, got)
    )
    parts = {
        "difference": f"{found}, on {pipeline.engine.name}",
        "model": model_text(world, pipeline.engine),
        "tables": tables_script(world, pipeline.engine),
        "query": json.dumps(query, ensure_ascii=False),
        "security context": json.dumps(who.context, ensure_ascii=False),
        "sql": sql,
        "expected": wanted,
        "got": shown,
    }
    return "\n\n".join(f"--- {title}\n{text}" for title, text in parts.items())
