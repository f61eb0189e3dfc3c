"""Model files to declarations: which cubes and members there are, before any SQL is looked at.

References can only be resolved when every name is known, so compilation reads the files twice: here for
names, kinds and types, and in :mod:`cuboid.catalog.build` for what they mean.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from cuboid.catalog import keys
from cuboid.catalog.fields import Fields, read_entries
from cuboid.catalog.files import ModelFile
from cuboid.catalog.model import MeasureType
from cuboid.catalog.naming import link_name, underscore
from cuboid.catalog.nodes import Entries, Items, Node, Scalar
from cuboid.catalog.pieces import Place
from cuboid.catalog.problems import Problems, model_error
from cuboid.catalog.templates import CONTEXT_WORDS
from cuboid.errors import ModelError
from cuboid.types import SemanticType

Kind = Literal["measure", "dimension", "segment"]

RESERVED = CONTEXT_WORDS | {"CUBE", "TABLE"}
"""Words that mean something inside a reference, so that no cube and no member may be called so."""

_SECTIONS: tuple[tuple[str, Kind, keys.KeyTable], ...] = (
    ("measures", "measure", keys.MEASURE),
    ("dimensions", "dimension", keys.DIMENSION),
    ("segments", "segment", keys.SEGMENT),
)


@dataclass(frozen=True, slots=True)
class DeclaredMember:
    """A member by name; one of the types is set for a measure or dimension whose type is known.

    :param declared_type: a type that ``dimension_type`` does not tell.
    :param running_total: the measure has that old type: a sum with an unbounded window.
    :param granularities: names of custom ones, as far as they can be read.
    :param shifts: names of a calendar's time shifts, likewise.
    :param link_of: the dimension for one of whose links it is made.
    """

    name: str
    kind: Kind
    fields: Fields
    measure_type: MeasureType | None = None
    dimension_type: SemanticType | None = None
    declared_type: Literal["geo", "switch"] | None = None
    running_total: bool = False
    granularities: tuple[str, ...] = ()
    shifts: tuple[str, ...] = ()
    included: Included | None = None
    link_of: str | None = None


@dataclass(frozen=True, slots=True)
class Included:
    """Where a member of a view comes from.

    :param origin: the full name of the cube's member.
    :param overrides: what the view says of it instead.
    """

    path: tuple[str, ...]
    origin: str
    place: Place
    overrides: Fields | None = None


@dataclass(frozen=True, slots=True)
class DeclaredView:
    """What a view includes; filled when all cubes are known.

    :param hierarchies: the name in the view, the cube and the name there.
    """

    paths: list[tuple[str, ...]] = field(default_factory=list)
    hierarchies: dict[str, tuple[str, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DeclaredCube:
    """A cube or view by name, with all its members in order of declaration, and everything wrong with it.

    :param extends: the cube or view whose declaration this one continues; its entries and members are among these.
    :param unread: where members stand that cannot be read: who speaks of them is not told that they are missing.
    """

    name: str
    fields: Fields
    problems: Problems
    members: dict[str, DeclaredMember] = field(default_factory=dict)
    view: DeclaredView | None = None
    extends: str | None = None
    unread: list[Place] = field(default_factory=list)

    @property
    def noun(self) -> str:
        return "cube" if self.view is None else "view"


@dataclass(frozen=True, slots=True)
class Declarations:
    """All names of a model.

    ``broken`` has the names that exist but have no declaration to read: cubes and views declared twice, those in
    files that do not parse, and those that extend or include one of them. ``problems`` are those that belong to no
    cube. ``view_groups`` are in file order.
    """

    cubes: dict[str, DeclaredCube]
    broken: dict[str, list[ModelError]]
    problems: Problems
    view_groups: list[Fields] = field(default_factory=list)

    def drop(self, name: str, reasons: Sequence[ModelError]) -> None:
        """Give a cube up whose declaration cannot be completed; its own mistakes are kept."""
        cube = self.cubes.pop(name)
        self.problems.errors.extend(cube.problems.errors)
        self.broken.setdefault(name, []).extend([*cube.problems.errors, *reasons])


class KnownFiles(Protocol):
    """What is known of files from before."""

    def cubes(self, file: ModelFile) -> Sequence[DeclaredCube] | None:
        """What the file declares, if that is known to be cubes without a mistake."""

    def document(self, file: ModelFile) -> Node | None:
        """The file's document. Raises as :func:`parse_document` does."""

    def keep(self, file: ModelFile, cubes: Sequence[DeclaredCube]) -> None:
        """Remember that the file declares these cubes and nothing else."""


def declare(files: Sequence[ModelFile], known: KnownFiles) -> Declarations:
    """Read all files; a file that does not parse is a problem, not an exception."""
    declarations = Declarations({}, {}, Problems())
    for file in files:
        cubes = known.cubes(file)
        if cubes is not None:
            for cube in cubes:
                _add_cube(cube, declarations)
            continue
        try:
            if file.error is not None:
                raise file.error
            document = known.document(file)
        except ModelError as error:
            declarations.problems.errors.append(error)
            for name in _names_in_text(file.text):
                declarations.broken.setdefault(name, []).append(error)
            continue
        if document is None:
            continue
        fields = read_entries(document, keys.FILE, declarations.problems)
        if fields is not None:
            cubes = _declare_file(fields, declarations)
            if not fields.has("views") and not fields.has("view_groups"):
                known.keep(file, cubes)
    for name in declarations.broken:
        # A cube that also stands in a broken file or is declared twice has no one meaning.
        declarations.cubes.pop(name, None)
    return declarations


def _declare_file(fields: Fields, declarations: Declarations) -> list[DeclaredCube]:
    cubes = []
    for section, table, view in (("cubes", keys.CUBE, False), ("views", keys.VIEW, True)):
        for node in fields.items(section):
            problems = Problems()
            cube_fields = read_entries(node, table, problems)
            name = cube_fields.identifier("name") if cube_fields else None
            if cube_fields is None or name is None or _is_reserved(name, cube_fields):
                declarations.problems.errors.extend(problems.errors)
                continue
            cube = DeclaredCube(name, cube_fields, problems, view=DeclaredView() if view else None)
            _declare_members(cube)
            _add_cube(cube, declarations)
            cubes.append(cube)
    for node in fields.items("view_groups"):
        group = read_entries(node, keys.VIEW_GROUP, declarations.problems)
        if group is not None:
            declarations.view_groups.append(group)
    return cubes


def _add_cube(cube: DeclaredCube, declarations: Declarations) -> None:
    name = cube.name
    if name not in declarations.cubes and name not in declarations.broken:
        declarations.cubes[name] = cube
        return
    declarations.problems.errors.extend(cube.problems.errors)
    _report_second(name, cube.fields.place_of("name"), declarations)


def _report_second(name: str, place: Place, declarations: Declarations) -> None:
    """The name is taken: neither of its meanings counts."""
    first = declarations.cubes.get(name)
    where = f"; the first is at {first.fields.place.file}:{first.fields.place.line}" if first else ""
    error = model_error(
        place, f"there are two cubes or views named '{name}'{where}", "Rename or remove one of them."
    )
    if first is not None and name not in declarations.broken:
        declarations.problems.errors.extend(first.problems.errors)
    declarations.problems.errors.append(error)
    declarations.broken.setdefault(name, []).append(error)


def _declare_members(cube: DeclaredCube) -> None:
    for section, kind, table in _SECTIONS:
        written = cube.fields.node(section)
        if written is not None and not isinstance(written, Items):
            cube.unread.append(written.place)
        for node in cube.fields.items(section):
            fields = read_entries(node, table, cube.problems)
            name = fields.identifier("name") if fields else None
            if fields is None or name is None or _is_reserved(name, fields):
                cube.unread.append(node.place)
                continue
            member = _declared_member(name, kind, fields)
            first = cube.members.setdefault(name, member)
            if first is member:
                _declare_links(member, cube)
            else:
                cube.problems.error(
                    fields.place_of("name"),
                    f"{cube.noun} '{cube.name}' has two members named '{name}';"
                    f" the first is the {first.kind} at line {first.fields.place.line}",
                    f"Measures, dimensions and segments of a {cube.noun} share one set of names.",
                )


def _declare_links(dimension: DeclaredMember, cube: DeclaredCube) -> None:
    """The dimensions that the links of a dimension make, as far as they can be read; what is wrong with them is
    reported with the dimension."""
    section = dimension.fields.node("links")
    for node in section.items if isinstance(section, Items) else ():
        entries = {key.text: value for key, value in node.entries} if isinstance(node, Entries) else {}
        name = entries.get("name")
        if isinstance(node, Entries) and isinstance(name, Scalar):
            member = DeclaredMember(
                link_name(dimension.name, name.text),
                "dimension",
                Fields(node, keys.LINK, Problems()),
                dimension_type="string",
                link_of=dimension.name,
            )
            cube.members.setdefault(member.name, member)


def _declared_member(name: str, kind: Kind, fields: Fields) -> DeclaredMember:
    if kind == "segment":
        return DeclaredMember(name, kind, fields)
    written = fields.node("type")
    type = underscore(written.text) if isinstance(written, Scalar) else None
    if kind == "measure":
        return DeclaredMember(
            name,
            kind,
            fields,
            measure_type=fields.choice("type", keys.MEASURE_TYPES),
            running_total=type == "running_total",
        )
    return DeclaredMember(
        name,
        kind,
        fields,
        dimension_type=fields.choice("type", keys.DIMENSION_TYPES),
        declared_type="geo" if type == "geo" else "switch" if type == "switch" else None,
        granularities=_names_in(fields.node("granularities")),
        shifts=_names_in(fields.node("time_shift")),
    )


def _names_in(node: Node | None) -> tuple[str, ...]:
    """The names of the items of a list, without complaint about those that have none."""
    entries = [item for item in node.items if isinstance(item, Entries)] if isinstance(node, Items) else []
    pairs = (pair for item in entries for pair in item.entries)
    return tuple(value.text for key, value in pairs if key.text == "name" and isinstance(value, Scalar))


def _is_reserved(name: str, fields: Fields) -> bool:
    if name not in RESERVED:
        return False
    fields.problems.error(
        fields.place_of("name"),
        f"'{name}' is a word of the reference language, not a name",
        "Choose another name.",
    )
    return True


_CALL = re.compile(r"^\s*(?:cube|view)\(\s*[`'\"]([A-Za-z_][A-Za-z0-9_]*)[`'\"]", re.MULTILINE)
_NAME_LINE = re.compile(r"^( *)- +(?:\{ *)?name: *[\"']?([A-Za-z_][A-Za-z0-9_]*)", re.MULTILINE)


def _names_in_text(text: str) -> list[str]:
    """The cubes of a file that does not parse, as far as its layout tells: the outermost ``- name:`` lines, and in
    JavaScript the calls.

    A guess, but it turns "cube not found" into the reason why it is gone.
    """
    found = [(len(match.group(1)), match.group(2)) for match in _NAME_LINE.finditer(text)]
    outermost = min((indent for indent, _ in found), default=0)
    return [name for indent, name in found if indent == outermost] + _CALL.findall(text)
