"""Slots that a query fills: the security context, the query's filters, its zone; and the compile context.

``{SECURITY_CONTEXT.team.filter('team_id')}``, ``{FILTER_PARAMS.orders.city.filter(lambda x: f'city = {x}')}``,
``{FILTER_GROUP(...)}``, ``{SQL_UTILS.convertTz('created_at')}``, ``{COMPILE_CONTEXT.securityContext.region}``.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from cuboid.catalog.naming import underscore
from cuboid.catalog.pieces import (
    ArgumentReference,
    ContextReference,
    EncodedReference,
    Filled,
    FilterGroupReference,
    FilterReference,
    Place,
    Reference,
    Template,
    ZoneReference,
)
from cuboid.catalog.python_subset import dotted, parse_python
from cuboid.catalog.references import Names, Unresolved
from cuboid.errors import closest, did_you_mean, suggest

Resolve = Callable[[str], Reference | Unresolved]
"""What a reference inside a slot's text means, e.g. the CUBE of ``filter(f'{CUBE}.id')``."""

_FORMS: Mapping[str, Literal["filter", "required_filter", "unsafe_value"]] = {
    "filter": "filter",
    "required_filter": "required_filter",
    "unsafe_value": "unsafe_value",
}
_UTILITIES: Mapping[str, Callable[[Template], Filled]] = {
    "convert_tz": ZoneReference,
    "url_encode": EncodedReference,
}
_FILTER_HINT = "Write {FILTER_PARAMS.cube.member.filter('column')}."
_CONTEXT_HINT = "Write {SECURITY_CONTEXT.claim.filter('column')}."
_TEXT_HINT = "Give a text in quotes, or lambda x: f'... {x} ...'."
_PLAIN = re.compile(r"[A-Za-z0-9_]+([.-][A-Za-z0-9_]+)*")


@dataclass(frozen=True, slots=True)
class SlotReader:
    """Reads the slots of one piece of SQL.

    :param cube: in which it stands; ``CUBE`` in FILTER_PARAMS means it.
    :param place: where the slot stands.
    """

    cube: str
    names: Names
    place: Place
    resolve: Resolve

    def read(self, expression: str) -> Filled | str | Unresolved:
        """What the slot stands for; text for the compile context."""
        node = parse_python(expression)
        if node is None:
            hint = "A function is written lambda x: f'...'." if "=>" in expression else _CONTEXT_HINT
            return Unresolved(f"'{{{_short(expression)}}}' is not an expression", hint)
        called = node.func if isinstance(node, ast.Call) else node
        words = dotted(called)
        if words is None:
            return self._unclear(expression)
        if words[0] == "USER_CONTEXT":
            return Unresolved("USER_CONTEXT is called SECURITY_CONTEXT now", _CONTEXT_HINT)
        if words[0] == "COMPILE_CONTEXT":
            return self._unclear(expression) if isinstance(node, ast.Call) else self._compile_time(words[1:])
        if not isinstance(node, ast.Call):
            return self._not_called(words)
        if node.keywords or any(isinstance(argument, ast.Starred) for argument in node.args):
            return self._unclear(expression)
        match words[0]:
            case "SECURITY_CONTEXT":
                return self._context(words[1:], node.args)
            case "FILTER_PARAMS":
                return self._filter(words[1:], node.args)
            case "FILTER_GROUP":
                return self._group(words[1:], node.args)
        return self._utility(words[1:], node.args)

    # ------------------------------------------------------------ one method for each word

    def _context(self, words: tuple[str, ...], arguments: list[ast.expr]) -> Filled | Unresolved:
        form = _FORMS.get(underscore(words[-1])) if words else None
        if form is None or len(words) < 2:
            last = words[-1] if words else ""
            hint = did_you_mean(closest(last, ("filter", "requiredFilter", "unsafeValue"))) or _CONTEXT_HINT
            return Unresolved(
                "a claim is used with .filter(...), .requiredFilter(...) or .unsafeValue()", hint
            )
        claim = words[:-1]
        if form == "unsafe_value":
            if arguments:
                return Unresolved("unsafeValue() takes nothing in its parentheses", "Write unsafeValue().")
            if not self.names.settings.unsafe_values:
                return Unresolved(
                    "unsafeValue() is not allowed in this project: it puts what a token says into SQL",
                    f"Compare instead: {{SECURITY_CONTEXT.{'.'.join(claim)}.filter('column')}};"
                    " or set allow_unsafe_values.",
                )
            return ContextReference(claim, form)
        found = self._column(arguments, _CONTEXT_HINT)
        if isinstance(found, Unresolved):
            return found
        column, names = found
        if len(names) > 1:
            return Unresolved("a function over a claim has one argument", "lambda x: f'id IN ({x})'")
        return ContextReference(claim, form, column, names)

    def _filter(self, words: tuple[str, ...], arguments: list[ast.expr]) -> FilterReference | Unresolved:
        shift = None
        if len(words) == 5 and underscore(words[2]) == "time_shifts":
            shift = words[3]
        elif len(words) != 3:
            return Unresolved("FILTER_PARAMS names a cube, a member and .filter", _FILTER_HINT)
        if words[-1] != "filter":
            return Unresolved(f"FILTER_PARAMS has no '{words[-1]}', only .filter(...)", _FILTER_HINT)
        cube = self.cube if words[0] == "CUBE" else words[0]
        if not self.names.is_cube(cube):
            return Unresolved(
                f"there is no cube '{cube}'", suggest(cube, self.names.cubes, none="There is none.")
            )
        if not self.names.has_member(cube, words[1]):
            members = self.names.cubes[cube].members
            return Unresolved(
                f"cube '{cube}' has no member '{words[1]}'",
                did_you_mean(closest(words[1], members)) or f"It has {', '.join(members) or 'none'}.",
            )
        found = self._column(arguments, _FILTER_HINT)
        if isinstance(found, Unresolved):
            return found
        return FilterReference(f"{cube}.{words[1]}", found[0], found[1], shift)

    def _group(self, words: tuple[str, ...], arguments: list[ast.expr]) -> Filled | Unresolved:
        hint = "Write {FILTER_GROUP(FILTER_PARAMS.cube.member.filter('column'), ...)}."
        if words or not arguments:
            return Unresolved("FILTER_GROUP takes one or more FILTER_PARAMS", hint)
        filters = []
        for argument in arguments:
            found = dotted(argument.func) if isinstance(argument, ast.Call) else None
            if not isinstance(argument, ast.Call) or found is None or found[0] != "FILTER_PARAMS":
                return Unresolved(f"'{_short(ast.unparse(argument))}' is not a FILTER_PARAMS", hint)
            each = self._filter(found[1:], argument.args)
            if isinstance(each, Unresolved):
                return each
            filters.append(each)
        return FilterGroupReference(tuple(filters))

    def _utility(self, words: tuple[str, ...], arguments: list[ast.expr]) -> Filled | Unresolved:
        hint = "Write {SQL_UTILS.convertTz('column')} or {SQL_UTILS.urlEncode('column')}."
        utility = _UTILITIES.get(underscore(words[0])) if len(words) == 1 else None
        if utility is None:
            return Unresolved(f"SQL_UTILS has no '{'.'.join(words)}'", hint)
        found = self._column(arguments, hint)
        if isinstance(found, Unresolved):
            return found
        return Unresolved(f"{words[0]} takes SQL, no function", hint) if found[1] else utility(found[0])

    def _compile_time(self, words: tuple[str, ...]) -> str | Unresolved:
        value: object = self.names.context
        for word in words:
            value = value.get(word) if isinstance(value, Mapping) else None
        if value is None or isinstance(value, Mapping):
            return Unresolved(
                f"the compile context has no value '{'.'.join(words)}'",
                "It has what the tenant's token says: docs/how-to/serve-tenants.md.",
            )
        if not _PLAIN.fullmatch(str(value)):
            return Unresolved(
                f"'{'.'.join(words)}' of the compile context is not a plain name",
                "It becomes SQL text, so that only letters, digits, '_', '.' and '-' may be in it.",
            )
        return str(value)

    def _not_called(self, words: tuple[str, ...]) -> Unresolved:
        hint = _FILTER_HINT if words[0].startswith("FILTER") else _CONTEXT_HINT
        if words[0] == "SECURITY_CONTEXT" and len(words) > 1:
            hint = f"Write {{{'.'.join(words)}.filter('column')}}."
        return Unresolved(f"'{'.'.join(words)}' alone is no SQL", hint)

    def _unclear(self, expression: str) -> Unresolved:
        return Unresolved(f"'{{{_short(expression)}}}' is not understood", f"{_CONTEXT_HINT} {_FILTER_HINT}")

    # ------------------------------------------------------------ what is compared

    def _column(self, arguments: list[ast.expr], hint: str) -> tuple[Template, tuple[str, ...]] | Unresolved:
        """The one argument as SQL, and the names of a function's arguments."""
        if len(arguments) != 1:
            return Unresolved("one column is due in the parentheses", hint)
        argument = arguments[0]
        names: tuple[str, ...] = ()
        if isinstance(argument, ast.Lambda):
            given = argument.args
            others = (*given.posonlyargs, *given.kwonlyargs, given.vararg, given.kwarg, *given.defaults)
            names = tuple(each.arg for each in given.args)
            if any(each is not None for each in others) or not names:
                return Unresolved("a function takes plain names: lambda x, y: f'...'", _TEXT_HINT)
            argument = argument.body
        parts = self._parts(argument, names)
        if isinstance(parts, Unresolved):
            return parts
        if not any(not isinstance(part, str) or part.strip() for part in parts):
            return Unresolved("this SQL is empty", hint)
        return Template(tuple(parts), self.place), names

    def _parts(
        self, node: ast.expr, arguments: tuple[str, ...]
    ) -> list[str | Reference | Filled] | Unresolved:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            return [node.value]
        if isinstance(node, ast.JoinedStr):
            parts: list[str | Reference | Filled] = []
            for value in node.values:
                inner = self._parts(value, arguments)
                if isinstance(inner, Unresolved):
                    return inner
                parts += inner
            return parts
        if isinstance(node, ast.FormattedValue) and node.conversion == -1 and node.format_spec is None:
            return self._parts(node.value, arguments)
        words = dotted(node)
        if words is None:
            return Unresolved(f"'{_short(ast.unparse(node))}' cannot stand here", _TEXT_HINT)
        if len(words) == 1 and words[0] in arguments:
            return [ArgumentReference(arguments.index(words[0]))]
        found = self.resolve(".".join(words))
        return found if isinstance(found, Unresolved) else [found]


def _short(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= 60 else flat[:57] + "..."
