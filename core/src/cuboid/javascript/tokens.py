"""JavaScript as tokens with their lines; enough of it for literals. Comments and white space are left out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Kind = Literal["name", "number", "text", "template", "sign", "end"]

_TOKEN = re.compile(
    r"(?P<space>\s+|//[^\n]*|/\*.*?\*/)"
    r"|(?P<name>[A-Za-z_$][\w$]*)"
    r"|(?P<number>\d[\w.]*|\.\d+)"
    r"|(?P<text>\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*')"
    r"|(?P<sign>=>|\.\.\.|[^\s\w`])",
    re.DOTALL,
)
_ESCAPE = re.compile(r"\\(u\{([0-9a-fA-F]+)\}|u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|\r\n|.)", re.DOTALL)
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "0": "\0", "\n": "", "\r\n": ""}


@dataclass(frozen=True, slots=True)
class Token:
    """``text`` is the source; of a text its value. ``parts`` are those of a template: text, and the source and line
    of each ``${...}``."""

    kind: Kind
    text: str
    line: int
    parts: tuple[str | tuple[str, int], ...] = ()


def tokenize(source: str, line: int = 1) -> Iterator[Token]:
    """The tokens, ``end`` last. What is no JavaScript comes as signs of one character."""
    position = 0
    while position < len(source):
        if source[position] == "`":
            parts, end = _template(source, position + 1, line)
            yield Token("template", source[position:end], line, parts)
            line += source.count("\n", position, end)
            position = end
            continue
        found = _TOKEN.match(source, position)
        assert found is not None, "every character is some token"
        kind, text = found.lastgroup, found.group()
        if kind == "text":
            yield Token("text", unescape(text[1:-1]), line)
        elif kind == "name":
            yield Token("name", text, line)
        elif kind in ("number", "sign"):
            yield Token("number" if kind == "number" else "sign", text, line)
        line += text.count("\n")
        position = found.end()
    yield Token("end", "", line)


def _template(source: str, position: int, line: int) -> tuple[tuple[str | tuple[str, int], ...], int]:
    """The parts of a template that begins before ``position``, and where it has ended."""
    parts: list[str | tuple[str, int]] = []
    start = position
    while position < len(source) and source[position] != "`":
        if source[position] == "\\":
            position += 2
        elif source.startswith("${", position):
            parts.append(unescape(source[start:position]))
            end = _closing(source, position + 2)
            line += source.count("\n", start, position)
            parts.append((source[position + 2 : end], line))
            line += source.count("\n", position, end)
            position = start = end + 1
        else:
            position += 1
    parts.append(unescape(source[start:position]))
    return tuple(part for part in parts if part != ""), position + 1


def _closing(source: str, position: int) -> int:
    """Where the ``}`` of a ``${`` is: templates and texts within have braces of their own."""
    depth = 0
    while position < len(source):
        if source[position] == "`":
            position = _template(source, position + 1, 1)[1]
            continue
        found = _TOKEN.match(source, position)
        assert found is not None
        if found.group() == "{":
            depth += 1
        elif found.group() == "}":
            if depth == 0:
                return position
            depth -= 1
        position = found.end()
    return len(source)


def unescape(text: str) -> str:
    """What a text with backslashes means."""

    def meant(found: re.Match[str]) -> str:
        code = found.group(2) or found.group(3) or found.group(4)
        if code is not None:
            return chr(int(code, 16)) if int(code, 16) < 0x110000 else "\ufffd"
        return _ESCAPED.get(found.group(1), found.group(1))

    return _ESCAPE.sub(meant, text) if "\\" in text else text
