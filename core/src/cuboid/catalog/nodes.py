"""A YAML document as typed nodes that know where they are written.

Three kinds: :class:`Scalar`, :class:`Items` (a sequence) and :class:`Entries` (a mapping). ``size`` counts
a node with all below it, aliases included as often as they are used.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec

from cuboid.catalog.pieces import Place


class Scalar(msgspec.Struct, frozen=True, gc=False):
    """A single value: ``text`` as the author means it, ``value`` as typed, ``written`` as in the file
    (with quotes, escapes and indentation). As many as places, so the garbage collector does not see them either.

    Only ``true`` and ``false`` are booleans: YAML 1.1's ``yes``, ``no``, ``on`` and ``off`` are text, and so
    are dates.
    """

    text: str
    value: str | int | float | bool | None
    place: Place
    written: str = ""
    size: int = 1

    @property
    def is_null(self) -> bool:
        return self.value is None

    def locate(self, fragment: str, offset: int) -> Place:
        """The place in the file of ``fragment``, which stands at ``offset`` in ``text``; the scalar's own
        place if escapes hide it."""
        index = -1
        for _ in range(self.text.count(fragment, 0, offset + len(fragment) - 1) + 1):
            index = self.written.find(fragment, index + 1)
            if index < 0:
                return self.place
        before = self.written[:index]
        lines = before.count("\n")
        if lines == 0:
            return Place(self.place.file, self.place.line, self.place.column + index)
        return Place(self.place.file, self.place.line + lines, index - before.rindex("\n"))


@dataclass(frozen=True, slots=True)
class Items:
    """A sequence."""

    items: tuple[Node, ...]
    place: Place
    size: int = 1


@dataclass(frozen=True, slots=True)
class Entries:
    """A mapping, in order; merge keys (``<<``) are merged. ``duplicates`` are keys written twice: the
    first one counts, and whoever reads the mapping reports the others."""

    entries: tuple[tuple[Scalar, Node], ...]
    place: Place
    duplicates: tuple[Scalar, ...] = ()
    size: int = 1


Node = Scalar | Items | Entries


def describe(node: Node) -> str:
    """What a node is, for error messages: ``a list``, ``the text 'yes'``."""
    if isinstance(node, Items):
        return "a list"
    if isinstance(node, Entries):
        return "a mapping"
    if node.value is None:
        return "nothing"
    shown = node.text if len(node.text) <= 40 else node.text[:37] + "..."
    if isinstance(node.value, bool):
        return shown
    kind = "the text" if isinstance(node.value, str) else "the number"
    return f"{kind} '{shown}'"


def plain(node: Node) -> Any:
    """The node as a value that JSON can hold."""
    if isinstance(node, Scalar):
        return node.value
    if isinstance(node, Items):
        return [plain(item) for item in node.items]
    return {key.text: plain(value) for key, value in node.entries}
