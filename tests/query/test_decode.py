"""The query parameter: text or values, with the messages of the contract."""

import pytest

from cuboid.errors import InvalidQuery
from cuboid.query.parse import decode, query_type


@pytest.mark.parametrize("raw", [None, "", "undefined"])
def test_a_missing_query_is_named(raw: object) -> None:
    with pytest.raises(InvalidQuery, match=r"^Query param is required$"):
        decode(raw)


@pytest.mark.parametrize(
    "raw", ["{bad", "NaN", '{"limit": Infinity}', '"\\ud800"', "\ud800", "[" * 5000, '{"a": 1} x', "\0"]
)
def test_text_that_is_no_json_is_refused_with_the_parsers_reason(raw: str) -> None:
    with pytest.raises(InvalidQuery, match=r"^Unable to decode query param as JSON, error: \S"):
        decode(raw)


@pytest.mark.parametrize("raw", ["null", "5", '"text"', 5, True, 1.5, b"{}"])
def test_json_that_is_no_query_is_refused(raw: object) -> None:
    with pytest.raises(InvalidQuery, match=r'^Invalid query format: "value" must be of type object$'):
        decode(raw)


def test_text_and_values_mean_the_same() -> None:
    assert decode('{"measures": ["Orders.count"]}') == decode({"measures": ["Orders.count"]})
    assert decode("[{}]") == [{}]


def test_of_repeated_keys_the_last_counts() -> None:
    assert decode('{"limit": 1, "limit": 2}') == {"limit": 2}


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("18446744073709551615", 2**64 - 1),
        ("-9223372036854775808", -(2**63)),
        # Beyond 64 bits a number is its text, which as a filter's value means the same.
        ("18446744073709551616", "18446744073709551616"),
        ("18446744073709551617", "18446744073709551617"),
        ("-9223372036854775809", "-9223372036854775809"),
        ("18446744073709551616.0", 2.0**64),
        ("1e20", 1e20),
        ('"18446744073709551617"', "18446744073709551617"),
    ],
)
def test_integers_are_read_as_they_are_written(written: str, read: object) -> None:
    [value] = decode(f'{{"values": [{written}]}}')["values"]  # type: ignore[index]
    assert (type(value), value) == (type(read), read)


def test_long_integers_in_a_deep_query_are_refused_as_other_text_is() -> None:
    with pytest.raises(InvalidQuery, match=r"^Unable to decode query param as JSON, error: it is nested too"):
        decode('{"a": 18446744073709551617, "b": ' + "[" * 1000 + "]" * 1000 + "}")


def test_the_query_type_is_told_by_form() -> None:
    compared = {"timeDimensions": [{"dimension": "Orders.createdAt", "compareDateRange": ["today"]}]}
    assert query_type({}) == "regularQuery"
    assert query_type(compared) == "compareDateRangeQuery"
    assert query_type([{}]) == "blendingQuery"
    assert query_type([compared]) == "blendingQuery"


@pytest.mark.parametrize("value", [5, "x", [5], [None], {"dimension": "Orders.createdAt"}])
def test_the_query_type_of_malformed_time_dimensions_is_regular(value: object) -> None:
    assert query_type({"timeDimensions": value}) == "regularQuery"
