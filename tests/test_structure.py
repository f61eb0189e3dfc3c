"""The shape of the code itself: sizes, names, hooks and pages that must be true. Layers are import-linter's."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

import pytest
from scripts import docs

ROOT = Path(__file__).parent.parent
CORE = ROOT / "core" / "src"
SOURCES = sorted(
    [*CORE.rglob("*.py"), *(ROOT / "client").rglob("*.py"), *(ROOT / "plugins").glob("*/src/**/*.py")]
)
OTHERS = sorted(
    file
    for folder in ("tests", "examples", "benchmarks", "scripts", "plugins")
    for file in (ROOT / folder).rglob("*.py")
    if file not in SOURCES
)

FILE_LINES = 600
FUNCTION_LINES = 60
# Files over 400 lines, with their reason; this list may only shrink.
LONG_FILES: dict[str, str] = {}

ENGINES = ["duckdb", "postgres", "mysql", "mariadb", "clickhouse", "chdb", "sqlite", "snowflake", "bigquery"]
ENGINES += [
    "redshift",
    "databricks",
    "mssql",
    "firebird",
    "teradata",
    "vertica",
    "trino",
    "questdb",
    "cratedb",
    "redis",
    "valkey",
]


def relative(file: Path) -> str:
    return file.relative_to(ROOT).as_posix()


def lines(file: Path) -> int:
    return len(file.read_text(encoding="utf-8").splitlines())


def tree(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))


def test_no_file_is_longer_than_a_head_can_hold() -> None:
    too_long = {relative(file): lines(file) for file in SOURCES + OTHERS if lines(file) > FILE_LINES}
    assert not too_long


def test_the_list_of_long_files_is_true() -> None:
    assert {relative(file) for file in SOURCES if lines(file) > 400} == set(LONG_FILES)


def test_no_function_is_longer_than_a_screen() -> None:
    too_long = {
        f"{relative(file)}:{node.lineno} {node.name}": node.end_lineno - node.lineno + 1
        for file in SOURCES + OTHERS
        for node in ast.walk(tree(file))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno is not None
        and node.end_lineno - node.lineno >= FUNCTION_LINES
    }
    assert not too_long


def test_every_module_says_what_it_is_for() -> None:
    silent = [relative(file) for file in SOURCES if (body := tree(file)).body and not ast.get_docstring(body)]
    assert not silent


def test_core_names_no_engine() -> None:
    # sqlglot's own classes that are called after an engine would be a dialect's business as well.
    pattern = re.compile("|".join(ENGINES), re.IGNORECASE)
    found = [
        f"{relative(file)}:{number}: {line.strip()}"
        for file in CORE.rglob("*.py")
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1)
        if pattern.search(line)
    ]
    assert not found


def test_core_depends_on_no_engine() -> None:
    project = tomllib.loads((ROOT / "core" / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    del project["optional-dependencies"]["engines"]  # servers for the tests
    assert [engine for engine in ENGINES if engine in str(project).lower()] == []


def test_names_say_what_a_thing_is() -> None:
    pattern = re.compile(r"^(Base|Abstract)[A-Z]|(Manager|Helper|Helpers|Util|Utils)$")
    classes = [
        f"{relative(file)}: {node.name}"
        for file in SOURCES
        for node in ast.walk(tree(file))
        if isinstance(node, ast.ClassDef) and pattern.search(node.name)
    ]
    modules = [
        relative(file) for file in SOURCES if file.stem in {"utils", "util", "helpers", "misc", "common"}
    ]
    assert classes + modules == []


def test_exceptions_are_caught_by_name() -> None:
    # `except Exception` stands where foreign code ends: around a plugin's call and where an error is written.
    bare = [
        f"{relative(file)}:{node.lineno}"
        for file in SOURCES
        for node in ast.walk(tree(file))
        if isinstance(node, ast.ExceptHandler) and node.type is None
    ]
    assert not bare


@pytest.mark.parametrize("hook", docs.hooks())
def test_every_hook_has_a_test_of_its_own(hook: str) -> None:
    pattern = re.compile(rf"def test_hook_{hook}\b")
    assert any(pattern.search(file.read_text(encoding="utf-8")) for file in OTHERS)


@pytest.mark.parametrize("hook", docs.hooks())
def test_every_hook_documents_its_parameters(hook: str) -> None:
    specification = docs.hooks()[hook]
    described = set(re.findall(r":param (\w+):", specification.__doc__ or ""))
    assert described == set(specification.__annotations__) - {"return"}


@pytest.mark.parametrize("page", docs.PAGES)
def test_generated_pages_are_current(page: str) -> None:
    """If this fails: make docs."""
    assert (docs.REFERENCE / page).read_text(encoding="utf-8") == docs.PAGES[page]()
