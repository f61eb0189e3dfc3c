"""Expressions over the security context: what they are for which claims, and that they are nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from cuboid.catalog.expressions import Expression, Misread, read_expression
from cuboid.catalog.pieces import Place

PLACE = Place("a.yml", 1, 1)
CLAIMS: dict[str, Any] = {
    "team": "red",
    "age": 40,
    "admin": True,
    "guest": False,
    "groups": ["a", "b"],
    "nested": {"x-y": {"z": [1, 2]}},
    "nothing": None,
}


def value(text: str, claims: dict[str, Any] | None = None) -> Any:
    expression = read_expression(text, PLACE)
    assert isinstance(expression, Expression), expression
    return expression.value(CLAIMS if claims is None else claims)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("security_context.team", "red"),
        ("securityContext.team", "red"),
        ("SECURITY_CONTEXT.team", "red"),
        ("{ security_context.team }", "red"),
        ("security_context['team']", "red"),
        ("security_context.nested['x-y'].z[1]", 2),
        ("security_context.nested['x-y'].z[-1]", 2),
        ("security_context.nested['x-y'].z[2]", None),
        ("security_context.groups[0]", "a"),
        ("security_context.missing", None),
        ("security_context.missing.deeper[0].still", None),
        ("security_context.team.upper", None),
        ("security_context.get('team')", "red"),
        ("security_context.get('missing', 'blue')", "blue"),
        ("security_context.team == 'red'", True),
        ("security_context.team != 'red'", False),
        ("security_context.age >= 40 and security_context.age < 41", True),
        ("30 < security_context.age < 40", False),
        ("security_context.age > 'x'", False),
        ("security_context.missing > 3", False),
        ("security_context.missing is None", True),
        ("security_context.missing is not None", False),
        ("'a' in security_context.groups", True),
        ("'c' not in security_context.groups", True),
        ("'a' in security_context.missing", False),
        ("'a' not in security_context.missing", True),
        ("security_context.team in ['red', 'blue']", True),
        ("security_context.team in ('red', 'blue')", True),
        ("not security_context.admin", False),
        ("security_context.guest or security_context.admin", True),
        ("security_context.missing or 'nobody'", "nobody"),
        ("'x' if security_context.admin else 'y'", "x"),
        ("-1", -1),
        ("['a', security_context.team]", ("a", "red")),
        ("True", True),
        ("f'{security_context.team}-{security_context.age}'", "red-40"),
        ("security_context.__class__.__init__", None),
        ("\n  security_context.team\n  == 'red'\n", True),
    ],
)
def test_an_expression_is_what_python_would_say_of_the_claims(text: str, expected: object) -> None:
    assert value(text) == expected


def test_a_claim_that_is_missing_is_never_an_error() -> None:
    assert value("security_context.a.b == security_context.c", {}) is True
    assert value("security_context.a.b['c'][0] == 1", {"a": 3}) is False


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('true')",
        "security_context.team.format(1)",
        "open('/etc/passwd')",
        "(lambda: 1)()",
        "[x for x in security_context.groups]",
        "1 + 1",
        "2 ** 100",
        "'a' * 1000",
        "team == 'red'",
        "security_context.team := 1",
        "security_context[1:2]",
        "{'a': 1}",
        "",
        "a b",
        "not " * 3000 + "True",
        "(" * 3000,
        "b'x' == security_context.x",
    ],
)
def test_nothing_else_is_an_expression(text: str) -> None:
    found = read_expression(text, PLACE)
    assert isinstance(found, Misread)
    assert found.message
    assert "security_context" in found.hint


def test_an_expression_knows_which_claims_it_reads() -> None:
    text = "security_context.a['b'].c == 1 or security_context.get('d', security_context.e) in security_context.f[0]"
    expression = read_expression(text, PLACE)
    assert isinstance(expression, Expression)
    assert expression.claims == (("a", "b", "c"), ("d",), ("f",))
