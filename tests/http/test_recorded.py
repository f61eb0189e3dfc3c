"""The same requests as were recorded from Cube, over HTTP: statuses and bodies key by key.

What differs is listed in ``docs/reference/rest-api.md``, with the reason.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "rest-api.md"

MISTAKES = (
    "err_compare_nomulti",
    "err_empty",
    "err_nojoin",
    "err_noquery",
    "err_unknown_cube",
    "err_unknown_member",
)
BY_RULING = ("err_json", "err_limit", "err_renewquery")
ROWS = (
    "load_measure",
    "load_3part",
    "load_dim_order",
    "load_segment",
    "load_measure_multi",
    "load_filters",
    "load_td_day",
    "load_td_nogran",
    "load_td_custom",
    "load_total",
    "load_compare",
    "load_blending",
)
STATEMENTS = ("sql_measure", "sql_td")
ELSEWHERE = ("meta", "meta_onlyviews", "dryrun_compare", "dryrun_td")  # the last two in test_dry_run.py


def ask(client: Any, recorded: dict[str, Any]) -> Any:
    request = recorded["request"]
    endpoint = request["path"].strip("/")
    if request["method"] == "POST":
        return client.post(endpoint, request["params"])
    parameters = dict(request["params"])
    return client.get(endpoint, parameters.pop("query", None), **parameters)


def test_every_recording_is_compared_and_what_differs_is_on_the_page() -> None:
    recordings = {file.stem for file in (Path(__file__).parents[1] / "result" / "fixtures").glob("*.json")}
    assert recordings == {*MISTAKES, *BY_RULING, *ROWS, *STATEMENTS, *ELSEWHERE}
    table = (
        PAGE.read_text(encoding="utf-8")
        .partition("## What differs from recorded answers")[2]
        .partition("\n## ")[0]
    )
    assert set(re.findall(r"`(err_\w+)`", table)) == set(BY_RULING)


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_have_cube_s_status_and_text(production: Any, recorded: Any, name: str) -> None:
    pair = recorded(name)
    answer = ask(production, pair)
    assert answer.status == pair["status"]
    # Ours may say more (hint, path, suggestions), never something else.
    assert {key: answer.body.get(key) for key in pair["body"]} == pair["body"]
    assert set(answer.body) <= set(pair["body"]) | {"hint", "path", "suggestions"}


def test_mistakes_that_the_rulings_change(production: Any, recorded: Any) -> None:
    limit = ask(production, recorded("err_limit"))
    assert limit.status == 400
    assert "The query limit has been exceeded." in limit.body["error"]
    broken = ask(production, recorded("err_json"))
    assert broken.status == 400
    assert broken.body["error"].startswith("Unable to decode query param as JSON, error: ")
    assert ask(production, recorded("err_renewquery")).status == 200


def skeleton(answer: dict[str, Any]) -> str:
    """A result object without rows, times and the database's name; as text, so that the order of keys counts."""
    row_keys = list(answer["data"][0]) if answer["data"] else []
    # Within a filter the order of keys is the client's own.
    query = {**answer["query"], "filters": json.dumps(answer["query"]["filters"], sort_keys=True)}
    fixed = {"query": query, "lastRefreshTime": "…", "dbType": "…", "data": row_keys}
    if "total" in answer:
        fixed["total"] = "…"
    return json.dumps({**answer, **fixed})


@pytest.mark.parametrize("name", ROWS)
def test_answers_have_cube_s_keys_in_cube_s_order(production: Any, recorded: Any, name: str) -> None:
    pair = recorded(name)
    answer = ask(production, pair)
    assert answer.status == 200, answer.raw
    ours, theirs = answer.body, pair["body"]
    assert list(ours) == list(theirs)
    for mine, other in zip(ours.get("results", [ours]), theirs.get("results", [theirs]), strict=True):
        if name == "load_td_nogran":  # it asks for today
            today, then = (each["query"]["timeDimensions"][0] for each in (mine, other))
            assert [text[10:] for text in today["dateRange"]] == [text[10:] for text in then["dateRange"]]
            today["dateRange"] = then["dateRange"]
        if not mine["data"]:
            mine["data"] = other["data"]  # the shop has no orders that pass this filter
        assert skeleton(mine) == skeleton(other)


@pytest.mark.parametrize("name", STATEMENTS)
def test_sql_has_cube_s_keys(production: Any, recorded: Any, name: str) -> None:
    pair = recorded(name)
    answer = ask(production, pair)
    assert answer.status == 200
    assert set(answer.body["sql"]) == set(pair["body"]["sql"])
    transformed = answer.body["sql"]["canUseTransformedQuery"]
    del transformed["granularityHierarchies"]  # the recordings leave it out
    assert transformed == pair["body"]["sql"]["canUseTransformedQuery"]
    assert answer.body["sql"]["memberNames"] == pair["body"]["sql"]["memberNames"]
    assert answer.body["sql"]["aliasNameToMember"] == pair["body"]["sql"]["aliasNameToMember"]
    assert answer.body["dataSource"] == pair["body"]["dataSource"]


def test_meta_is_cube_s(production: Any, recorded: Any) -> None:
    theirs = {cube["name"]: cube for cube in recorded("meta")["body"]["cubes"]}
    ours = {cube["name"]: cube for cube in production.get("meta").body["cubes"]}
    for name, cube in theirs.items():
        for kind in ("measures", "dimensions"):
            for member in ours[name][kind]:
                member.pop("aliasName")  # by ruling we emit it
        assert ours[name] == cube
    views = production.get("meta", onlyViews="true").body["cubes"]
    assert [view["name"] for view in views] == [
        view["name"] for view in recorded("meta_onlyviews")["body"]["cubes"]
    ]
    assert "Secret" not in ours
