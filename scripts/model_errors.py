"""The gallery of broken models: each beside what ``cuboid check`` says of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from cuboid.catalog.compile import compile_catalog
from cuboid.catalog.files import ModelFile
from cuboid.catalog.frames import render_error

BROKEN = Path(__file__).parent.parent / "tests" / "catalog" / "broken"

INTRODUCTION = """<!-- Written by scripts/docs.py (make docs); edit the code instead. -->

# Broken models

What `cuboid check` says of mistakes that people make. All errors of a project are told at once, each with its
file, line and column, the lines around it and what to do. A broken cube takes down what depends on it; the rest
serves, and `/readyz`, `/v1/meta?extended` and `cuboid check` say what is off. The models are
[tests](../../tests/catalog/broken).
"""

_HEAD = re.compile(r"# (?P<title>.*)\.\n# error (?P<line>\d+):(?P<column>\d+) (?P<message>.*)\n")


def title(text: str) -> str:
    """What the mistake is, from the first line of its model."""
    found = _HEAD.match(text)
    assert found is not None, f"a broken model begins with its title and its error: {text[:80]}"
    return found["title"]


def expected(text: str) -> tuple[int, int, str]:
    """Line, column and the words that the message has, from the second line of the model."""
    found = _HEAD.match(text)
    assert found is not None
    return int(found["line"]), int(found["column"]), found["message"]


def broken_models() -> list[ModelFile]:
    """All of them, by name."""
    return [ModelFile(path.name, path.read_text(encoding="utf-8")) for path in sorted(BROKEN.glob("*.yml"))]


def model_errors_page() -> str:
    """docs/reference/model-errors.md."""
    return INTRODUCTION + "".join(_entries())


def _entries() -> Iterator[str]:
    for file in broken_models():
        catalog = compile_catalog([file])
        shown = "\n\n".join(render_error(error, [file]) for error in catalog.errors)
        yield f"\n## {title(file.text)}\n\n```text\n{shown}\n```\n"
