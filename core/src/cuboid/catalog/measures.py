"""Declared measures to catalog measures: what is aggregated, over which rows, and in which stages."""

from __future__ import annotations

from cuboid.catalog import keys
from cuboid.catalog.cases import read_measure_case
from cuboid.catalog.composed import is_composed
from cuboid.catalog.declare import DeclaredMember
from cuboid.catalog.display import read_currency, read_format, read_mask, read_shown
from cuboid.catalog.fields import Fields, read_entries
from cuboid.catalog.model import Case, Measure, MeasureType
from cuboid.catalog.multi_stage import read_multi_stage
from cuboid.catalog.named import shown_members
from cuboid.catalog.pieces import Template
from cuboid.catalog.scope import Scope, Use
from cuboid.catalog.snapshots import read_conversion, read_semi_additive
from cuboid.catalog.stages import MultiStage, SwitchCase
from cuboid.catalog.timing import RollingWindow
from cuboid.catalog.windows import read_rolling_window
from cuboid.types import SemanticType

_MEASURE_FILTER = Use("a measure's filter")
_GROUP_FILTER = Use("a filter of groups", measures=True)
_AGGREGATE = Use(
    "a measure that aggregates rows",
    measures_hint="To aggregate the values of a measure, add 'multi_stage: true'; to calculate with them, use the type"
    " number.",
)
_CALCULATION = Use("a measure", measures=True)

_CALCULATED_TYPES = frozenset({"number", "string", "time", "boolean"})
_WITHOUT_SQL = frozenset({"count", "rank", "conversion"})
_SEMI_ADDITIVE_TYPES = frozenset(
    {"count", "sum", "avg", "min", "max", "count_distinct", "count_distinct_approx"}
)


def build_measure(declared: DeclaredMember, scope: Scope, cube_title: str, public: bool) -> Measure | None:
    """The measure; None if its type or SQL is wrong (reported). ``public``: whether the cube is."""
    fields = declared.fields
    type = declared.measure_type
    multi_stage = read_multi_stage(fields, scope)
    window = _window(declared, scope)
    sql, case = _value(declared, scope, multi_stage)
    filters = _conditions(fields, "filters", scope, _GROUP_FILTER if multi_stage else _MEASURE_FILTER)
    _check_filters(filters, type, multi_stage, scope)
    drill_filters = _conditions(fields, "drill_filters", scope, _MEASURE_FILTER)
    shown = read_shown(fields, declared.name, cube_title)
    key = "drill_members" if fields.has("drill_members") else "drill_member_references"
    drill_members = shown_members(fields, key, scope)
    semi_additive = read_semi_additive(fields, scope)
    conversion = read_conversion(fields, scope) if type == "conversion" else None
    if type is None:
        return None
    mask = read_mask(fields, scope, _value_type(type), measure=True)
    _check_stages(fields, type, multi_stage, window, scope)
    format = read_format(fields, _value_type(type), measure=True)
    currency = read_currency(fields, _value_type(type))
    if sql is None and case is None and type not in _WITHOUT_SQL:
        return None
    composed = type in _CALCULATED_TYPES and sql is not None and is_composed(sql, scope.names.is_measure)
    if not _can_stand_alone(fields, scope, composed, multi_stage, window):
        return None
    return Measure(
        cube=scope.cube.name,
        name=declared.name,
        type=type,
        sql=sql,
        place=fields.place,
        title=shown.title,
        short_title=shown.short_title,
        filters=filters,
        composed=composed,
        description=shown.description,
        public=public and shown.visible is not False,
        format=format,
        currency=currency,
        meta=shown.meta,
        drill_members=drill_members,
        drill_filters=drill_filters,
        rolling_window=window,
        multi_stage=multi_stage,
        semi_additive=semi_additive,
        conversion=conversion,
        case=case,
        mask=mask,
        cumulative=fields.flag("cumulative") or False,
    )


def _can_stand_alone(
    fields: Fields, scope: Scope, composed: bool, multi_stage: MultiStage | None, window: RollingWindow | None
) -> bool:
    """What needs rows has them, and what needs stages; an error if not."""
    if multi_stage is not None:
        return True
    if composed and window is not None:
        scope.problems.error(
            fields.place_of("rolling_window"),
            "a rolling measure over other measures is evaluated in stages",
            "Add 'multi_stage: true', or put the window on the measures that it combines.",
        )
        return False
    if scope.cube.view is not None and not composed:
        scope.problems.error(
            fields.place_of("type"),
            f"view '{scope.cube.name}' has no rows that its own measure could aggregate",
            "Write a formula over measures of its cubes, of type number, string, time or boolean.",
        )
        return False
    return True


def _value_type(type: MeasureType) -> SemanticType:
    return type if type == "string" or type == "time" or type == "boolean" else "number"


def _window(declared: DeclaredMember, scope: Scope) -> RollingWindow | None:
    """``rolling_window``; the old type ``running_total`` is a sum over all rows up to the bucket's end."""
    window = read_rolling_window(declared.fields, scope)
    if declared.running_total and not declared.fields.has("rolling_window"):
        return RollingWindow(trailing="unbounded")
    return window


def _value(
    declared: DeclaredMember, scope: Scope, multi_stage: MultiStage | None
) -> tuple[Template | None, Case | SwitchCase | None]:
    """``sql`` or ``case``."""
    fields, type = declared.fields, declared.measure_type
    over_measures = multi_stage is not None or type in _CALCULATED_TYPES or type is None
    use = _CALCULATION if over_measures else _AGGREGATE
    case_node = fields.node("case")
    if case_node is not None:
        if multi_stage is None:
            scope.problems.error(
                fields.place_of("case"),
                "'case' belongs to measures that are evaluated in stages",
                "Add 'multi_stage: true', or write CASE WHEN … END in the measure's SQL.",
            )
        elif fields.has("sql"):
            scope.problems.error(
                fields.place_of("sql"),
                "a measure has either 'sql' or 'case', not both",
                "Remove one of them.",
            )
        return None, read_measure_case(case_node, scope, use)
    if type == "conversion" and fields.has("sql"):
        scope.problems.error(
            fields.place_of("sql"), "a conversion counts rows of its steps and has no 'sql'", "Remove 'sql'."
        )
        return None, None
    if type in _WITHOUT_SQL and not fields.has("sql"):
        return None, None
    return scope.required_sql(fields, use), None


def _conditions(fields: Fields, key: str, scope: Scope, use: Use) -> tuple[Template, ...]:
    filters = []
    for node in fields.items(key):
        filter_fields = read_entries(node, keys.MEASURE_FILTER, scope.problems)
        template = scope.required_sql(filter_fields, use) if filter_fields else None
        if template is not None:
            filters.append(template)
    return tuple(filters)


# ---------------------------------------------------------------- what goes together


def _check_filters(
    filters: tuple[Template, ...], type: MeasureType | None, multi_stage: MultiStage | None, scope: Scope
) -> None:
    if not filters or type is None:
        return
    if type == "conversion":
        scope.problems.error(
            filters[0].place, "a conversion takes no filters", "Filter the measures of its steps."
        )
    elif multi_stage is not None and type in (*_CALCULATED_TYPES, "rank"):
        scope.problems.error(
            filters[0].place,
            f"a measure of type '{type}' that is evaluated in stages aggregates nothing, so it takes no filters",
            "Filter the measures that it reads, or change their conditions with 'filter'.",
        )
    elif multi_stage is not None:
        return
    elif type in _CALCULATED_TYPES:
        scope.problems.error(
            filters[0].place,
            f"a measure of type '{type}' takes no filters: its SQL aggregates by itself or combines measures",
            "Filter the measures that it combines, or write the condition in its SQL: sum(CASE WHEN … THEN … END).",
        )


def _check_stages(
    fields: Fields,
    type: MeasureType,
    multi_stage: MultiStage | None,
    window: RollingWindow | None,
    scope: Scope,
) -> None:
    if type in ("rank", "number_agg") and multi_stage is None:
        scope.problems.error(
            fields.place_of("type"),
            f"the type {type} needs stages",
            "Add 'multi_stage: true'; SQL that aggregates rows has the type number.",
        )
    if type == "rank" and multi_stage is not None and not multi_stage.order_by and not fields.has("order_by"):
        fields.missing("order_by", "a list of {sql, dir}, what the rank goes by")
    if type != "rank" and fields.has("order_by") and multi_stage is not None:
        scope.problems.error(
            fields.place_of("order_by"),
            "'order_by' belongs to measures of type rank",
            "Set 'type: rank', or remove it.",
        )
    if multi_stage and multi_stage.add_group_by and type in _CALCULATED_TYPES:
        scope.problems.error(
            fields.place_of("add_group_by" if fields.has("add_group_by") else "grain"),
            f"a measure of type {type} would have several values for each group",
            "Choose a type that aggregates them: sum, avg, min, max, number_agg.",
        )
    if fields.has("conversion") and type != "conversion":
        scope.problems.error(
            fields.place_of("conversion"),
            "'conversion' belongs to measures of type conversion",
            "Set the type.",
        )
    if type == "conversion" and (multi_stage is not None or window is not None):
        scope.problems.error(
            fields.place_of("multi_stage" if multi_stage is not None else "rolling_window"),
            "a conversion is neither rolling nor evaluated in stages",
            "Put the window on a measure of its own.",
        )
    if fields.has("semi_additive") and (
        multi_stage is not None or window is not None or type not in _SEMI_ADDITIVE_TYPES
    ):
        scope.problems.error(
            fields.place_of("semi_additive"),
            "'semi_additive' belongs to measures that aggregate rows, without window or stages",
            "Put it on a sum, count, min, max or avg of rows.",
        )
