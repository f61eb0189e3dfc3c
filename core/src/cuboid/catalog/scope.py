"""One cube while it is built: turns SQL texts into templates, and remembers what the cube depends on."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from cuboid.catalog.declare import DeclaredCube
from cuboid.catalog.fields import IDENTIFIER, Fields
from cuboid.catalog.nodes import Scalar
from cuboid.catalog.pieces import CubeReference, Filled, MemberReference, Reference, Template
from cuboid.catalog.problems import Problems
from cuboid.catalog.references import Names, Unresolved, resolve
from cuboid.catalog.slots import SlotReader
from cuboid.catalog.templates import Misread, Slot, is_context, split

_NOT_COLUMNS = frozenset(
    {
        "null",
        "true",
        "false",
        "current_date",
        "current_time",
        "current_timestamp",
        "localtime",
        "localtimestamp",
    }
)
"""Bare words that SQL reads as values; every other bare word is a column of the cube."""


@dataclass(frozen=True, slots=True)
class Use:
    """What a piece of SQL is for, and hence what it may refer to.

    :param noun: for messages, e.g. ``a dimension``.
    :param measures: may refer to measures.
    :param measures_hint: what to do where it may not.
    :param foreign_columns: may refer to another cube's alias, as ``{other}.column``.
    """

    noun: str
    measures: bool = False
    foreign_columns: bool = False
    measures_hint: str = "Rows have no aggregates: put the calculation into a measure of type number."


@dataclass(slots=True)
class Scope:
    """The cube being built. ``depends`` gathers the other cubes that its SQL refers to."""

    cube: DeclaredCube
    names: Names
    depends: set[str] = field(default_factory=set)

    @property
    def problems(self) -> Problems:
        return self.cube.problems

    def required_sql(self, fields: Fields, use: Use) -> Template | None:
        """The template under ``sql``; None and an error if there is none."""
        written = fields.scalar("sql")
        if written is None:
            if not fields.has("sql"):
                fields.missing("sql", "an SQL expression")
            return None
        return self.template(written, use)

    def template(self, written: Scalar, use: Use) -> Template | None:
        """The SQL as a template with resolved references; None if it has mistakes, all of them reported."""
        bare = written.text.strip()
        if not bare:
            self.problems.error(
                written.place, "this SQL is empty", "Write an expression, e.g. a column's name."
            )
            return None
        if IDENTIFIER.fullmatch(bare) and bare.lower() not in _NOT_COLUMNS:
            if self.cube.view is not None:
                wrong = self._no_columns(f"{{{bare}}}")
                self.problems.error(written.place, wrong.message, wrong.hint)
                return None
            return Template((CubeReference(self.cube.name, (self.cube.name,)), f".{bare}"), written.place)
        pieces = split(written.text)
        if isinstance(pieces, Misread):
            place = written.locate(pieces.fragment, pieces.offset)
            self.problems.error(place, pieces.message, pieces.hint)
            return None
        parts = [piece if isinstance(piece, str) else self._filled(piece, written, use) for piece in pieces]
        resolved = tuple(part for part in parts if part is not None)
        return Template(resolved, written.place) if len(resolved) == len(parts) else None

    def _filled(self, slot: Slot, written: Scalar, use: Use) -> Reference | Filled | str | None:
        """What the slot stands for; None if it is wrong, which has been reported."""
        place = written.locate(slot.written, slot.offset)

        def reference(expression: str) -> Reference | Unresolved:
            found = resolve(expression, self.cube.name, self.names)
            if isinstance(found, Unresolved):
                return found
            self.depends.update(found.path)
            return self._not_allowed(found, expression, use) or self._located(found)

        reader = SlotReader(self.cube.name, self.names, place, reference)
        found = (reader.read if is_context(slot.expression) else reference)(slot.expression)
        if isinstance(found, Unresolved):
            self.problems.error(place, found.message, found.hint)
            return None
        return found

    def _located(self, found: Reference) -> Reference:
        """In a view: a member that it includes is the cube's, by the view's path; so is another member of a cube that
        the view reaches by one path."""
        view = self.cube.view
        if view is None or not isinstance(found, MemberReference) or len(found.path) > 1:
            return found
        if found.path == (self.cube.name,):
            member = self.cube.members.get(found.member.partition(".")[2])  # else it is believed to be there
            included = member.included if member else None
            return replace(found, member=included.origin, path=included.path) if included else found
        paths = [path for path in view.paths if path[-1] == found.path[0]]
        return replace(found, path=paths[0]) if len(paths) == 1 else found

    def _no_columns(self, instead: str) -> Unresolved:
        return Unresolved(
            f"view '{self.cube.name}' has no columns of its own",
            f"Refer to members: {instead}, or {{cube.member}}.",
        )

    def _not_allowed(self, found: Reference, expression: str, use: Use) -> Unresolved | None:
        """Why the reference cannot stand in such a piece of SQL."""
        foreign = self.names.view_in(found.path)
        if foreign is not None and foreign != self.cube.name:
            return Unresolved(
                f"'{foreign}' is a view; SQL refers to cubes and their members", "Name the cube's member."
            )
        if isinstance(found, CubeReference) and self.cube.view is not None:
            return self._no_columns("{member}")
        if isinstance(found, CubeReference):
            if found.cube != self.cube.name and not use.foreign_columns:
                return Unresolved(
                    f"{use.noun} of cube '{self.cube.name}' cannot use columns of cube '{found.cube}'",
                    f"Make the column a dimension of '{found.cube}' and refer to that:"
                    f" {{{'.'.join((*found.path, 'dimension'))}}}.",
                )
        elif self.names.switch_values(found.member) is not None and not use.measures:
            return Unresolved(
                f"'{found.member}' is a switch, which is on no row; {use.noun} cannot read it",
                "Measures choose by it: case: {switch: ..., when: [{value, sql}]}.",
            )
        elif self.names.is_measure(found.member) and not use.measures:
            return Unresolved(
                f"'{expression}' is a measure; {use.noun} can only use dimensions", use.measures_hint
            )
        return None
