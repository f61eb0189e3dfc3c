"""Declared members to catalog members: types, SQL, formats, titles."""

from __future__ import annotations

from collections.abc import Mapping

from cuboid.catalog import keys
from cuboid.catalog.composed import is_composed
from cuboid.catalog.declare import DeclaredMember
from cuboid.catalog.fields import Fields, read_entries
from cuboid.catalog.formats import WireFormat, known_formats, wire_format
from cuboid.catalog.model import Case, CaseBranch, Dimension, Measure, Segment
from cuboid.catalog.naming import titleize
from cuboid.catalog.nodes import Entries, Node, Scalar
from cuboid.catalog.pieces import MemberReference, Template
from cuboid.catalog.references import Unresolved, resolve
from cuboid.catalog.scope import Scope, Use
from cuboid.errors import closest, did_you_mean
from cuboid.types import SemanticType, TimeKind

_DIMENSION = Use("a dimension")
_SEGMENT = Use("a segment", foreign_columns=True)
_MEASURE_FILTER = Use("a measure's filter")
_AGGREGATE = Use("a measure that aggregates rows")
_CALCULATION = Use("a measure", measures=True)

_CALCULATED_TYPES = frozenset({"number", "string", "time", "boolean"})
_TIME_KINDS: Mapping[str, TimeKind] = {"instant": "instant", "utc": "utc", "date": "date"}


def build_dimension(
    declared: DeclaredMember, scope: Scope, cube_title: str, public: bool
) -> Dimension | None:
    """The dimension; None if its type or SQL is wrong (reported). ``public``: whether the cube is."""
    fields = declared.fields
    sql, case = _sql_or_case(fields, scope)
    primary_key = fields.flag("primary_key") or False
    short_title = fields.text("title") or titleize(declared.name)
    suggest = fields.flag("suggest_filter_values", "enable_suggestions")
    visible = fields.flag("public", "shown")
    description = fields.text("description")
    meta = fields.mapping("meta")
    time_kind = fields.choice("time_kind", _TIME_KINDS, default="utc") or "utc"
    if fields.has("time_kind") and declared.dimension_type not in ("time", None):
        fields.problems.error(fields.place_of("time_kind"), "'time_kind' belongs to dimensions of type time")
    if declared.dimension_type is None:
        return None
    format = _read_format(fields, declared.dimension_type, measure=False)
    if sql is None and case is None:
        return None
    return Dimension(
        cube=scope.cube.name,
        name=declared.name,
        type=declared.dimension_type,
        sql=sql,
        case=case,
        place=fields.place,
        title=f"{cube_title} {short_title}",
        short_title=short_title,
        description=description,
        public=public and (not primary_key if visible is None else visible),
        primary_key=primary_key,
        suggest_filter_values=True if suggest is None else suggest,
        time_kind=time_kind,
        format=format,
        meta=meta,
    )


def build_measure(declared: DeclaredMember, scope: Scope, cube_title: str, public: bool) -> Measure | None:
    """The measure; None if its type or SQL is wrong (reported). ``public``: whether the cube is."""
    fields = declared.fields
    type = declared.measure_type
    calculated = type in _CALCULATED_TYPES or type is None
    sql = None
    if type != "count" or fields.has("sql"):
        sql = scope.required_sql(fields, _CALCULATION if calculated else _AGGREGATE)
    filters = _measure_filters(fields, scope)
    if filters and calculated and type is not None:
        scope.problems.error(
            filters[0].place,
            f"a measure of type '{type}' takes no filters: its SQL aggregates by itself or combines measures",
            "Filter the measures that it combines, or write the condition in its SQL: sum(CASE WHEN … THEN … END).",
        )
    short_title = fields.text("title") or titleize(declared.name)
    visible = fields.flag("public", "visible", "shown")
    description = fields.text("description")
    meta = fields.mapping("meta")
    drill_members = _drill_members(fields, scope)
    if type is None:
        return None
    value_type: SemanticType = "number"
    if type == "string" or type == "time" or type == "boolean":
        value_type = type
    format = _read_format(fields, value_type, measure=True)
    currency = _currency(fields, value_type)
    if sql is None and type != "count":
        return None
    return Measure(
        cube=scope.cube.name,
        name=declared.name,
        type=type,
        sql=sql,
        place=fields.place,
        title=f"{cube_title} {short_title}",
        short_title=short_title,
        filters=filters,
        composed=calculated and sql is not None and is_composed(sql, scope.names.is_measure),
        description=description,
        public=public and visible is not False,
        format=format,
        currency=currency,
        meta=meta,
        drill_members=drill_members,
    )


def build_segment(declared: DeclaredMember, scope: Scope, cube_title: str, public: bool) -> Segment | None:
    """The segment; None if its SQL is wrong (reported). ``public``: whether the cube is."""
    fields = declared.fields
    sql = scope.required_sql(fields, _SEGMENT)
    short_title = fields.text("title") or titleize(declared.name)
    visible = fields.flag("public", "shown")
    description = fields.text("description")
    meta = fields.mapping("meta")
    if sql is None:
        return None
    return Segment(
        cube=scope.cube.name,
        name=declared.name,
        sql=sql,
        place=fields.place,
        title=f"{cube_title} {short_title}",
        short_title=short_title,
        description=description,
        public=public and visible is not False,
        meta=meta,
    )


# ---------------------------------------------------------------- parts of a dimension


def _sql_or_case(fields: Fields, scope: Scope) -> tuple[Template | None, Case | None]:
    case_node = fields.node("case")
    if case_node is None:
        if not fields.has("sql"):
            fields.missing("sql", "an SQL expression, or 'case'")
            return None, None
        return scope.required_sql(fields, _DIMENSION), None
    if fields.has("sql"):
        fields.problems.error(
            fields.place_of("sql"), "a dimension has either 'sql' or 'case', not both", "Remove one of them."
        )
    return None, _case(case_node, scope)


def _case(node: Node, scope: Scope) -> Case | None:
    fields = read_entries(node, keys.CASE, scope.problems)
    if fields is None:
        return None
    branches = [_branch(item, scope) for item in fields.items("when")]
    if not branches and not fields.has("when"):
        fields.missing("when", "a list of {sql, label}")
    elif not branches:
        fields.problems.error(fields.place_of("when"), "a case needs at least one branch")
    otherwise: str | Template | None = None
    else_node = fields.node("else")
    if else_node is not None:
        else_fields = read_entries(else_node, keys.CASE_ELSE, scope.problems)
        otherwise = _label(else_fields, scope) if else_fields else None
    complete = tuple(branch for branch in branches if branch is not None)
    return Case(complete, otherwise) if complete and len(complete) == len(branches) else None


def _branch(node: Node, scope: Scope) -> CaseBranch | None:
    fields = read_entries(node, keys.CASE_BRANCH, scope.problems)
    if fields is None:
        return None
    when = scope.required_sql(fields, _DIMENSION)
    label = _label(fields, scope)
    return CaseBranch(when, label) if when is not None and label is not None else None


def _label(fields: Fields, scope: Scope) -> str | Template | None:
    node = fields.node("label")
    if node is None:
        fields.missing("label", "a text or {sql: ...}")
        return None
    if isinstance(node, Entries):
        label_fields = read_entries(node, keys.LABEL, scope.problems)
        return scope.required_sql(label_fields, _DIMENSION) if label_fields else None
    return fields.text("label")


# ---------------------------------------------------------------- parts of a measure


def _measure_filters(fields: Fields, scope: Scope) -> tuple[Template, ...]:
    filters = []
    for node in fields.items("filters"):
        filter_fields = read_entries(node, keys.MEASURE_FILTER, scope.problems)
        template = scope.required_sql(filter_fields, _MEASURE_FILTER) if filter_fields else None
        if template is not None:
            filters.append(template)
    return tuple(filters)


def _drill_members(fields: Fields, scope: Scope) -> tuple[str, ...]:
    """Full names in order. They are shown, never computed, so the cube does not depend on their cubes."""
    key = "drill_members" if fields.has("drill_members") else "drill_member_references"
    members = []
    for node in fields.items(key):
        if not isinstance(node, Scalar):
            fields.problems.error(node.place, "a drill member is a member's name")
            continue
        found = resolve(node.text.strip(), scope.cube.name, scope.names)
        if isinstance(found, Unresolved):
            fields.problems.error(node.place, found.message, found.hint)
        elif isinstance(found, MemberReference):
            members.append(found.member)
        else:
            fields.problems.error(
                node.place, f"'{node.text}' is a cube, not a member", f"Write {node.text}.member."
            )
    return tuple(members)


def _currency(fields: Fields, type: SemanticType) -> str | None:
    written = fields.scalar("currency")
    if written is None:
        return None
    code = written.text.upper()
    if type != "number":
        fields.problems.error(written.place, "'currency' belongs to measures with numbers")
    elif len(code) != 3 or not (code.isascii() and code.isalpha()):
        fields.problems.error(
            written.place, f"'{written.text}' is no currency", "Write its three letters (ISO 4217), e.g. EUR."
        )
    return code


# ---------------------------------------------------------------- formats


def _read_format(fields: Fields, type: SemanticType, *, measure: bool) -> WireFormat | None:
    node = fields.node("format")
    if node is None:
        return None
    if isinstance(node, Entries) and not measure:
        return _link_format(node, fields)
    written = fields.scalar("format")
    if written is None:
        return None
    format = wire_format(written.text, type, measure=measure)
    if format is None:
        hint = did_you_mean(closest(written.text, known_formats(measure=measure)))
        fields.problems.error(
            written.place,
            f"'{written.text}' is no format of a {type} {fields.noun}",
            hint or "Use a named format, or for numbers a d3-format specifier, for times a strftime text.",
        )
    return format


def _link_format(node: Entries, fields: Fields) -> WireFormat | None:
    link = read_entries(node, keys.LINK_FORMAT, fields.problems)
    if link is None or link.choice("type", {"link": "link"}) is None:
        return None
    label = link.text("label")
    if label is None:
        if not link.has("label"):
            link.missing("label", "the link's text")
        return None
    return {"type": "link", "label": label}
