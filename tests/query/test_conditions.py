"""Filters to conditions: every operator with and without null, typed values, rows and groups."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from cuboid.errors import InvalidDateRange, InvalidQuery, UnknownMember
from cuboid.query.model import Condition, Junction, Predicate, Question, Slot
from cuboid.types import ParameterType, Value

Ask = Callable[..., Question]
Filter = dict[str, Any]


def where(member: str, operator: str, *values: object) -> Filter:
    leaf: Filter = {"member": f"Orders.{member}", "operator": operator}
    return {**leaf, "values": list(values)} if values else leaf


@pytest.fixture
def row(ask: Ask) -> Callable[..., tuple[Condition | None, tuple[Value, ...]]]:
    """The one row condition of a filter and its values."""

    def built(*leaf: Any, **more: Any) -> tuple[Condition | None, tuple[Value, ...]]:
        question = ask({"measures": ["Orders.count"], "filters": [where(*leaf)], **more})
        assert not question.shape.group_conditions
        assert len(question.shape.row_conditions) <= 1
        return next(iter(question.shape.row_conditions), None), question.values[:-1]  # the last is the limit

    return built


def slots(count: int, type: ParameterType = "string") -> tuple[Slot, ...]:
    return tuple(Slot(index, type) for index in range(count))


# operator, values -> (operator of the predicate, number of slots, whether NULL satisfies it); None: no condition
TEXT_OPERATORS: list[tuple[str, tuple[object, ...], tuple[str, int, bool] | None]] = [
    *((operator, ("a",), ("in", 1, False)) for operator in ("equals", "in")),
    *((operator, ("a", "b"), ("in", 2, False)) for operator in ("equals", "in")),
    *((operator, ("a", None), ("in", 1, True)) for operator in ("equals", "in")),
    *((operator, (None, "a", None, "b"), ("in", 2, True)) for operator in ("equals", "in")),
    *((operator, (None,), ("in", 0, True)) for operator in ("equals", "in")),
    *((operator, ("a",), ("not_in", 1, True)) for operator in ("notEquals", "notIn")),
    *((operator, ("a", "b"), ("not_in", 2, True)) for operator in ("notEquals", "notIn")),
    *((operator, ("a", None), ("not_in", 1, False)) for operator in ("notEquals", "notIn")),
    *((operator, (None,), ("set", 0, False)) for operator in ("notEquals", "notIn")),
    *(
        (wire, values, (ours, count, or_null))
        for wire, ours in (("contains", "contains"), ("startsWith", "starts_with"), ("endsWith", "ends_with"))
        for values, count, or_null in ((("a",), 1, False), (("a", "b"), 2, False), ((None, "a"), 1, True))
    ),
    *((wire, (None,), ("not_set", 0, False)) for wire in ("contains", "startsWith", "endsWith")),
    *(
        (wire, values, (ours, count, or_null))
        for wire, ours in (
            ("notContains", "not_contains"),
            ("notStartsWith", "not_starts_with"),
            ("notEndsWith", "not_ends_with"),
        )
        for values, count, or_null in ((("a",), 1, True), (("a", "b"), 2, True), ((None, "a"), 1, False))
    ),
    *((wire, (None,), None) for wire in ("notContains", "notStartsWith", "notEndsWith")),
    *((wire, ("a",), (wire, 1, False)) for wire in ("gt", "gte", "lt", "lte")),
    *((wire, (None, "a", "b"), (wire, 1, False)) for wire in ("gt", "gte", "lt", "lte")),
    ("set", (), ("set", 0, False)),
    ("set", ("ignored",), ("set", 0, False)),
    ("notSet", (), ("not_set", 0, False)),
    ("notSet", (None,), ("not_set", 0, False)),
]


@pytest.mark.parametrize(("operator", "values", "expected"), TEXT_OPERATORS)
def test_operators_on_texts(row: Any, operator: str, values: tuple[object, ...], expected: Any) -> None:
    condition, bound = row("status", operator, *values)
    if expected is None:
        assert condition is None
        assert bound == ()
    else:
        name, count, or_null = expected
        assert condition == Predicate("Orders.status", name, slots(count), or_null)
        assert bound == tuple(value for value in values if value is not None)[:count]


@pytest.mark.parametrize("operator", ["gt", "gte", "lt", "lte"])
def test_a_comparison_with_nothing_but_null_is_refused(row: Any, operator: str) -> None:
    with pytest.raises(InvalidQuery, match="not null") as refused:
        row("amount", operator, None)
    assert refused.value.path == "filters[0].values"


# One column of each kind; 2024-01-05 in Los Angeles is 08:00Z to 08:00Z of the next day.
DAY = (datetime(2024, 1, 5, 8), datetime(2024, 1, 6, 8))
NOON = datetime(2024, 1, 5, 20)
AFTER_NOON = datetime(2024, 1, 5, 20, 0, 0, 1000)
DATES: list[tuple[str, tuple[str, ...], str, tuple[datetime, ...]]] = [
    ("inDateRange", ("2024-01-05",), "in_range", DAY),
    ("inDateRange", ("2024-01-05", "2024-01-05"), "in_range", DAY),
    ("onTheDate", ("2024-01-05",), "in_range", DAY),
    ("notInDateRange", ("2024-01-05",), "not_in_range", DAY),
    ("inDateRange", ("2024-01-05T12:00", "2024-01-05T12:00"), "in_range", (NOON, AFTER_NOON)),
    ("beforeDate", ("2024-01-05",), "lt", DAY[:1]),
    ("afterOrOnDate", ("2024-01-05",), "gte", DAY[:1]),
    ("beforeOrOnDate", ("2024-01-05",), "lt", DAY[1:]),
    ("afterDate", ("2024-01-05",), "gte", DAY[1:]),
    ("beforeDate", ("2024-01-05T12:00",), "lt", (NOON,)),
    ("afterOrOnDate", ("2024-01-05T12:00",), "gte", (NOON,)),
    ("beforeOrOnDate", ("2024-01-05T12:00",), "lt", (AFTER_NOON,)),
    ("afterDate", ("2024-01-05T12:00",), "gte", (AFTER_NOON,)),
    ("afterDate", ("2024-01-05", "2030-01-01"), "gte", DAY[1:]),
    ("gt", ("2024-01-05",), "gt", DAY[:1]),
    ("equals", ("2024-01-05",), "in", DAY[:1]),
    ("equals", ("2024-01-05T20:00:00Z", "2024-01-05T12:00"), "in", (NOON, NOON)),
]


@pytest.mark.parametrize(("operator", "values", "name", "expected"), DATES)
def test_operators_on_times(row: Any, operator: str, values: Any, name: Any, expected: Any) -> None:
    condition, bound = row("createdAt", operator, *values, timezone="America/Los_Angeles")
    assert condition == Predicate("Orders.createdAt", name, slots(len(expected), "utc"))
    assert bound == expected


@pytest.mark.parametrize(
    ("operator", "text", "echoed"),
    [
        ("inDateRange", "last week", ["2026-11-16T00:00:00.000", "2026-11-22T23:59:59.999"]),
        ("onTheDate", "Yesterday", ["2026-11-22T00:00:00.000", "2026-11-22T23:59:59.999"]),
        ("beforeDate", "last week", ["2026-11-16T00:00:00.000"]),
        ("afterOrOnDate", "last week", ["2026-11-16T00:00:00.000"]),
        ("beforeOrOnDate", "last week", ["2026-11-22T23:59:59.999"]),
        ("afterDate", "last week", ["2026-11-22T23:59:59.999"]),
    ],
)
def test_words_in_date_filters_become_times_that_the_echo_shows(
    ask: Ask, operator: str, text: str, echoed: list[str]
) -> None:
    question = ask({"measures": ["Orders.count"], "filters": [where("createdAt", operator, text)]})
    assert question.echo["filters"][0]["values"] == echoed
    bounds = {"2026-11-16": datetime(2026, 11, 16), "2026-11-22": datetime(2026, 11, 23)}
    if operator != "onTheDate":
        assert question.values[:-1] == tuple(bounds[value[:10]] for value in echoed)


def test_absolute_date_filters_are_echoed_as_written(ask: Ask) -> None:
    question = ask(
        {"measures": ["Orders.count"], "filters": [where("createdAt", "inDateRange", "2024-01-05")]}
    )
    assert question.echo["filters"][0]["values"] == ["2024-01-05"]


def test_times_are_bound_by_the_kind_of_their_column(row: Any) -> None:
    zone = {"timezone": "America/Los_Angeles"}
    condition, bound = row("shippedAt", "onTheDate", "2024-01-05", **zone)
    assert condition == Predicate("Orders.shippedAt", "in_range", slots(2, "instant"))
    assert bound == tuple(instant.replace(tzinfo=UTC) for instant in DAY)
    condition, bound = row("dueOn", "onTheDate", "2024-01-05", **zone)
    assert condition == Predicate("Orders.dueOn", "in_range", slots(2, "date"))
    assert bound == (datetime(2024, 1, 5), datetime(2024, 1, 6))


DATE_ERRORS: list[tuple[str, tuple[object, ...], str]] = [
    ("inDateRange", ("gibberish",), "Can't parse date: 'gibberish'"),
    ("inDateRange", ("2024-01-01", "2024-02-30"), "Can't parse date: '2024-02-30'"),
    (
        "inDateRange",
        ("last week", "today"),
        "Relative-date strings are only supported when `values` has a single element for operator `inDateRange`. "
        "Pass an absolute two-element [start, end] pair, or a single relative string like "
        '["last 2 weeks"]. Got: ["last week","today"]',
    ),
    ("inDateRange", (None,), "Operator 'inDateRange' takes dates, not null"),
    ("beforeDate", ("2024-01-01", None), "Operator 'beforeDate' takes dates, not null"),
    ("inDateRange", ("2024-01-01",) * 3, "Operator 'inDateRange' takes one or two dates, not 3"),
    ("equals", ("yesterday",), "Can't parse date: 'yesterday'"),
]


@pytest.mark.parametrize(("operator", "values", "text"), DATE_ERRORS)
def test_dates_that_cannot_be_read(row: Any, operator: str, values: Any, text: str) -> None:
    with pytest.raises(InvalidDateRange) as refused:
        row("createdAt", operator, *values)
    assert refused.value.message == text
    assert str(refused.value.path).startswith("filters[0].values")


TYPED: list[tuple[str, object, Value, str]] = [
    ("amount", "5", 5, "number"),
    ("amount", 5, 5, "number"),
    ("amount", " -7 ", -7, "number"),
    ("amount", "1.50", Decimal("1.50"), "number"),
    ("amount", 0.1, Decimal("0.1"), "number"),
    ("amount", "1e3", 1000, "number"),
    ("amount", "9" * 38, 10**38 - 1, "number"),
    ("amount", "1" + "0" * 38, 1e38, "number"),
    ("amount", "1e-300", 1e-300, "number"),
    ("isPaid", "TRUE", True, "boolean"),
    ("isPaid", 0, False, "boolean"),
    ("isPaid", True, True, "boolean"),
    ("isPaid", "1", True, "boolean"),
    ("status", 5, "5", "string"),
    ("status", "", "", "string"),
    ("status", "x'; DROP TABLE orders --", "x'; DROP TABLE orders --", "string"),
]


@pytest.mark.parametrize(("member", "written", "value", "type"), TYPED)
def test_values_are_typed_by_their_member(
    row: Any, member: str, written: Any, value: Value, type: Any
) -> None:
    condition, bound = row(member, "equals", written)
    assert condition == Predicate(f"Orders.{member}", "in", slots(1, type))
    assert bound == (value,)
    assert [each.__class__ for each in bound] == [value.__class__]


@pytest.mark.parametrize(
    "text", ["abc", "", "NaN", "Infinity", "1_000", "٣", "0x10", "1e999", "1e99999", "9" * 999]
)
def test_what_is_no_number_is_refused_by_name_and_place(row: Any, text: str) -> None:
    with pytest.raises(InvalidQuery, match=r"is not a number, as Orders\.amount needs") as refused:
        row("amount", "equals", "1", text)
    assert refused.value.path == "filters[0].values[1]"


def test_what_is_no_truth_value_is_refused(row: Any) -> None:
    with pytest.raises(InvalidQuery, match=r"'yes' is not true or false, as Orders\.isPaid needs"):
        row("isPaid", "equals", "yes")


MISMATCHES = [
    *(("amount", operator) for operator in ("contains", "notStartsWith", "inDateRange", "beforeDate")),
    *(("isPaid", operator) for operator in ("contains", "gt", "lte", "onTheDate")),
    *(("createdAt", operator) for operator in ("contains", "notEndsWith")),
    *(("status", operator) for operator in ("inDateRange", "afterDate", "measureFilter")),
    *(("count", operator) for operator in ("contains", "inDateRange")),
]


@pytest.mark.parametrize(("member", "operator"), MISMATCHES)
def test_an_operator_that_does_not_suit_its_member_is_refused(row: Any, member: str, operator: str) -> None:
    with pytest.raises(
        InvalidQuery, match=rf"'{operator}' is not available for Orders\.{member}.*equals"
    ) as refused:
        row(member, operator, "1")
    assert refused.value.path == "filters[0].operator"


def test_filters_name_members_that_exist(row: Any) -> None:
    with pytest.raises(UnknownMember, match=r"^'statos' not found for path 'Orders\.statos'$") as refused:
        row("statos", "set")
    assert refused.value.suggestions[0] == "Orders.status"
    assert refused.value.path == "filters[0].member"
    with pytest.raises(UnknownMember, match=r"^'paid' not found for path 'Orders\.paid'$"):
        row("paid", "set")


def test_a_measures_own_filters_are_conditions_on_rows(ask: Ask) -> None:
    question = ask({"measures": ["Orders.count"], "filters": [where("count", "measureFilter")]})
    assert (question.shape.row_conditions, question.shape.group_conditions) == ((), ())
    question = ask({"measures": ["Orders.count"], "filters": [where("paidCount", "measureFilter")]})
    assert question.shape.row_conditions == (Predicate("Orders.paidCount", "measure_filter"),)
    with pytest.raises(InvalidQuery, match=r"cannot stand in one `or` with conditions on measures"):
        ask(
            {
                "measures": ["Orders.count"],
                "filters": [{"or": [where("paidCount", "measureFilter"), where("count", "gt", "1")]}],
            }
        )


class TestRowsAndGroups:
    DIMENSION: Filter = where("status", "set")
    OTHER: Filter = where("amount", "notSet")
    MEASURE: Filter = where("count", "gt", 5)
    SET = Predicate("Orders.status", "set")
    NOT_SET = Predicate("Orders.amount", "not_set")
    MORE = Predicate("Orders.count", "gt", (Slot(0, "number"),))

    def conditions(self, ask: Ask, *filters: Filter, dimensions: tuple[str, ...] = ()) -> Any:
        shape = ask({"measures": ["Orders.count"], "dimensions": dimensions, "filters": filters}).shape
        return shape.row_conditions, shape.group_conditions

    def test_dimensions_restrict_rows_and_measures_groups(self, ask: Ask) -> None:
        assert self.conditions(ask, self.MEASURE, self.DIMENSION) == ((self.SET,), (self.MORE,))

    def test_an_and_group_is_taken_apart_at_any_depth(self, ask: Ask) -> None:
        nested = {"and": [self.DIMENSION, {"and": [self.MEASURE, self.OTHER]}]}
        assert self.conditions(ask, nested) == ((self.SET, self.NOT_SET), (self.MORE,))

    def test_an_or_stays_whole(self, ask: Ask) -> None:
        either = {"or": [self.DIMENSION, {"and": [self.DIMENSION, self.OTHER]}]}
        both = Junction("and", (self.SET, self.NOT_SET))
        assert self.conditions(ask, either) == ((Junction("or", (self.SET, both)),), ())

    def test_an_or_over_both_kinds_restricts_groups(self, ask: Ask) -> None:
        either = {"or": [self.DIMENSION, self.MEASURE]}
        assert self.conditions(ask, either, dimensions=("Orders.status",)) == (
            (),
            (Junction("or", (self.SET, self.MORE)),),
        )

    def test_then_its_dimensions_must_be_selected(self, ask: Ask) -> None:
        with pytest.raises(InvalidQuery, match=r"Orders\.status must be among the query's dimensions"):
            self.conditions(ask, {"or": [self.DIMENSION, self.MEASURE]})

    @pytest.mark.parametrize(
        "empty", [{"and": []}, {"or": []}, {"or": [{"and": []}]}, where("status", "notContains", None)]
    )
    def test_what_restricts_nothing_is_left_out(self, ask: Ask, empty: Filter) -> None:
        assert self.conditions(ask, empty) == ((), ())
        assert self.conditions(ask, {"or": [empty, self.DIMENSION]}) == ((self.SET,), ())

    def test_measures_filter_by_their_own_type(self, ask: Ask) -> None:
        filters = [
            where("lastAt", "afterDate", "2024-01-05"),
            where("lastStatus", "contains", "a"),
            where("anyPaid", "equals", "true"),
        ]
        question = ask({"measures": ["Orders.count"], "filters": filters})
        assert question.shape.group_conditions == (
            Predicate("Orders.lastAt", "gte", (Slot(0, "utc"),)),
            Predicate("Orders.lastStatus", "contains", (Slot(1, "string"),)),
            Predicate("Orders.anyPaid", "in", (Slot(2, "boolean"),)),
        )
        assert question.values[:3] == (datetime(2024, 1, 6), "a", True)

    def test_ungrouped_rows_have_no_measures_to_filter(self, ask: Ask) -> None:
        query = {"dimensions": ["Orders.status"], "ungrouped": True, "filters": [self.MEASURE]}
        with pytest.raises(InvalidQuery, match=r"^Measure filters aren't allowed in ungrouped query$"):
            ask(query)
