"""Shared parts: compile a text, and claim that a mistake is reported where a mark stands."""

from __future__ import annotations

import textwrap
from collections.abc import Callable

import pytest

from cuboid.catalog.compile import compile_catalog
from cuboid.catalog.files import ModelFile
from cuboid.catalog.model import Catalog

MARK = "¦"

Compile = Callable[..., Catalog]
AssertError = Callable[..., Catalog]


@pytest.fixture
def compile_text() -> Compile:
    """Compiles one text, or several as files ``a.yml``, ``b.yml``, ..."""

    def compiled(*texts: str) -> Catalog:
        files = [
            ModelFile(f"{chr(ord('a') + index)}.yml", textwrap.dedent(text))
            for index, text in enumerate(texts)
        ]
        return compile_catalog(files)

    return compiled


@pytest.fixture
def assert_error() -> AssertError:
    """Compiles a text in which one ``¦`` stands before the mistake; there must be just that error, there."""

    def asserted(marked: str, message: str, hint: str | None = None) -> Catalog:
        marked = textwrap.dedent(marked)
        before, mark, after = marked.partition(MARK)
        assert mark, "the model has no mark"
        catalog = compile_catalog([ModelFile("a.yml", before + after)])
        expected = ("a.yml", before.count("\n") + 1, len(before.rpartition("\n")[2]) + 1)
        found = [(error.message, error.file, error.line, error.column) for error in catalog.errors]
        assert len(found) == 1, found
        assert found[0][1:] == expected, found
        assert message in found[0][0]
        assert catalog.errors[0].hint, "every mistake is told with a repair"
        if hint is not None:
            assert hint in (catalog.errors[0].hint or "")
        return catalog

    return asserted
