"""Model errors for a reader: where, what, the lines around it, and what to do."""

from __future__ import annotations

from collections.abc import Iterable

from cuboid.catalog.files import ModelFile
from cuboid.errors import ModelError

_LINES_AROUND = 2
_WIDTH = 200
"""Characters of a line that are shown: a whole model may be one line."""


def render_error(error: ModelError, files: Iterable[ModelFile]) -> str:
    """``file:line:column: message``, the code with a caret, and the hint; plain text without a final newline.

    Without the file or line among ``files`` there is no code.
    """
    shown = [printable(str(error))]
    text = next((file.text for file in files if file.name == error.file), None)
    if text is not None and error.line > 0:
        shown.extend(_frame(text, error.line, error.column))
    if error.hint:
        shown.append(f"  {printable(error.hint)}")
    return "\n".join(shown)


def printable(text: str) -> str:
    """The text as it can be shown: what steers a terminal or turns the direction of writing has a mark in its place."""
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() or each == "\n" else "\ufffd" for each in text)


def _frame(text: str, line: int, column: int) -> list[str]:
    lines = text.split("\n")
    if line > len(lines):
        return []
    first = max(1, line - _LINES_AROUND)
    last = min(len(lines), line + _LINES_AROUND)
    width = len(str(last))
    start = max(0, column - _WIDTH // 2) if max(map(len, lines[first - 1 : last])) > _WIDTH else 0
    frame = []
    for number in range(first, last + 1):
        # A tab has no fixed width, so that the caret would miss its column.
        code = printable(lines[number - 1].rstrip("\r").replace("\t", " "))
        code = code[start : start + _WIDTH]
        mark = ">" if number == line else " "
        frame.append(f"{mark} {number:>{width}} | {code}".rstrip())
        if number == line and column > 0:
            frame.append(f"  {'':>{width}} | {' ' * (column - 1 - start)}^")
    return frame
