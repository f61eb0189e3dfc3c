"""Members as SQL in the scope of one FROM clause."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sqlglot import exp

from cuboid.catalog.model import Case, Catalog, Dimension, Measure
from cuboid.catalog.pieces import CubeReference, MemberReference, Template
from cuboid.catalog.timing import Granularity
from cuboid.errors import InternalError, UnsupportedFeature
from cuboid.plan.nodes import Key
from cuboid.sql.dialect import Dialect
from cuboid.sql.templates import Templates, enclosed
from cuboid.sql.time import civil_time

MeasureSql = Callable[[Measure], exp.Expr]


PRESENT = "cuboid__present"
"""A column of ones that a joined relation carries where its own columns cannot tell whether a row is there."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Which cube has which alias in a FROM clause; ``root`` is the cube whose rows are never absent, ``marked``
    are those whose relation carries :data:`PRESENT`."""

    root: str
    aliases: Mapping[str, str]
    marked: frozenset[str] = frozenset()

    def identifier(self, cube: str) -> exp.Identifier:
        """The cube's alias, quoted."""
        return exp.to_identifier(self.aliases[cube], quoted=True)


class MemberSql:
    """Lowers members of one catalog for one dialect and one zone."""

    def __init__(self, catalog: Catalog, dialect: Dialect, templates: Templates, zone: str) -> None:
        self._catalog = catalog
        self._dialect = dialect
        self._templates = templates
        self._zone = zone

    def value(self, name: str, scope: Scope) -> exp.Expr:
        """The raw value of a dimension, or a segment's condition, on a row of the scope."""
        member = self._catalog.member(name)
        if isinstance(member, Dimension):
            if member.case is not None:
                return self._case(member.case, scope)
            if member.location is not None:
                return self._location(member.location, scope)
            assert member.sql is not None
            return self.template(member.sql, scope)
        if member is None or isinstance(member, Measure):
            raise InternalError(f"'{name}' has no value on a row.")
        return self.template(member.sql, scope)

    def key(self, key: Key, scope: Scope) -> exp.Expr:
        """A group column's value as it is answered: times are civil times of the zone."""
        dimension = self._catalog.dimension(key.member)
        value = self.value(key.member, scope)
        if dimension.type != "time":
            return value
        granularity: str | Granularity | None = key.granularity
        if key.granularity is not None:
            granularity = dimension.granularities.get(key.granularity, key.granularity)
        return civil_time(self._dialect, value, self._zone, dimension.time_kind, granularity)

    def template(self, template: Template, scope: Scope, measure: MeasureSql | None = None) -> exp.Expr:
        """A piece of model SQL in the scope; ``measure`` gives the SQL of measures it refers to."""

        def cube(reference: CubeReference) -> exp.Identifier:
            return scope.identifier(reference.cube)

        def member(reference: MemberReference) -> exp.Expr:
            found = self._catalog.member(reference.member)
            if isinstance(found, Measure):
                if measure is None:
                    raise InternalError(f"Measure '{reference.member}' is used where a row's value is due.")
                return measure(found)
            if reference.granularity is not None:
                return self.key(Key(reference.member, reference.granularity), scope)
            return self.value(reference.member, scope)

        return self._templates.expression(template, cube, member)

    def exists(self, cube: str, scope: Scope) -> exp.Expr | None:
        """The test that the joined row has a row of ``cube``, or None if that is certain."""
        if cube == scope.root:
            return None
        if cube in scope.marked:
            return is_not_null(
                exp.column(exp.to_identifier(PRESENT, quoted=True), table=scope.identifier(cube))
            )
        return self.has_key(cube, scope)

    def has_key(self, cube: str, scope: Scope) -> exp.Expr:
        """The test that at least one column of the primary key is not NULL."""
        key = self._catalog.cubes[cube].primary_key
        return exp.or_(*(is_not_null(self.value(part.full_name, scope)) for part in key))

    def needs_mark(self, cube: str) -> bool:
        """Whether the key cannot tell that a row is absent: there is none, or it is more than plain columns, which
        may make something of the NULLs of an absent row."""
        key = self._catalog.cubes[cube].primary_key
        scope = Scope("", {cube: cube})
        return (
            not key
            or not all(part.sql and _only_reads(part.sql, cube) for part in key)
            or not all(isinstance(self.value(part.full_name, scope), exp.Column) for part in key)
        )

    def relation(self, cube: str, scope: Scope) -> exp.Expr:
        """The cube's table or SELECT under its alias, with :data:`PRESENT` where the scope says so."""
        declared = self._catalog.cubes[cube]
        if declared.access_policies is not None:  # a cube that the query only passes through
            raise UnsupportedFeature(
                f"'{cube}' has access policies, which this version reads but cannot apply yet."
            )
        template = declared.sql if declared.sql is not None else declared.sql_table
        assert template is not None

        def inner_cube(reference: CubeReference) -> exp.Identifier:
            return scope.identifier(reference.cube)

        def inner_member(reference: MemberReference) -> exp.Expr:
            return self.value(reference.member, scope)

        source = self._templates.relation(template, inner_cube, inner_member)
        if cube in scope.marked:
            rows = exp.alias_(source, scope.identifier(cube), table=True)
            mark = exp.alias_(exp.Literal.number(1), exp.to_identifier(PRESENT, quoted=True))
            source = exp.select(exp.Star(), mark).from_(rows).subquery()
        return exp.alias_(source, scope.identifier(cube), table=True)

    def _case(self, case: Case, scope: Scope) -> exp.Expr:
        built = exp.Case()
        for branch in case.branches:
            built = built.when(self.template(branch.when, scope), self._label(branch.label, scope))
        return built if case.otherwise is None else built.else_(self._label(case.otherwise, scope))

    def _location(self, location: tuple[Template, Template], scope: Scope) -> exp.Expr:
        """``latitude,longitude``, NULL if one is: some engines' CONCAT takes NULL for an empty text."""
        latitude, longitude = (self.template(part, scope) for part in location)
        known = exp.and_(is_not_null(latitude), is_not_null(longitude))
        texts = [exp.cast(part.copy(), "text") for part in (latitude, longitude)]
        joined = exp.Concat(expressions=[texts[0], exp.Literal.string(","), texts[1]])
        return exp.Case().when(known, joined)

    def _label(self, label: str | Template, scope: Scope) -> exp.Expr:
        return exp.Literal.string(label) if isinstance(label, str) else self.template(label, scope)


def is_not_null(value: exp.Expr) -> exp.Expr:
    """``NOT value IS NULL``."""
    return exp.Is(this=enclosed(value), expression=exp.null()).not_()


def _only_reads(template: Template, cube: str) -> bool:
    """Whether the SQL refers to that cube's own columns only."""
    return all(isinstance(part, CubeReference) and part.cube == cube for part in template.references)
