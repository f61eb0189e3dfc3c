"""The same requests as were recorded from Cube, over HTTP: statuses and bodies key by key.

What differs is listed in ``differences.py`` and, row by row, in ``docs/reference/rest-api.md``, with the reason.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.http.differences import DIFFERENCES, differing

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


def found_differences(client: Any, recorded: Any) -> set[tuple[str, str]]:
    """Name of the recording and place, for whatever is not equal."""
    found: set[tuple[str, str]] = set()
    for name in (*MISTAKES, *BY_RULING, *ROWS, *STATEMENTS, *ELSEWHERE):
        pair = recorded(name)
        answer = ask(client, pair)
        ours = answer.body
        if name == "meta":  # the server's model has more than the recorded one
            known = {cube["name"] for cube in pair["body"]["cubes"]}
            ours["cubes"] = [cube for cube in ours["cubes"] if cube["name"] in known]
        found |= {(name, place) for place in differing(ours, pair["body"])}
        if answer.status != pair["status"]:
            found.add((name, "status"))
    return found


def test_every_recording_is_compared_and_the_page_has_the_table_of_differences() -> None:
    recordings = {file.stem for file in (Path(__file__).parents[1] / "result" / "fixtures").glob("*.json")}
    assert recordings == {*MISTAKES, *BY_RULING, *ROWS, *STATEMENTS, *ELSEWHERE}
    section = PAGE.read_text(encoding="utf-8").partition("## What differs from recorded answers")[2]
    rows = [line for line in section.partition("\n## ")[0].splitlines() if line.startswith("| ")]
    assert rows[1:] == [each.row for each in DIFFERENCES]  # the first is the table's head


def test_what_differs_is_what_the_table_says(production: Any, recorded: Any) -> None:
    found = found_differences(production, recorded)
    assert not [each for each in sorted(found) if not any(row.covers(*each) for row in DIFFERENCES)]
    assert not [row for row in DIFFERENCES if not any(row.covers(*each) for each in found)]


@pytest.mark.parametrize(
    ("ours", "theirs", "places"),
    [
        ({"a": 1, "b": [1, {"c": 2}]}, {"a": 1, "b": [1, {"c": 2}]}, []),
        ({"a": 1}, {"a": True}, ["a"]),
        ({"a": 1}, {"b": 1}, ["b", "a"]),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, [": order of keys"]),
        ({"a": [{"b": 1}, {"b": 2}]}, {"a": [{"b": 1}, {"b": 3}]}, ["a[].b"]),
        ({"a": [1, 2]}, {"a": [1]}, ["a"]),
    ],
)
def test_differences_are_seen(ours: Any, theirs: Any, places: list[str]) -> None:
    assert list(differing(ours, theirs)) == places


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
