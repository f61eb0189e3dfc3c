"""What rollups answer is what the tables answer: each generated query that a rollup serves is answered both ways.

The rollups of a world are drawn near its queries: all they need, or more, or finer, or too little. The answers over the
tables are those of the oracle (test_planner_agrees), so they are the truth here.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import Any, Literal

import pytest
import yaml
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from tests.engines.admin import new_database
from tests.oracle.coverage import Coverage
from tests.oracle.engines import ENGINES
from tests.oracle.features import features
from tests.oracle.kept import FiledRollups, KeptRollups
from tests.oracle.permits import principals
from tests.oracle.pipeline import Pipeline, TooSlowError
from tests.oracle.policies import Principal
from tests.oracle.questions import JsonQuery, queries
from tests.oracle.render import model_text, tables_script
from tests.oracle.rollups import rollups
from tests.oracle.schemas import worlds
from tests.oracle.world import World

from cuboid.errors import CuboidError

_COLUMN = re.compile(r"\{(\w+)\}\.(\w+)")

QUERIES_PER_WORLD = 6
SERVED = "served by rollups"

KeptIn = Literal["the-database", "the-store", "the-source"]
"""Rollups are made in a world's database anew for each question; or kept as projects do, in the store or beside the
tables of their source."""


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
    [pytest.param(name, marks=pytest.mark.engine(name)) for name in ("postgres", "mysql", "mariadb")],
)
def test_rollups_in_a_servers_own_schema_answer_as_its_tables_do(
    compared: Coverage, pytestconfig: pytest.Config, request: pytest.FixtureRequest, engine: str
) -> None:
    with (
        new_database(request.getfixturevalue(f"{engine}_server")) as server,
        Pipeline(ENGINES[engine], server) as pipeline,
    ):
        _compare(pipeline, compared, pytestconfig, "the-source")


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
        text = _with_rollups(world, asked, pipeline, data, kept_in=kept_in)
        kept = pipeline.show_with_rollups(world, text, filed=filed)
        if kept is None:
            counts["rollups of a wrong model"] += 1
            return
        for query, who in asked:
            kept.served.clear()
            outcome = _agree(pipeline, world, text, kept, (query, who))
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


def _with_rollups(
    world: World,
    asked: list[tuple[JsonQuery, Principal]],
    pipeline: Pipeline,
    data: st.DataObject,
    *,
    kept_in: KeptIn,
) -> str:
    """The world's model with a rollup near each query."""
    model = yaml.safe_load(model_text(world, pipeline.engine))
    cubes = {cube["name"]: cube for cube in model["cubes"]}
    for join in (each for cube in model["cubes"] for each in cube.get("joins", ())):
        join["sql"] = _COLUMN.sub(r"{\1.\2}", join["sql"])  # rollups are joined by dimensions
    for number, (query, _) in enumerate(asked):
        for cube, made in data.draw(rollups(world, query, f"stored{number}")):
            # Each part is a file, or a table, and a world's times go over decades.
            if kept_in != "the-database" and made.get("partition_granularity") in ("day", "week", "month"):
                made["partition_granularity"] = "year"
            if kept_in == "the-source" and made.get("type", "rollup") == "rollup":
                made["external"] = False
                made["use_original_sql_pre_aggregations"] = data.draw(st.booleans())
            cubes[cube].setdefault("pre_aggregations", []).append(made)
    if kept_in == "the-source":
        for cube in cubes.values():
            if data.draw(st.booleans()):
                made = {"name": "original", "type": "original_sql"}
                times = [each["name"] for each in cube.get("dimensions", ()) if each["type"] == "time"]
                if times and data.draw(st.booleans()):
                    made |= {
                        "time_dimension": times[0],
                        "granularity": "day",
                        "partition_granularity": "year",
                    }
                cube.setdefault("pre_aggregations", []).append(made)
    return yaml.safe_dump(model, sort_keys=False, allow_unicode=True, width=1000)


def _agree(
    pipeline: Pipeline,
    world: World,
    text: str,
    kept: KeptRollups | FiledRollups,
    asked: tuple[JsonQuery, Principal],
) -> str:
    query, who = asked
    before = kept.served.total()
    try:
        expected: Any = pipeline.load(query, who)
    except CuboidError as error:
        expected = error
    except TooSlowError:
        return "too slow to compare"
    try:
        got: Any = _load_stored(pipeline, query, who)
    except CuboidError as error:
        got = error
    except TooSlowError:
        return "too slow to compare"
    served = kept.served.total() > before
    same = (
        str(expected) == str(got)
        if isinstance(expected, Exception)
        else _rows(expected, query) == _rows(got, query)
    )
    if not same:
        parts = {
            "model": text,
            "tables": tables_script(world, pipeline.engine),
            "query": json.dumps(query, ensure_ascii=False),
            "security context": json.dumps(who.context, ensure_ascii=False),
            "sql": pipeline.sql(query, who),
            "over the tables": str(expected),
            "over the rollups": str(got),
        }
        raise AssertionError("\n\n".join(f"--- {title}\n{part}" for title, part in parts.items()))
    return SERVED if served else "not served by rollups"


def _load_stored(pipeline: Pipeline, query: JsonQuery, who: Principal) -> Any:
    try:
        return pipeline.load(query, who, rollups=True)
    except TooSlowError:  # many parts were built meanwhile: they are there now
        return pipeline.load(query, who, rollups=True)


def _rows(loaded: Any, query: JsonQuery) -> Any:
    """What must be equal; without an order a page may have any of the rows."""
    if isinstance(loaded, Exception):
        return str(loaded)
    rows = [json.dumps(row, sort_keys=True) for row in loaded.rows]
    if query.get("order") in ([], {}):
        return (len(rows) if query.keys() & {"limit", "offset"} else sorted(rows)), loaded.total
    return rows, loaded.total
