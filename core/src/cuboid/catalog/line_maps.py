"""From the lines of a rendered template back to the lines that they come from.

A template is rendered a second time with a mark in front of the text of each of its lines; the marks that come out say
where each line is from. What comes out without the marks must be the first rendering: a template that looks at its own
output could tell the difference, and then its lines are found by their text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from jinja2 import Environment

from cuboid.catalog.pieces import Place

_MARK = re.compile("\ue000([0-9]+):([0-9]+)\ue001")
_TAG = re.compile(r"\{\{|\{%|\{#")


@dataclass(frozen=True, slots=True)
class LineMap:
    """For each line of a rendered text (the first is 1) the file and line that it comes from.

    :param lines: the lines of each template by file.
    """

    origins: tuple[tuple[str, int], ...]
    lines: Mapping[str, Sequence[str]]
    rendered: Sequence[str]

    def origin(self, place: Place) -> Place:
        """The place in the template. Its column is that of the text, or of the tag that made it."""
        index = min(place.line, len(self.origins)) - 1
        if index < 0:
            return place
        file, line = self.origins[index]
        written = self.lines[file][line - 1] if line <= len(self.lines[file]) else ""
        if written == self.rendered[index]:
            return Place(file, line, place.column)
        tag = _TAG.search(written)
        return Place(file, line, min(place.column, tag.start() + 1 if tag else len(written) + 1))


def with_marks(environment: Environment, source: str, file: int) -> str:
    """The template with a mark before the first character of each line that is text; tags stay as they are."""
    marked = []
    # Whitespace that a tag strips is in no token; the lexer counts its lines all the same.
    for line, kind, value in environment.lex(source):
        if kind == "data":
            pieces = value.split("\n")
            for offset, piece in enumerate(pieces):
                start = len(piece) - len(piece.lstrip())
                if piece[start:]:
                    pieces[offset] = f"{piece[:start]}\ue000{file}:{line + offset}\ue001{piece[start:]}"
            marked.append("\n".join(pieces))
        else:
            marked.append(value)
    return "".join(marked)


def from_marks(marked: str, rendered: str, files: Sequence[str], texts: Mapping[str, str]) -> LineMap | None:
    """The map that the marks give; None if the rendering is another without them.

    :param files: the names that the marks' numbers mean.
    """
    if _MARK.sub("", marked) != rendered:
        return None
    origins = []
    last = (files[0], 1)
    for line in marked.split("\n"):
        # Of several marks on a line the first counts: later ones are of macros called in it.
        found = _MARK.search(line)
        if found:
            last = (files[int(found.group(1))], int(found.group(2)))
        origins.append(last)
    return _map(origins, rendered, texts)


def by_text(rendered: str, file: str, texts: Mapping[str, str]) -> LineMap:
    """The map by equal lines, each searched from the one before on."""
    written = [line.strip() for line in texts[file].split("\n")]
    origins = []
    last = 0
    for line in rendered.split("\n"):
        bare = line.strip()
        if bare and bare in written[last:]:
            last = written.index(bare, last)
        elif bare and bare in written:
            last = written.index(bare)
        origins.append((file, last + 1))
    return _map(origins, rendered, texts)


def _map(origins: list[tuple[str, int]], rendered: str, texts: Mapping[str, str]) -> LineMap:
    lines = {name: texts[name].split("\n") for name in {file for file, _ in origins}}
    return LineMap(tuple(origins), lines, rendered.split("\n"))
