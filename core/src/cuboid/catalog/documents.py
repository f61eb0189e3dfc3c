"""YAML text to nodes, from the parser's events.

Building from events instead of ``yaml.compose`` keeps three things in our hands: how scalars are typed,
how deep a document may nest, and how far aliases may expand (a "billion laughs" of a few hundred bytes
stands for 10^9 nodes).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import yaml

from cuboid.catalog.files import ModelFile
from cuboid.catalog.nodes import Entries, Items, Node, Scalar
from cuboid.catalog.pieces import Place
from cuboid.catalog.problems import model_error
from cuboid.errors import ModelError, closest, did_you_mean

MAX_DEPTH = 50
MAX_ALIASED_NODES = 100_000

# libyaml is some ten times faster than the pure Python parser, and gives the same events.
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_BARE_BRACES = re.compile(r":\s+\$?\{\s*[\w.]+\s*\}\s*[^\s,#}\]]")
"""``sql: {CUBE}.amount``, which YAML takes for a mapping and something after it."""

_BOOLEANS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_FIRST_OF_TYPED = frozenset("tTfFnN~+-.0123456789")
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_LEADING_ZERO = re.compile(r"[-+]?0[0-9]")
_TEXT_TAGS = frozenset({"!", "tag:yaml.org,2002:str"})


def parse_document(file: ModelFile) -> Node | None:
    """The file's one document, None if it is empty. Raises ModelError for what is not safe, plain YAML."""
    try:
        file.text.encode()
    except UnicodeEncodeError as error:
        raise model_error(
            _place_at(file, error.start), "this character is not valid Unicode", "Remove it."
        ) from None
    try:
        return _Builder(file).document()
    except yaml.MarkedYAMLError as error:
        raise _syntax_error(file, error) from None
    except yaml.YAMLError as error:
        # The reader's errors (control characters) carry a position instead of a mark.
        position = getattr(error, "position", None) or 0
        reason = getattr(error, "reason", None) or "it cannot be read"
        raise model_error(
            _place_at(file, position), f"not valid YAML: {reason}", "Remove the character."
        ) from None


def _place_at(file: ModelFile, index: int) -> Place:
    before = file.text[:index]
    return _origin(file, before.count("\n") + 1, index - (before.rfind("\n") + 1) + 1)


def _origin(file: ModelFile, line: int, column: int) -> Place:
    """The place as the author knows it, also of what a template has made."""
    place = Place(file.name, line, column)
    return place if file.lines is None else file.lines.origin(place)


def _syntax_error(file: ModelFile, error: yaml.MarkedYAMLError) -> ModelError:
    mark = error.problem_mark or error.context_mark
    line_number, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    problem = error.problem or "it cannot be read"
    message = f"not valid YAML: {problem}"
    if error.context:
        message = f"{message} ({error.context})"
    line = _line(file.text, line_number)
    hint = None
    if "\t" in line[:column]:
        hint = "YAML is indented with spaces: replace the tab."
    elif "escape character" in problem:
        hint = "In double quotes YAML itself reads the backslash: use single quotes or write '\\\\'."
    elif "mapping values are not allowed" in problem:
        hint = "Put the value in quotes if it contains ': '."
    elif _BARE_BRACES.search(line):
        hint = 'In YAML a text that begins with { stands in quotes: sql: "{CUBE}.amount".'
    elif "cannot start any token" in problem:
        hint = "A text that begins with this character stands in quotes."
    else:
        hint = "Look at the indentation and at quotes and brackets around here."
    return model_error(_origin(file, line_number, column), message, hint)


def _line(text: str, number: int) -> str:
    lines = text.splitlines()
    return lines[number - 1] if number <= len(lines) else ""


class _Builder:
    """Reads one document's events; recursion is bounded by MAX_DEPTH."""

    def __init__(self, file: ModelFile) -> None:
        self._file = file
        self._next: Callable[[], Any] = _LOADER(file.text).get_event
        self._anchors: dict[str, Node] = {}
        self._aliased = 0

    def document(self) -> Node | None:
        root: Node | None = None
        while not isinstance(event := self._next(), yaml.StreamEndEvent):
            if not isinstance(event, yaml.DocumentStartEvent):
                continue
            if root is not None:
                raise model_error(
                    self._place(event),
                    "a second document begins here",
                    "Put it into a file of its own.",
                )
            root = self._node(self._next(), 0)
        if isinstance(root, Scalar) and root.is_null:
            return None
        return root

    def _place(self, event: Any) -> Place:
        mark = event.start_mark
        if self._file.lines is None:
            return Place(self._file.name, mark.line + 1, mark.column + 1)
        return _origin(self._file, mark.line + 1, mark.column + 1)

    def _node(self, event: Any, depth: int) -> Node:
        if depth > MAX_DEPTH:
            raise model_error(
                self._place(event),
                f"nested deeper than {MAX_DEPTH} levels",
                "No model is: look for brackets that are not closed.",
            )
        node: Node
        if isinstance(event, yaml.ScalarEvent):
            node = self._scalar(event)
        elif isinstance(event, yaml.AliasEvent):
            return self._alias(event)
        else:
            if event.tag not in (None, "!"):
                raise self._foreign_tag(event)
            is_list = isinstance(event, yaml.SequenceStartEvent)
            node = self._items(event, depth) if is_list else self._entries(event, depth)
        if event.anchor:
            self._anchors[event.anchor] = node
        return node

    def _alias(self, event: Any) -> Node:
        node = self._anchors.get(event.anchor)
        if node is None:
            raise model_error(
                self._place(event),
                f"the alias '*{event.anchor}' has no anchor before it",
                did_you_mean(closest(event.anchor, self._anchors))
                or f"Write &{event.anchor} before the value that it stands for; a text with * is in quotes.",
            )
        self._aliased += node.size
        if self._aliased > MAX_ALIASED_NODES:
            raise model_error(
                self._place(event),
                f"the aliases stand for more than {MAX_ALIASED_NODES:,} values",
                "Aliases of aliases multiply: write the values out, or share less.",
            )
        return node

    def _scalar(self, event: Any) -> Scalar:
        if event.tag is not None and event.tag not in _TEXT_TAGS:
            raise self._foreign_tag(event)
        text: str = event.value
        is_plain = event.implicit[0] and event.tag is None
        written = self._file.text[event.start_mark.index : event.end_mark.index]
        return Scalar(text, _typed(text) if is_plain else text, self._place(event), written)

    def _foreign_tag(self, event: Any) -> ModelError:
        return model_error(
            self._place(event), f"the tag '{event.tag}' means nothing here", "Write the plain value."
        )

    def _items(self, start: Any, depth: int) -> Items:
        items = []
        while not isinstance(event := self._next(), yaml.SequenceEndEvent):
            items.append(self._node(event, depth + 1))
        return Items(tuple(items), self._place(start), 1 + sum(item.size for item in items))

    def _entries(self, start: Any, depth: int) -> Entries:
        entries: dict[str, tuple[Scalar, Node]] = {}
        duplicates = []
        merged: list[tuple[Scalar, Node]] = []
        while not isinstance(event := self._next(), yaml.MappingEndEvent):
            key = self._node(event, depth + 1)
            value = self._node(self._next(), depth + 1)
            if not isinstance(key, Scalar):
                raise model_error(
                    key.place, "a key must be a text, not a list or a mapping", "Put it in quotes."
                )
            if key.text == "<<" and key.value == "<<":
                merged.extend(_merged(key, value))
            elif key.text in entries:
                duplicates.append(key)
            else:
                entries[key.text] = (key, value)
        for key, value in merged:
            entries.setdefault(key.text, (key, value))
        size = 1 + sum(1 + value.size for _, value in entries.values())
        return Entries(tuple(entries.values()), self._place(start), tuple(duplicates), size)


def _merged(key: Scalar, value: Node) -> Iterator[tuple[Scalar, Node]]:
    """The entries that ``<<: value`` brings in; of several mappings the first one wins."""
    for mapping in value.items if isinstance(value, Items) else (value,):
        if not isinstance(mapping, Entries):
            raise model_error(
                key.place, "'<<' merges mappings, and this is none", "Give it an alias, e.g. *base."
            )
        yield from mapping.entries


def _typed(text: str) -> str | int | float | bool | None:
    """A plain scalar's value. Numbers with leading zeros stay text: they are codes, not quantities."""
    if text and text[0] not in _FIRST_OF_TYPED:  # nine of ten
        return text
    if text in _BOOLEANS:
        return _BOOLEANS[text]
    if text in _NULLS:
        return None
    # 18 digits fit into the 64 bits that JSON encoders take; longer integers become floats, as in JavaScript.
    if len(text) <= 18 and _INTEGER.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text) and not _LEADING_ZERO.match(text):
        return float(text)
    return text
