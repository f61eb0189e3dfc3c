"""What goes down with a broken cube: every cube that depends on it, directly or through others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import replace
from types import MappingProxyType

from cuboid.catalog.model import Catalog, Cube, Dimension, Measure, Segment
from cuboid.catalog.pieces import Template
from cuboid.errors import ModelError


def spread(
    own: Mapping[str, Sequence[ModelError]], depends: Mapping[str, Set[str]]
) -> dict[str, tuple[ModelError, ...]]:
    """The cubes with errors of their ``own``, and all that depend on them, each with the errors that took it down.

    :param depends: for each cube the others that its joins and its SQL refer to.
    """
    reasons = {name: {id(error): error for error in errors} for name, errors in own.items()}
    dependents: dict[str, list[str]] = {}
    for name, targets in depends.items():
        for target in targets:
            dependents.setdefault(target, []).append(name)
    for root in list(reasons):
        roots = dict(reasons[root])
        seen = {root}
        waiting = [root]
        while waiting:
            for name in dependents.get(waiting.pop(), ()):
                if name not in seen:
                    seen.add(name)
                    waiting.append(name)
                    reasons.setdefault(name, {}).update(roots)
    return {name: tuple(errors.values()) for name, errors in reasons.items()}


def with_errors(catalog: Catalog, found: Mapping[str, Sequence[ModelError]]) -> Catalog:
    """``catalog`` without the cubes in which more errors were ``found``, and without all that depend on them."""
    own = {name: errors for name, errors in found.items() if errors}
    if not own:
        return catalog
    broken = spread(own, {name: _depends(cube) for name, cube in catalog.cubes.items()})
    errors = (*catalog.errors, *(error for each in own.values() for error in each))
    return replace(
        catalog,
        cubes=MappingProxyType({name: cube for name, cube in catalog.cubes.items() if name not in broken}),
        broken=MappingProxyType({**catalog.broken, **broken}),
        errors=tuple(sorted(errors, key=lambda error: (error.file, error.line, error.column))),
    )


def _depends(cube: Cube) -> set[str]:
    targets = {join.target for join in cube.joins}
    if cube.view is not None:
        targets.update(name for path in cube.view.paths for name in path)
    for template in expressions(cube):
        for reference in template.references:
            targets.update(reference.path)
    for measure in cube.measures.values():
        if measure.conversion is not None:
            targets.update(step.measure.partition(".")[0] for step in measure.conversion.steps)
        if measure.multi_stage is not None:
            targets.update(name.partition(".")[0] for name in measure.multi_stage.add_group_by)
    return targets - {cube.name}


def expressions(cube: Cube) -> Iterator[Template]:
    """All SQL of a cube that stands for values: that of its members and joins, not its table."""
    for member in cube.members():
        yield from member.templates
        if isinstance(member, Measure):
            yield from member.drill_filters
        elif isinstance(member, Dimension):
            yield from (each.sql for each in member.granularities.values() if each.sql is not None)
            yield from (each.sql for each in member.time_shifts if each.sql is not None)
        if not isinstance(member, Segment) and isinstance(member.mask, Template):
            yield member.mask
    for join in cube.joins:
        yield join.sql
