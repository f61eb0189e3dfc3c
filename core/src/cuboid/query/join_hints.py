"""``joinHints``: paths along which cubes are joined, where several lead to them."""

from __future__ import annotations

from itertools import pairwise

from cuboid.catalog.model import Catalog
from cuboid.errors import InvalidQuery, closest, did_you_mean
from cuboid.query import checks

MAX_HINTS = 100


def parse_join_hints(value: object) -> tuple[tuple[str, ...], ...]:
    """The paths as written: lists of names of cubes. Raises :class:`InvalidQuery` for another form."""
    hints = checks.array(value, "joinHints")
    if len(hints) > MAX_HINTS:
        checks.refuse("joinHints", f"must contain less than or equal to {MAX_HINTS} items")
    found = []
    for index, hint in enumerate(hints):
        label = f"joinHints[{index}]"
        names = checks.array(hint, label)
        if len(names) > MAX_HINTS:
            checks.refuse(label, f"must contain less than or equal to {MAX_HINTS} items")
        found.append(tuple(checks.text(name, f"{label}[{at}]") for at, name in enumerate(names)))
    return tuple(found)


def check_join_hints(hints: tuple[tuple[str, ...], ...], catalog: Catalog) -> None:
    """Each path is one of cubes that are joined, each by the one before. Raises :class:`InvalidQuery`."""
    for index, hint in enumerate(hints):
        for name in hint:
            cube = catalog.cubes.get(name)
            if cube is None or cube.view is not None:
                near = closest(name, [each for each, known in catalog.cubes.items() if known.view is None])
                raise InvalidQuery(
                    f"There is no cube '{name}' that could be joined",
                    path=f"joinHints[{index}]",
                    hint=did_you_mean(near),
                )
        for source, target in pairwise(hint):
            targets = [join.target for join in catalog.cubes[source].joins]
            if target not in targets:
                joined = ", ".join(f"'{each}'" for each in targets) or "nothing"
                raise InvalidQuery(
                    f"Cube '{source}' declares no join to '{target}'",
                    path=f"joinHints[{index}]",
                    hint=f"'{source}' joins {joined}; a path follows joins in the direction of their declaration.",
                )
