"""Model files to a catalog, readable top to bottom.

A mistake never raises: it becomes a ModelError in ``Catalog.errors`` and takes down its cube and the cubes
that depend on it; the rest serves.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from cuboid.catalog.build import BuiltCube, build_cube
from cuboid.catalog.build_views import build_view
from cuboid.catalog.collection import without_collection
from cuboid.catalog.cube_sources import fill_sources
from cuboid.catalog.declare import Declarations, declare
from cuboid.catalog.declared_joins import declared_joins
from cuboid.catalog.definitions import check_definitions
from cuboid.catalog.dependents import spread
from cuboid.catalog.extending import extend
from cuboid.catalog.files import ModelFile
from cuboid.catalog.includes import expand_views
from cuboid.catalog.model import Catalog
from cuboid.catalog.references import Names
from cuboid.catalog.rendering import render_model
from cuboid.catalog.rollup_rules import check_rollups, fill_rollups
from cuboid.catalog.rules import check_aliases, check_keys, check_rows
from cuboid.catalog.settings import ModelSettings
from cuboid.catalog.view_groups import read_view_groups
from cuboid.errors import ModelError


@without_collection()
def compile_catalog(files: Sequence[ModelFile], settings: ModelSettings | None = None) -> Catalog:
    """The catalog of these files; cubes in order of declaration, files in the order given."""
    settings = settings or ModelSettings()
    files = render_model(files, settings)
    declarations = declare(files)
    extend(declarations)
    declared = declarations.cubes
    joins = {name: declared_joins(cube) for name, cube in declared.items() if cube.view is None}
    targets = {name: frozenset(join.target for join in found) for name, found in joins.items()}
    expand_views(declarations, targets)
    groups = read_view_groups(declarations)
    names = Names(declared, frozenset(declarations.broken), targets, settings)
    order_of = {name: index for index, name in enumerate(declared)}
    built = {name: build_cube(declared[name], order_of[name], found, names) for name, found in joins.items()}
    cubes = fill_sources({name: one.cube for name, one in built.items()}, declared)
    check_rollups(cubes, declared)
    cubes = {name: fill_rollups(cube, cubes) for name, cube in cubes.items()}
    built = {name: replace(one, cube=cubes.get(name, one.cube)) for name, one in built.items()}
    for name, view in declared.items():
        if view.view is not None:
            built[name] = build_view(view, order_of[name], names, cubes, groups)
    built = {name: built[name] for name in declared}
    check_keys(declared, targets)
    check_rows(declared, built)
    check_aliases(declared, built)
    check_definitions(declared, built)
    broken = _broken(declarations, built)
    order = {file.name: index for index, file in enumerate(files)}
    # Parents first: what a child takes over is told of the one who wrote it.
    cubes_with_problems = sorted(declared.values(), key=lambda cube: cube.extends is not None)
    problems = (declarations.problems, *(cube.problems for cube in cubes_with_problems))
    return Catalog(
        cubes=MappingProxyType({name: one.cube for name, one in built.items() if name not in broken}),
        content=_content(files),
        broken=MappingProxyType(broken),
        errors=_sorted([each.errors for each in problems], order),
        warnings=_sorted([each.warnings for each in problems], order),
        view_groups=groups,
    )


def _broken(declarations: Declarations, built: Mapping[str, BuiltCube]) -> dict[str, tuple[ModelError, ...]]:
    """Cubes with mistakes of their own, and all that depend on them, each with the errors that took it down."""
    own = {name: cube.problems.errors for name, cube in declarations.cubes.items() if cube.problems.errors}
    return spread({**own, **declarations.broken}, {name: one.depends for name, one in built.items()})


def _content(files: Sequence[ModelFile]) -> str:
    """A hash of names and texts; lengths keep neighbours apart."""
    digest = hashlib.sha256()
    for file in files:
        for text in (file.name, file.text):
            data = text.encode("utf-8", "surrogatepass")
            digest.update(len(data).to_bytes(8, "big"))
            digest.update(data)
    return digest.hexdigest()


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
