"""A mapping of the model read against its key table: known keys by one spelling, values by type.

Every getter reports a wrong value at its place and answers as if the key were absent, so that one mistake
does not hide the next.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from copy import copy
from typing import Any, TypeVar

from cuboid.catalog.keys import DENY_WHEN_EMPTY, FILE, KeyTable
from cuboid.catalog.naming import underscore
from cuboid.catalog.nodes import Entries, Items, Node, Scalar, describe, plain
from cuboid.catalog.pieces import Place
from cuboid.catalog.problems import Problems
from cuboid.errors import closest, did_you_mean

T = TypeVar("T")

IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

_YAML_1_1_BOOLEANS = frozenset({"yes", "no", "on", "off", "true", "false"})


class Fields:
    """The entries of one construct by canonical key; null values count as absent."""

    def __init__(self, mapping: Entries, table: KeyTable, problems: Problems) -> None:
        self.place = mapping.place
        self.noun = table.noun
        self.problems = problems
        self.partly_unsupported = False
        self._entries: dict[str, tuple[Scalar, Node]] = {}
        for key in mapping.duplicates:
            problems.error(
                key.place, f"the key '{key.text}' is written twice in one {table.noun}", "Keep one of them."
            )
        for key, value in mapping.entries:
            self._accept(key, value, table)

    def _accept(self, key: Scalar, value: Node, table: KeyTable) -> None:
        name = underscore(key.text)
        handling = table.keys.get(name)
        if handling is None:
            hint = did_you_mean(closest(name, table.keys)) or _some_of(table)
            self.problems.error(key.place, f"a {table.noun} has no key '{key.text}'", hint)
        elif name in self._entries:
            first = self._entries[name][0].text
            self.problems.error(
                key.place, f"'{key.text}' and '{first}' are the same key", "Keep one of them."
            )
        elif handling == "inert":
            return
        elif handling == "ignored":
            self.problems.warn(key.place, f"'{key.text}' has no effect in this version", "Remove it.")
        elif handling == "unsupported":
            if name in DENY_WHEN_EMPTY or not _means_nothing(value):
                self.unsupported(key.place, f"'{key.text}'")
        elif not (isinstance(value, Scalar) and value.is_null):
            self._entries[name] = (key, value)
        elif name in DENY_WHEN_EMPTY:
            self.problems.error(
                key.place, f"'{key.text}' is empty", "Say to whom it opens what, or remove the key."
            )

    def over(self, parent: Fields, hidden: Collection[str], combined: Mapping[str, Node]) -> Fields:
        """These entries, and where a key is absent that of ``parent``, unless it is ``hidden``.

        :param combined: values that take the place of both.
        """
        merged = copy(self)
        merged.partly_unsupported = self.partly_unsupported or parent.partly_unsupported
        inherited = {key: entry for key, entry in parent._entries.items() if key not in hidden}
        merged._entries = {**inherited, **self._entries}
        merged._entries |= {key: (merged._entries[key][0], node) for key, node in combined.items()}
        return merged

    def reporting_to(self, problems: Problems) -> Fields:
        """The same entries; what is found wrong from now on goes to ``problems``."""
        other = copy(self)
        other.problems = problems
        return other

    def peek(self, key: str) -> str | None:
        """Like :meth:`text`, without complaint."""
        value = self.node(key)
        return value.text if isinstance(value, Scalar) else None

    def node(self, key: str) -> Node | None:
        """The value as it stands."""
        entry = self._entries.get(key)
        return entry[1] if entry else None

    def place_of(self, key: str) -> Place:
        """Where the key's value stands; the construct's own place if the key is absent."""
        entry = self._entries.get(key)
        return entry[1].place if entry else self.place

    def has(self, key: str) -> bool:
        return key in self._entries

    def has_any(self, keys: frozenset[str]) -> bool:
        """Whether one of the keys is there."""
        return not keys.isdisjoint(self._entries)

    def scalar(self, key: str) -> Scalar | None:
        """The value of a key that takes text; numbers and booleans count as the text they are written as."""
        value = self.node(key)
        if value is None or isinstance(value, Scalar):
            return value
        braces = isinstance(value, Entries) and all(isinstance(each, Scalar) for _, each in value.entries)
        hint = "In YAML a text that begins with { stands in quotes." if braces else None
        self._wrong(key, "a text", value, hint)
        return None

    def text(self, key: str) -> str | None:
        """Like :meth:`scalar`, the text alone."""
        found = self.scalar(key)
        return found.text if found else None

    def flag(self, *keys: str) -> bool | None:
        """The first of the keys that is given, as a boolean: nothing but ``true`` and ``false``."""
        for key in keys:
            value = self.node(key)
            if value is None:
                continue
            if isinstance(value, Scalar) and isinstance(value.value, bool):
                return value.value
            hint = None
            if isinstance(value, Scalar) and value.text.lower() in _YAML_1_1_BOOLEANS:
                hint = "Write true or false, without quotes; yes, no, on and off are text."
            self._wrong(key, "true or false", value, hint)
            return None
        return None

    def items(self, key: str) -> tuple[Node, ...]:
        """The items of a list."""
        value = self.node(key)
        if value is None:
            return ()
        if isinstance(value, Items):
            return value.items
        hint = "Write a list of items that begin with '- name:'." if isinstance(value, Entries) else None
        self._wrong(key, "a list", value, hint)
        return ()

    def texts(self, key: str) -> tuple[str, ...]:
        """The items of a list of texts; numbers and booleans count as the text they are written as."""
        found = []
        for node in self.items(key):
            if isinstance(node, Scalar) and not node.is_null:
                found.append(node.text)
            else:
                self._wrong(key, "a list of texts", node)
        return tuple(found)

    def mapping(self, key: str) -> Mapping[str, Any] | None:
        """A free mapping (``meta``) as plain values."""
        value = self.node(key)
        if value is None:
            return None
        if isinstance(value, Entries):
            for duplicate in value.duplicates:
                self.problems.error(
                    duplicate.place,
                    f"the key '{duplicate.text}' is written twice in '{key}'",
                    "Keep one of them.",
                )
            plain_value: dict[str, Any] = plain(value)
            return plain_value
        self._wrong(key, "a mapping", value)
        return None

    def choice(self, key: str, choices: Mapping[str, T], *, default: T | None = None) -> T | None:
        """One of the choices, spelt in snake_case or camelCase; required unless there is a default."""
        found = self.scalar(key)
        if found is None:
            if default is None and not self.has(key):
                self.missing(key, f"one of {', '.join(choices)}")
            return default
        name = underscore(found.text)
        if name in choices:
            return choices[name]
        hint = did_you_mean(closest(name, choices)) or f"It is one of {', '.join(choices)}."
        self.problems.error(found.place, f"'{found.text}' is no {key} of a {self.noun}", hint)
        return None

    def identifier(self, key: str) -> str | None:
        """A required name: a letter or underscore, then letters, digits and underscores."""
        found = self.scalar(key)
        if found is None:
            if not self.has(key):
                self.missing(key, "a name")
            return None
        return check_identifier(found, self.problems)

    def missing(self, key: str, expected: str) -> None:
        """Report that a required key is absent, unless an unsupported one may stand for it."""
        if self.partly_unsupported:
            return
        self.problems.error(self.place, f"this {self.noun} has no '{key}'", f"Add '{key}': {expected}.")

    def unsupported(self, place: Place, what: str) -> None:
        """Report something of Cube's model that this version cannot do."""
        self.partly_unsupported = True
        self.problems.error(place, f"{what} is not supported by this version", "Remove it.")

    def _wrong(self, key: str, expected: str, found: Node, hint: str | None = None) -> None:
        message = f"'{key}' of a {self.noun} must be {expected}, not {describe(found)}"
        self.problems.error(found.place, message, hint or f"Write {expected}.")


def check_identifier(name: Scalar, problems: Problems) -> str | None:
    """The name if it is an identifier, else None and an error."""
    if IDENTIFIER.fullmatch(name.text):
        return name.text
    problems.error(
        name.place,
        f"'{name.text}' is not a name",
        "A name begins with a letter or underscore and goes on with letters, digits and underscores.",
    )
    return None


def read_entries(node: Node, table: KeyTable, problems: Problems) -> Fields | None:
    """The node as a construct, None and an error if it is no mapping."""
    if isinstance(node, Entries):
        return Fields(node, table, problems)
    first = next(iter(table.keys))
    hint = f"It begins with '{first}:'." if table is FILE else f"Write its keys, as in {{{first}: ...}}."
    problems.error(node.place, f"a {table.noun} must be a mapping, not {describe(node)}", hint)
    return None


def _some_of(table: KeyTable) -> str:
    """What keys there are, for whoever is far from any of them."""
    names = [key for key, handling in table.keys.items() if handling == "read"]
    more = ", ..." if len(names) > 8 else ""
    return f"Its keys are {', '.join(names[:8])}{more}."


def _means_nothing(value: Node) -> bool:
    if isinstance(value, Scalar):
        return value.value is None or value.value is False
    return not (value.items if isinstance(value, Items) else value.entries)
