"""What a table of a store shows: the rows of all its parts, in the types that cover them all."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path

from cuboid.run.kinds import NOTHING, Kind
from cuboid.types import Column
from cuboid_duckdb.driver import escaped, quoted
from cuboid_duckdb.store_folder import Manifest, Stored
from cuboid_duckdb.store_reader import as_pattern
from cuboid_duckdb.store_writer import sql_type


def views_over(folder: Path, manifest: Manifest) -> dict[str, str]:
    """The SELECT of each table that the manifest shows: its own, and those of its tails."""
    parts = [each for each in manifest.parts.values() if each.part.tail is None]
    found = {manifest.name: _view_over(folder, manifest.columns, parts)}
    for tail in manifest.parts.values():
        if tail.part.tail is not None:
            before = [each for each in parts if _is_before(each, tail)]
            found[tail.part.tail] = _view_over(folder, manifest.columns, [*before, tail])
    return found


def _is_before(stored: Stored, tail: Stored) -> bool:
    bounds, begins = stored.part.bounds, tail.part.bounds
    return bounds is None or begins is None or bounds[1] <= begins[0]


def _view_over(folder: Path, columns: Sequence[Column], parts: Iterable[Stored]) -> str:
    """The SELECT over the files of these parts; files of equal types are read as one."""
    covering = [NOTHING] * len(columns)
    files: list[tuple[tuple[str, ...], str]] = []
    for stored in parts:
        for shard in stored.shards:
            covering = [one | other for one, other in zip(covering, shard.kinds, strict=True)]
            files.append((_types(shard.kinds, columns), str(folder / shard.path)))
    wanted = _types(covering, columns)
    if not files:
        nothing = ", ".join(
            f"NULL::{type} AS {quoted(column.name)}" for type, column in zip(wanted, columns, strict=True)
        )
        return f"SELECT {nothing} WHERE false"
    files.sort()
    selects = []
    for types, group in groupby(files, key=lambda each: each[0]):
        names = ", ".join(f"'{escaped(as_pattern(path))}'" for _, path in group)
        cells = ", ".join(map(_cell, columns, types, wanted))
        selects.append(f"SELECT {cells} FROM read_parquet([{names}])")  # noqa: S608 - quoted
    return " UNION ALL ".join(selects)


def _types(kinds: Sequence[Kind], columns: Sequence[Column]) -> tuple[str, ...]:
    return tuple(sql_type(kind, column.type) for kind, column in zip(kinds, columns, strict=True))


def _cell(column: Column, has: str, wanted: str) -> str:
    name = quoted(column.name)
    # Parquet keeps JSON as text.
    return name if has == wanted and has != "JSON" else f"CAST({name} AS {wanted}) AS {name}"
