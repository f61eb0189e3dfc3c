"""``percentOfTotal`` and ``top`` beside policies, totals, order and other parts of a query."""

from __future__ import annotations

from typing import Any

import pytest
from tests.service.test_access import DE, model
from tests.service.test_explain import explain

from cuboid.errors import InvalidQuery, UnknownMember

AMOUNT = "orders.amount"
SHARE = f"{AMOUNT}.percent_of_total"
BY_CITY: dict[str, Any] = {
    "dimensions": ["users.city"],
    "measures": [AMOUNT],
    "order": [["users.city", "asc"]],
}


def share(*within: str) -> dict[str, Any]:
    return {"percentOfTotal": [{"measure": AMOUNT, "within": list(within)}]}


def top(**more: Any) -> dict[str, Any]:
    return {"top": {"dimension": "users.city", "by": AMOUNT, "limit": 1, "others": "rest", **more}}


def test_the_share_is_a_column_of_the_answer(answered) -> None:
    (result,) = answered(model(), {**BY_CITY, **share()})
    assert result["data"] == [
        {"users.city": "Berlin", AMOUNT: "10", SHARE: "0.06666666666666667"},
        {"users.city": "Rome", AMOUNT: "60", SHARE: "0.4"},
        {"users.city": None, AMOUNT: "80", SHARE: "0.5333333333333333"},
    ]
    assert result["query"]["percentOfTotal"] == share()["percentOfTotal"]
    assert list(result["annotation"]["measures"]) == [AMOUNT, SHARE]
    assert result["annotation"]["measures"][SHARE]["title"] == "Orders Amount (percent of total)"
    assert result["annotation"]["measures"][SHARE]["format"] == "percent"


def test_shares_can_be_ordered_by_and_cut_and_counted(answered) -> None:
    query = {**BY_CITY, **share(), "order": [[SHARE, "desc"]], "limit": 1, "offset": 1, "total": True}
    (result,) = answered(model(), query)
    assert [row["users.city"] for row in result["data"]] == ["Rome"]
    assert result["total"] == 3


def test_hidden_rows_are_in_no_total(answered) -> None:
    by_country = (
        "[{group: seller, row_level: {filters: [{member: country, operator: equals, values: [DE]}]}}]"
    )
    (result,) = answered(model(orders=by_country), {**BY_CITY, **share()}, DE)
    assert [row[SHARE] for row in result["data"]] == ["0.3333333333333333", "0.6666666666666666"]


def test_a_masked_measure_has_no_share(answered) -> None:
    policy = "[{group: seller, member_level: {excludes: [amount]}, member_masking: {includes: [amount]}}]"
    (result,) = answered(model(orders=policy), {**BY_CITY, **share()}, DE)
    assert {row[SHARE] for row in result["data"]} == {None}


def test_top_needs_the_right_to_see_what_it_goes_by(answered) -> None:
    policy = "[{group: seller, member_level: {includes: [count]}}]"
    query = {"dimensions": ["users.city"], "measures": ["orders.count"], **top()}
    (result,) = answered(model(orders=policy), query, DE)
    assert result["data"] == []
    (result,) = answered(model(), query, DE)
    assert {row["users.city"]: row["orders.count"] for row in result["data"]} == {None: "1", "rest": "3"}
    assert result["query"]["top"] == top()["top"]


def test_top_is_by_what_masks_show(answered) -> None:
    policy = "[{group: seller, member_level: {excludes: [city]}, member_masking: {includes: [city]}}]"
    query = {"dimensions": ["users.city"], "measures": [AMOUNT], **top(by="users.count")}
    (result,) = answered(model(users=policy), query, DE)
    assert [(row["users.city"], row[AMOUNT]) for row in result["data"]] == [(None, "150")]


def test_top_is_one_dimension_of_several_and_of_repeated_rows(answered) -> None:
    query = {
        "dimensions": ["users.city", "orders.country"],
        "measures": ["users.count", AMOUNT],
        "order": [["users.city", "asc"], ["orders.country", "asc"]],
        **top(by="users.count"),
    }
    (result,) = answered(model(), query)
    rows = [tuple(row.values()) for row in result["data"]]
    # Two users live in Rome, one in Berlin. Ben is counted once in each country; order 4 is nobody's.
    assert rows == [
        ("Rome", "DE", "1", "20"),
        ("Rome", "IT", "1", "40"),
        ("rest", "DE", "1", "10"),
        ("rest", "IT", "0", "80"),
    ]


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (
            {"percentOfTotal": [{"measure": "orders.count"}]},
            "'orders.count' is not among the query's measures",
        ),
        (share("orders.country"), "'orders.country' is not among what the query groups by"),
        ({"percentOfTotal": {}}, '"percentOfTotal" must be an array'),
        ({"percentOfTotal": [{"measure": AMOUNT, "of": []}]}, r'"percentOfTotal\[0\].of" is not allowed'),
        ({**share(), "ungrouped": True}, "An ungrouped query has no totals"),
        (
            {"percentOfTotal": [*share()["percentOfTotal"], *share("users.city")["percentOfTotal"]]},
            "would have one name",
        ),
        (top(dimension="orders.country"), "'orders.country' is not among the query's dimensions"),
        (top(limit=0), '"top.limit" must be greater than or equal to 1'),
        (top(others=True), '"top.others" must be a string, null or false'),
        (top(others=7), '"top.others" must be a string, null or false'),
        ({"top": {"dimension": "users.city", "limit": 1}}, '"top.by" must be a string'),
        ({**top(), "ungrouped": True}, "An ungrouped query has no groups"),
    ],
)
def test_what_makes_no_sense_is_refused(answered, more: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidQuery, match=message):
        answered(model(), {**BY_CITY, **more})


def test_others_of_numbers_are_no_text(answered) -> None:
    query = {"dimensions": ["orders.id"], "measures": [AMOUNT]}
    with pytest.raises(InvalidQuery, match="others cannot be a text"):
        answered(model(), {**query, **top(dimension="orders.id")})
    (result,) = answered(model(), {**query, **top(dimension="orders.id", others=None)})
    assert {row["orders.id"]: row[AMOUNT] for row in result["data"]} == {"4": "80", None: "70"}


def test_names_are_looked_up(answered) -> None:
    with pytest.raises(UnknownMember):
        answered(model(), {**BY_CITY, **top(by="orders.amonut")})


def test_explain_names_them() -> None:
    explained = explain(model(), **BY_CITY, **share(), **top())
    steps = [each["step"] for each in explained["plan"]["built"]["inputs"]]
    assert steps == ["Shares of totals"]
    assert "The first values of users.city, by orders.amount" in str(explained["plan"])
