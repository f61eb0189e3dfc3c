"""The form of a query: every text of the contract, and what is accepted."""

from typing import Any

import pytest

from cuboid.errors import InvalidQuery, UnsupportedFeature
from cuboid.query.decode import decode
from cuboid.query.model import Filter, FilterGroup, TimeDimension
from cuboid.query.parse import check_blending, parse

TD = "Orders.createdAt"
NAME = r"/^[a-zA-Z0-9_]+\.[a-zA-Z0-9_]+$/"
THREE_PARTS = r"/^[a-zA-Z0-9_]+\.[a-zA-Z0-9_]+(\.[a-zA-Z0-9_]+)?$/"
NO_MATCH = '"filters[0]" does not match any of the allowed types'
LEAF = {"member": "Orders.status", "operator": "equals", "values": ["a"]}


def td(**more: Any) -> dict[str, Any]:
    return {"timeDimensions": [{"dimension": TD, **more}]}


def where(**leaf: Any) -> dict[str, Any]:
    return {"filters": [leaf]}


FORM_ERRORS: list[tuple[dict[str, Any], str]] = [
    ({"foo": 1}, '"foo" is not allowed'),
    ({"rowLimit": 1}, '"rowLimit" is not allowed'),
    ({"measures": "Orders.count"}, '"measures" must be an array'),
    ({"measures": None}, '"measures" must be an array'),
    ({"dimensions": {}}, '"dimensions" must be an array'),
    ({"segments": 1}, '"segments" must be an array'),
    ({"filters": {}}, '"filters" must be an array'),
    ({"timeDimensions": {}}, '"timeDimensions" must be an array'),
    (
        {"measures": ["Orders"]},
        f'"measures[0]" with value "Orders" fails to match the required pattern: {NAME}',
    ),
    (
        {"measures": ["Orders.count", "Orders.count\n"]},
        f'"measures[1]" with value "Orders.count\n" fails to match the required pattern: {NAME}',
    ),
    (
        {"segments": ["Örders.paid"]},
        f'"segments[0]" with value "Örders.paid" fails to match the required pattern: {NAME}',
    ),
    (
        {"dimensions": ["a.b.c.d"]},
        f'"dimensions[0]" with value "a.b.c.d" fails to match the required pattern: {THREE_PARTS}',
    ),
    ({"measures": [5]}, '"measures[0]" must be one of [string, object]'),
    ({"measures": [""]}, '"measures[0]" is not allowed to be empty'),
    ({"limit": "10"}, '"limit" must be a number'),
    ({"limit": None}, '"limit" must be a number'),
    ({"limit": True}, '"limit" must be a number'),
    ({"limit": 1.5}, '"limit" must be an integer'),
    ({"limit": -1}, '"limit" must be greater than or equal to 0'),
    ({"limit": 2**60}, '"limit" must be a safe number'),
    ({"limit": float("inf")}, '"limit" must be a finite number'),
    ({"offset": "1"}, '"offset" must be a number'),
    ({"offset": 0.5}, '"offset" must be an integer'),
    ({"offset": -2}, '"offset" must be greater than or equal to 0'),
    ({"total": "yes"}, '"total" must be a boolean'),
    ({"ungrouped": 1}, '"ungrouped" must be a boolean'),
    ({"renewQuery": "x"}, '"renewQuery" must be a boolean'),
    ({"order": {"Orders.count": "up"}}, '"order.Orders.count" must be one of [asc, desc]'),
    ({"order": {"no name": "asc"}}, '"order.no name" is not allowed'),
    ({"order": [["Orders.count", "up"]]}, '"order[0][1]" must be one of [asc, desc]'),
    ({"order": [["Orders.count", "asc", 1]]}, '"order[0]" must contain at most 2 items'),
    ({"order": [["Orders.count"]]}, '"order[0]" must contain at least 2 items'),
    ({"order": ["Orders.count"]}, '"order[0]" must be an array'),
    ({"order": 5}, '"order" must be one of [object, array]'),
    ({"timezone": "Foo/Bar"}, '"timezone" must be a valid IANA time zone, got "Foo/Bar"'),
    ({"timezone": "../../etc/passwd"}, '"timezone" must be a valid IANA time zone, got "../../etc/passwd"'),
    ({"timezone": "localtime"}, '"timezone" must be a valid IANA time zone, got "localtime"'),
    ({"timezone": 5}, '"timezone" must be a string'),
    ({"responseFormat": "csv"}, '"responseFormat" must be one of [default, compact, columnar]'),
    *(
        (
            {key: "never"},
            '"cacheMode" must be one of [stale-if-slow, stale-while-revalidate, must-revalidate, no-cache]',
        )
        for key in ("cache", "cacheMode")
    ),
    ({"timeDimensions": [{}]}, '"timeDimensions[0].dimension" is required'),
    ({"timeDimensions": [5]}, '"timeDimensions[0]" must be of type object'),
    (td(granularity=None), '"timeDimensions[0].granularity" must be a string'),
    (
        td(granularity="x" * 129),
        '"timeDimensions[0].granularity" length must be less than or equal to 128 characters long',
    ),
    (td(foo=1), '"timeDimensions[0].foo" is not allowed'),
    (
        td(dateRange="today", compareDateRange=["today"]),
        '"timeDimensions[0]" contains a conflict between optional exclusive peers [dateRange, compareDateRange]',
    ),
    (td(dateRange=5), '"timeDimensions[0].dateRange" must be one of [array, string]'),
    (td(dateRange=None), '"timeDimensions[0].dateRange" must be one of [array, string]'),
    (td(dateRange=[]), '"timeDimensions[0].dateRange" must contain at least 1 items'),
    (
        td(dateRange=["a", "b", "c"]),
        '"timeDimensions[0].dateRange" must contain less than or equal to 2 items',
    ),
    (td(dateRange=[1]), '"timeDimensions[0].dateRange[0]" must be a string'),
    (td(compareDateRange=[5]), '"timeDimensions[0].dateRange" must be one of [array, string]'),
    (td(compareDateRange="today"), '"timeDimensions[0].compareDateRange" must be an array'),
    (td(compareDateRange=[]), '"timeDimensions[0].compareDateRange" must contain at least 1 items'),
    (where(member="Orders.status", operator="equal", values=["a"]), NO_MATCH),
    (where(member="Orders.status", values=["a"]), NO_MATCH),
    (where(operator="equals", values=["a"]), NO_MATCH),
    (where(member="Orders.status", dimension="Orders.status", operator="set"), NO_MATCH),
    (where(member="Orders.status", operator="equals", values="a"), NO_MATCH),
    (where(member="Orders.status", operator="equals", values=[["a"]]), NO_MATCH),
    (where(member="Orders", operator="set"), NO_MATCH),
    (where(member="Orders.status", operator="set", more=1), NO_MATCH),
    ({"filters": [{"and": [], "or": []}]}, NO_MATCH),
    ({"filters": [{"or": {}}]}, NO_MATCH),
    ({"filters": [{"or": [{"and": [{"member": "Orders.status"}]}]}]}, NO_MATCH),
    ({"filters": ["x"]}, '"filters[0]" must be one of [object]'),
    ({"joinHints": "x"}, '"joinHints" must be an array'),
    (where(**{**LEAF, "values": ["a\0"]}), '"filters[0].values[0]" must not contain NUL characters'),
    (
        where(**{**LEAF, "values": ["\ud800"]}),
        '"filters[0].values[0]" must be valid Unicode: it has half of a surrogate pair',
    ),
    (where(**{**LEAF, "values": [float("nan")]}), '"filters[0].values[0]" must be a finite number'),
    (where(**{**LEAF, "values": [10**400]}), '"filters[0].values[0]" must be a safe number'),
    (where(**{**LEAF, "values": [b"x"]}), '"filters[0].values[0]" must be JSON, not bytes'),
]


@pytest.mark.parametrize(("query", "text"), FORM_ERRORS, ids=[text[:60] for _, text in FORM_ERRORS])
def test_a_malformed_query_is_refused_with_the_contracts_text(query: dict[str, Any], text: str) -> None:
    with pytest.raises(InvalidQuery) as refused:
        parse(query)
    assert refused.value.message == f"Invalid query format: {text}"
    assert refused.value.path


OTHER_ERRORS: list[tuple[object, str]] = [
    (None, 'Invalid query format: "value" must be of type object'),
    ([], 'Invalid query format: "value" must be of type object'),
    ({"maskedMembers": []}, "maskedMembers cannot be provided in the query"),
    ({"measures": ['{"expression": []}']}, "Error: Expressions are not allowed in this context"),
    ({"dimensions": [{"expression": []}]}, "Error: Expressions are not allowed in this context"),
    (where(member='{"a":1}', operator="set"), "Error: Expressions are not allowed in this context"),
    (
        where(member="Orders.status", operator="equals"),
        'Values required for filter: {"member":"Orders.status","operator":"equals"}',
    ),
    (
        where(dimension="Orders.status", operator="equals", values=[]),
        'Values required for filter: {"dimension":"Orders.status","operator":"equals","values":[]}',
    ),
    (
        {"timeDimensions": [{"dimension": TD, "compareDateRange": ["today"]}] * 2},
        "compareDateRange can only exist for one timeDimension",
    ),
]


@pytest.mark.parametrize(("query", "text"), OTHER_ERRORS)
def test_texts_without_the_format_prefix(query: object, text: str) -> None:
    with pytest.raises(InvalidQuery) as refused:
        parse(query)
    assert refused.value.message == text


def test_the_path_and_hint_of_a_nested_filter_say_what_is_wrong() -> None:
    with pytest.raises(InvalidQuery) as refused:
        parse({"filters": [{"or": [LEAF, {**LEAF, "operator": "equal"}]}]})
    assert refused.value.path == "filters[0].or[1].operator"
    assert "Did you mean 'equals'" in str(refused.value.hint)


def test_sub_query_joins_are_refused_as_unsupported_unless_empty() -> None:
    with pytest.raises(UnsupportedFeature, match="subqueryJoins"):
        parse({"subqueryJoins": [["Orders", "Users"]]})
    assert parse({"subqueryJoins": []}) == parse({})


def test_join_hints_are_lists_of_names() -> None:
    assert parse({"joinHints": [["Orders", "Users"], []]}).join_hints == (("Orders", "Users"), ())
    with pytest.raises(InvalidQuery, match=r'"joinHints\[0\]\[1\]" must be a string'):
        parse({"joinHints": [["Orders", 1]]})


def test_nesting_is_limited_to_a_hundred_groups() -> None:
    def nested(levels: int) -> dict[str, Any]:
        item: dict[str, Any] = dict(LEAF)
        for _ in range(levels):
            item = {"and": [item]}
        return {"filters": [item]}

    parse(nested(100))
    for levels in (120, 900):
        with pytest.raises(InvalidQuery, match="nested too deeply"):
            parse(nested(levels))


def test_huge_arrays_are_fine() -> None:
    values = [str(number) for number in range(200_000)]
    (leaf,) = parse(where(member="Orders.status", operator="equals", values=values)).filters
    assert isinstance(leaf, Filter)
    assert leaf.values == tuple(values)


def test_values_become_the_texts_that_javascript_writes() -> None:
    written = [
        1,
        -2,
        1.5,
        1.0,
        1e16,
        1e22,
        1e-7,
        1.5e-7,
        0.0001,
        -0.0,
        123456789012345678,
        True,
        False,
        None,
        "",
    ]
    (leaf,) = parse(where(member="Orders.status", operator="equals", values=written)).filters
    assert isinstance(leaf, Filter)
    assert leaf.values == (
        "1", "-2", "1.5", "1", "10000000000000000", "1e+22", "1e-7", "1.5e-7", "0.0001", "0",
        "123456789012345678", "true", "false", None, "",
    )  # fmt: skip


def test_groups_keep_their_tree_and_paths() -> None:
    query = parse({"filters": [{"or": [{"and": []}, {"dimension": "Orders.status", "operator": "set"}]}]})
    assert query.filters == (
        FilterGroup(
            "or",
            (
                FilterGroup("and", (), "filters[0].or[0]"),
                Filter("Orders.status", "set", None, "filters[0].or[1]"),
            ),
            "filters[0]",
        ),
    )


def test_dimensions_of_three_parts_become_the_last_time_dimensions() -> None:
    query = parse({"dimensions": ["Orders.status", "Orders.createdAt.month"], **td(granularity="day")})
    assert query.dimensions == ("Orders.status",)
    assert query.time_dimensions == (
        TimeDimension(TD, "day", None, None, "timeDimensions[0]"),
        TimeDimension(TD, "month", None, None, "dimensions[1]"),
    )


def test_order_is_a_mapping_or_pairs_or_explicitly_none() -> None:
    expected = (("Orders.count", True), ("Orders.createdAt.day", False), ("bare", False))
    assert (
        parse({"order": {"Orders.count": "desc", "Orders.createdAt.day": "asc", "bare": "asc"}}).order
        == expected
    )
    pairs = [["Orders.count", "desc"], ["Orders.createdAt.day", "asc"], ["bare", "asc"]]
    assert parse({"order": pairs}).order == expected
    assert parse({}).order is None
    assert parse({"order": []}).order == parse({"order": {}}).order == ()


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("america/NEW_york", "America/New_York"),
        ("utc", "UTC"),
        ("Asia/Kolkata", "Asia/Kolkata"),
        ("", None),
        (None, None),
    ],
)
def test_time_zones_are_known_in_any_case(written: str | None, canonical: str | None) -> None:
    assert parse({"timezone": written}).timezone == canonical


def test_flags_limits_and_formats_of_both_versions_are_read() -> None:
    query = parse(
        {"total": "TRUE", "ungrouped": False, "limit": 10.0, "offset": 0, "responseFormat": "columnar"}
    )
    assert (query.total, query.ungrouped, query.limit, query.offset) == (True, False, 10, 0)
    assert query.response_format == "columnar"
    assert parse({"renewQuery": True}).cache == "must-revalidate"
    assert parse({"renewQuery": False}).cache is None
    assert parse({"renewQuery": True, "cache": "no-cache"}).cache == "no-cache"
    assert parse({"cacheMode": "no-cache"}).cache == "no-cache"


def test_absent_lists_are_told_from_empty_ones() -> None:
    assert parse({}).measures is None
    assert parse({"measures": []}).measures == ()


class TestBlending:
    def queries(self, *granularities: str | None) -> list[Any]:
        return [parse(td(granularity=each) if each else td()) for each in granularities]

    def test_equal_granularities_pass(self) -> None:
        check_blending(self.queries("day", "day"))

    @pytest.mark.parametrize("granularities", [("day", "month"), ("day", None)])
    def test_granularities_must_match(self, granularities: tuple[str | None, ...]) -> None:
        with pytest.raises(InvalidQuery, match=r"^Data blending query granularities must match$"):
            check_blending(self.queries(*granularities))

    @pytest.mark.parametrize("granularities", [(), (None,), (None, None)])
    def test_a_granularity_is_needed(self, granularities: tuple[None, ...]) -> None:
        with pytest.raises(InvalidQuery, match=r"^Data blending query without granularity is not supported$"):
            check_blending(self.queries(*granularities))

    def test_every_query_needs_a_time_dimension(self) -> None:
        with pytest.raises(InvalidQuery, match="time dimension") as refused:
            check_blending([*self.queries("day"), parse({"measures": ["Orders.count"]})])
        assert refused.value.path == "[1].timeDimensions"

    def test_ranges_are_not_compared(self) -> None:
        with pytest.raises(InvalidQuery, match="compareDateRange"):
            check_blending([parse(td(granularity="day", compareDateRange=["today"]))])


@pytest.mark.parametrize(
    ("query", "path"),
    [
        ({"measures": ["a.b"] * 1001}, "measures"),
        ({"dimensions": ["a.b"] * 1001}, "dimensions"),
        ({"filters": [{"or": [{"member": "a.b", "operator": "set"}] * 501}] * 2}, "filters"),
        ({"timeDimensions": [{"dimension": "a.b", "dateRange": "today"}] * 1001}, "timeDimensions"),
    ],
)
def test_a_query_has_at_most_a_thousand_of_each(query: dict[str, Any], path: str) -> None:
    with pytest.raises(InvalidQuery, match="must contain less than or equal to 1000 items") as caught:
        parse({"measures": ["a.b"], **query})
    assert caught.value.path == path


def test_a_query_of_many_values_is_refused_before_it_is_read() -> None:
    with pytest.raises(InvalidQuery, match="more than 20,000 values"):
        decode({"filters": [{"member": "a.b", "operator": "equals", "values": ["x"] * 20_000}]})


def test_many_queries_or_ranges_are_refused() -> None:
    with pytest.raises(InvalidQuery, match="At most 100 queries"):
        decode([{"measures": ["a.b"]}] * 101)
    ranges = {"dimension": "a.b", "compareDateRange": ["today"] * 101}
    with pytest.raises(InvalidQuery, match="less than or equal to 100 items"):
        parse({"measures": ["a.b"], "timeDimensions": [ranges]})


@pytest.mark.parametrize("leaf", [{"member": "Orders.status"}, {"member": "Orders.status", "operator": None}])
def test_a_filter_without_operator_is_told_that_it_needs_one(leaf: dict[str, Any]) -> None:
    with pytest.raises(InvalidQuery) as caught:
        parse(where(**leaf))
    hint = str(caught.value.hint)
    assert "`operator` is required: one of equals, contains, " in hint
    assert "Did you mean" not in hint
