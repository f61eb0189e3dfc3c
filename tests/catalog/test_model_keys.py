"""The table of constructs is true: each is read where the page says and tested where it says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from scripts import model_keys

from cuboid.catalog.naming import underscore

DOCUMENTED = " ".join(file.read_text() for file in (Path(__file__).parent / "documented").glob("*.yml"))


@pytest.mark.parametrize("table", model_keys.tables())
def test_each_construct_is_read_somewhere_and_tested_somewhere(table: str) -> None:
    assert model_keys.readers(table), f"no module of the catalog reads keys.{table}"
    assert table in model_keys.TESTED_IN, (
        f"add {table} to TESTED_IN of scripts/model_keys.py, then: make docs"
    )
    tests = " ".join((model_keys.TESTS / name).read_text() for name in model_keys.TESTED_IN[table].split())
    words = {underscore(word) for word in re.findall(r"\w+", f"{tests} {DOCUMENTED}")}
    read = {key for key, handling in model_keys.tables()[table].keys.items() if handling == "read"}
    assert read <= words, f"no test has {sorted(read - words)}"


def test_the_page_on_the_model_tells_of_every_key_that_is_read() -> None:
    page = (Path(model_keys.__file__).parents[1] / "docs" / "reference" / "model.md").read_text()
    told = set(re.findall(r"\w+", page))
    read = {
        key
        for table in model_keys.tables().values()
        for key, handling in table.keys.items()
        if handling == "read"
    }
    # Keys of mistakes, which only their messages speak of.
    assert read - told <= {"drill_member_references", "dimension"}
