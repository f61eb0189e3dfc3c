"""Errors for a reader."""

from __future__ import annotations

from cuboid.catalog.compile import compile_catalog
from cuboid.catalog.files import ModelFile
from cuboid.catalog.frames import render_error
from cuboid.errors import ModelError


def test_an_error_is_shown_in_its_code() -> None:
    text = (
        "cubes:\n"
        "  - name: orders\n"
        "    sql_table: orders\n"
        "    dimensions:\n"
        "      - {name: status, sql: status, type: string}\n"
        '      - {name: state, sql: "upper({statu})", type: string}\n'
        "    segments: []\n"
    )
    file = ModelFile("model/orders.yml", text)
    (error,) = compile_catalog([file]).errors
    assert render_error(error, [file]) == (
        "model/orders.yml:6:35: 'statu' is neither a cube nor a member of cube 'orders'\n"
        "  4 |     dimensions:\n"
        "  5 |       - {name: status, sql: status, type: string}\n"
        '> 6 |       - {name: state, sql: "upper({statu})", type: string}\n'
        "    |                                   ^\n"
        "  7 |     segments: []\n"
        "  8 |\n"
        "  Did you mean 'status' or 'state'?"
    )


def test_a_tab_does_not_move_the_caret() -> None:
    error = ModelError("no", file="a.yml", line=1, column=2)
    assert render_error(error, [ModelFile("a.yml", "\tx\r\n")]) == (
        "a.yml:1:2: no\n> 1 |  x\n    |  ^\n  2 |"
    )


def test_line_numbers_are_aligned() -> None:
    lines = "".join(f"l{number}\n" for number in range(1, 13))
    error = ModelError("no", file="a.yml", line=9, column=1)
    assert render_error(error, [ModelFile("a.yml", lines)]).splitlines()[1:] == [
        "   7 | l7",
        "   8 | l8",
        ">  9 | l9",
        "     | ^",
        "  10 | l10",
        "  11 | l11",
    ]


def test_without_the_file_or_place_there_is_no_code() -> None:
    error = ModelError("no", file="b.yml", line=3, column=1, hint="Do.")
    assert render_error(error, []) == "b.yml:3:1: no\n  Do."
    assert render_error(error, [ModelFile("b.yml", "x")]) == "b.yml:3:1: no\n  Do."
    assert render_error(ModelError("no"), []) == "no"


def test_what_steers_a_terminal_is_shown_as_a_mark() -> None:
    file = ModelFile("a.yml", "a\x1b[31mb\u202ec\n")
    error = ModelError("no \x07", file="a.yml", line=1, column=2, hint="not \x1b")
    assert render_error(error, [file]).split("\n") == [
        "a.yml:1:2: no \ufffd",
        "> 1 | a\ufffd[31mb\ufffdc",
        "    |  ^",
        "  2 |",
        "  not \ufffd",
    ]


def test_of_a_very_long_line_the_part_around_the_column_is_shown() -> None:
    text = "x" * 5000 + "HERE" + "y" * 5000
    error = ModelError("wrong", file="a.yml", line=1, column=5001)
    _, code, caret = render_error(error, [ModelFile("a.yml", text)]).split("\n")
    assert len(code) < 300
    assert code[caret.index("^") :].startswith("HERE")
