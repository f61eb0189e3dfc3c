"""Tokens to values: literals, templates, references. Whatever else there is becomes an :class:`Unknown` with its line,
and is passed over as a whole."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from cuboid.javascript.tokens import Token

_OPENING = {"(": ")", "[": "]", "{": "}"}
_CONSTANTS = {"true": True, "false": False, "null": None, "undefined": None}

MAX_DEPTH = 100


@dataclass(frozen=True, slots=True)
class Constant:
    """A number, true, false, null or a text in plain quotes."""

    value: str | int | float | bool | None
    line: int


@dataclass(frozen=True, slots=True)
class Text:
    """A template: text, and the source and line of each ``${...}``."""

    parts: tuple[str | tuple[str, int], ...]
    line: int


@dataclass(frozen=True, slots=True)
class Name:
    """``orders`` or ``CUBE.status``."""

    words: tuple[str, ...]
    line: int


@dataclass(frozen=True, slots=True)
class Array:
    items: tuple[Value, ...]
    line: int


@dataclass(frozen=True, slots=True)
class Object:
    entries: tuple[tuple[str, Value], ...]
    line: int


@dataclass(frozen=True, slots=True)
class Unknown:
    """What is no literal, in the author's words."""

    what: str
    line: int


Value = Constant | Text | Name | Array | Object | Unknown


@dataclass(frozen=True, slots=True)
class Call:
    """``cube(name, {...})`` or ``view(name, {...})`` at the top of a file."""

    function: str
    name: Value
    body: Value
    line: int


def parse(tokens: Iterable[Token]) -> list[Call | Unknown]:
    """The statements of a file."""
    return _Parser(list(tokens)).statements()


class _Parser:
    def __init__(self, tokens: list[Token]) -> None:
        self._tokens = tokens
        self._at = 0
        self._depth = 0

    @property
    def _next(self) -> Token:
        return self._tokens[self._at]

    def _is(self, text: str, ahead: int = 0) -> bool:
        token = self._tokens[min(self._at + ahead, len(self._tokens) - 1)]
        return token.kind in ("sign", "name") and token.text == text

    def _take(self, text: str) -> bool:
        if self._is(text):
            self._at += 1
            return True
        return False

    # ------------------------------------------------------------ statements

    def statements(self) -> list[Call | Unknown]:
        found: list[Call | Unknown] = []
        while self._next.kind != "end":
            if self._take(";"):
                continue
            if (self._is("cube") or self._is("view")) and self._is("(", 1):
                found.append(self._call())
            else:
                found.append(self._other_statement())
        return found

    def _call(self) -> Call | Unknown:
        start = self._next
        self._at += 2
        name = self._value()
        if not self._take(","):
            return self._give_up(start)
        body = self._value()
        self._take(",")
        if not self._take(")"):
            return self._give_up(start)
        return Call(start.text, name, body, start.line)

    def _give_up(self, start: Token) -> Unknown:
        """The rest of a call that is not of the usual form."""
        self._skip(("",))
        self._take(")")
        return Unknown(f"{start.text}(...)", start.line)

    def _other_statement(self) -> Unknown:
        start = self._at
        line = self._next.line
        while self._next.kind != "end" and not self._is(";"):
            on_new_line = self._at > start and self._next.line > self._tokens[self._at - 1].line
            if on_new_line and (self._is("cube") or self._is("view")) and self._is("(", 1):
                break
            self._step()
        return Unknown(self._words(start), line)

    # ------------------------------------------------------------ values

    def _value(self) -> Value:
        start, token = self._at, self._next
        self._depth += 1
        value = self._literal() if self._depth < MAX_DEPTH else None
        self._depth -= 1
        value = self._joined(value) if isinstance(value, Constant | Text) else value
        if value is None or not (self._is(",") or self._closes() or self._next.kind == "end"):
            self._at = start
            self._skip((",",))
            return Unknown(self._words(start), token.line)
        return value

    def _joined(self, first: Constant | Text) -> Value | None:
        """Texts with ``+`` between them are one."""
        parts: tuple[str | tuple[str, int], ...] = first.parts if isinstance(first, Text) else ()
        if isinstance(first, Constant):
            if not isinstance(first.value, str) or not self._is("+"):
                return first
            parts = (first.value,)
        while self._take("+"):
            other = self._literal()
            if isinstance(other, Text):
                parts = (*parts, *other.parts)
            elif isinstance(other, Constant) and isinstance(other.value, str):
                parts = (*parts, other.value)
            else:
                return None
        return Text(parts, first.line)

    def _literal(self) -> Value | None:
        token = self._next
        self._at += 1
        match token.kind:
            case "text":
                return Constant(token.text, token.line)
            case "template":
                return Text(token.parts, token.line)
            case "number":
                return _number(token.text, token.line)
            case "name" if token.text in _CONSTANTS:
                return Constant(_CONSTANTS[token.text], token.line)
            case "name":
                return self._name(token)
        if token.text == "-" and self._next.kind == "number":
            self._at += 1
            return _number("-" + self._tokens[self._at - 1].text, token.line)
        if token.text == "[":
            return self._array(token)
        if token.text == "{":
            return self._object(token)
        return None

    def _name(self, token: Token) -> Name:
        words = [token.text]
        while self._is(".") and self._tokens[self._at + 1].kind == "name":
            words.append(self._tokens[self._at + 1].text)
            self._at += 2
        return Name(tuple(words), token.line)

    def _array(self, start: Token) -> Array | None:
        items = []
        while not self._take("]"):
            items.append(self._value())
            if not self._take(",") and not self._is("]"):
                return None
        return Array(tuple(items), start.line)

    def _object(self, start: Token) -> Object | None:
        entries: list[tuple[str, Value]] = []
        while not self._take("}"):
            entries.append(self._entry())
            if not self._take(",") and not self._is("}"):
                return None
        return Object(tuple(entries), start.line)

    def _entry(self) -> tuple[str, Value]:
        start, key = self._at, self._next
        if key.kind in ("name", "text", "number", "template"):
            self._at += 1
            if self._take(":"):
                return key.text.strip("`"), self._value()
            if key.kind == "name" and (self._is(",") or self._is("}")):
                return key.text, Name((key.text,), key.line)
        self._at = start
        self._skip((",",))
        return (key.text if key.kind == "name" else "", Unknown(self._words(start), key.line))

    # ------------------------------------------------------------ passing over

    def _skip(self, ends: tuple[str, ...]) -> None:
        """To the next of these signs, or to what closes the brackets around."""
        while self._next.kind != "end" and not self._closes():
            if self._next.kind == "sign" and self._next.text in ends:
                return
            self._step()

    def _step(self) -> None:
        """Over one token, or over brackets with all in them."""
        expected: list[str] = []
        while self._next.kind != "end":
            token = self._next
            self._at += 1
            if token.kind == "sign" and token.text in _OPENING:
                expected.append(_OPENING[token.text])
            elif expected and token.kind == "sign" and token.text == expected[-1]:
                expected.pop()
            if not expected:
                return

    def _closes(self) -> bool:
        return self._next.kind == "sign" and self._next.text in _OPENING.values()

    def _words(self, start: int) -> str:
        text = " ".join(token.text for token in self._tokens[start : self._at])
        flat = " ".join(text.split())
        return flat if len(flat) <= 60 else flat[:57] + "..."


def _number(text: str, line: int) -> Constant | None:
    plain = text.replace("_", "")
    for read in (int, float):
        try:
            return Constant(read(plain), line)
        except ValueError:
            continue
    return None
