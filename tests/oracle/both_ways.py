"""A world's questions, answered both ways: over its tables, and from rollups that are drawn near the questions."""

from __future__ import annotations

import json
import re
from typing import Any, Literal

import yaml
from hypothesis import strategies as st
from tests.oracle.kept import FiledRollups, KeptRollups
from tests.oracle.pipeline import Pipeline, TooSlowError
from tests.oracle.policies import Principal
from tests.oracle.questions import JsonQuery
from tests.oracle.render import model_text, tables_script
from tests.oracle.rollups import rollups
from tests.oracle.test_planner_agrees import Disagreement
from tests.oracle.world import World

from cuboid.errors import CuboidError

KeptIn = Literal["the-database", "the-store", "the-source"]
"""Rollups are made in a world's database anew for each question; or kept as projects do, in the store or beside the
tables of their source."""

SERVED = "served by rollups"
NOT_SERVED = "not served by rollups"
TOO_SLOW = "too slow to compare"
_COLUMN = re.compile(r"\{(\w+)\}\.(\w+)")


def with_rollups(
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


def agree(
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
        return TOO_SLOW
    try:
        got: Any = _load_stored(pipeline, query, who)
    except CuboidError as error:
        got = error
    except TooSlowError:
        return TOO_SLOW
    served = kept.served.total() > before
    same = (
        str(expected) == str(got)
        if isinstance(expected, Exception)
        else rows_of(expected, query) == rows_of(got, query)
    )
    if not same:
        parts = {
            "difference": "an error" if isinstance(got, Exception) else _differs(expected, got),
            "model": text,
            "tables": tables_script(world, pipeline.engine),
            "query": json.dumps(query, ensure_ascii=False),
            "security context": json.dumps(who.context, ensure_ascii=False),
            "sql": pipeline.sql(query, who),
            "over the tables": str(expected),
            "over the rollups": str(got),
        }
        report = "\n\n".join(f"--- {title}\n{part}" for title, part in parts.items())
        raise Disagreement(report, answered=not isinstance(got, Exception))
    return SERVED if served else NOT_SERVED


def _differs(expected: Any, got: Any) -> str:
    if isinstance(expected, Exception):
        return "an answer where there is none"
    if len(expected.rows) != len(got.rows):
        return f"{len(got.rows)} rows, not {len(expected.rows)}"
    return "the total" if expected.total != got.total else "rows differ"


def _load_stored(pipeline: Pipeline, query: JsonQuery, who: Principal) -> Any:
    try:
        return pipeline.load(query, who, rollups=True)
    except TooSlowError:  # many parts were built meanwhile: they are there now
        return pipeline.load(query, who, rollups=True)


def rows_of(loaded: Any, query: JsonQuery) -> Any:
    """What must be equal; without an order a page may have any of the rows, and rows that are not grouped come in any
    order among their equals."""
    if isinstance(loaded, Exception):
        return str(loaded)
    rows = [json.dumps(row, sort_keys=True) for row in loaded.rows]
    if query.get("order") in ([], {}) or query.get("ungrouped"):
        return (len(rows) if query.keys() & {"limit", "offset"} else sorted(rows)), loaded.total
    return rows, loaded.total
