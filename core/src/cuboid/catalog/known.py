"""What stays known between compilations: documents and cubes of files that have not changed.

A cube is built again if its file changed, or a cube that its SQL speaks of. Only what is without a mistake is kept, so
that mistakes are always found anew.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from cuboid.catalog.build import BuiltCube, build_cube
from cuboid.catalog.declare import DeclaredCube
from cuboid.catalog.declared_joins import DeclaredJoin, declared_joins
from cuboid.catalog.definitions import references
from cuboid.catalog.documents import parse_document
from cuboid.catalog.files import ModelFile
from cuboid.catalog.nodes import Node
from cuboid.catalog.pieces import MemberReference
from cuboid.catalog.references import Names

KEPT_FOR = 20
"""Compilations for which a version of a file is kept: so many tenants share what they have in common."""


@dataclass(slots=True)
class _File:
    """A version of a file. ``cubes`` is None if it declares something else than cubes."""

    document: Node | None
    cubes: Sequence[DeclaredCube] | None = None
    used: int = 0


@dataclass(slots=True)
class _Cube:
    """A built cube with its declaration and that of each cube it speaks of; None for a name that was no cube."""

    declared: DeclaredCube
    joins: list[DeclaredJoin]
    targets: frozenset[str]
    built: BuiltCube | None = None
    uses: tuple[tuple[str, DeclaredCube | None], ...] = ()
    refers: frozenset[str] = frozenset()
    used: int = 0


class Known:
    """What is known from earlier compilations. One compilation at a time uses it.

    ``changed`` are the cubes that were built in this one.
    """

    def __init__(self) -> None:
        self._files: dict[tuple[str, str], _File] = {}
        self._cubes: dict[int, _Cube] = {}
        self._round = 0
        self.changed: set[str] = set()

    # ------------------------------------------------------------ files

    def cubes(self, file: ModelFile) -> Sequence[DeclaredCube] | None:
        """The cubes of a file that declares nothing else, if all are without a mistake."""
        known = self._files.get((file.name, file.text)) if _is_plain(file) else None
        if known is None:
            return None
        known.used = self._round
        if known.cubes is None or any(cube.problems.errors or cube.problems.warnings for cube in known.cubes):
            return None
        return known.cubes

    def document(self, file: ModelFile) -> Node | None:
        """The file's document. Raises as :func:`parse_document` does."""
        if not _is_plain(file):
            return parse_document(file)
        known = self._files.get((file.name, file.text))
        if known is None:
            known = self._files[file.name, file.text] = _File(parse_document(file))
        known.used = self._round
        return known.document

    def keep(self, file: ModelFile, cubes: Sequence[DeclaredCube]) -> None:
        """Remember that the file declares these cubes and nothing else."""
        known = self._files.get((file.name, file.text))
        if known is not None and _is_plain(file):
            known.cubes = cubes

    # ------------------------------------------------------------ cubes

    def joins(self, cube: DeclaredCube) -> tuple[list[DeclaredJoin], frozenset[str]]:
        """The cube's joins, and their targets."""
        known = self._cubes.get(id(cube))
        if known is None:
            joins = declared_joins(cube)
            known = _Cube(cube, joins, frozenset(join.target for join in joins))
            self._cubes[id(cube)] = known  # the entry holds the cube, so that no other gets its id
        known.used = self._round
        return known.joins, known.targets

    def build(self, cube: DeclaredCube, index: int, names: Names) -> BuiltCube:
        """The cube built, now or before."""
        known = self._cubes[id(cube)]
        if known.built is not None and all(
            names.cubes.get(name) is used and name not in names.broken for name, used in known.uses
        ):
            if known.built.cube.index == index:
                return known.built
            known.built = replace(known.built, cube=replace(known.built.cube, index=index))
            return known.built
        seen = Seen(names.cubes)
        built = build_cube(cube, index, known.joins, replace(names, cubes=seen))
        self.changed.add(cube.name)
        if not seen.all and not cube.problems.errors and not cube.problems.warnings:
            used = seen.names - {"COMPILE_CONTEXT"}
            if len(used) == len(seen.names) and not used & names.broken:
                known.built = built
                known.uses = tuple((name, names.cubes.get(name)) for name in used)
                known.refers = frozenset(_foreign(built))
        return built

    def affected(self, declared: Mapping[str, DeclaredCube], built: Mapping[str, BuiltCube]) -> set[str]:
        """The changed cubes, and those with members or joins that stand on changed members which stand on others."""
        found = set(self.changed)
        if found >= set(built):
            return found & set(built)
        waiting = list(found)
        while waiting:
            composed = {
                member.full_name
                for name in waiting
                if name in built
                for member in built[name].cube.members()
                if next(references(member), None) is not None
            }
            waiting = [
                name
                for name, cube in declared.items()
                if name not in found
                and (known := self._cubes.get(id(cube))) is not None
                and not known.refers.isdisjoint(composed)
            ]
            found.update(waiting)
        return found & set(built)

    # ------------------------------------------------------------ rounds

    def begin(self) -> None:
        """A compilation begins."""
        self._round += 1
        self.changed = set()

    def end(self) -> None:
        """It has ended: what has not been used for a while is forgotten."""
        oldest = self._round - KEPT_FOR
        for key in [key for key, file in self._files.items() if file.used <= oldest]:
            del self._files[key]
        for identity in [identity for identity, cube in self._cubes.items() if cube.used <= oldest]:
            del self._cubes[identity]


class Seen(Mapping[str, DeclaredCube]):
    """All cubes, noting which names are asked for; ``all`` is set when the names themselves are looked through."""

    __slots__ = ("_cubes", "all", "names")

    def __init__(self, cubes: Mapping[str, DeclaredCube]) -> None:
        self._cubes = cubes
        self.names: set[str] = set()
        self.all = False

    def __getitem__(self, name: str) -> DeclaredCube:
        self.names.add(name)
        return self._cubes[name]

    def __contains__(self, name: object) -> bool:
        self.names.add(name)  # type: ignore[arg-type]
        return name in self._cubes

    def __iter__(self) -> Iterator[str]:
        self.all = True
        return iter(self._cubes)

    def __len__(self) -> int:
        self.all = True
        return len(self._cubes)


def _is_plain(file: ModelFile) -> bool:
    """Whether the text alone says what the file means; a template's lines are from elsewhere."""
    return file.error is None and file.lines is None


def _foreign(built: BuiltCube) -> Iterator[str]:
    """The members that the cube's members and joins refer to."""
    for member in built.cube.members():
        yield from references(member)
    for join in built.cube.joins:
        yield from (each.member for each in join.sql.references if isinstance(each, MemberReference))
