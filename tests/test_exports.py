"""The public names: all there, all listed, and cheap to import."""

import ast
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

import cuboid
from cuboid import errors, types


def test_every_public_name_exists() -> None:
    assert len(set(cuboid.__all__)) == len(cuboid.__all__)
    for name in cuboid.__all__:
        assert getattr(cuboid, name) is not None


def test_public_names_are_those_that_type_checkers_see() -> None:
    """The imports under TYPE_CHECKING are written by hand beside ``__all__``."""
    tree = ast.parse(Path(cuboid.__file__).read_text(encoding="utf-8"))
    (guarded,) = [node for node in tree.body if isinstance(node, ast.If)]
    seen = {alias.name for node in guarded.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert seen | {"__version__"} == set(cuboid.__all__)


def test_every_error_is_public() -> None:
    classes = {
        name for name, each in vars(errors).items() if isinstance(each, type) and issubclass(each, Exception)
    }
    assert len(classes) > 15
    assert classes <= set(cuboid.__all__)


def test_every_value_that_crosses_the_plugin_line_is_public() -> None:
    own = {name for name, each in vars(types).items() if getattr(each, "__module__", "") == types.__name__}
    assert own <= set(cuboid.__all__)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'Opne'"):
        cuboid.Opne  # noqa: B018
    assert set(dir(cuboid)) >= {"open", "Driver"}


def test_the_version_is_the_distributions() -> None:
    assert cuboid.__version__ == metadata.version("cuboid")


def test_importing_cuboid_imports_nothing_heavy() -> None:
    heavy = ("pydantic", "sqlglot", "tornado", "yaml", "pluggy", "click", "rich", "structlog", "asyncio")
    code = f"import cuboid, sys; print([name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
