"""Model SQL is parsed, so that what a member says stays inside its place."""

import duckdb
import pytest
from sqlglot import exp

from cuboid.catalog.pieces import CubeReference, MemberReference, Place, Template
from cuboid.errors import ModelError
from cuboid.sql.templates import Fill, Templates

CUBE = CubeReference("orders", ("orders",))
MEMBER = MemberReference("orders.a", ("orders",))
PLACE = Place("model/orders.yml", 7, 12)


def lower(*parts, member: str = "x + 1", dialect: str = "duckdb") -> str:
    tree = Templates(dialect).expression(
        Template(parts, PLACE),
        Fill(
            lambda reference: exp.to_identifier("o", quoted=True),
            lambda reference: exp.maybe_parse(member, dialect=dialect),
            lambda slot: [exp.Placeholder()],
        ),
    )
    return tree.sql(dialect)


def test_a_cube_reference_becomes_the_alias() -> None:
    assert lower(CUBE, ".amount * ", CUBE, ".rate") == '"o".amount * "o".rate'


@pytest.mark.parametrize(
    ("member", "text"),
    [
        ("x + 1", "(x + 1) * 2"),
        ("x OR y", "(x OR y) * 2"),
        ("NOT x", "(NOT x) * 2"),
        ("x IS NULL", "(x IS NULL) * 2"),
        ("x BETWEEN 1 AND 2", "(x BETWEEN 1 AND 2) * 2"),
        ("x IN (1, 2)", "(x IN (1, 2)) * 2"),
        ("-x", "(-x) * 2"),
        ("x", "x * 2"),
        ("COALESCE(x, 0)", "COALESCE(x, 0) * 2"),
        ("(x + 1)", "(x + 1) * 2"),
        ("CAST(x AS INT)", "CAST(x AS INT) * 2"),
        ("CASE WHEN x THEN 1 END", "CASE WHEN x THEN 1 END * 2"),
        ("'text'", "'text' * 2"),
    ],
)
def test_substituted_sql_keeps_its_precedence(member, text) -> None:
    assert lower(MEMBER, " * 2", member=member) == text


def test_a_member_alone_needs_no_parentheses() -> None:
    assert lower(MEMBER) == "x + 1"


@pytest.mark.parametrize(
    "text",
    [
        "1, 2",
        "1) FROM secrets; --",
        "1; DROP TABLE x",
        "SELECT 1 UNION",
        "a +",
        "",
        "x) , (y",
        "/* open",
        "1 FROM t",
    ],
)
def test_what_is_no_single_expression_is_refused_with_its_place(text) -> None:
    with pytest.raises(ModelError) as error:
        lower(text)
    assert (error.value.file, error.value.line, error.value.column) == ("model/orders.yml", 7, 12)


def test_a_comment_at_the_end_does_not_swallow_what_follows() -> None:
    assert lower(CUBE, ".a -- the amount").startswith('"o".a')


def test_a_reference_inside_quotes_is_a_mistake() -> None:
    with pytest.raises(ModelError, match="inside quotes"):
        lower("'", CUBE, "'")


def relation(text: str) -> str:
    def no_cube(reference):
        raise AssertionError

    tree = Templates("duckdb").relation(Template((text,), PLACE), Fill(no_cube, no_cube, no_cube))
    return tree.sql("duckdb")


@pytest.mark.parametrize(
    ("text", "rendered"),
    [
        ("orders", "orders"),
        ("shop.public.orders", "shop.public.orders"),
        ('"Odd name"', '"Odd name"'),
        ("select * from orders", "(SELECT * FROM orders)"),
        (" -- all of them\n SELECT 1 AS id", "(/* all of them */ SELECT 1 AS id)"),
        ("WITH o AS (SELECT 1 AS id) SELECT * FROM o", "(WITH o AS (SELECT 1 AS id) SELECT * FROM o)"),
        ("(SELECT 1 AS id)", "((SELECT 1 AS id))"),
    ],
)
def test_tables_and_selects_stand_in_from(text, rendered) -> None:
    assert relation(text) == rendered


@pytest.mark.parametrize(
    "text", ["orders o", "orders WHERE x = 1", "orders, users", "orders; DROP TABLE x", "a JOIN b"]
)
def test_what_is_more_than_a_table_is_refused(text) -> None:
    with pytest.raises(ModelError):
        relation(text)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("interval '1 day'", 86400),
        ("interval '1' day", 86400),
        ("interval '1 day 02:00:00'", 93600),
        ("INTERVAL '1 day -02:00'", 79200),
        ("interval '3 days ago'", -259200),
        ("interval '1 mon'", 30 * 86400),
        ("interval '1 day 2 hours'", 93600),
        ("interval '1.5 hours' + interval '1 day 00:30' + interval '90 secs'", 5400 + 88200 + 90),
    ],
)
def test_intervals_keep_all_that_their_text_says(text, seconds) -> None:
    found = duckdb.execute(f"SELECT EXTRACT(EPOCH FROM {lower(text)})").fetchall()
    assert found == [(seconds,)]


@pytest.mark.parametrize("dialect", ["duckdb", "postgres", "mysql", "clickhouse"])
def test_the_logarithm_to_ten_keeps_its_function(dialect) -> None:
    """``LOG(10, 1000)`` is less than 3 on engines that divide two logarithms."""
    assert lower("floor(log10(", CUBE, ".amount * 10)) + log10(2)", dialect=dialect) == {
        "mysql": "FLOOR(LOG10(`o`.amount * 10)) + LOG10(2)"
    }.get(dialect, 'FLOOR(LOG10("o".amount * 10)) + LOG10(2)')


def test_other_logarithms_are_as_they_were() -> None:
    assert lower("log(2, x) + ln(x) + log(x)") == "LOG(2, x) + LN(x) + LOG(x)"
