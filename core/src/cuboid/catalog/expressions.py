"""Expressions over the security context: the small subset of Python that policies are written in.

Allowed are ``security_context`` with attributes, subscripts and ``.get``; constants, lists and f-strings;
``and``/``or``/``not``, ``x if y else z``, comparisons and ``in``. They are read with :mod:`ast` and walked; nothing is
ever executed as Python.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from cuboid.catalog.pieces import Place
from cuboid.catalog.python_subset import parse_python

CONTEXT_NAMES = ("security_context", "securityContext", "SECURITY_CONTEXT")
"""What an expression may begin with."""

_HINT = "Read the context as in security_context.team_id; compare with ==, !=, <, in, and, or, not."

_COMPARE: Mapping[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Eq: lambda left, right: bool(left == right),
    ast.NotEq: lambda left, right: bool(left != right),
    ast.Lt: lambda left, right: bool(left < right),
    ast.LtE: lambda left, right: bool(left <= right),
    ast.Gt: lambda left, right: bool(left > right),
    ast.GtE: lambda left, right: bool(left >= right),
    ast.In: lambda left, right: right is not None and left in right,
    ast.NotIn: lambda left, right: right is None or left not in right,
    ast.Is: lambda left, right: left is right,
    ast.IsNot: lambda left, right: left is not right,
}


@dataclass(frozen=True, slots=True)
class Misread:
    """Why a text is no expression, and what to write instead."""

    message: str
    hint: str


@dataclass(frozen=True, slots=True)
class Expression:
    """A checked expression; equal texts are equal expressions."""

    text: str
    place: Place

    def value(self, claims: Mapping[str, Any]) -> Any:
        """What the expression is for these claims; a claim that is missing is None, and so is what is read from it.

        Comparisons of values that have no order are false, and nothing is in a missing list.
        """
        return _value(_tree(self.text), claims)

    @property
    def claims(self) -> tuple[tuple[str, ...], ...]:
        """The paths of the claims that are read, as far as they are written out; ``()`` is the whole context."""
        return tuple(dict.fromkeys(_paths(_tree(self.text))))


def read_expression(text: str, place: Place) -> Expression | Misread:
    """The expression, if it keeps to the subset; it may stand in braces."""
    bare = text.strip()
    if bare.startswith("{") and bare.endswith("}"):
        bare = bare[1:-1].strip()
    tree = parse_python(bare)
    if tree is None:
        return Misread(f"'{_short(text)}' is not an expression", _HINT)
    foreign = _foreign(tree)
    if foreign is not None:
        what = _short(ast.unparse(foreign))
        return Misread(f"'{what}' cannot stand in an expression over the security context", _HINT)
    return Expression(bare, place)


@lru_cache(maxsize=4096)
def _tree(text: str) -> ast.expr:
    tree = parse_python(text)
    assert tree is not None, f"{text} passed the check"
    return tree


def _parts(node: ast.expr) -> tuple[ast.expr, ...] | None:
    """What the node is made of, None if it is not in the subset."""
    match node:
        case ast.Constant(value=str() | int() | float() | bool() | None):
            return ()
        case ast.Name(id=name) if name in CONTEXT_NAMES:
            return ()
        case ast.Attribute(value=inner) | ast.UnaryOp(op=ast.Not(), operand=inner):
            return (inner,)
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float())):
            return ()
        case ast.Subscript(value=inner, slice=key):
            return (inner, key)
        case ast.Call(func=ast.Attribute(value=inner, attr="get"), args=[key], keywords=[]):
            return (inner, key)
        case ast.Call(func=ast.Attribute(value=inner, attr="get"), args=[key, default], keywords=[]):
            return (inner, key, default)
        case ast.List(elts=items) | ast.Tuple(elts=items) | ast.BoolOp(values=items):
            return tuple(items)
        case ast.JoinedStr(values=items):
            return tuple(items)
        case ast.FormattedValue(value=inner, conversion=-1, format_spec=None):
            return (inner,)
        case ast.IfExp(test=test, body=body, orelse=otherwise):
            return (test, body, otherwise)
        case ast.Compare(left=left, comparators=others):
            return (left, *others)
    return None


def _foreign(node: ast.expr) -> ast.expr | None:
    """The first part that is outside of the subset."""
    parts = _parts(node)
    if parts is None:
        return node
    return next((found for part in parts if (found := _foreign(part)) is not None), None)


def _value(node: ast.expr, claims: Mapping[str, Any]) -> Any:
    match node:
        case ast.Constant(value=value):
            return value
        case ast.Name():
            return claims
        case ast.Attribute(value=inner, attr=name):
            return _item(_value(inner, claims), name)
        case ast.Subscript(value=inner, slice=key):
            return _item(_value(inner, claims), _value(key, claims))
        case ast.Call(func=ast.Attribute(value=inner), args=[key, *default]):
            found = _item(_value(inner, claims), _value(key, claims))
            return _value(default[0], claims) if found is None and default else found
        case ast.List(elts=items) | ast.Tuple(elts=items):
            return tuple(_value(item, claims) for item in items)
        case ast.JoinedStr(values=items):
            return "".join(str(_value(item, claims)) for item in items)
        case ast.FormattedValue(value=inner):
            return _value(inner, claims)
        case ast.BoolOp(op=operator, values=items):
            return _first(isinstance(operator, ast.Or), items, claims)
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as number)):
            return -number
        case ast.UnaryOp(operand=inner):
            return not _value(inner, claims)
        case ast.IfExp(test=test, body=body, orelse=otherwise):
            return _value(body if _value(test, claims) else otherwise, claims)
        case ast.Compare(left=left, ops=operators, comparators=others):
            return _holds(left, operators, others, claims)
    raise AssertionError(f"{ast.dump(node)} passed the check")


def _first(wanted: bool, items: list[ast.expr], claims: Mapping[str, Any]) -> Any:
    """The first item that is ``wanted`` as a truth value, else the last."""
    result = None
    for item in items:
        result = _value(item, claims)
        if bool(result) == wanted:
            break
    return result


def _holds(
    first: ast.expr, operators: list[ast.cmpop], others: list[ast.expr], claims: Mapping[str, Any]
) -> bool:
    left = _value(first, claims)
    for operator, other in zip(operators, others, strict=True):
        right = _value(other, claims)
        try:
            if not _COMPARE[type(operator)](left, right):
                return False
        except TypeError:
            return False
        left = right
    return True


def _item(container: Any, key: Any) -> Any:
    if isinstance(container, Mapping):
        return container.get(key) if isinstance(key, str | int | float | bool | None) else None
    if (
        isinstance(container, tuple | list)
        and isinstance(key, int)
        and -len(container) <= key < len(container)
    ):
        return container[key]
    return None


def _paths(node: ast.expr) -> Iterator[tuple[str, ...]]:
    path = _path(node)
    if path is not None:
        yield path
        return
    for part in _parts(node) or ():
        yield from _paths(part)


def _path(node: ast.expr) -> tuple[str, ...] | None:
    match node:
        case ast.Name():
            return ()
        case (
            ast.Attribute(value=inner, attr=str() as word)
            | ast.Subscript(value=inner, slice=ast.Constant(value=str() as word))
            | ast.Call(func=ast.Attribute(value=inner), args=[ast.Constant(value=str() as word), *_])
        ):
            outer = _path(inner)
            return None if outer is None else (*outer, word)
    return None


def _short(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= 60 else flat[:57] + "..."
