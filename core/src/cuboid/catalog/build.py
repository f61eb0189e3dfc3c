"""Declared cubes to catalog cubes: source, joins, members."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

from cuboid.catalog import keys
from cuboid.catalog.declare import DeclaredCube
from cuboid.catalog.dimensions import build_dimension
from cuboid.catalog.fields import Fields, check_identifier, read_entries
from cuboid.catalog.measures import build_measure
from cuboid.catalog.model import Cube, Dimension, Join, Measure, Segment
from cuboid.catalog.naming import titleize, underscore
from cuboid.catalog.nodes import Entries, Node, Scalar
from cuboid.catalog.pieces import Template
from cuboid.catalog.problems import Problems
from cuboid.catalog.references import Names
from cuboid.catalog.scope import Scope, Use
from cuboid.catalog.segments import build_segment
from cuboid.catalog.templates import Misread, Slot, split
from cuboid.errors import closest, did_you_mean

_JOIN = Use("a join", foreign_columns=True)


@dataclass(frozen=True, slots=True)
class BuiltCube:
    """A cube as far as it could be built: sound only if its declaration has no errors in the end.

    ``depends`` are the other cubes that its joins and its SQL refer to.
    """

    cube: Cube
    depends: frozenset[str]


@dataclass(frozen=True, slots=True)
class DeclaredJoin:
    """A join before its SQL is read; ``name`` is where its target is written."""

    target: str
    name: Scalar
    fields: Fields


def declared_joins(cube: DeclaredCube) -> list[DeclaredJoin]:
    """The cube's joins by target, from a list or from the older map of targets."""
    section = cube.fields.node("joins")
    if isinstance(section, Entries):
        for key in section.duplicates:
            cube.problems.error(key.place, f"cube '{cube.name}' has two joins to '{key.text}'")
        found = [_from_map(key, node, cube.problems) for key, node in section.entries]
    else:
        found = [_from_list(node, cube.problems) for node in cube.fields.items("joins")]
    joins: dict[str, DeclaredJoin] = {}
    for join in found:
        if join is None:
            continue
        if join.target in joins:
            cube.problems.error(
                join.name.place,
                f"cube '{cube.name}' has two joins to '{join.target}'",
                "For a second role declare a second cube over the same table.",
            )
        else:
            joins[join.target] = join
    return list(joins.values())


def build_cube(cube: DeclaredCube, index: int, joins: list[DeclaredJoin], names: Names) -> BuiltCube:
    """Build all that can be built, and report every mistake to the declaration's problems."""
    fields = cube.fields
    scope = Scope(cube, names)
    title = fields.text("title") or titleize(cube.name)
    visible = fields.flag("public", "shown")
    public = visible is not False
    sql_table, sql = _source(fields)
    alias = fields.scalar("sql_alias")
    alias_name = check_identifier(alias, cube.problems) if alias else None
    measures: dict[str, Measure] = {}
    dimensions: dict[str, Dimension] = {}
    segments: dict[str, Segment] = {}
    for name, member in cube.members.items():
        if member.kind == "measure":
            measure = build_measure(member, scope, title, public)
            if measure is not None:
                measures[name] = measure
        elif member.kind == "dimension":
            dimension = build_dimension(member, scope, title, public)
            if dimension is not None:
                dimensions[name] = dimension
        else:
            segment = build_segment(member, scope, title, public)
            if segment is not None:
                segments[name] = segment
    built_joins = [_build_join(join, scope) for join in joins]
    built = Cube(
        name=cube.name,
        index=index,
        alias=underscore(alias_name or cube.name),
        sql_table=sql_table,
        sql=sql,
        data_source=fields.text("data_source") or "default",
        place=fields.place,
        title=title,
        description=fields.text("description"),
        public=public,
        meta=fields.mapping("meta"),
        joins=tuple(join for join in built_joins if join is not None),
        measures=MappingProxyType(measures),
        dimensions=MappingProxyType(dimensions),
        segments=MappingProxyType(segments),
        calendar=fields.flag("calendar") or False,
        data_source_place=fields.place_of("data_source") if fields.has("data_source") else None,
    )
    return BuiltCube(built, frozenset(scope.depends - {cube.name}))


def _source(fields: Fields) -> tuple[Template | None, Template | None]:
    """``(sql_table, sql)``, one of which is set if the cube is sound."""
    if fields.has("sql") and fields.has("sql_table"):
        fields.problems.error(
            fields.place_of("sql"), "a cube has either 'sql_table' or 'sql', not both", "Remove one of them."
        )
    elif not fields.has("sql") and not fields.has("sql_table"):
        fields.missing("sql_table", "the name of a table; or 'sql': a SELECT")
    return _source_template(fields, "sql_table"), _source_template(fields, "sql")


def _source_template(fields: Fields, key: str) -> Template | None:
    written = fields.scalar(key)
    if written is None:
        return None
    if not written.text.strip():
        fields.problems.error(written.place, f"'{key}' is empty")
        return None
    pieces = split(written.text.strip())
    if isinstance(pieces, Misread):
        fields.problems.error(
            written.locate(pieces.fragment, written.text.find(pieces.fragment)), pieces.message, pieces.hint
        )
        return None
    slot = next((piece for piece in pieces if isinstance(piece, Slot)), None)
    if slot is not None:
        # There is no row yet that {CUBE} or a member could be read from.
        fields.problems.error(
            written.locate(slot.written, written.text.find(slot.written)),
            f"'{slot.written}' in the '{key}' of a cube is not supported by this version",
            r"Only members have references; a literal brace is written \{ or \}.",
        )
        return None
    return Template(tuple(piece for piece in pieces if isinstance(piece, str)), written.place)


# ---------------------------------------------------------------- joins


def _from_map(key: Scalar, node: Node, problems: Problems) -> DeclaredJoin | None:
    fields = read_entries(node, keys.JOIN, problems)
    return DeclaredJoin(key.text, key, fields) if fields else None


def _from_list(node: Node, problems: Problems) -> DeclaredJoin | None:
    fields = read_entries(node, keys.JOIN, problems)
    if fields is None:
        return None
    name = fields.scalar("name")
    if name is None:
        if not fields.has("name"):
            fields.missing("name", "the name of the cube to join")
        return None
    return DeclaredJoin(name.text, name, fields)


def _build_join(join: DeclaredJoin, scope: Scope) -> Join | None:
    cube = scope.cube.name
    relationship = join.fields.choice("relationship", keys.RELATIONSHIPS)
    sql = scope.required_sql(join.fields, _JOIN)
    if join.target == cube:
        scope.problems.error(
            join.name.place,
            f"cube '{cube}' cannot join itself",
            "Declare a second cube over the same table and join that.",
        )
        return None
    if not scope.names.is_cube(join.target):
        scope.problems.error(
            join.name.place,
            f"there is no cube '{join.target}' to join",
            did_you_mean(closest(join.target, [name for name in scope.names.cubes if name != cube])),
        )
        return None
    scope.depends.add(join.target)
    if relationship is None or sql is None:
        return None
    return Join(cube, join.target, relationship, sql, join.fields.place)
