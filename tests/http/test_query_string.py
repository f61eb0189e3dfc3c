"""Query strings as Express reads them."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cuboid.errors import InvalidQuery
from cuboid.http.query_string import parse_query_string


@pytest.mark.parametrize(
    ("text", "parameters"),
    [
        ("", {}),
        ("query=", {"query": ""}),
        ("query=%7B%22a%22%3A+1%7D", {"query": '{"a": 1}'}),
        ("query=a%26b%3Dc&queryType=multi", {"query": "a&b=c", "queryType": "multi"}),
        ("a=%C3%A9", {"a": "é"}),
        ("a=\u00c3\u00a9", {"a": "é"}),  # sent without escapes, held as Latin-1
        ("a=%FF", {"a": "\ufffd"}),
        ("a=1&a=2", {"a": ["1", "2"]}),
        ("query[measures][]=Orders.count", {"query": {"measures": ["Orders.count"]}}),
        ("query[measures][]=a&query[measures][]=b", {"query": {"measures": ["a", "b"]}}),
        ("query%5Bmeasures%5D%5B1%5D=b&query%5Bmeasures%5D%5B0%5D=a", {"query": {"measures": ["a", "b"]}}),
        (
            "query[timeDimensions][0][dimension]=t&query[timeDimensions][0][granularity]=day",
            {"query": {"timeDimensions": [{"dimension": "t", "granularity": "day"}]}},
        ),
        ("query[order][Orders.count]=asc", {"query": {"order": {"Orders.count": "asc"}}}),
        ("[x]=1&a[=2&a]=3", {"[x]": "1", "a[": "2", "a]": "3"}),
    ],
)
def test_keys_nest_and_values_stay_text(text: str, parameters: dict[str, Any]) -> None:
    assert parse_query_string(text) == parameters


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("&".join(["a=1"] * 1001), "more than 1000 parameters"),
        ("a[b][c][d][e][f][g]=1", "deeper than 5"),
        ("a=1&a[b]=2", "both a value and parts"),
        ("a[b]=2&a=1", "both a value and parts"),
    ],
)
def test_what_cannot_be_read_is_the_client_s_mistake(text: str, message: str) -> None:
    with pytest.raises(InvalidQuery, match=message):
        parse_query_string(text)


@given(st.text(alphabet="abq[]0123&=%+;\u00e9", max_size=60))
def test_every_text_is_read_or_refused(text: str) -> None:
    with suppress(InvalidQuery):
        assert isinstance(parse_query_string(text), Mapping)
