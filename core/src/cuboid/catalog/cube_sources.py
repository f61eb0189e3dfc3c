"""What a cube's rows come from: ``sql_table`` or ``sql``, which may build on the relations of other cubes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from cuboid.catalog.declare import DeclaredCube
from cuboid.catalog.fields import Fields
from cuboid.catalog.model import Cube
from cuboid.catalog.pieces import CubeSqlReference, Filled, Place, Reference, Template
from cuboid.catalog.references import Unresolved
from cuboid.catalog.scope import Scope
from cuboid.catalog.slots import SlotReader
from cuboid.catalog.templates import Misread, Slot, is_context, split
from cuboid.errors import suggest

_CUBE_SQL = re.compile(r"\s*([A-Za-z_][A-Za-z0-9_]*)\.sql\(\)\s*")

_MAX_DEPTH = 50
"""Cubes whose relations may be nested in each other; the SQL writer recurses on each."""

_MAX_LENGTH = 1_000_000
"""Characters that a relation may have once all it builds on is in it: ``{a.sql()}`` twice in each of thirty cubes
would be 10^9 times the first."""


def read_source(scope: Scope) -> tuple[Template | None, Template | None]:
    """``(sql_table, sql)``, one of which is set if the cube is sound; ``{cube.sql()}`` is still a slot."""
    fields = scope.cube.fields
    if fields.has("sql") and fields.has("sql_table"):
        fields.problems.error(
            fields.place_of("sql"), "a cube has either 'sql' or 'sql_table', not both", "Remove one of them."
        )
    elif not fields.has("sql") and not fields.has("sql_table"):
        fields.missing("sql_table", "the name of a table; or 'sql': a SELECT")
    return read_statement(fields, "sql_table", scope), read_statement(fields, "sql", scope)


def read_statement(fields: Fields, key: str, scope: Scope) -> Template | None:
    """SQL that no row of the cube is read by yet: ``{cube.sql()}`` and what a query fills may stand in it."""
    written = fields.scalar(key)
    if written is None:
        return None
    text = written.text.strip()
    if not text:
        fields.problems.error(
            written.place, f"'{key}' is empty", "Write a table's name after sql_table, a SELECT after sql."
        )
        return None
    pieces = split(text)
    if isinstance(pieces, Misread):
        fields.problems.error(
            written.locate(pieces.fragment, written.text.find(pieces.fragment)), pieces.message, pieces.hint
        )
        return None
    parts: list[str | Reference | Filled] = []
    for piece in pieces:
        if isinstance(piece, str):
            parts.append(piece)
            continue
        place = written.locate(piece.written, written.text.find(piece.written))
        found = _slot(piece, key, scope, place)
        if isinstance(found, Unresolved):
            fields.problems.error(place, found.message, found.hint)
            return None
        parts.append(found)
    return Template(tuple(parts), written.place)


def _slot(slot: Slot, key: str, scope: Scope, place: Place) -> str | Filled | Unresolved:
    no_row = Unresolved(
        f"'{slot.written}' has no meaning here: there is no row yet that it could be read from",
        r"The relation of another cube is {cube.sql()}; a literal brace is written \{ or \}.",
    )
    if is_context(slot.expression):
        reader = SlotReader(scope.cube.name, scope.names, place, lambda expression: no_row)
        found = reader.read(slot.expression)
        if key == "sql_table" and not isinstance(found, str | Unresolved):
            return Unresolved(
                "a table's name cannot come from a query",
                "Use 'sql' with a SELECT, and put it into the WHERE.",
            )
        return found
    match = _CUBE_SQL.fullmatch(slot.expression)
    if match is None:
        return no_row
    name = scope.cube.name if match.group(1) in ("CUBE", "TABLE") else match.group(1)
    if not scope.names.is_cube(name) or scope.names.view_in((name,)):
        cubes = [cube.name for cube in scope.names.cubes.values() if cube.view is None]
        return Unresolved(f"there is no cube '{name}'", suggest(name, cubes, none="There is no other cube."))
    scope.depends.add(name)
    return CubeSqlReference(name)


def fill_sources(cubes: Mapping[str, Cube], declared: Mapping[str, DeclaredCube]) -> dict[str, Cube]:
    """The cubes with the relations of others in place of ``{cube.sql()}``; circles are reported."""
    filled = {name: cube for name, cube in cubes.items() if not _builds_on_others(cube)}
    for name in cubes:
        _fill(name, cubes, declared, filled, [])
    return filled


def _builds_on_others(cube: Cube) -> bool:
    parts = (*(cube.sql.parts if cube.sql else ()), *(cube.sql_table.parts if cube.sql_table else ()))
    return any(isinstance(part, CubeSqlReference) for part in parts)


def fill_statement(template: Template, filled: Mapping[str, Cube]) -> Template:
    """The template with the relations of cubes that are complete in place of ``{cube.sql()}``."""
    parts: list[str | Reference | Filled] = []
    for part in template.parts:
        if isinstance(part, CubeSqlReference):
            parts += _relation(filled[part.cube]) if part.cube in filled else ["(SELECT 1)"]
        else:
            parts.append(part)
    return replace(template, parts=tuple(parts))


def _fill(
    name: str,
    cubes: Mapping[str, Cube],
    declared: Mapping[str, DeclaredCube],
    filled: dict[str, Cube],
    above: list[str],
) -> Cube | None:
    """The cube with its relation complete; None if that is impossible (reported)."""
    if name in filled or name not in cubes:
        return filled.get(name)
    cube = cubes[name]
    if name in above:
        circle = " -> ".join([*above[above.index(name) :], name])
        place = cube.sql.place if cube.sql else cube.place
        declared[name].problems.error(
            place,
            f"the relation of '{name}' is made of itself: {circle}",
            "Take one {cube.sql()} out of the circle.",
        )
        return None
    if len(above) > _MAX_DEPTH:
        declared[name].problems.error(
            cube.place,
            f"'{name}' builds on more than {_MAX_DEPTH} cubes, one on the other",
            "Write the SELECT of one of them as SQL.",
        )
        return None
    sources: dict[str, Template | None] = {}
    for key, template in (("sql", cube.sql), ("sql_table", cube.sql_table)):
        parts: list[str | Reference | Filled] = []
        for part in template.parts if template else ():
            if not isinstance(part, CubeSqlReference):
                parts.append(part)
                continue
            other = _fill(part.cube, cubes, declared, filled, [*above, name])
            parts += _relation(other) if other else ["(SELECT 1)"]
        if sum(len(part) for part in parts if isinstance(part, str)) > _MAX_LENGTH:
            declared[name].problems.error(
                cube.place,
                f"the relation of '{name}' is longer than SQL can be",
                "Make a table or a database view of it.",
            )
            parts = []
        sources[key] = replace(template, parts=tuple(parts)) if template else None
    filled[name] = replace(cube, sql=sources["sql"], sql_table=sources["sql_table"])
    return filled[name]


def _relation(cube: Cube) -> list[str | Reference | Filled]:
    """What stands in FROM: the table, or the SELECT in parentheses; line breaks, as it may end with a comment."""
    if cube.sql is not None:
        return ["(\n", *cube.sql.parts, "\n)"]
    return list(cube.sql_table.parts) if cube.sql_table else []
