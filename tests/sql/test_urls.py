"""URLs that links make, against Python's own encoding."""

from __future__ import annotations

from urllib.parse import quote

import duckdb
import pytest
from sqlglot import exp

from cuboid.sql.urls import url_encoded, with_parameters

TEXTS = [
    "plain-text_0.~",
    "".join(map(chr, range(32, 127))),
    "100% sure",
    "%25 is %",
    "a\tb\nc\rd",
    "\\",
    "",
]
AS_THEY_ARE = "!'()*"
"""What JavaScript's encodeURIComponent leaves as it is."""


def value(expression: exp.Expr, text: str | None) -> object:
    sql = expression.sql("duckdb")
    return duckdb.execute(f"SELECT {sql} FROM (SELECT ?::TEXT AS x) AS t", [text]).fetchall()[0][0]


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_is_encoded_as_by_encode_uri_component(text: str) -> None:
    assert value(url_encoded(exp.column("x")), text) == quote(text, safe=AS_THEY_ARE)


def test_other_letters_stay_for_the_browser_to_encode() -> None:
    assert value(url_encoded(exp.column("x")), "Zürich 東") == "Zürich%20東"


@pytest.mark.parametrize(
    ("url", "text", "expected"),
    [
        ("'https://x.org'", "a b", "https://x.org?k=a%20b&l%26m=1"),
        ("'https://x.org/?p=1'", "&", "https://x.org/?p=1&k=%26&l%26m=1"),
        ("'https://x.org'", None, "https://x.org?k=&l%26m=1"),
        ("NULLIF('', '')", "a", None),
    ],
)
def test_parameters_follow_the_url(url: str, text: str | None, expected: str | None) -> None:
    from sqlglot import parse_one

    parsed = parse_one(url, dialect="duckdb")
    pairs = [("k", exp.column("x")), ("l&m", exp.Literal.number(1))]
    assert value(with_parameters(parsed, pairs), text) == expected
