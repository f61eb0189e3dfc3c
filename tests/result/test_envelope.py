"""Whole answers against recorded ones of Cube, key by key and in the same order of keys."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from types import MappingProxyType
from typing import Any

import pytest

from cuboid.catalog.model import Catalog
from cuboid.query.model import Question
from cuboid.result.envelope import multi, single
from cuboid.types import Result, Value

Ask = Callable[..., Question]
Answer = Callable[..., Result]
Recorded = Callable[[str], dict[str, Any]]


def cells(answer: dict[str, Any]) -> list[list[Value]]:
    """The cells of which a recorded result object was made: its real columns, natively typed."""
    query = answer["query"]
    keys = list(query["dimensions"])
    keys += [f"{t['dimension']}.{t['granularity']}" for t in query["timeDimensions"] if "granularity" in t]
    keys += query["measures"]
    native = {"10": 10, "2024-01-01T00:00:00.000": datetime(2024, 1, 1)}
    return [[native.get(row[key], row[key]) for key in keys] for row in answer["data"]]


@pytest.fixture
def rebuild(question: Ask, result: Answer, catalog: Catalog) -> Callable[[dict[str, Any]], bytes]:
    """Our result object for the question and the rows of a recorded one."""

    def make(answer: dict[str, Any], **extra: Any) -> bytes:
        compared = answer["data"][0].get("compareDateRange")
        date_range = tuple(compared.split(" - ")) if compared else None
        return single(
            question(answer["query"], date_range=date_range),
            result(*cells(answer)),
            catalog,
            data_source=answer["dataSource"],
            db_type=answer["dbType"],
            total=answer.get("total"),
            **extra,
        ).told()

    return make


def without_time(answer: dict[str, Any]) -> str:
    """The answer as text, so that the order of keys counts; the volatile time blanked."""
    return json.dumps({**answer, "lastRefreshTime": "…"})


@pytest.mark.parametrize("name", ["load_measure", "load_3part", "load_dim_order", "load_segment"])
def test_a_single_result_equals_the_recorded_one(name: str, rebuild: Any, recorded: Recorded) -> None:
    answer = recorded(name)["body"]
    assert without_time(json.loads(rebuild(answer))) == without_time(answer)


@pytest.mark.parametrize(
    "name",
    ["load_measure_multi", "load_filters", "load_td_day", "load_td_custom", "load_td_nogran", "load_total"],
)
def test_an_envelope_equals_the_recorded_one(
    name: str, rebuild: Any, question: Ask, recorded: Recorded
) -> None:
    envelope = recorded(name)["body"]
    (answer,) = envelope["results"]
    ours = json.loads(multi(envelope["queryType"], [rebuild(answer)], [question(answer["query"])]))
    assert [without_time(each) for each in ours.pop("results")] == [without_time(answer)]
    envelope.pop("results")
    assert json.dumps(ours) == json.dumps(envelope)


def test_a_comparison_has_a_result_for_each_range_and_pivots_by_it(
    rebuild: Any, question: Ask, recorded: Recorded
) -> None:
    envelope = recorded("load_compare")["body"]
    questions = [question(answer["query"]) for answer in envelope["results"]]
    ours = json.loads(multi("compareDateRangeQuery", [rebuild(a) for a in envelope["results"]], questions))
    assert list(map(without_time, ours["results"])) == list(map(without_time, envelope["results"]))
    assert ours["pivotQuery"] == {**envelope["pivotQuery"], "dimensions": ["compareDateRange"]}
    assert ours["queryType"] == "compareDateRangeQuery"


def test_a_blended_query_pivots_by_the_union_over_one_time_axis(
    rebuild: Any, question: Ask, recorded: Recorded
) -> None:
    envelope = recorded("load_blending")["body"]
    questions = [question(answer["query"]) for answer in envelope["results"]]
    singles = [rebuild(answer, blending_granularity="day") for answer in envelope["results"]]
    ours = json.loads(multi("blendingQuery", singles, questions))
    assert list(map(without_time, ours["results"])) == list(map(without_time, envelope["results"]))
    assert ours["pivotQuery"] == {
        **envelope["pivotQuery"],
        "measures": ["Orders.count", "Users.count"],
        "dimensions": [],
        "timeDimensions": [{"dimension": "time", "granularity": "day"}],
    }


def test_the_union_of_blended_queries_is_in_the_order_of_the_queries_without_repeats(question: Ask) -> None:
    axis = [{"dimension": "Orders.createdAt", "granularity": "month"}]
    echoes = [
        {"measures": ["b.x", "a.x"], "dimensions": ["d.z"], "timeDimensions": axis},
        {"dimensions": ["d.a", "d.z"], "timeDimensions": axis},
        {"measures": ["a.x", "c.x"], "dimensions": [], "timeDimensions": axis},
    ]
    pivot = json.loads(multi("blendingQuery", [b"{}"] * 3, [question(echo) for echo in echoes]))["pivotQuery"]
    assert pivot["measures"] == ["b.x", "a.x", "c.x"]
    assert pivot["dimensions"] == ["d.z", "d.a"]


def test_the_request_id_comes_third_and_only_if_given(
    question: Ask, result: Answer, catalog: Catalog
) -> None:
    echo = {"measures": ["Orders.count"]}
    given = {"data_source": "default", "db_type": "x"}
    body = single(question(echo), result((1,)), catalog, **given)
    plain = json.loads(body.told())
    shown = json.loads(body.told(request_id="r-1"))
    assert "requestId" not in plain
    assert list(shown)[:3] == ["query", "lastRefreshTime", "requestId"]
    assert shown["requestId"] == "r-1"


def test_what_one_asker_is_told_differs_in_two_places_only(
    question: Ask, result: Answer, catalog: Catalog
) -> None:
    echo = {"measures": ["Orders.count"]}
    given = {"data_source": "default", "db_type": "x", "total": 7, "refresh_keys": (b'[{"k":"1"}]', b"[]")}
    body = single(question(echo), result((1,)), catalog, **given)
    plain, slow = json.loads(body.told()), json.loads(body.told(slow=True, request_id='"slowQuery":false'))
    assert (plain.pop("slowQuery"), slow.pop("slowQuery")) == (False, True)
    assert slow.pop("requestId") == '"slowQuery":false'
    assert plain == slow
    assert plain["refreshKeyValues"] == [[{"k": "1"}], []]
    assert plain["total"] == 7


@pytest.mark.parametrize(
    ("finished_at", "text"),
    [
        (datetime(2024, 5, 6, 7, 8, 9, 123999, UTC), "2024-05-06T07:08:09.123Z"),
        (datetime(2024, 5, 6, 7, 8, 9, tzinfo=timezone(timedelta(hours=2))), "2024-05-06T05:08:09.000Z"),
        (datetime(2024, 5, 6, 7, 8, 9), "2024-05-06T07:08:09.000Z"),
    ],
)
def test_the_refresh_time_is_utc_with_milliseconds(
    question: Ask, catalog: Catalog, finished_at: datetime, text: str
) -> None:
    answer = single(
        question({"measures": ["Orders.count"]}),
        Result(("c",), [(1,)], finished_at),
        catalog,
        data_source="default",
        db_type="x",
    )
    assert json.loads(answer.told())["lastRefreshTime"] == text


def test_frozen_echoes_are_written_like_plain_ones(question: Ask, result: Answer, catalog: Catalog) -> None:
    echo = MappingProxyType({"measures": ("Orders.count",), "filters": (MappingProxyType({"or": ()}),)})
    answer = single(question(echo), result((1,)), catalog, data_source="default", db_type="x")
    assert json.loads(answer.told())["query"] == {"measures": ["Orders.count"], "filters": [{"or": []}]}
