"""Rollups of type ``rollup_join``: stored rows of one rollup, joined in the store with those of others.

A row of the first one finds at most one row of each other: the declared join leads to one row, and what is stored of
its target is grouped by the keys of the join. So nothing is repeated that a join of the tables would not repeat. A row
that finds none has NULLs, as over the tables; what a cube computes from its columns might be something else there, so
only columns are joined.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from cuboid.catalog.joins import JoinTree
from cuboid.catalog.model import Catalog, Join
from cuboid.catalog.pieces import CubeReference, MemberReference
from cuboid.catalog.rollups import Rollup
from cuboid.plan.layouts import Attached, Layout, Unusable, is_whole
from cuboid.plan.nodes import Key

_EQUATIONS = re.compile(r"[\s(]*\?\s*=\s*\?[\s)]*(AND[\s(]*\?\s*=\s*\?[\s)]*)*", re.IGNORECASE)
_COLUMN = re.compile(r"\s*[^\W\d]\w*\s*")
_NO_COLUMNS = frozenset(
    ("null", "true", "false", "current_date", "current_time", "current_timestamp", "current_user")
)


class _UnjoinedError(Exception):
    """Why a rollup cannot be joined, in words."""


def joined_of(
    rollup: Rollup,
    rollups: Mapping[str, Rollup],
    catalog: Catalog,
    layout_of: Callable[[Rollup], Layout | Unusable],
) -> Layout | Unusable:
    """The layout of the rollups joined, or why there is none."""
    parts: list[Layout] = []
    for name in rollup.rollups:
        part = layout_of(rollups[name])
        if isinstance(part, Unusable):
            return Unusable(rollup.full_name, f"'{name}' cannot be stored: {part.reason}")
        if part.inside is not None:
            return Unusable(
                rollup.full_name,
                f"'{name}' is kept in the database of its source, and rollups are joined in the store: leave 'external:"
                " false' out of it",
            )
        parts.append(part)
    reasons: list[str] = []
    for first in sorted(parts, key=lambda each: each.tree.root != rollup.cube):
        try:
            joined = _join(first, [each for each in parts if each is not first], catalog)
        except _UnjoinedError as error:
            reasons.append(str(error))
        else:
            return replace(joined, rollup=rollup.full_name)
    return Unusable(rollup.full_name, reasons[0])


def across(catalog: Catalog) -> Catalog:
    """The catalog in which questions may go over several data sources, if some rollup joins these."""
    for cube in catalog.cubes.values():
        for rollup in cube.rollups.values():
            roots = [catalog.cubes[name.partition(".")[0]] for name in rollup.rollups]
            if rollup.type == "rollup_join" and len({each.data_source for each in roots}) > 1:
                cubes = {name: replace(each, data_source="") for name, each in catalog.cubes.items()}
                return replace(catalog, cubes=cubes)
    return catalog


def _join(first: Layout, others: Sequence[Layout], catalog: Catalog) -> Layout:
    """``first`` with all others. Raises :class:`_UnjoinedError`."""
    joined = replace(first, first=first.rollup)
    waiting = list(others)
    while waiting:
        found = next(
            ((part, join) for part in waiting if (join := _leading(joined.tree, part, catalog)) is not None),
            None,
        )
        if found is None:
            raise _UnjoinedError(
                f"no join leads from the cubes of '{first.rollup}' to '{waiting[0].tree.root}', where"
                f" '{waiting[0].rollup}' begins"
            )
        part, join = found
        _check(join, part, catalog)
        keys = tuple(key for key in part.keys if key not in joined.keys)
        joined = replace(
            joined,
            tree=JoinTree(joined.tree.root, (*joined.tree.joins, join, *part.tree.joins)),
            keys=(*joined.keys, *keys),
            attached=(*joined.attached, Attached(part.rollup, _equal(join, joined, part, catalog))),
        )
        waiting.remove(part)
    return joined


def _leading(tree: JoinTree, part: Layout, catalog: Catalog) -> Join | None:
    if not set(tree.cubes).isdisjoint(part.tree.cubes):
        return None
    joins = (join for cube in tree.cubes for join in catalog.cubes[cube].joins)
    return next((join for join in joins if join.target == part.tree.root), None)


def _check(join: Join, part: Layout, catalog: Catalog) -> None:
    """A row finds one row of the part, and NULLs where it finds none."""
    if join.relationship == "one_to_many" or part.tree.fans_out(part.tree.root):
        raise _UnjoinedError(f"a row of '{join.source}' finds several of '{part.rollup}'")
    if not is_whole(part, catalog):
        raise _UnjoinedError(f"groups of '{part.rollup}' lie in two of its parts")
    for key in part.keys:
        if not _is_column(key.member, catalog):
            raise _UnjoinedError(
                f"'{key.member}' is computed, and may have another value than NULL where a row of '{join.source}' finds"
                f" none of '{join.target}'"
            )


def _is_column(member: str, catalog: Catalog) -> bool:
    sql = catalog.dimension(member).sql
    if sql is None:
        return False
    parts = sql.parts
    if len(parts) == 2 and isinstance(parts[0], CubeReference) and isinstance(parts[1], str):
        return parts[1].startswith(".") and _COLUMN.fullmatch(parts[1][1:]) is not None
    (only, *more) = parts
    return (
        not more
        and isinstance(only, str)
        and _COLUMN.fullmatch(only) is not None
        and only.strip().lower() not in _NO_COLUMNS
    )


def _equal(join: Join, source: Layout, target: Layout, catalog: Catalog) -> tuple[tuple[str, str], ...]:
    """The stored columns that the join compares, of what is joined already and of the target."""
    where = f"the join of '{join.source}' with '{join.target}'"
    text = "".join(
        part if isinstance(part, str) else "?" if isinstance(part, MemberReference) else "!"
        for part in join.sql.parts
    )
    if _EQUATIONS.fullmatch(text) is None:
        raise _UnjoinedError(f"{where} compares other things than dimensions by =")
    names = [part.member for part in join.sql.parts if isinstance(part, MemberReference)]
    pairs = []
    for one, other in zip(names[::2], names[1::2], strict=True):
        here, there = (one, other) if Key(one) in source.keys else (other, one)
        for name, layout in ((here, source), (there, target)):
            if Key(name) not in layout.keys:
                raise _UnjoinedError(f"'{name}', which {where} compares, is not stored")
        types = [catalog.dimension(name).type for name in (here, there)]
        if types[0] != types[1] or types[0] == "time":
            raise _UnjoinedError(f"{where} compares a {types[0]} with a {types[1]}")
        pairs.append((here, there))
    return tuple(pairs)
