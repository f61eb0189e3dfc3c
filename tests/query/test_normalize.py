"""Queries to questions: members, limits, order, time dimensions, compared ranges, and the echo."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from cuboid.errors import InvalidDateRange, InvalidQuery, UnknownMember
from cuboid.query.model import OrderKey, Predicate, Question, Slot, TimeGrouping
from cuboid.query.normalize import Limits

Ask = Callable[..., Question]
AskAll = Callable[..., tuple[Question, ...]]
TD = "Orders.createdAt"
ECHOES = json.loads((Path(__file__).parent / "fixtures" / "echoes.json").read_text())


def td(granularity: str | None = None, **more: Any) -> dict[str, Any]:
    return {"dimension": TD, **({"granularity": granularity} if granularity else {}), **more}


@pytest.mark.parametrize("recorded", ECHOES, ids=[recorded["title"] for recorded in ECHOES])
def test_the_echo_is_what_cube_answered(ask_all: AskAll, recorded: dict[str, Any]) -> None:
    echoes = [question.echo for question in ask_all(recorded["query"])]
    assert echoes == recorded["echoes"]
    assert [list(echo) for echo in echoes] == [list(echo) for echo in recorded["echoes"]]


def test_the_echo_has_what_was_given_and_keeps_duplicates(ask: Ask) -> None:
    question = ask(
        {
            "order": {},
            "responseFormat": "compact",
            "ungrouped": False,
            "timezone": "europe/berlin",
            "segments": [],
            "dimensions": ["Orders.status", "Orders.status"],
            "cache": "no-cache",
            "renewQuery": True,
        }
    )
    assert list(question.echo.items()) == [
        ("dimensions", ["Orders.status", "Orders.status"]),
        ("timeDimensions", []),
        ("segments", []),
        ("limit", 10000),
        ("timezone", "Europe/Berlin"),
        ("ungrouped", False),
        ("responseFormat", "compact"),
        ("filters", []),
        ("rowLimit", 10000),
        ("order", []),
    ]
    assert question.shape.dimensions == ("Orders.status",)


@pytest.mark.parametrize(
    "query",
    [{}, {"measures": []}, {"timeDimensions": [td(dateRange="today")]}, {"segments": ["Orders.paid"]}],
)
def test_a_query_selects_something(ask: Ask, query: dict[str, Any]) -> None:
    with pytest.raises(InvalidQuery) as refused:
        ask(query)
    assert refused.value.message == (
        "Query should contain either measures, dimensions or timeDimensions with granularities in order to be valid"
    )


UNKNOWN: list[tuple[dict[str, Any], str, str]] = [
    ({"measures": ["Nope.count"]}, "Cube 'Nope' not found for path 'Nope.count'", "measures[0]"),
    ({"measures": ["Orders.nope"]}, "'nope' not found for path 'Orders.nope'", "measures[0]"),
    ({"measures": ["Orders.status"]}, "'status' not found for path 'Orders.status'", "measures[0]"),
    ({"dimensions": ["Orders.count"]}, "'count' not found for path 'Orders.count'", "dimensions[0]"),
    (
        {"dimensions": ["Orders.nope.day"]},
        "'nope' not found for path 'Orders.nope'",
        "dimensions[0].dimension",
    ),
    (
        {"measures": ["Orders.count"], "segments": ["Orders.status"]},
        "'status' not found for path 'Orders.status'",
        "segments[0]",
    ),
    (
        {"measures": ["Orders.count"], "timeDimensions": [{"dimension": "Orders.count"}]},
        "'count' not found for path 'Orders.count'",
        "timeDimensions[0].dimension",
    ),
]


@pytest.mark.parametrize(("query", "text", "path"), UNKNOWN)
def test_unknown_members_are_named(ask: Ask, query: dict[str, Any], text: str, path: str) -> None:
    with pytest.raises(UnknownMember) as refused:
        ask(query)
    assert (refused.value.message, refused.value.path) == (text, path)


def test_near_names_are_suggested_but_hidden_ones_are_not(ask: Ask) -> None:
    with pytest.raises(UnknownMember) as refused:
        ask({"measures": ["Orders.cuont"]})
    assert refused.value.suggestions[0] == "Orders.count"
    with pytest.raises(UnknownMember) as refused:
        ask({"measures": ["Order.count"]})
    assert refused.value.suggestions == ("Orders",)
    with pytest.raises(UnknownMember) as refused:
        ask({"measures": ["Orders.hiddenTwo"]})
    assert "Orders.hiddenOne" not in refused.value.suggestions
    with pytest.raises(UnknownMember) as refused:
        ask({"measures": ["Secrets.n"]})
    assert "Secret" not in refused.value.suggestions
    with pytest.raises(UnknownMember) as refused:
        ask({"dimensions": ["Orders.count"]})
    assert refused.value.hint == "'Orders.count' is a measure; list it under `measures`."


def test_a_broken_cube_says_where_its_model_is_wrong(ask: Ask) -> None:
    with pytest.raises(InvalidQuery, match=r"model/broken\.yml:7:5: unknown key 'tipe'") as refused:
        ask({"measures": ["Broken.count"]})
    assert refused.value.path == "measures[0]"


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ({"measures": ["Orders.hiddenOne"]}, "Orders.hiddenOne"),
        ({"dimensions": ["Orders.id"]}, "Orders.id"),
        ({"measures": ["Secret.n"]}, "Secret.n"),
    ],
)
def test_hidden_members_are_not_selected_except_in_dev_mode(
    ask: Ask, query: dict[str, Any], name: str
) -> None:
    with pytest.raises(InvalidQuery) as refused:
        ask(query)
    assert refused.value.message == (
        f"Error: You requested hidden member: '{name}'. Please make it visible using `public: true`. Please note "
        "primaryKey fields are `public: false` by default: "
        "https://docs.cube.dev/reference/data-modeling/joins#setting-a-primary-key."
    )
    ask(query, dev=True)


def test_hidden_members_may_filter(ask: Ask) -> None:
    leaf = {"member": "Orders.id", "operator": "equals", "values": [5]}
    question = ask({"measures": ["Orders.count"], "filters": [leaf], "order": {"Orders.hiddenOne": "asc"}})
    assert question.shape.row_conditions == (Predicate("Orders.id", "in", (Slot(0, "number"),)),)
    assert question.shape.order == ()


class TestLimits:
    def test_the_default_applies_below_the_maximum(self, ask: Ask) -> None:
        for limits, expected in ((Limits(), 10_000), (Limits(5, 3), 3), (Limits(2, 3), 2)):
            question = ask({"measures": ["Orders.count"]}, limits=limits)
            assert question.echo["limit"] == question.echo["rowLimit"] == expected
            assert question.values == (expected,)

    def test_zero_and_the_maximum_are_allowed(self, ask: Ask) -> None:
        for limit in (0, 50_000):
            question = ask({"measures": ["Orders.count"], "limit": limit, "offset": 0})
            assert question.shape.limit == Slot(0, "integer")
            assert question.shape.offset == Slot(1, "integer")
            assert question.values == (limit, 0)

    def test_more_than_the_maximum_is_refused(self, ask: Ask) -> None:
        with pytest.raises(InvalidQuery, match=r"^Error: The query limit has been exceeded\.$"):
            ask({"measures": ["Orders.count"], "limit": 50_001})


MEASURES, DIMENSIONS = ["Orders.count", "Orders.totalAmount"], ["Orders.status", "Orders.amount"]
DAY, MONTH, YEAR = (f"{TD}.{granularity}" for granularity in ("day", "month", "year"))
# query, what the client may write, the columns it means
ORDERS: list[tuple[dict[str, Any], list[tuple[str, bool]], list[tuple[str, bool]]]] = [
    ({"measures": MEASURES}, [], []),
    ({"dimensions": DIMENSIONS}, [("Orders.status", False)], [("Orders.status", False)]),
    ({"measures": MEASURES, "dimensions": DIMENSIONS}, [("Orders.count", True)], [("Orders.count", True)]),
    (
        {"measures": MEASURES, "dimensions": DIMENSIONS, "timeDimensions": [td(), td("day")]},
        [(TD, False)],
        [(DAY, False)],
    ),
    (
        {"measures": MEASURES, "dimensions": DIMENSIONS, "timeDimensions": [td(dateRange="today")]},
        [("Orders.count", True)],
        [("Orders.count", True)],
    ),
    ({"measures": MEASURES, "dimensions": DIMENSIONS, "order": []}, [], []),
    (
        {"timeDimensions": [td("year"), td("month")], "order": [[TD, "desc"]]},
        [(TD, True)],
        [(MONTH, True)],
    ),
    (
        {"timeDimensions": [td("year"), td("month")], "order": {YEAR: "desc", TD: "asc", MONTH: "desc"}},
        [(YEAR, True), (TD, False), (MONTH, True)],
        [(YEAR, True), (MONTH, False)],
    ),
    (
        {"dimensions": [TD], "timeDimensions": [td("day")], "order": {TD: "desc"}},
        [(TD, True)],
        [(TD, True)],
    ),
    (
        {
            "measures": MEASURES,
            "order": {"Orders.status": "asc", "Nope.x": "asc", "bare": "asc", "Orders.count": "asc"},
        },
        [("Orders.status", False), ("Nope.x", False), ("bare", False), ("Orders.count", False)],
        [("Orders.count", False)],
    ),
]


@pytest.mark.parametrize(("query", "written", "columns"), ORDERS)
def test_order(ask: Ask, query: dict[str, Any], written: Any, columns: Any) -> None:
    question = ask(query)
    assert list(question.effective_order) == written
    assert list(question.shape.order) == [OrderKey(key, descending) for key, descending in columns]


class TestTimeDimensions:
    def test_one_may_occur_with_several_granularities(self, ask: Ask) -> None:
        question = ask({"timeDimensions": [td("day"), td("month"), td("day")]})
        assert question.shape.time_groupings == (TimeGrouping(TD, "day"), TimeGrouping(TD, "month"))

    def test_a_range_restricts_rows_by_half_open_bounds(self, ask: Ask) -> None:
        question = ask(
            {"measures": ["Orders.count"], "timeDimensions": [td(dateRange=["2024-01-01", "2024-01-31"])]}
        )
        assert question.shape.time_groupings == ()
        assert question.shape.row_conditions == (Predicate(TD, "in_range", (Slot(0, "utc"), Slot(1, "utc"))),)
        assert question.values[:2] == (datetime(2024, 1, 1), datetime(2024, 2, 1))

    def test_the_default_time_zone_counts_and_is_echoed(self, ask: Ask) -> None:
        query = {"measures": ["Orders.count"], "timeDimensions": [td(dateRange="today")], "timezone": ""}
        question = ask(query, default_timezone="Pacific/Auckland")  # 13 hours ahead: it is 23:30 there
        assert question.echo["timezone"] == question.shape.timezone == "Pacific/Auckland"
        assert question.values[:2] == (datetime(2026, 11, 22, 11), datetime(2026, 11, 23, 11))

    def test_unknown_granularities_are_refused(self, ask: Ask) -> None:
        with pytest.raises(InvalidQuery) as refused:
            ask({"timeDimensions": [td("eon")]})
        assert refused.value.message == f'Granularity "eon" does not exist in dimension {TD}'
        with pytest.raises(
            InvalidQuery, match=r'^Granularity "day" does not exist in dimension Orders\.status$'
        ) as refused:
            ask({"dimensions": ["Orders.status.day"]})
        assert "only time dimensions" in str(refused.value.hint)

    def test_what_is_no_time_is_no_time_dimension(self, ask: Ask) -> None:
        entry = {"dimension": "Orders.status", "dateRange": "today"}
        with pytest.raises(InvalidQuery, match=r"'Orders\.status' is of type string") as refused:
            ask({"measures": ["Orders.count"], "timeDimensions": [entry]})
        assert refused.value.path == "timeDimensions[0].dimension"

    def test_unreadable_dates_say_where(self, ask: Ask) -> None:
        for written, path in (("gibberish", "dateRange"), (["2024-01-01", "Invalid date"], "dateRange[1]")):
            with pytest.raises(InvalidDateRange) as refused:
                ask({"measures": ["Orders.count"], "timeDimensions": [td(), td(dateRange=written)]})
            assert refused.value.path == f"timeDimensions[1].{path}"


class TestComparedRanges:
    def test_there_is_one_question_per_range_in_their_order(self, ask_all: AskAll) -> None:
        ranges = ["yesterday", ["2024-02-01"], ["2024-01-01", "2024-01-02"]]
        other = {"dimension": "Orders.shippedAt", "dateRange": "2020-01-01"}
        questions = ask_all(
            {"measures": ["Orders.count"], "timeDimensions": [other, td("day", compareDateRange=ranges)]}
        )
        expected = [("2026-11-22", "2026-11-22"), ("2024-02-01", "2024-02-01"), ("2024-01-01", "2024-01-02")]
        assert [question.date_range for question in questions] == [
            (f"{start}T00:00:00.000", f"{end}T23:59:59.999") for start, end in expected
        ]
        for question in questions:
            assert question.date_range is not None
            assert question.echo["timeDimensions"][1]["dateRange"] == list(question.date_range)
            assert "compareDateRange" not in question.echo["timeDimensions"][1]

    def test_the_ranges_share_one_shape(self, ask_all: AskAll) -> None:
        first, second = ask_all(
            {
                "measures": ["Orders.count"],
                "timeDimensions": [td("day", compareDateRange=["today", "last week"])],
            }
        )
        assert first.shape == second.shape
        assert hash(first.shape) == hash(second.shape)
        assert first.values != second.values

    def test_other_queries_have_no_compared_range(self, ask: Ask) -> None:
        assert ask({"timeDimensions": [td("day", dateRange="today")]}).date_range is None


def test_total_and_ungrouped(ask: Ask) -> None:
    question = ask({"dimensions": ["Orders.status"], "total": True, "ungrouped": True})
    assert question.echo["total"] is True
    assert (question.shape.total, question.shape.ungrouped) == (False, True)


def test_members_of_a_shape_are_unique_and_in_order(ask: Ask) -> None:
    shape = ask(
        {
            "measures": ["Orders.totalAmount", "Orders.count", "Orders.totalAmount"],
            "segments": ["Orders.paid", "Orders.paid"],
        }
    ).shape
    assert shape.measures == ("Orders.totalAmount", "Orders.count")
    assert shape.segments == ("Orders.paid",)
