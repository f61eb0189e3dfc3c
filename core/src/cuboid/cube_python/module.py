"""The module ``cube`` that these files import: ``TemplateContext``, ``config`` and what belongs to them.

It only remembers what it is told. It is there while the files are imported and gone afterwards, so that a package of
that name stays what it is.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any


class SafeString(str):
    """Text that a template prints as it is; so are all texts here, as YAML needs no HTML escapes."""

    __slots__ = ()


class TemplateContext:
    """What ``globals.py`` registers for templates: decorators for functions and filters, and variables."""

    created: list[TemplateContext]

    def __init__(self) -> None:
        self.variables: dict[str, Any] = {}
        self.filters: dict[str, Callable[..., Any]] = {}
        self.created.append(self)

    def function(self, function: Callable[..., Any] | str) -> Any:
        """``@template.function`` or ``@template.function('name')``."""
        return _named(function, self.add_function)

    def filter(self, function: Callable[..., Any] | str) -> Any:
        """``@template.filter`` or ``@template.filter('name')``."""
        return _named(function, self.add_filter)

    def add_function(self, name: str, function: Callable[..., Any]) -> None:
        self.variables[name] = function

    def add_variable(self, name: str, value: Any) -> None:
        self.variables[name] = value

    def add_filter(self, name: str, function: Callable[..., Any]) -> None:
        self.filters[name] = function


class Configuration:
    """``config``: options are set as attributes, or by ``@config`` over a function of that name."""

    def __init__(self) -> None:
        object.__setattr__(self, "options", {})

    options: dict[str, Any]

    def __call__(self, function: Callable[..., Any] | str) -> Any:
        return _named(function, self.options.__setitem__)

    def __setattr__(self, name: str, value: Any) -> None:
        self.options[name] = value

    def __getattr__(self, name: str) -> Any:
        return self.options.get(name)

    def set_schema_path(self, path: str) -> None:
        self.options["schema_path"] = path


def _named(function: Callable[..., Any] | str, add: Callable[[str, Callable[..., Any]], None]) -> Any:
    """The decorator with or without a name."""
    if callable(function):
        add(function.__name__, function)
        return function

    def decorate(decorated: Callable[..., Any]) -> Callable[..., Any]:
        add(function, decorated)
        return decorated

    return decorate


def file_repository(path: str) -> Path:
    """What Cube's ``repository_factory`` returns for a folder of model files."""
    return Path(path)


def make_module() -> ModuleType:
    """A fresh ``cube``; its ``config`` and ``TemplateContext.created`` hold what is said to it."""
    module = ModuleType("cube")
    context = type("TemplateContext", (TemplateContext,), {"created": []})
    contents: dict[str, Any] = {
        "SafeString": SafeString,
        "TemplateContext": context,
        "Configuration": Configuration,
        "config": Configuration(),
        "settings": None,
        "file_repository": file_repository,
    }
    contents["settings"] = contents["config"]  # its name in Cube's first versions
    for name, value in contents.items():
        setattr(module, name, value)
    return module
