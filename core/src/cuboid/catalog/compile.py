"""Model files to a catalog, readable top to bottom.

A mistake never raises: it becomes a ModelError in ``Catalog.errors`` and takes down its cube and the cubes
that depend on it; the rest serves.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

from cuboid.catalog.build import BuiltCube, build_cube, declared_joins
from cuboid.catalog.declare import Declarations, declare
from cuboid.catalog.definitions import check_definitions
from cuboid.catalog.dependents import spread
from cuboid.catalog.files import ModelFile
from cuboid.catalog.model import Catalog
from cuboid.catalog.references import Names
from cuboid.catalog.rules import check_aliases, check_keys
from cuboid.errors import ModelError


def compile_catalog(files: Sequence[ModelFile]) -> Catalog:
    """The catalog of these files; cubes in order of declaration, files in the order given."""
    declarations = declare(files)
    declared = declarations.cubes
    joins = {name: declared_joins(cube) for name, cube in declared.items()}
    targets = {name: frozenset(join.target for join in joins[name]) for name in declared}
    names = Names(declared, frozenset(declarations.broken), targets)
    built = {
        name: build_cube(cube, index, joins[name], names)
        for index, (name, cube) in enumerate(declared.items())
    }
    check_keys(declared, targets)
    check_aliases(declared, built)
    check_definitions(declared, built)
    broken = _broken(declarations, built)
    order = {file.name: index for index, file in enumerate(files)}
    problems = (declarations.problems, *(cube.problems for cube in declared.values()))
    return Catalog(
        cubes=MappingProxyType({name: one.cube for name, one in built.items() if name not in broken}),
        content=_content(files),
        broken=MappingProxyType(broken),
        errors=_sorted((error for each in problems for error in each.errors), order),
        warnings=_sorted((warning for each in problems for warning in each.warnings), order),
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


def _sorted(errors: Iterable[ModelError], order: Mapping[str, int]) -> tuple[ModelError, ...]:
    return tuple(sorted(errors, key=lambda error: (order.get(error.file, 0), error.line, error.column)))
