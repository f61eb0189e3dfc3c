"""Whatever is sent, the answer is an answer: never a 500, never a hang."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.http.fuzzing import fuzz, is_an_answer

MEMBERS = [
    "Orders.count",
    "Orders.totalAmount",
    "Orders.avgAmount",
    "Orders.ratio",
    "Orders.lastAt",
    "Orders.hiddenOne",
    "Orders.paid",
    "Orders.status",
    "Orders.amount",
    "Orders.isPaid",
    "Orders.createdAt",
    "Orders.size",
    "Orders.id",
    "Users.city",
    "Users.count",
    "Users.createdAt",
    "Lonely.n",
    "Secret.n",
    "Missing.count",
    "Nope.x",
    "Orders.nope",
    "Orders.createdAt.day",
    "Orders",
    "",
]
OPERATORS = [
    *("equals", "notEquals", "in", "notIn", "contains", "notContains", "startsWith", "notStartsWith"),
    *("endsWith", "notEndsWith", "gt", "gte", "lt", "lte", "set", "notSet", "inDateRange", "notInDateRange"),
    *("onTheDate", "beforeDate", "beforeOrOnDate", "afterDate", "afterOrOnDate", "measureFilter", "like"),
]
DATES = [
    *("2024-01-05", "2024-01-05T10:00:00", "2024-02-30", "0001-01-01", "9999-12-31", "10000-01-01", ""),
    *("today", "last week", "last 0 days", "next 100000000000 years", "from 7 days ago to now", "gibberish"),
    *("2024-01-05T10:00:00+25:00", "2024-01-05T24:00:00", "last 99999999 quarters", "from x to y"),
]

junk = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
    | st.sampled_from(MEMBERS + OPERATORS + DATES),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
member = st.sampled_from(MEMBERS)
date = st.sampled_from(DATES)
value = st.sampled_from(["paid", "5", "%", "\\", "'", "\x00", "true", "1e999", "NaN", "9" * 50]) | date | junk


def rarely_junk(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.integers(0, 19).flatmap(lambda n: junk if n == 0 else strategy)


leaf = st.fixed_dictionaries(
    {"member": member, "operator": st.sampled_from(OPERATORS)},
    optional={"values": rarely_junk(st.lists(value, max_size=3))},
)
filters = st.recursive(
    leaf,
    lambda inner: st.dictionaries(st.sampled_from(["and", "or"]), st.lists(inner, max_size=3)),
    max_leaves=5,
)
time_dimension = st.fixed_dictionaries(
    {"dimension": rarely_junk(st.sampled_from(["Orders.createdAt", "Users.createdAt", "Orders.status"]))},
    optional={
        "granularity": rarely_junk(st.sampled_from(["second", "day", "week", "quarter", "year", "eon"])),
        "dateRange": rarely_junk(date | st.lists(date, min_size=1, max_size=2)),
        "compareDateRange": rarely_junk(st.lists(date | st.lists(date, min_size=1, max_size=2), max_size=2)),
    },
)
query = st.fixed_dictionaries(
    {},
    optional={
        "measures": rarely_junk(st.lists(member, max_size=3)),
        "dimensions": rarely_junk(st.lists(member, max_size=3)),
        "segments": rarely_junk(st.lists(member, max_size=1)),
        "timeDimensions": rarely_junk(st.lists(time_dimension, max_size=2)),
        "filters": rarely_junk(st.lists(filters, max_size=2)),
        "order": rarely_junk(st.dictionaries(member, st.sampled_from(["asc", "desc", "up"]), max_size=2)),
        "limit": rarely_junk(st.integers(-1, 60000)),
        "offset": rarely_junk(st.integers(-1, 2**70)),
        "total": rarely_junk(st.booleans()),
        "timezone": rarely_junk(
            st.sampled_from(
                ["UTC", "America/Los_Angeles", "Asia/Kathmandu", "Foo/Bar", "../etc/passwd", "", "a\x00"]
            )
        ),
        "ungrouped": rarely_junk(st.booleans()),
        "responseFormat": rarely_junk(st.sampled_from(["default", "compact", "columnar"])),
        "cache": rarely_junk(st.sampled_from(["no-cache", "must-revalidate"])),
        "renewQuery": st.booleans(),
        "surprise": junk,
    },
)
question = rarely_junk(query | st.lists(query, max_size=2))


@fuzz(300)
@given(question=question, multi=st.booleans())
def test_load_answers_every_question(production: Any, question: Any, multi: bool) -> None:
    assert is_an_answer(
        production.post("load", {"query": question, **({"queryType": "multi"} if multi else {})})
    )


@fuzz(300)
@given(question=question)
def test_sql_answers_every_question(production: Any, question: Any) -> None:
    assert is_an_answer(production.get("sql", json.dumps(question)))


@fuzz(300)
@given(text=st.text(max_size=40))
def test_every_text_as_a_query_is_answered(production: Any, text: str) -> None:
    assert is_an_answer(production.get("load", text))


@fuzz(300)
@given(body=st.binary(max_size=60))
def test_every_body_is_answered(production: Any, body: bytes) -> None:
    answer = production.ask("POST", "/cubejs-api/v1/sql", body, Content_Type="application/json")
    assert is_an_answer(answer)


@fuzz(300)
@given(parameters=st.dictionaries(st.text(max_size=6), st.text(max_size=6), max_size=3))
def test_meta_answers_whatever_its_parameters(production: Any, parameters: dict[str, str]) -> None:
    assert is_an_answer(
        production.get("meta", **{k: v for k, v in parameters.items() if k not in ("endpoint", "query")})
    )


@fuzz(300)
@given(token=st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=60))
def test_no_text_is_a_token(production: Any, token: str) -> None:
    answer = type(production)(production.port, token).get("meta")
    assert answer.status == 403


@pytest.mark.parametrize("depth", [100, 400, 900, 5000])
@pytest.mark.parametrize("group", ["and", "or"])
def test_deep_filters_are_answered(production: Any, depth: int, group: str) -> None:
    inner = '{"member": "Orders.status", "operator": "set"}'
    text = f'{{"{group}": [' * depth + inner + "]}" * depth
    body = f'{{"query": {{"measures": ["Orders.count"], "filters": [{text}]}}}}'.encode()
    for endpoint in ("load", "sql"):
        answer = production.ask("POST", f"/cubejs-api/v1/{endpoint}", body, Content_Type="application/json")
        assert is_an_answer(answer)


def test_wide_questions_are_answered(production: Any) -> None:
    values = [str(number) for number in range(20_000)]
    leaf = {"member": "Orders.status", "operator": "equals", "values": values}
    assert is_an_answer(production.post("load", {"query": {"measures": ["Orders.count"], "filters": [leaf]}}))
    many = [{"member": "Orders.status", "operator": "equals", "values": ["x"]}] * 2000
    assert is_an_answer(
        production.post("load", {"query": {"measures": ["Orders.count"], "filters": [{"or": many}]}})
    )
    assert is_an_answer(production.post("load", {"query": {"measures": ["Orders.count"] * 5000}}))
