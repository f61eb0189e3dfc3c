"""Expressions over the security context: the small subset of Python that policies and templates are written in.

Allowed are names, attributes, subscripts, constants, lists, ``and``/``or``/``not``, comparisons and ``in``. They are
read with :mod:`ast` and walked; nothing is ever executed as Python.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from cuboid.catalog.pieces import Place

CONTEXT_NAMES = ("security_context", "securityContext")
"""What an expression may begin with."""

_COMPARE: Mapping[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Eq: lambda left, right: bool(left == right),
    ast.NotEq: lambda left, right: bool(left != right),
    ast.Lt: lambda left, right: bool(left < right),
    ast.LtE: lambda left, right: bool(left <= right),
    ast.Gt: lambda left, right: bool(left > right),
    ast.GtE: lambda left, right: bool(left >= right),
    ast.In: lambda left, right: left in right,
    ast.NotIn: lambda left, right: left not in right,
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

        Comparisons of values that have no order are false.
        """
        return _value(ast.parse(self.text, mode="eval").body, claims)


def read_expression(text: str, place: Place) -> Expression | Misread:
    """The expression, if it keeps to the subset."""
    hint = "Read the context as in security_context.team_id; compare with ==, !=, in, and, or, not."
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError):
        return Misread(f"'{text}' is not an expression", hint)
    try:
        foreign = _foreign(tree.body)
    except RecursionError:
        return Misread("this expression is nested too deeply", hint)
    if foreign is not None:
        return Misread(
            f"'{ast.unparse(foreign)}' cannot stand in an expression over the security context", hint
        )
    return Expression(text.strip(), place)


def _foreign(node: ast.expr) -> ast.expr | None:
    """The first part that is outside of the subset."""
    match node:
        case ast.Constant(value=str() | int() | float() | bool() | None):
            return None
        case ast.Name(id=name):
            return None if name in CONTEXT_NAMES else node
        case ast.Attribute(value=inner):
            return _foreign(inner)
        case ast.Subscript(value=inner, slice=key):
            return _foreign(inner) or _foreign(key)
        case ast.List(elts=items) | ast.Tuple(elts=items) | ast.BoolOp(values=items):
            return next((found for item in items if (found := _foreign(item)) is not None), None)
        case ast.UnaryOp(op=ast.Not(), operand=inner):
            return _foreign(inner)
        case ast.Compare(left=left, comparators=others):
            return next((found for item in (left, *others) if (found := _foreign(item)) is not None), None)
    return node


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
        case ast.List(elts=items) | ast.Tuple(elts=items):
            return tuple(_value(item, claims) for item in items)
        case ast.BoolOp(op=operator, values=items):
            result = None
            for item in items:
                result = _value(item, claims)
                if bool(result) == isinstance(operator, ast.Or):
                    break
            return result
        case ast.UnaryOp(operand=inner):
            return not _value(inner, claims)
        case ast.Compare(left=first, ops=operators, comparators=others):
            left = _value(first, claims)
            for operator_, other in zip(operators, others, strict=True):
                right = _value(other, claims)
                try:
                    if not _COMPARE[type(operator_)](left, right):
                        return False
                except TypeError:
                    return False
                left = right
            return True
    raise AssertionError(f"{ast.dump(node)} passed the check")


def _item(container: Any, key: Any) -> Any:
    if isinstance(container, Mapping):
        return container.get(key)
    if (
        isinstance(container, tuple | list)
        and isinstance(key, int)
        and -len(container) <= key < len(container)
    ):
        return container[key]
    return None
