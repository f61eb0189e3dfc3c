"""What rollups answer is what the tables answer: each generated query that a rollup serves is answered both ways.

The rollups of a world are drawn near its queries: all they need, or more, or finer, or too little. The answers over the
tables are those of the oracle (test_planner_agrees), so they are the truth here.
"""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from tests.engines.admin import new_database
from tests.engines.server import Server
from tests.oracle.both_ways import SERVED, KeptIn, agree, with_rollups
from tests.oracle.coverage import Coverage
from tests.oracle.engines import ENGINES
from tests.oracle.features import features
from tests.oracle.permits import principals
from tests.oracle.pipeline import Pipeline
from tests.oracle.questions import queries
from tests.oracle.schemas import worlds

QUERIES_PER_WORLD = 6


@pytest.mark.timeout(0)  # as long as --oracle-queries takes; each query has a deadline
@pytest.mark.parametrize("kept_in", ["the-database", "the-store", "the-source"], ids="in-{}".format)
def test_rollups_answer_as_the_tables_do(
    compared: Coverage, pytestconfig: pytest.Config, kept_in: KeptIn
) -> None:
    with Pipeline(ENGINES["duckdb"]) as pipeline:
        _compare(pipeline, compared, pytestconfig, kept_in)


@pytest.mark.timeout(0)
@pytest.mark.parametrize(
    "engine",
    [
        pytest.param(name, marks=pytest.mark.engine(name))
        for name in ("postgres", "mysql", "mariadb", "clickhouse")
    ],
)
def test_rollups_in_a_servers_own_schema_answer_as_its_tables_do(
    compared: Coverage, pytestconfig: pytest.Config, request: pytest.FixtureRequest, engine: str
) -> None:
    with (
        new_database(request.getfixturevalue(f"{engine}_server")) as server,
        Pipeline(ENGINES[engine], server) as pipeline,
    ):
        _compare(pipeline, compared, pytestconfig, "the-source")


@pytest.mark.timeout(0)
def test_rollups_on_a_server_answer_as_the_tables_do(
    compared: Coverage, pytestconfig: pytest.Config, clickhouse_server: Server
) -> None:
    with Pipeline(ENGINES["duckdb"], store=clickhouse_server) as pipeline:
        _compare(pipeline, compared, pytestconfig, "the-store")


def _compare(pipeline: Pipeline, compared: Coverage, pytestconfig: pytest.Config, kept_in: KeptIn) -> None:
    filed = kept_in != "the-database"
    number = pytestconfig.getoption("--oracle-queries") // (80 if filed else 8)
    if filed:
        number = pytestconfig.getoption("--oracle-stored") or number
    counts: Counter[str] = Counter()
    first = pytestconfig.getoption("--oracle-seed")

    @seed(int(first) if first != "fresh" else None)
    @settings(
        max_examples=max(number // QUERIES_PER_WORLD, 1),
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.data())
    def compare(data: st.DataObject) -> None:
        world, zone = data.draw(worlds())
        asked = [
            (data.draw(queries(world, zone)), data.draw(principals(world))) for _ in range(QUERIES_PER_WORLD)
        ]
        text = with_rollups(world, asked, pipeline, data, kept_in=kept_in)
        kept = pipeline.show_with_rollups(world, text, filed=filed)
        if kept is None:
            counts["rollups of a wrong model"] += 1
            return
        for query, who in asked:
            kept.served.clear()
            outcome = agree(pipeline, world, text, kept, (query, who))
            counts[outcome] += 1
            if outcome == SERVED:
                where = "rollups in the store" if kept_in == "the-store" else "rollups"
                compared.add(where, features(world, query, who), "answers")
                counts["of these by joined rollups"] += any("_of_" in name for name in kept.served)
                counts["of these by rows as they are"] += any(
                    name.endswith(".original") for name in kept.served
                )
                counts["of these by lambdas"] += any(name.endswith("_live") for name in kept.served)

    compare()
    print(f"rollups in {kept_in.replace('-', ' ')}: {dict(counts)}")  # shown with -rP
    assert counts[SERVED] > number // 10, counts
