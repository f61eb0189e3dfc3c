"""Members as SQL in the scope of one FROM clause."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from sqlglot import exp

from cuboid.catalog.model import Case, Catalog, Dimension, Measure
from cuboid.catalog.pieces import CubeReference, Filled, MemberReference, Template
from cuboid.catalog.timing import Granularity
from cuboid.errors import Forbidden, InternalError
from cuboid.plan.members import is_sub_query
from cuboid.plan.nodes import Key, Relation, SubQuery, VisibleRows
from cuboid.query.model import NO_ACCESS_RULES, Access, Condition, MaskRule
from cuboid.sql.binding import slot_mark
from cuboid.sql.dialect import Dialect
from cuboid.sql.filters import Filters
from cuboid.sql.masks import masked
from cuboid.sql.names import Names
from cuboid.sql.reading import identifier
from cuboid.sql.scope import PRESENT, Scope
from cuboid.sql.slots import Arguments, SlotSql
from cuboid.sql.sub_queries import LowerPlan, carried_name, join_sub_queries, nothing_inside
from cuboid.sql.templates import Fill, Templates, enclosed
from cuboid.sql.time import civil_time
from cuboid.sql.urls import with_parameters
from cuboid.types import Interval

MeasureSql = Callable[[Measure], exp.Expr]

DimensionSql = Callable[[MemberReference], exp.Expr]


class MemberSql:
    """Lowers members of one catalog for one dialect, one zone and one principal.

    :param visible: what the principal may see of each cube that has access rules.
    :param lower: gives the SQL of plans inside the plan.
    :param inner: keys are the rows' own values, for a join.
    """

    def __init__(
        self,
        catalog: Catalog,
        dialect: Dialect,
        templates: Templates,
        zone: str,
        access: Access = NO_ACCESS_RULES,
        visible: Sequence[VisibleRows] = (),
        lower: LowerPlan = nothing_inside,
        *,
        inner: bool = False,
    ) -> None:
        self._lower = lower
        self._inner = inner
        self._catalog = catalog
        self._dialect = dialect
        self._templates = templates
        self._zone = zone
        self._access = access
        self._visible = {each.cube: each for each in visible}
        self._slots = SlotSql(catalog, dialect, access, zone)
        self._filters = Filters(dialect)

    def asked(self, name: str, scope: Scope) -> exp.Expr:
        """The value of a dimension on a row, as the principal sees it: what the query's own conditions test."""
        member = self._catalog.member(name)
        rule = self._access.mask(name)
        if isinstance(member, Measure):
            return self._row_filters(member, scope, is_masked=rule is not None)
        value = self.value(name, scope.as_asked())
        if rule is None or not isinstance(member, Dimension):
            return value
        return masked(value, rule, member.type, self._dialect, self._shown(rule, scope), self._mask(scope))

    def is_masked(self, name: str) -> bool:
        """Whether the principal sees something else than the member's values, on some rows at least."""
        return self._access.mask(name) is not None

    def _row_filters(self, measure: Measure, scope: Scope, *, is_masked: bool) -> exp.Expr:
        """Whether a row passes the measure's own conditions. Raises :class:`Forbidden` for a masked one: whatever is
        counted under them would tell what the mask hides."""
        if is_masked:
            raise Forbidden(f"'{measure.full_name}' is masked, so rows cannot be chosen by its filters.")
        origin = self._catalog.measure(self._catalog.origin(measure.full_name))
        tests = (*origin.filters, *origin.drill_filters)
        return exp.and_(*(self.template(each, scope) for each in tests))

    def value(self, name: str, scope: Scope) -> exp.Expr:
        """The true value of a dimension, or a segment's condition, on a row of the scope."""
        member = self._catalog.member(name)
        if isinstance(member, Dimension):
            if scope.outer is not None and name in scope.outer.names:
                inner = replace(scope, measures=scope.outer.columns, outer=None)
                value = self.value(name, inner)
                present = scope.outer.present.get(name)
                return value if present is None else exp.Case().when(present.copy(), value)
            if is_sub_query(member) and scope.measures is None:
                return exp.column(self._carried(name), table=scope.identifier(member.cube))
            measure = self._inner_measure(name, scope) if is_sub_query(member) else None
            if member.case is not None:
                return self._case(member.case, scope, measure)
            if member.location is not None:
                return self._location(member.location, scope)
            assert member.sql is not None
            value = self.template(member.sql, scope, measure)
            if member.parameters:
                pairs = [(key, self.template(each, scope, measure)) for key, each in member.parameters]
                return with_parameters(value, pairs)
            # Cast, so that what follows compares and truncates times whatever the column is.
            return self._dialect.to_civil(value, "UTC", "utc") if member.text_time else value
        if member is None or isinstance(member, Measure):
            raise InternalError(f"'{name}' has no value on a row.")
        return self.template(member.sql, scope)

    def _carried(self, name: str) -> exp.Identifier:
        return identifier(Names(self._dialect.max_identifier_bytes).take(carried_name(name)))

    def _inner_measure(self, name: str, scope: Scope) -> MeasureSql:
        def column_of(asked: Measure) -> exp.Expr:
            assert scope.measures is not None
            return scope.measures[name, asked.full_name].copy()

        return column_of

    def key(self, key: Key, scope: Scope) -> exp.Expr:
        """A group column's value as it is answered to the principal: times are civil times of the zone."""
        dimension = self._catalog.dimension(key.member)
        if self._inner and key.granularity is None:
            return self.value(key.member, scope.as_asked())
        value = self._civil(key, scope.as_asked(), self._shift(key, scope))
        rule = self._access.mask(key.member)
        if rule is not None:
            shown = self._shown(rule, scope)
            value = masked(value, rule, dimension.type, self._dialect, shown, self._mask(scope))
        if scope.top is None or key != Key(scope.top.dimension):
            return value
        first = exp.Case().when(is_not_null(scope.top.kept.copy()), value)
        others = scope.top.others
        return first if others is None else first.else_(self._dialect.parameter(slot_mark(others), "string"))

    def _shift(self, key: Key, scope: Scope) -> tuple[Interval, ...]:
        origin = self._catalog.dimension(key.member).origin
        shifts = (shift for shift in scope.shifts if not shift.looked_up)
        return next((shift.intervals for shift in shifts if shift.member == origin), ())

    def _civil(self, key: Key, scope: Scope, shifts: tuple[Interval, ...] = ()) -> exp.Expr:
        dimension = self._catalog.dimension(key.member)
        value = self.value(key.member, scope)
        if dimension.type != "time":
            return value
        granularity: str | Granularity | None = key.granularity
        if key.granularity is not None:
            granularity = dimension.granularities.get(key.granularity, key.granularity)
        if (
            isinstance(granularity, Granularity) and granularity.sql is not None
        ):  # a calendar's, which no zone moves
            return self._dialect.to_civil(self.template(granularity.sql, scope), self._zone, "date")
        return civil_time(self._dialect, value, self._zone, dimension.time_kind, granularity, shifts)

    def template(
        self,
        template: Template,
        scope: Scope,
        measure: MeasureSql | None = None,
        arguments: Arguments = (),
        dimension: DimensionSql | None = None,
    ) -> exp.Expr:
        """A piece of model SQL in the scope; ``measure`` gives the SQL of measures it refers to, ``dimension`` that of
        dimensions where these are not to be read from the scope's rows."""
        return self._templates.expression(template, self._fill(scope, measure, arguments, dimension))

    def _fill(
        self,
        scope: Scope,
        measure: MeasureSql | None = None,
        arguments: Arguments = (),
        dimension: DimensionSql | None = None,
    ) -> Fill:
        def cube(reference: CubeReference) -> exp.Identifier:
            return scope.identifier(reference.cube)

        def member(reference: MemberReference) -> exp.Expr:
            found = self._catalog.member(reference.member)
            if isinstance(found, Measure):
                if measure is None:
                    raise InternalError(f"Measure '{reference.member}' is used where a row's value is due.")
                return measure(found)
            if dimension is not None:
                return dimension(reference)
            if reference.granularity is not None:
                return self._civil(Key(reference.member, reference.granularity), scope)
            return self.value(reference.member, scope)

        def query(slot: Filled) -> list[exp.Expr]:
            return self._slots.render(
                slot,
                scope.conditions,
                arguments,
                lambda inner, given: self.template(inner, scope, measure, given, dimension),
            )

        return Fill(cube, member, query)

    # ------------------------------------------------------------ what the principal sees

    def restrictions(self, relation: Relation, scope: Scope) -> list[exp.Expr]:
        """The conditions and segments of a relation in its scope."""
        tests = [
            self._filters.condition(condition, lambda name: self.asked(name, scope))
            for condition in relation.conditions
        ]
        tests += [enclosed(self.value(segment, scope)) for segment in relation.segments]
        tests += [self._true(condition, scope) for condition in relation.access]
        return tests

    def _true(self, condition: Condition, scope: Scope) -> exp.Expr:
        return self._filters.condition(condition, lambda name: self.value(name, scope))

    def _shown(self, rule: MaskRule, scope: Scope) -> exp.Expr | None:
        """The test that a masked dimension is shown on a row; None if it never is. On an absent row it is not, whatever
        the policy's filter makes of NULLs."""
        if rule.shown is None:
            return None
        cube = rule.member.partition(".")[0]
        if cube in self._visible and rule in self._visible[cube].shown:
            return exp.column(self._shown_by(rule), table=scope.identifier(cube))  # NULL on an absent row
        there = self.exists(cube, scope) if cube in scope.aliases else None
        test = self._true(rule.shown, scope)
        return test if there is None else exp.and_(there, test)

    def _shown_by(self, rule: MaskRule) -> exp.Identifier:
        """The column of the cube's visible rows that tells whether the masked member is shown."""
        wanted = f"shown__{rule.member.partition('.')[2]}"
        return identifier(Names(self._dialect.max_identifier_bytes).take(wanted))

    @property
    def masked_cubes(self) -> frozenset[str]:
        """The cubes with dimensions that are masked on some rows: it must be told whether these are there."""
        shown = (rule.member for rule in self._access.masks if rule.shown is not None)
        return frozenset(
            name.partition(".")[0] for name in shown if isinstance(self._catalog.member(name), Dimension)
        )

    def _mask(self, scope: Scope) -> Callable[[Template], exp.Expr]:
        return lambda template: self.template(template, scope)

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
        """What the principal may see of the cube's table or SELECT, under its alias and with :data:`PRESENT` where the
        scope says so.

        Raises :class:`Forbidden` if that cannot be told.
        """
        visible = self._visible.get(cube)
        if visible is None and self._catalog.cubes[cube].access_policies is not None:
            raise InternalError(f"'{cube}' is read and its access policies were not applied.")
        if visible is not None and visible.problem is not None:
            raise Forbidden(visible.problem)
        hides = visible is not None and bool(visible.relation.access or visible.shown)
        sub_queries = [each for each in scope.sub_queries if each.cube == cube and not each.outer]
        if not hides and cube not in scope.marked and not sub_queries:
            return exp.alias_(self._source(cube, scope), scope.identifier(cube), table=True, copy=False)
        columns: list[exp.Expr] = [exp.Star()]
        if sub_queries or (visible is not None and visible.relation.tree.joins):
            columns = [exp.Column(this=exp.Star(), table=scope.identifier(cube))]
        if cube in scope.marked:
            columns.append(exp.alias_(exp.Literal.number(1), exp.to_identifier(PRESENT, quoted=True)))
        rows = exp.select(*columns).from_(
            exp.alias_(self._source(cube, scope), scope.identifier(cube), table=True, copy=False)
        )
        if sub_queries:
            rows = self._with_sub_queries(rows, cube, sub_queries, scope)
        if visible is not None and hides:
            rows = self._only_visible(rows, visible, scope)
        return exp.alias_(rows.subquery(copy=False), scope.identifier(cube), table=True, copy=False)

    def _with_sub_queries(
        self, rows: exp.Select, cube: str, sub_queries: Sequence[SubQuery], outer: Scope
    ) -> exp.Select:
        """``rows``, a SELECT from the cube, with a column for each sub-query."""
        scope = Scope(cube, {cube: outer.aliases[cube]}, conditions=outer.conditions)
        names = Names(self._dialect.max_identifier_bytes)
        names.take(outer.aliases[cube])
        by = {each.dimension: [self.value(name, scope) for name in each.by] for each in sub_queries}
        rows, columns, present = join_sub_queries(rows, sub_queries, by, self._lower, names, self._dialect)
        scope = replace(scope, measures=columns)
        for each in sub_queries:
            value = self.value(each.dimension, scope)
            if each.dimension in present:
                value = exp.Case().when(present[each.dimension], value)
            rows = rows.select(exp.alias_(value, self._carried(each.dimension)), copy=False)
        return rows

    def _only_visible(self, rows: exp.Select, visible: VisibleRows, outer: Scope) -> exp.Select:
        """``rows``, a SELECT from the relation's root, restricted, and with what masks are shown by; the cubes it joins
        are read as they are."""
        relation = visible.relation
        root = relation.tree.root
        taken = {outer.aliases[root].lower()}
        aliases = {root: outer.aliases[root]}
        for join in relation.tree.joins:
            wanted = self._catalog.cubes[join.target].alias
            while wanted.lower() in taken:
                wanted += "_"
            taken.add(wanted.lower())
            aliases[join.target] = wanted
        scope = Scope(root, aliases)
        for join in relation.tree.joins:
            target = exp.alias_(
                self._source(join.target, scope), scope.identifier(join.target), table=True, copy=False
            )
            rows = rows.join(target, on=self.template(join.sql, scope), join_type="LEFT", copy=False)
        for rule in visible.shown:
            assert rule.shown is not None
            test = self._true(rule.shown, scope)
            rows = rows.select(exp.alias_(enclosed(test), self._shown_by(rule)), copy=False)
        tests = self.restrictions(relation, scope)
        return rows.where(exp.and_(*tests), copy=False) if tests else rows

    def _source(self, cube: str, scope: Scope) -> exp.Expr:
        declared = self._catalog.cubes[cube]
        template = declared.sql if declared.sql is not None else declared.sql_table
        assert template is not None
        return self._templates.relation(template, self._fill(scope))

    def _case(self, case: Case, scope: Scope, measure: MeasureSql | None) -> exp.Expr:
        return cased(case, lambda template: self.template(template, scope, measure))

    def _location(self, location: tuple[Template, Template], scope: Scope) -> exp.Expr:
        """``latitude,longitude``, NULL if one is: some engines' CONCAT takes NULL for an empty text."""
        latitude, longitude = (self.template(part, scope) for part in location)
        known = exp.and_(is_not_null(latitude), is_not_null(longitude))
        texts = [exp.cast(part.copy(), "text") for part in (latitude, longitude)]
        joined = exp.Concat(expressions=[texts[0], exp.Literal.string(","), texts[1]])
        return exp.Case().when(known, joined)


def cased(case: Case, sql: Callable[[Template], exp.Expr]) -> exp.Expr:
    """A ``case`` of the model, its conditions and labels as ``sql`` has them."""

    def label(written: str | Template) -> exp.Expr:
        return exp.Literal.string(written) if isinstance(written, str) else sql(written)

    built = exp.Case()
    for branch in case.branches:
        built = built.when(sql(branch.when), label(branch.label))
    return built if case.otherwise is None else built.else_(label(case.otherwise))


def is_not_null(value: exp.Expr) -> exp.Expr:
    """``NOT value IS NULL``."""
    return exp.Is(this=enclosed(value), expression=exp.null()).not_()


def _only_reads(template: Template, cube: str) -> bool:
    """Whether the SQL refers to that cube's own columns only."""
    return all(isinstance(part, CubeReference) and part.cube == cube for part in template.references)
