"""The page on the REST API: every test that it names is there, and every route of the server is on it."""

from __future__ import annotations

import re
from pathlib import Path

HERE = Path(__file__).parent
FOLDERS = (HERE, HERE.parent / "clients", HERE.parent / "across")
PAGE = (HERE.parents[1] / "docs" / "reference" / "rest-api.md").read_text(encoding="utf-8")


def text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


def test_every_test_that_the_page_names_exists() -> None:
    named = re.findall(r"`(test_\w+\.py)::(test_\w+)`", PAGE)
    assert len(named) > 30
    missing = [
        f"{file}::{name}"
        for file, name in named
        if not any(f"def {name}(" in text(folder / file) for folder in FOLDERS)
    ]
    assert not missing


def test_every_row_of_the_tables_names_a_test() -> None:
    tables = PAGE.partition("| Route of Cube |")[2].partition("\n## ")[0]
    rows = [line for line in tables.splitlines() if line.startswith("| ") and "Held by" not in line]
    assert len(rows) > 25
    assert not [row for row in rows if "::test_" not in row]
