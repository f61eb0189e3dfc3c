"""What a query fills: slots of the security context, the query's filters and the compile context."""

from __future__ import annotations

import json

import pytest

from cuboid.catalog.compile import compile_catalog
from cuboid.catalog.files import ModelFile
from cuboid.catalog.model import Catalog
from cuboid.catalog.pieces import (
    ArgumentReference,
    ContextReference,
    CubeReference,
    EncodedReference,
    FilterGroupReference,
    FilterReference,
    MemberReference,
    Template,
    ZoneReference,
)
from cuboid.catalog.settings import ModelSettings
from cuboid.catalog.templates import split

MODEL = """
cubes:
  - name: orders
    sql: %s
    dimensions:
      - {name: city, sql: city, type: string}
      - {name: created_at, sql: created_at, type: time}
      - {name: d, sql: %s, type: string}
"""


def compile_sql(
    *, sql: str = "SELECT 1", dimension: str = "d", settings: ModelSettings | None = None
) -> Catalog:
    text = MODEL % (json.dumps(sql), json.dumps(dimension))
    return compile_catalog([ModelFile("a.yml", text)], settings)


def parts_of_dimension(sql: str, settings: ModelSettings | None = None) -> list[object]:
    catalog = compile_sql(dimension=sql, settings=settings)
    assert not catalog.errors
    return [bare(part) for part in catalog.dimension("orders.d").sql.parts]  # type: ignore[union-attr]


def bare(part: object) -> object:
    """The slot with tuples of parts in place of templates, which have places."""
    match part:
        case ContextReference(column=Template(parts=parts)):
            return ("context", part.claim, part.form, part.arguments, [bare(each) for each in parts])
        case FilterReference(column=Template(parts=parts)):
            shift = (part.time_shift,) if part.time_shift else ()
            return ("filter", part.member, part.arguments, [bare(each) for each in parts], *shift)
        case FilterGroupReference(filters=filters):
            return ("group", [bare(each) for each in filters])
        case ZoneReference(value=Template(parts=parts)):
            return ("zone", [bare(each) for each in parts])
        case EncodedReference(value=Template(parts=parts)):
            return ("encoded", [bare(each) for each in parts])
    return part


CUBE = CubeReference("orders", ("orders",))


@pytest.mark.parametrize(
    ("sql", "slot"),
    [
        ("{SECURITY_CONTEXT.team.filter('team_id')}", ("context", ("team",), "filter", (), ["team_id"])),
        (
            "{SECURITY_CONTEXT.cubeCloud['user-id'].requiredFilter('u')}",
            ("context", ("cubeCloud", "user-id"), "required_filter", (), ["u"]),
        ),
        (
            '{SECURITY_CONTEXT.a.required_filter(f"{CUBE}.u")}',
            ("context", ("a",), "required_filter", (), [CUBE, ".u"]),
        ),
        (
            "{SECURITY_CONTEXT.a.filter(lambda x: f'id IN ({x})')}",
            ("context", ("a",), "filter", ("x",), ["id IN (", ArgumentReference(0), ")"]),
        ),
        ("{FILTER_PARAMS.orders.city.filter('city')}", ("filter", "orders.city", (), ["city"])),
        ("${FILTER_PARAMS.CUBE.city.filter('c.city')}", ("filter", "orders.city", (), ["c.city"])),
        (
            "{FILTER_PARAMS.orders.city.filter(CUBE.city)}",
            ("filter", "orders.city", (), [MemberReference("orders.city", ("orders",))]),
        ),
        (
            "{FILTER_PARAMS.orders.created_at.filter(lambda x, y: f'''\n  day >= {x}\n  AND day <= {y}''')}",
            (
                "filter",
                "orders.created_at",
                ("x", "y"),
                ["\n  day >= ", ArgumentReference(0), "\n  AND day <= ", ArgumentReference(1)],
            ),
        ),
        (
            r"{FILTER_PARAMS.orders.city.filter(lambda x: 'a ~ \'^\d+$\'')}",
            ("filter", "orders.city", ("x",), [r"a ~ '^\d+$'"]),
        ),
        (
            "{FILTER_PARAMS.orders.created_at.time_shifts.prior.filter('day')}",
            ("filter", "orders.created_at", (), ["day"], "prior"),
        ),
        (
            "{FILTER_GROUP(FILTER_PARAMS.orders.city.filter('a'), FILTER_PARAMS.orders.created_at.filter('b'))}",
            ("group", [("filter", "orders.city", (), ["a"]), ("filter", "orders.created_at", (), ["b"])]),
        ),
        ("{SQL_UTILS.convertTz(f'{CUBE}.at')}", ("zone", [CUBE, ".at"])),
        ("{SQL_UTILS.urlEncode('a')}", ("encoded", ["a"])),
        ("{SQL_UTILS.convert_tz(created_at)}", ("zone", [MemberReference("orders.created_at", ("orders",))])),
    ],
)
def test_a_slot_says_what_fills_it(sql: str, slot: object) -> None:
    assert parts_of_dimension(f"1 + {sql}") == ["1 + ", slot]


def test_the_rows_of_a_cube_may_depend_on_who_asks_and_what() -> None:
    sql = "SELECT * FROM t WHERE {SECURITY_CONTEXT.team.filter('team_id')} AND {FILTER_PARAMS.orders.city.filter('c')}"
    catalog = compile_sql(sql=sql)
    assert not catalog.errors
    source = catalog.cubes["orders"].sql
    assert source is not None
    assert [type(part) for part in source.parts] == [str, ContextReference, str, FilterReference]


def test_the_text_of_a_claim_is_used_only_where_a_setting_allows_it() -> None:
    sql = "{SECURITY_CONTEXT.tenant.unsafeValue()}"
    allowed = parts_of_dimension(sql, ModelSettings(unsafe_values=True))
    assert allowed == [ContextReference(("tenant",), "unsafe_value")]
    (error,) = compile_sql(dimension=sql).errors
    assert "not allowed in this project" in error.message
    assert "allow_unsafe_values" in (error.hint or "")


def test_the_compile_context_becomes_text_if_it_is_a_plain_name() -> None:
    settings = ModelSettings({"securityContext": {"region": "eu-west", "evil": "x; DROP"}})
    assert parts_of_dimension("'{COMPILE_CONTEXT.securityContext.region}'", settings) == ["'", "eu-west", "'"]
    (error,) = compile_sql(dimension="{COMPILE_CONTEXT.securityContext.evil}", settings=settings).errors
    assert "not a plain name" in error.message


@pytest.mark.parametrize(
    ("slot", "message", "hint"),
    [
        ("{SECURITY_CONTEXT.team}", "'SECURITY_CONTEXT.team' alone is no SQL", "team.filter('column')}"),
        ("{SECURITY_CONTEXT.team.filtr('a')}", "a claim is used with", "Did you mean 'filter'?"),
        ("{SECURITY_CONTEXT.filter('a')}", "a claim is used with", None),
        ("{SECURITY_CONTEXT.team.filter()}", "one column is due", None),
        ("{SECURITY_CONTEXT.team.filter('')}", "this SQL is empty", None),
        ("{SECURITY_CONTEXT.team.filter(3)}", "'3' cannot stand here", "in quotes"),
        ("{SECURITY_CONTEXT.team.filter(lambda x, y: f'{x}{y}')}", "one argument", None),
        ("{SECURITY_CONTEXT.team.filter(lambda *x: f'{x}')}", "plain names", None),
        ("{SECURITY_CONTEXT.team.filter(x => `a`)}", "is not an expression", "lambda"),
        ("{SECURITY_CONTEXT.team.filter(f'{z}')}", "'z' is neither a cube nor a member", None),
        ("{SECURITY_CONTEXT.team.filter(__import__('os').name)}", "cannot stand here", None),
        ("{USER_CONTEXT.team.filter('a')}", "is called SECURITY_CONTEXT now", None),
        ("{FILTER_PARAMS.orders.filter('a')}", "FILTER_PARAMS names a cube, a member", None),
        ("{FILTER_PARAMS.order.city.filter('a')}", "there is no cube 'order'", "'orders'"),
        ("{FILTER_PARAMS.orders.citi.filter('a')}", "cube 'orders' has no member 'citi'", "'city'"),
        ("{FILTER_PARAMS.orders.city}", "alone is no SQL", None),
        ("{FILTER_GROUP()}", "takes one or more FILTER_PARAMS", None),
        ("{FILTER_GROUP(CUBE.city)}", "'CUBE.city' is not a FILTER_PARAMS", None),
        ("{SQL_UTILS.urlDecode('a')}", "SQL_UTILS has no 'urlDecode'", "convertTz"),
        ("{SQL_UTILS.urlEncode(lambda x: f'{x}')}", "urlEncode takes SQL, no function", "urlEncode"),
        ("{COMPILE_CONTEXT.region}", "the compile context has no value 'region'", None),
        ("{" + "SECURITY_CONTEXT.a.filter(" + "(" * 300 + "}", "is not an expression", None),
        ("{SECURITY_CONTEXT.a.filter(" + "not " * 500 + "a)}", "is not an expression", None),
    ],
)
def test_a_slot_with_a_mistake_says_what_to_write(slot: str, message: str, hint: str | None) -> None:
    (error,) = compile_sql(dimension=f"1 + {slot}").errors
    assert message in error.message
    assert (hint or "") in (error.hint or "")
    assert (error.line, error.column) == (8, 29)


def test_a_slot_ends_outside_of_its_quotes() -> None:
    (slot, rest) = split("""{FILTER_PARAMS.a.b.filter(lambda x: f"c = '}' || {x}")} AND d""")
    assert (slot.offset, rest) == (0, " AND d")  # type: ignore[union-attr]


def test_what_a_slot_refers_to_is_a_reference_of_the_sql() -> None:
    sql = "{FILTER_GROUP(FILTER_PARAMS.orders.city.filter(CUBE.city))} OR {SQL_UTILS.convertTz(created_at)} > '2020'"
    catalog = compile_sql(dimension=sql)
    template = catalog.dimension("orders.d").sql
    assert template is not None
    assert [reference.member for reference in template.references] == ["orders.city", "orders.created_at"]  # type: ignore[union-attr]
