"""The syntax of SQL pieces: slots, escapes, mistakes."""

from __future__ import annotations

import pytest

from cuboid.catalog.templates import Misread, Slot, split


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("a + 1", ("a + 1",)),
        ("{CUBE}.a", (Slot("CUBE", "{CUBE}", 0), ".a")),
        ("${CUBE}.a", (Slot("CUBE", "${CUBE}", 0), ".a")),
        ("{a}{b}", (Slot("a", "{a}", 0), Slot("b", "{b}", 3))),
        ("x { a.b } y", ("x ", Slot("a.b", "{ a.b }", 2), " y")),
        (r"'\{\}' || {a}", ("'{}' || ", Slot("a", "{a}", 10))),
        (r"a ~ '^\d\{2\}$'", (r"a ~ '^\d{2}$'",)),
        (r"'\n'", (r"'\n'",)),
        ("'$' || 1", ("'$' || 1",)),
        ("", ()),
    ],
)
def test_a_text_is_literals_and_slots(text: str, parts: object) -> None:
    assert split(text) == parts


@pytest.mark.parametrize(
    ("text", "fragment", "offset", "message"),
    [
        ("{a", "{", 0, "never closed"),
        ("x ${a", "{", 3, "never closed"),
        ("a}", "}", 1, "closes nothing"),
        ("{}", "{}", 0, "not a reference"),
        ("1 + { }", "{ }", 4, "not a reference"),
        ("'{' || {a}", "{' || {a}", 1, "not a reference"),
    ],
)
def test_a_brace_that_is_no_slot_is_misread(text: str, fragment: str, offset: int, message: str) -> None:
    found = split(text)
    assert isinstance(found, Misread)
    assert (found.fragment, found.offset) == (fragment, offset)
    assert message in found.message
    assert r"\{" in found.hint
