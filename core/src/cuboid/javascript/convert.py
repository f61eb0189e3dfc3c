"""Static models in JavaScript to YAML, and what could not be converted.

What a part of a member cannot be converted is left out with the whole member, of a cube with the whole cube: half of it
would give other numbers, or open what was closed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import yaml

from cuboid.catalog.naming import underscore
from cuboid.javascript.parser import Array, Call, Constant, Name, Object, Text, Unknown, Value, parse
from cuboid.javascript.sql import NotConvertible, sql_text
from cuboid.javascript.tokens import tokenize

_NAMED = frozenset(
    {
        "measures",
        "dimensions",
        "segments",
        "pre_aggregations",
        "hierarchies",
        "joins",
        "granularities",
        "indexes",
    }
)
"""Maps from names to items, which are lists in YAML."""

_FREE = frozenset({"meta"})
_SQL = frozenset({"sql", "sql_table", "url"})
_WORDS = frozenset({"type", "relationship"})
_LEFT_OUT_ALONE = frozenset(
    {"measures", "dimensions", "segments", "pre_aggregations", "hierarchies", "joins"}
)
"""Sections whose items are left out one by one."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that could not be converted, and what is left out for it."""

    file: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}"


@dataclass(slots=True)
class Conversion:
    """``cubes`` and ``views`` as they stand in YAML, in order, and what is missing."""

    cubes: list[dict[str, Any]] = field(default_factory=list)
    views: list[dict[str, Any]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def text(self) -> str:
        """The YAML text; empty if nothing could be converted."""
        content = {name: found for name, found in (("cubes", self.cubes), ("views", self.views)) if found}
        if not content:
            return ""
        return yaml.dump(content, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)


def convert(source: str, file: str) -> Conversion:
    """The cubes and views of a file."""
    conversion = Conversion()
    for statement in parse(tokenize(source)):
        if isinstance(statement, Unknown):
            conversion.problems.append(
                Problem(
                    file,
                    statement.line,
                    f"only cube(...) and view(...) are converted, not '{statement.what}'",
                )
            )
        else:
            _Converter(file, conversion).call(statement)
    return conversion


@dataclass(slots=True)
class _Converter:
    file: str
    conversion: Conversion

    def call(self, call: Call) -> None:
        try:
            name = _name(call.name)
            if not isinstance(call.body, Object):
                raise _not(call.body)
            content = {"name": name, **self._cube(name, call.body)}
        except NotConvertible as error:
            self._left_out(error, f"the {call.function}")
            return
        (self.conversion.cubes if call.function == "cube" else self.conversion.views).append(content)

    def _cube(self, cube: str, body: Object) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in body.entries:
            name = underscore(key)
            if name in _LEFT_OUT_ALONE and isinstance(value, Object):
                found[name] = self._section(cube, value)
            elif isinstance(value, Unknown):
                raise _not(value)
            else:
                found[name] = _plain(name, value)
        return found

    def _section(self, cube: str, section: Object) -> list[Any]:
        items = []
        for name, value in section.entries:
            try:
                items.append(_item(name, value))
            except NotConvertible as error:
                self._left_out(error, f"'{cube}.{name}'" if name else f"a part of '{cube}'")
        return items

    def _left_out(self, error: NotConvertible, what: str) -> None:
        message = f"'{error.what}' cannot be converted; {what} is left out"
        self.conversion.problems.append(Problem(self.file, error.line, message))


def _item(name: str, value: Value) -> dict[str, Any]:
    if not isinstance(value, Object):
        raise _not(value)
    return {"name": name, **{underscore(key): _plain(underscore(key), each) for key, each in value.entries}}


def _plain(key: str, value: Value) -> Any:
    """The value as YAML has it. Raises :class:`NotConvertible`."""
    match value:
        case Constant(value=str() as text):
            return underscore(text) if key in _WORDS else _escaped(text) if key in _SQL else text
        case Constant(value=plain):
            return plain
        case Text(parts=parts) if key not in _SQL and all(isinstance(part, str) for part in parts):
            text = "".join(str(part) for part in parts)
            return underscore(text) if key in _WORDS else text
        case Text() as template:
            return sql_text(template)
        case Name(words=words):
            return ".".join(words)
        case Array(items=items):
            return [_plain(key, item) for item in items]
        case Object(entries=entries) if key in _NAMED:
            return [_item(name, each) for name, each in entries]
        case Object(entries=entries) if key in _FREE:
            return {name: _free(each) for name, each in entries}
        case Object(entries=entries):
            return {underscore(name): _plain(underscore(name), each) for name, each in entries}
    raise _not(value)


def _free(value: Value) -> Any:
    """A value that the model only passes on: names in it stay as they are."""
    if isinstance(value, Object):
        return {name: _free(each) for name, each in value.entries}
    if isinstance(value, Array):
        return [_free(item) for item in value.items]
    return value.value if isinstance(value, Constant) else _plain("", value)


def _escaped(text: str) -> str:
    """A text in plain quotes has no slots: its braces are text."""
    return text.replace("{", "\\{").replace("}", "\\}")


def _name(value: Value) -> str:
    match value:
        case Constant(value=str() as name):
            return name
        case Text(parts=(str() as name,)):
            return name
    raise _not(value)


def _not(value: Value) -> NotConvertible:
    what = value.what if isinstance(value, Unknown) else type(value).__name__.lower()
    return NotConvertible(what, value.line)


class _Dumper(yaml.SafeDumper):
    """Texts of several lines stand as blocks; lists are indented under their key."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text and not any(line.endswith(" ") for line in text.split("\n")) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _represent_text)
