"""Generated queries: whatever comes in, a question or a clear refusal goes out; values never shape a plan."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st

from cuboid.catalog.model import Catalog
from cuboid.errors import UserError
from cuboid.query.decode import decode, query_type
from cuboid.query.normalize import normalize
from cuboid.query.operators import AVAILABLE, BEFORE_OR_AFTER, OPERATORS, RANGES
from cuboid.query.parse import parse

NOW = datetime(2026, 11, 23, 10, 30, tzinfo=UTC)
FUZZ = settings(max_examples=5000, deadline=None, suppress_health_check=[HealthCheck.too_slow])

any_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)
names = st.sampled_from(
    ["Orders.count", "Orders.status", "Orders.amount", "Orders.isPaid", "Orders.createdAt", "Orders.dueOn",
     "Orders.createdAt.month", "Orders.paid", "Orders.lastAt", "Orders.nope", "Broken.x", "Secret.n", "bare", "{}"]
)  # fmt: skip
date_texts = st.sampled_from(
    ["today", "last 3 weeks", "from 2 days ago to now", "2024-01-05", "2024-01-05T10:00:00Z", "0001-01-01",
     "9999-12-31", "last 99999999 years", "next 9000 years", "0000-01-01", "from to", "2020", "gibberish", ""]
)  # fmt: skip
values = st.lists(any_json | date_texts | st.sampled_from(["1", "true", None, 1, 1e308, 10**30]), max_size=3)
filters = st.recursive(
    st.fixed_dictionaries(
        {},
        optional={
            "member": names | any_json,
            "dimension": names,
            "operator": st.sampled_from(OPERATORS) | any_json,
            "values": values | any_json,
        },
    ),
    lambda inner: (
        st.fixed_dictionaries({"or": st.lists(inner, max_size=3)})
        | st.fixed_dictionaries({"and": st.lists(inner, max_size=3)})
    ),
    max_leaves=6,
)
date_ranges = date_texts | st.lists(date_texts, max_size=3) | any_json
time_dimensions = st.fixed_dictionaries(
    {"dimension": names},
    optional={
        "granularity": st.sampled_from(["day", "week", "eon"]) | any_json,
        "dateRange": date_ranges,
        "compareDateRange": st.lists(date_ranges, max_size=3),
    },
)
queries = st.fixed_dictionaries(
    {},
    optional={
        "measures": st.lists(names | any_json, max_size=3),
        "dimensions": st.lists(names | any_json, max_size=3),
        "segments": st.lists(names, max_size=2),
        "filters": st.lists(filters, max_size=3),
        "timeDimensions": st.lists(time_dimensions, max_size=2),
        "order": st.dictionaries(names, st.sampled_from(["asc", "desc"])) | any_json,
        "limit": st.integers(-1, 60_000) | any_json,
        "offset": st.integers() | any_json,
        "timezone": st.sampled_from(["UTC", "asia/tokyo", "America/Los_Angeles", "Pacific/Apia"]) | any_json,
        "total": st.booleans() | any_json,
        "ungrouped": st.booleans(),
    },
)
# What is mostly right gets further than what is mostly wrong.
leaves = st.fixed_dictionaries(
    {
        "member": st.sampled_from(
            ["Orders.status", "Orders.amount", "Orders.createdAt", "Orders.dueOn", "Orders.count"]
        ),
        "operator": st.sampled_from(OPERATORS),
        "values": st.lists(
            date_texts | st.text() | st.sampled_from(["1", "1.5", "1e300", None]), min_size=1, max_size=3
        ),
    }
)
near_queries = st.fixed_dictionaries(
    {
        "measures": st.just(["Orders.count"]),
        "dimensions": st.just(["Orders.status"]),
        "filters": st.lists(leaves, max_size=2),
    },
    optional={
        "timeDimensions": st.lists(
            st.fixed_dictionaries(
                {"dimension": st.just("Orders.createdAt")}, optional={"dateRange": date_texts}
            ),
            max_size=2,
        ),
        "timezone": st.sampled_from(["UTC", "asia/tokyo", "America/Los_Angeles", "Pacific/Apia"]),
    },
)


def answer(raw: object, catalog: Catalog) -> None:
    """Asks ``raw``; the echo, or the refusal, must be sendable."""
    try:
        decoded = decode(raw)
        query_type(decoded)
        for each in decoded if isinstance(decoded, list) else [decoded]:
            for question in normalize(parse(each), catalog, now=NOW):
                hash(question.shape)
                orjson.dumps(question.echo)
    except UserError as error:
        orjson.dumps([error.message, error.hint, getattr(error, "path", None)])


@FUZZ
@given(raw=any_json | queries | near_queries | st.lists(near_queries, max_size=2))
def test_any_json_gets_a_question_or_a_refusal(catalog: Catalog, raw: Any) -> None:
    answer(raw, catalog)


@settings(FUZZ, max_examples=500)
@given(text=st.text(st.characters()) | queries.map(repr))
def test_any_text_gets_a_question_or_a_refusal(catalog: Catalog, text: str) -> None:
    answer(text, catalog)


days = st.dates().map(str)
TYPED = {
    "status": ("string", st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))),
    "amount": ("number", st.integers() | st.floats(allow_nan=False, allow_infinity=False)),
    "isPaid": ("boolean", st.booleans()),
    "createdAt": ("time", days),
    "dueOn": ("time", days),
    "count": ("number", st.integers()),
}


@st.composite
def twins(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, Any]]:
    """Two queries that differ in values only: filter values, dates, limit and offset."""

    def pair(value: st.SearchStrategy[Any]) -> tuple[Any, Any]:
        return draw(value), draw(value)

    def leaf() -> tuple[dict[str, Any], dict[str, Any]]:
        member = draw(st.sampled_from(sorted(TYPED)))
        type, value = TYPED[member]
        operator = draw(st.sampled_from(AVAILABLE[type]))  # type: ignore[index]
        dated = operator in RANGES or operator in BEFORE_OR_AFTER
        size = draw(st.integers(1, 2 if dated else 3))
        nulls = [not dated and draw(st.booleans()) for _ in range(size)]
        both = pair(st.lists(value, min_size=size, max_size=size))
        first, second = (
            {
                "member": f"Orders.{member}",
                "operator": operator,
                "values": [None if null else each for null, each in zip(nulls, drawn, strict=True)],
            }
            for drawn in both
        )
        return first, second

    leaves = [leaf() for _ in range(draw(st.integers(0, 4)))]
    limits, offsets = pair(st.integers(0, 50_000)), pair(st.integers(0, 2**53 - 1))
    ranges = pair(days | st.lists(days, min_size=1, max_size=2) | st.just("last 3 weeks"))
    first, second = (
        {
            "measures": ["Orders.count"],
            "dimensions": ["Orders.status"],
            "timeDimensions": [
                {"dimension": "Orders.createdAt", "granularity": "day", "dateRange": ranges[side]}
            ],
            "filters": [each[side] for each in leaves[:2]] + [{"or": [each[side] for each in leaves[2:]]}],
            "limit": limits[side],
            "offset": offsets[side],
        }
        for side in (0, 1)
    )
    return first, second


@settings(FUZZ, max_examples=1000)
@given(both=twins())
def test_queries_that_differ_in_values_have_one_shape(
    catalog: Catalog, both: tuple[dict[str, Any], dict[str, Any]]
) -> None:
    try:
        (first,) = normalize(parse(both[0]), catalog, now=NOW)
    except UserError:
        # A comparison with nothing but null, or an `or` over a measure and a dimension that is not selected:
        # reasons that do not lie in the values.
        with pytest.raises(UserError):
            normalize(parse(both[1]), catalog, now=NOW)
        reject()
    (second,) = normalize(parse(both[1]), catalog, now=NOW)
    assert first.shape == second.shape
    assert hash(first.shape) == hash(second.shape)
    assert len(first.values) == len(second.values)
    assert first.values[-2:] == (both[0]["limit"], both[0]["offset"])
