"""Formats on the wire (rest-contract 1.6.4)."""

from __future__ import annotations

import pytest

from cuboid.catalog.formats import NAMED_FORMATS, format_description, wire_format


def numeric(value: str, alias: str | None = None) -> dict[str, str]:
    form = {"type": "custom-numeric", "value": value}
    return form if alias is None else {**form, "alias": alias}


@pytest.mark.parametrize(
    ("written", "form"),
    [
        ("percent", "percent"),
        ("currency", "currency"),
        ("number", "number"),
        ("decimal_2", numeric(",.2~f", "decimal_2")),
        ("decimal", numeric(",.2~f", "decimal")),
        ("number_0", numeric(",.0f", "number_0")),
        ("percent_1", numeric(".1~%", "percent_1")),
        ("currency_3", numeric("$,.3~f", "currency_3")),
        ("abbr", numeric(".2~s", "abbr")),
        ("abbr_0", numeric(".0~s", "abbr_0")),
        ("accounting_6", numeric("(,.6~f", "accounting_6")),
        ("id", numeric(".0f", "id")),
        ("$,.2f", numeric("$,.2f")),
        (".3s", numeric(".3s")),
        ("currencyy", None),
        ("number_7", None),
        ("", None),
        ("link", None),
    ],
)
def test_formats_of_measures(written: str, form: object) -> None:
    assert wire_format(written, "number", measure=True) == form


@pytest.mark.parametrize(
    ("written", "type", "form"),
    [
        ("imageUrl", "string", "imageUrl"),
        ("image_url", "string", "imageUrl"),
        ("link", "string", "link"),
        ("%Y-%m", "time", {"type": "custom-time", "value": "%Y-%m"}),
        ("%Y-%m", "string", None),
        (",.1f", "number", numeric(",.1f")),
        (",.1f", "string", None),
        ("percent", "number", "percent"),
    ],
)
def test_formats_of_dimensions(written: str, type: str, form: object) -> None:
    assert wire_format(written, type, measure=False) == form  # type: ignore[arg-type]


def test_each_of_six_families_has_seven_forms_and_three_a_short_one() -> None:
    assert len(NAMED_FORMATS) == 6 * 7 + len({"decimal", "abbr", "accounting"}) + len({"id"})


@pytest.mark.parametrize(
    ("form", "described"),
    [
        (None, {"name": "number", "specifier": ",.2~f"}),
        ("number", {"name": "number", "specifier": ",.2~f"}),
        ("percent", {"name": "percent", "specifier": ".2~%"}),
        ("currency", {"name": "currency", "specifier": "$,.2~f"}),
        (numeric(",.2~f", "decimal_2"), {"name": "decimal_2", "specifier": ",.2~f"}),
        (numeric(".3s"), {"name": "custom", "specifier": ".3s"}),
    ],
)
def test_numbers_have_a_description(form: object, described: dict[str, str]) -> None:
    assert format_description(form, "number") == described  # type: ignore[arg-type]


def test_a_currency_is_named_in_the_description() -> None:
    described = format_description("currency", "number", "EUR")
    assert described == {"name": "currency", "specifier": "$,.2~f", "currency": "EUR"}


@pytest.mark.parametrize("type", ["string", "time", "boolean"])
def test_other_types_have_none(type: str) -> None:
    assert format_description("percent", type) is None  # type: ignore[arg-type]
