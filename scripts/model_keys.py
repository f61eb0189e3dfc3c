"""The page on the keys of a model: for each construct its keys, where they are read and where that is tested."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from cuboid.catalog import keys

CATALOG = Path(keys.__file__).parent
TESTS = Path(__file__).parent.parent / "tests" / "catalog"
DOCUMENTED = "../../tests/catalog/documented"

TESTED_IN: Mapping[str, str] = {
    "FILE": "test_mistakes.py",
    "CUBE": "test_compile.py test_constructs.py test_extends.py test_policies.py test_pre_aggregations.py",
    "JOIN": "test_compile.py test_constructs.py",
    "DIMENSION": "test_compile.py test_constructs.py test_stages.py",
    "MEASURE": "test_compile.py test_stages.py",
    "SEGMENT": "test_compile.py",
    "MEASURE_FILTER": "test_compile.py",
    "CASE": "test_compile.py test_stages.py",
    "CASE_BRANCH": "test_compile.py test_stages.py",
    "CASE_ELSE": "test_compile.py test_stages.py",
    "LABEL": "test_stages.py",
    "SWITCH_CASE": "test_stages.py",
    "SWITCH_BRANCH": "test_stages.py",
    "SWITCH_ELSE": "test_stages.py",
    "LINK_FORMAT": "test_mistakes.py",
    "LINK": "test_constructs.py",
    "LINK_PARAMETER": "test_constructs.py",
    "MASK": "test_stages.py",
    "COORDINATE": "test_stages.py",
    "HIERARCHY": "test_constructs.py",
    "GRANULARITY": "test_timing.py",
    "ROLLING_WINDOW": "test_timing.py",
    "TIME_SHIFT": "test_timing.py",
    "NAMED_SHIFT": "test_timing.py",
    "GRAIN": "test_stages.py",
    "FILTER_DIRECTIVE": "test_stages.py",
    "STATED_FILTER": "test_stages.py",
    "JUNCTION": "test_stages.py",
    "RANK_ORDER": "test_stages.py",
    "SEMI_ADDITIVE": "test_stages.py",
    "CONVERSION": "test_stages.py",
    "CONVERSION_STEP": "test_stages.py",
    "VIEW": "test_views.py test_policies.py",
    "VIEW_CUBE": "test_views.py",
    "VIEW_MEMBER": "test_views.py",
    "DEFAULT_FILTER": "test_views.py",
    "FOLDER": "test_views.py",
    "FOLDER_PATH": "test_views.py",
    "VIEW_GROUP": "test_views.py",
    "ACCESS_POLICY": "test_policies.py",
    "POLICY_CONDITION": "test_policies.py",
    "MEMBER_LEVEL": "test_policies.py",
    "ROW_LEVEL": "test_policies.py",
    "REFRESH_KEY": "test_refresh_keys.py",
    "PRE_AGGREGATION": "test_pre_aggregations.py",
    "ROLLUP_TIME": "test_pre_aggregations.py",
    "BUILD_RANGE": "test_pre_aggregations.py",
    "INDEX": "test_pre_aggregations.py",
    "OUTPUT_COLUMN": "test_pre_aggregations.py",
}
"""For each table of keys.py the tests that hold how its construct is read."""

BUILT_IN: Mapping[str, str] = {
    "CUBE": "build.py",
    "VIEW": "build_views.py",
    "DIMENSION": "dimensions.py",
    "MEASURE": "measures.py",
    "SEGMENT": "segments.py",
}
"""Modules that go on with what another one has read by the table."""

INTRODUCTION = """<!-- Written by scripts/docs.py (make docs); edit the code instead. -->

# Keys of the model

What a model file may have; the meaning is in [the model](model.md). Keys in *italics* Cube accepts and makes nothing
of, and so does Cuboid. Keys ~~struck out~~ are not read by this version: those marked † give an error, the others a
warning. Each construct is also in one of the [documented models]({documented}), beside what `cuboid check` says of it.

| Construct | Keys | Read in `catalog/` | Tested in `tests/catalog/` |
|---|---|---|---|
"""


def tables() -> Mapping[str, keys.KeyTable]:
    """All tables of keys by their names, in the order of keys.py."""
    return {name: value for name, value in vars(keys).items() if isinstance(value, keys.KeyTable)}


def readers(table: str) -> list[str]:
    """The modules of the catalog that read by the table."""
    texts = {file.name: file.read_text(encoding="utf-8") for file in sorted(CATALOG.glob("*.py"))}
    found = [name for name, text in texts.items() if _mentions(text, table)]
    return [*found, *([BUILT_IN[table]] if table in BUILT_IN else [])]


def _mentions(text: str, table: str) -> bool:
    return any(not rest[:1].isidentifier() for rest in text.split(f"keys.{table}")[1:])


def model_keys_page() -> str:
    """docs/reference/model-keys.md."""
    return INTRODUCTION.format(documented=DOCUMENTED) + "".join(_rows())


def _rows() -> Iterator[str]:
    for name, table in tables().items():
        shown = ", ".join(_key(key, handling) for key, handling in table.keys.items())
        read_in = ", ".join(f"`{module}`" for module in readers(name))
        tested_in = ", ".join(f"`{test}`" for test in TESTED_IN[name].split())
        yield f"| {table.noun} | {shown} | {read_in} | {tested_in} |\n"


def _key(key: str, handling: keys.Handling) -> str:
    match handling:
        case "inert":
            return f"*{key}*"
        case "ignored":
            return f"~~{key}~~"
        case "unsupported":
            return f"~~{key}~~†"
    return f"`{key}`"
