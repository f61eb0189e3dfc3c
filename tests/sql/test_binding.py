"""Slots become placeholders and parameters; values never become text."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from cuboid.query.model import Slot
from cuboid.sql.binding import Prepared, prepare, slot_mark
from cuboid.sql.dialect import Dialect


class Plain(Dialect):
    """A dialect for its placeholders."""

    name = sqlglot = "plain"

    def __init__(self, style: str) -> None:
        self.placeholders = style

    def to_civil(self, value, zone, kind):
        raise NotImplementedError

    def date_trunc(self, granularity, civil):
        raise NotImplementedError

    def parameter_type(self, value):
        return {str: "Text", int: "Whole"}[type(value)]


QMARK = Plain("qmark")


def prepared(*slots: tuple[str, str], style: str = "qmark") -> Prepared:
    marks = " + ".join(slot_mark(Slot(n, type_), pattern).sql() for n, (type_, pattern) in enumerate(slots))
    return prepare(f"SELECT 'a%b' WHERE {marks}", Plain(style), (), "default")


@pytest.mark.parametrize(
    ("style", "text"),
    [
        ("qmark", "SELECT 'a%b' WHERE ? + ?"),
        ("dollar", "SELECT 'a%b' WHERE $1 + $2"),
        ("format", "SELECT 'a%%b' WHERE %s + %s"),
        ("typed", "SELECT 'a%b' WHERE {p1:Text} + {p2:Whole}"),
    ],
)
def test_placeholders_follow_the_dialects_style(style, text) -> None:
    statement = prepared(("string", "plain"), ("number", "plain"), style=style).bind(["x", 1])
    assert (statement.sql, statement.parameters) == (text, ("x", 1))


def test_a_slot_used_twice_is_bound_twice() -> None:
    mark = slot_mark(Slot(0, "string")).sql()
    assert prepare(f"{mark}, {mark}", QMARK, (), "default").bind(["x"]).parameters == ("x", "x")


@pytest.mark.parametrize(
    ("pattern", "value", "bound"),
    [
        ("contains", "50%_\\", "%50\\%\\_\\\\%"),
        ("prefix", "a'b", "a'b%"),
        ("suffix", "", "%"),
    ],
)
def test_like_patterns_escape_what_the_user_wrote(pattern, value, bound) -> None:
    assert prepared(("string", pattern)).bind([value]).parameters == (bound,)


def test_limits_are_digits_in_the_text() -> None:
    limit = slot_mark(Slot(0, "integer")).sql()
    assert prepare(f"LIMIT {limit}", QMARK, (), "default").bind([10]).sql == "LIMIT 10"


def test_a_limit_that_is_no_number_cannot_reach_the_text() -> None:
    limit = slot_mark(Slot(0, "integer")).sql()
    with pytest.raises(ValueError, match="invalid literal"):
        prepare(f"LIMIT {limit}", QMARK, (), "default").bind(["1; DROP TABLE x"])


def test_parameters_are_shown_as_texts() -> None:
    shown = prepared(
        ("utc", "plain"), ("instant", "plain"), ("date", "plain"), ("number", "plain"), ("boolean", "plain")
    )
    civil = datetime(2024, 3, 1)
    values = [civil, civil.replace(tzinfo=UTC), civil, Decimal("1E+2"), True]
    assert shown.wire_parameters(values) == [
        "2024-03-01T00:00:00.000Z",
        "2024-03-01T00:00:00.000Z",
        "2024-03-01T00:00:00.000",
        "100",
        True,
    ]
