"""The SQL of JavaScript models: ``${...}`` in templates to slots in braces."""

from __future__ import annotations

import keyword
import re
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass

from cuboid.catalog.templates import CONTEXT_WORDS
from cuboid.javascript.parser import Text
from cuboid.javascript.tokens import Token, tokenize

_CHAIN = re.compile(r"\s*[A-Za-z_]\w*(\s*\.\s*[A-Za-z_]\w*)*\s*(\.\s*sql\s*\(\s*\)\s*)?")
_BRACE = re.compile(r"[{}]")


class NotConvertible(Exception):
    """JavaScript that has no equal; ``what`` are the author's words."""

    def __init__(self, what: str, line: int) -> None:
        super().__init__(what)
        self.what = " ".join(what.split())
        self.line = line


def sql_text(text: Text) -> str:
    """The SQL with slots. Raises :class:`NotConvertible`."""
    parts = []
    for part in text.parts:
        if isinstance(part, str):
            parts.append(_BRACE.sub(lambda found: "\\" + found.group(), part))
        else:
            parts.append(f"{{{_slot(*part)}}}")
    joined = "".join(parts)
    # White space inside a text of SQL is its own.
    if any(line.count("'") % 2 for line in joined.split("\n")):
        return joined.strip()
    return textwrap.dedent(joined).strip()


def _slot(source: str, line: int) -> str:
    if _CHAIN.fullmatch(source):
        return "".join(source.split())
    reader = _Slot(list(tokenize(source, line)), source, line)
    slot = reader.expression()
    if reader.at_end and slot.split(".")[0].split("(")[0] in CONTEXT_WORDS:
        return slot
    raise NotConvertible("${" + source + "}", line)


@dataclass(slots=True)
class _Slot:
    """Reads ``FILTER_PARAMS.a.b.filter(x => `...`)`` and writes it in Python's words."""

    tokens: list[Token]
    source: str
    line: int
    position: int = 0

    @property
    def at_end(self) -> bool:
        return self.tokens[self.position].kind == "end"

    def expression(self) -> str:
        """A text, a function, or a chain of names with calls."""
        token = self._take()
        if token.kind == "text":
            return repr(token.text)
        if token.kind == "template":
            return _python_text(token)
        if token.kind == "sign" and token.text == "(":
            return self._function(self._names())
        if token.kind != "name":
            raise self._unknown()
        if self._is("=>"):
            return self._function([token.text])
        chain = token.text
        while not self.at_end:
            if self._is("."):
                self._take()
                chain += f".{self._take().text}"
            elif self._is("("):
                chain += self._arguments()
            else:
                break
        return chain

    def _arguments(self) -> str:
        self._take()
        found = []
        while not self._is(")"):
            found.append(self.expression())
            if not self._is(")"):
                self._expect(",")
        self._take()
        return f"({', '.join(found)})"

    def _names(self) -> list[str]:
        names = []
        while not self._is(")"):
            names.append(self._take().text)
            if not self._is(")"):
                self._expect(",")
        self._take()
        return names

    def _function(self, names: list[str]) -> str:
        self._expect("=>")
        body = self._take()
        if body.kind not in ("text", "template") or not all(name.isidentifier() for name in names):
            raise self._unknown()
        renamed = {name: f"{name}_" for name in names if keyword.iskeyword(name)}  # such as from
        text = repr(body.text) if body.kind == "text" else _python_text(body, renamed)
        return f"lambda {', '.join(renamed.get(name, name) for name in names)}: {text}"

    def _is(self, sign: str) -> bool:
        token = self.tokens[self.position]
        return token.kind == "sign" and token.text == sign

    def _expect(self, sign: str) -> None:
        if not self._is(sign):
            raise self._unknown()
        self._take()

    def _take(self) -> Token:
        token = self.tokens[self.position]
        if token.kind == "end":
            raise self._unknown()
        self.position += 1
        return token

    def _unknown(self) -> NotConvertible:
        return NotConvertible("${" + self.source + "}", self.line)


def _python_text(template: Token, renamed: Mapping[str, str] | None = None) -> str:
    """A template as an f-string, or a plain text if nothing is in it.

    :param renamed: other names for those that mean something in Python.
    """
    if all(isinstance(part, str) for part in template.parts):
        return repr("".join(str(part) for part in template.parts))
    parts = []
    for part in template.parts:
        if isinstance(part, str):
            parts.append(_inside_quotes(part))
        elif _CHAIN.fullmatch(part[0]):
            name = "".join(part[0].split())
            parts.append(f"{{{(renamed or {}).get(name, name)}}}")
        else:
            raise NotConvertible("${" + part[0] + "}", part[1])
    return f"f'{''.join(parts)}'"


def _inside_quotes(text: str) -> str:
    """The text as it stands between single quotes of an f-string."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n")
    return escaped.replace("{", "{{").replace("}", "}}")
