"""Model files to a catalog, readable top to bottom.

A mistake never raises: it becomes a ModelError in ``Catalog.errors`` and takes down its cube and the cubes
that depend on it; the rest serves.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any
from weakref import WeakValueDictionary

from cuboid.catalog.build import BuiltCube
from cuboid.catalog.build_views import build_view
from cuboid.catalog.collection import without_collection
from cuboid.catalog.cube_sources import fill_sources
from cuboid.catalog.declare import Declarations, declare
from cuboid.catalog.definitions import check_definitions
from cuboid.catalog.dependents import spread
from cuboid.catalog.extending import extend
from cuboid.catalog.files import ModelFile
from cuboid.catalog.includes import expand_views
from cuboid.catalog.known import Known
from cuboid.catalog.model import Catalog
from cuboid.catalog.references import Names
from cuboid.catalog.rendering import render_model
from cuboid.catalog.rollup_rules import check_rollups, fill_rollups
from cuboid.catalog.rules import check_aliases, check_keys, check_rows
from cuboid.catalog.settings import ModelSettings
from cuboid.catalog.view_groups import read_view_groups
from cuboid.errors import ModelError


def compile_catalog(files: Sequence[ModelFile], settings: ModelSettings | None = None) -> Catalog:
    """The catalog of these files; cubes in order of declaration, files in the order given."""
    return Compiler().compile(files, settings)


class Compiler:
    """Compiles again and again: what has not changed is not read again, and equal content is one catalog, whoever
    asks. Threads may share it; one compiles at a time.

    :param verify: finds further mistakes in a catalog; it is part of the compilation, so that it is done once.
    """

    def __init__(self, verify: Callable[[Catalog], Catalog] = lambda catalog: catalog) -> None:
        self._verify = verify
        self._known = Known()
        self._catalogs: WeakValueDictionary[str, Catalog] = WeakValueDictionary()
        self._compiling = threading.Lock()
        self._plain: dict[int, tuple[Sequence[ModelFile], bool, str]] = {}

    def compile(self, files: Sequence[ModelFile], settings: ModelSettings | None = None) -> Catalog:
        """The catalog of these files; cubes in order of declaration, files in the order given."""
        settings = settings or ModelSettings()
        rendered, content = self._rendered(files, settings)
        with self._compiling:
            found = self._catalogs.get(content)
            if found is None:
                found = self._verify(_compile(rendered, content, settings, self._known))
                self._catalogs[content] = found
            return found

    def _rendered(
        self, files: Sequence[ModelFile], settings: ModelSettings
    ) -> tuple[Sequence[ModelFile], str]:
        """The files as YAML, and a hash of all that the catalog depends on.

        The very same tuple of files is looked at once if nothing in it depends on for whom it is compiled, so that
        a thousand tenants of one model cost a look-up each.
        """
        known = self._plain.get(id(files))
        if known is not None and known[0] is files and known[1] == settings.unsafe_values:
            return files, known[2]
        rendered = render_model(files, settings)
        content = _content(rendered, settings)
        if isinstance(files, tuple) and rendered is files and not _uses_context(files):
            if len(self._plain) >= KEPT_TUPLES:
                del self._plain[next(iter(self._plain))]
            self._plain[id(files)] = files, settings.unsafe_values, content
        return rendered, content


KEPT_TUPLES = 16
"""Versions of a model whose files are held, so as to know them again."""


@without_collection()
def _compile(files: Sequence[ModelFile], content: str, settings: ModelSettings, known: Known) -> Catalog:
    known.begin()
    declarations = declare(files, known)
    extend(declarations)
    declared = declarations.cubes
    targets = {name: known.joins(cube)[1] for name, cube in declared.items() if cube.view is None}
    expand_views(declarations, targets)
    groups = read_view_groups(declarations)
    names = Names(declared, frozenset(declarations.broken), targets, settings)
    order_of = {name: index for index, name in enumerate(declared)}
    built = {name: known.build(declared[name], order_of[name], names) for name in targets if name in declared}
    cubes = fill_sources({name: one.cube for name, one in built.items()}, declared)
    check_rollups(cubes, declared)
    cubes = {name: fill_rollups(cube, cubes) for name, cube in cubes.items()}
    for name, one in built.items():
        if cubes.get(name, one.cube) is not one.cube:
            built[name] = replace(one, cube=cubes[name])
    for name, view in declared.items():
        if view.view is not None:
            built[name] = build_view(view, order_of[name], names, cubes, groups)
            known.changed.add(name)
    built = {name: built[name] for name in declared}
    changed = known.affected(declared, built)
    check_keys(declared, targets)
    check_rows(declared, built, changed)
    check_aliases(declared, built, changed)
    check_definitions(declared, built, [name for name in built if name in changed])
    broken = _broken(declarations, built)
    order = {file.name: index for index, file in enumerate(files)}
    # Parents first: what a child takes over is told of the one who wrote it.
    cubes_with_problems = sorted(declared.values(), key=lambda cube: cube.extends is not None)
    problems = (declarations.problems, *(cube.problems for cube in cubes_with_problems))
    known.end()
    return Catalog(
        cubes=MappingProxyType({name: one.cube for name, one in built.items() if name not in broken}),
        content=content,
        broken=MappingProxyType(broken),
        errors=_sorted([each.errors for each in problems], order),
        warnings=_sorted([each.warnings for each in problems], order),
        view_groups=groups,
    )


def _broken(declarations: Declarations, built: Mapping[str, BuiltCube]) -> dict[str, tuple[ModelError, ...]]:
    """Cubes with mistakes of their own, and all that depend on them, each with the errors that took it down."""
    own = {name: cube.problems.errors for name, cube in declarations.cubes.items() if cube.problems.errors}
    return spread({**own, **declarations.broken}, {name: one.depends for name, one in built.items()})


def _content(files: Sequence[ModelFile], settings: ModelSettings) -> str:
    """A hash of names and texts, and of the settings that they depend on; lengths keep neighbours apart."""
    digest = hashlib.sha256()
    for text in (str(settings.unsafe_values), repr(sorted(_used_context(files, settings.context)))):
        digest.update(f"{len(text)} {text}".encode("utf-8", "surrogatepass"))
    for file in files:
        for text in (file.name, file.text, str(file.error or "")):
            data = text.encode("utf-8", "surrogatepass")
            digest.update(len(data).to_bytes(8, "big"))
            digest.update(data)
    return digest.hexdigest()


_IN_CONTEXT = re.compile(r"""COMPILE_CONTEXT((?:\s*\.\s*\w+|\[\s*(?:'[^']*'|"[^"]*")\s*\])*)""")
_WORD = re.compile(r"""'([^']*)'|"([^"]*)"|(\w+)""")


def _used_context(files: Sequence[ModelFile], context: Mapping[str, Any]) -> set[tuple[str, str]]:
    """The parts of the context that the files name, with their values: tenants that differ in nothing else share."""
    used: set[tuple[str, str]] = set()
    for file in files:
        if "COMPILE_CONTEXT" not in file.text:
            continue
        for path in _IN_CONTEXT.findall(file.text):
            value: Any = context
            for word in _WORD.findall(path):
                value = value.get("".join(word)) if isinstance(value, Mapping) else None
            used.add((path, json.dumps(value, sort_keys=True, default=repr)))
    return used


def _uses_context(files: Sequence[ModelFile]) -> bool:
    return any("COMPILE_CONTEXT" in file.text for file in files)


def _sorted(groups: Iterable[Sequence[ModelError]], order: Mapping[str, int]) -> tuple[ModelError, ...]:
    """In file order. A place that one group speaks of is not spoken of by the next: a member that is handed down
    has its mistakes in every cube. A line that a template repeats makes its mistake once."""
    found: list[ModelError] = []
    told: set[tuple[str, int, int]] = set()
    for errors in groups:
        found += [error for error in errors if _place(error) not in told]
        told.update(_place(error) for error in errors)
    found = list({(_place(error), error.message): error for error in found}.values())
    return tuple(sorted(found, key=lambda error: (order.get(error.file, 0), error.line, error.column)))


def _place(error: ModelError) -> tuple[str, int, int]:
    return error.file, error.line, error.column
