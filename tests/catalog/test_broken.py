"""The gallery of broken models: each is told where its second line says, in words, with what to do."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from scripts.model_errors import broken_models, expected, title

from cuboid.catalog.compile import compile_catalog
from cuboid.catalog.files import ModelFile
from cuboid.catalog.frames import render_error

MODELS = broken_models()


def test_there_are_enough_of_them() -> None:
    assert len(MODELS) >= 40
    assert len({title(file.text) + file.name.partition("_")[0] for file in MODELS}) == len(MODELS)


@pytest.mark.parametrize("file", MODELS, ids=lambda file: file.name)
def test_a_broken_model_says_where_why_and_what_to_do(file: ModelFile) -> None:
    line, column, words = expected(file.text)
    errors = compile_catalog([file]).errors
    told = [error for error in errors if (error.line, error.column) == (line, column)]
    assert [error for error in told if words in error.message], [str(error) for error in errors]
    for error in errors:
        assert error.hint, str(error)
        shown = render_error(error, [file])
        assert f"> {error.line:>{len(str(min(error.line + 2, file.text.count(chr(10)) + 1)))}} |" in shown


def test_all_mistakes_of_a_project_are_told_at_once() -> None:
    """In one project each cube has a name of its own; files whose mistake is about names stay out."""
    together = [
        ModelFile(file.name, re.sub(r"\b(orders|users|sales)\b", rf"\1_{index}", file.text))
        for index, file in enumerate(MODELS)
        if not file.name.startswith(("extends_circle", "cube_alias"))
    ]
    alone = Counter({file.name: len(compile_catalog([file]).errors) for file in together})
    assert Counter(error.file for error in compile_catalog(together).errors) == alone
