"""A world as Cuboid is shown it: model text in YAML, and tables as a SQL script, in the words of an engine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

import yaml
from tests.oracle import bins
from tests.oracle.engines import Engine
from tests.oracle.expressions import (
    Case,
    Column,
    Constant,
    Expression,
    Spelling,
    Value,
    literal_sql,
    quoted,
    to_sql,
)
from tests.oracle.members import Conversion, Shift, Stage, SwitchCase, Window
from tests.oracle.policies import Claim, ClaimSlot, Policy, Slot
from tests.oracle.world import Cube, Dimension, Join, Measure, Segment, Table, View, World


def model_text(world: World, engine: Engine) -> str:
    """The world's model file."""
    cubes = [each for cube in world.cubes for each in _cubes(cube, engine.spelling)]
    views = [_view(view, engine.spelling) for view in world.views]
    return yaml.safe_dump(
        {"cubes": cubes} | ({"views": views} if views else {}),
        sort_keys=False,
        allow_unicode=True,
        width=1000,
    )


def _view(view: View, spelling: Spelling) -> dict[str, Any]:
    parts = [
        {"join_path": ".".join(part.path), "includes": list(part.members)}
        | ({"prefix": True} if part.prefix else {})
        for part in view.parts
    ]
    described: dict[str, Any] = {"name": view.name, "cubes": parts}
    for own in view.own:
        described.setdefault(_KINDS[type(own)], []).append(_member(view.name, own, spelling))
    if view.policies is not None:
        described["access_policy"] = [_policy(policy) for policy in view.policies]
    if view.defaults:
        described["default_filters"] = [
            {**default.item} | ({"unless": list(default.unless)} if default.unless else {})
            for default in view.defaults
        ]
    return described


def _cubes(cube: Cube, spelling: Spelling) -> Iterator[dict[str, Any]]:
    """The cube; or another one that has its table and columns, and the cube that extends it by all the rest."""
    whole = _cube(cube, spelling)
    if not cube.inherits:
        yield whole
        return
    base = f"{cube.name}_base"
    columns = [
        d.name for d in cube.dimensions if d.expression == Column(cube.name, d.name) and d.mask is None
    ]
    inherited = [each for each in whole["dimensions"] if each["name"] in columns]
    own = [each for each in whole["dimensions"] if each["name"] not in columns]
    # Slots name the cube that they are of, so they stay with it.
    kept = () if cube.slots else ("sql", "sql_table")
    yield {"name": base, **{key: whole.pop(key) for key in kept if key in whole}, "dimensions": inherited} | (
        {"sql_table": cube.table.name} if cube.slots else {}
    )
    yield {**whole, "extends": base, "dimensions": own}


def _cube(cube: Cube, spelling: Spelling) -> dict[str, Any]:
    select = f"SELECT * FROM {cube.table.name}"
    if cube.slots:
        select += " WHERE " + " AND ".join(_slot(slot) for slot in cube.slots)
    source = {"sql": select} if cube.as_select else {"sql_table": cube.table.name}
    described: dict[str, Any] = {"name": cube.name, **source}
    sections = {
        "joins": [_join(cube.name, join, spelling) for join in cube.joins],
        "dimensions": [_member(cube.name, dimension, spelling) for dimension in cube.dimensions],
        "measures": [_member(cube.name, measure, spelling) for measure in cube.measures],
        "segments": [_member(cube.name, segment, spelling) for segment in cube.segments],
    }
    if cube.policies is not None:
        described["access_policy"] = [_policy(policy) for policy in cube.policies]
    return described | {name: entries for name, entries in sections.items() if entries}


def _slot(slot: Slot) -> str:
    if isinstance(slot, ClaimSlot):
        return f"{{SECURITY_CONTEXT.{slot.claim}.filter('{slot.column}')}}"
    params = [f"FILTER_PARAMS.{member}.filter('{column}')" for member, column in slot.pairs]
    return f"{{FILTER_GROUP({', '.join(params)})}}" if len(params) > 1 else f"{{{params[0]}}}"


def _policy(policy: Policy) -> dict[str, Any]:
    described: dict[str, Any] = {"groups": list(policy.groups)}
    if policy.conditions:
        described["conditions"] = [{"if": test.text} for test in policy.conditions]
    level: dict[str, Any] = {}
    if policy.includes is not None:
        level["includes"] = list(policy.includes)
    if policy.excludes:
        level["excludes"] = list(policy.excludes)
    if level or policy.masked is not None:
        described["member_level"] = level or {"includes": "*"}
    if policy.masked is not None:
        described["member_masking"] = {"includes": list(policy.masked)}
    if policy.filters:
        described["row_level"] = {"filters": [_row_filter(item) for item in policy.filters]}
    return described


def _row_filter(item: Mapping[str, Any]) -> dict[str, Any]:
    for group in ("and", "or"):
        if group in item:
            return {group: [_row_filter(child) for child in item[group]]}
    values = item.get("values")
    if isinstance(values, Claim):
        return {**item, "values": f"{{ security_context.{values.name} }}"}
    return dict(item)


def _join(cube: str, join: Join, spelling: Spelling) -> dict[str, Any]:
    return {"name": join.target, "relationship": join.relationship, "sql": to_sql(join.on, cube, spelling)}


_KINDS = {Dimension: "dimensions", Measure: "measures", Segment: "segments"}


def _member(cube: str, member: Dimension | Measure | Segment, spelling: Spelling) -> dict[str, Any]:
    if isinstance(member, Segment):
        return {"name": member.name, "sql": to_sql(member.expression, cube, spelling)}
    return (_dimension if isinstance(member, Dimension) else _measure)(cube, member, spelling)


def _dimension(cube: str, dimension: Dimension, spelling: Spelling) -> dict[str, Any]:
    described: dict[str, Any] = {"name": dimension.name, "type": dimension.type}
    if dimension.type == "switch":
        return {**described, "values": list(dimension.values)}
    if dimension.as_case:
        described["case"] = _case(cube, dimension.expression, spelling)
    else:
        described["sql"] = _member_sql(cube, dimension.expression, spelling)
    if dimension.primary_key:
        # Keys are hidden unless they are made public, and hidden members cannot be asked for.
        described |= {"primary_key": True, "public": True}
    if dimension.time_kind != "utc":
        described["time_kind"] = dimension.time_kind
    if dimension.type == "time":
        described["granularities"] = bins.described()
    if dimension.mask is not None:
        described["mask"] = dimension.mask
    if dimension.sub_query:
        described["sub_query"] = True
        if dimension.propagate:
            described["propagate_filters_to_sub_query"] = True
    if dimension.stage is not None:
        described |= _stage(dimension.stage)
    return described


def _case(cube: str, expression: Expression, spelling: Spelling) -> dict[str, Any]:
    assert isinstance(expression, Case)

    def label(value: Expression) -> str:
        assert isinstance(value, Constant)
        return str(value.value)

    when = [{"sql": to_sql(c, cube, spelling), "label": label(v)} for c, v in expression.branches]
    otherwise = {} if expression.otherwise is None else {"else": {"label": label(expression.otherwise)}}
    return {"when": when, **otherwise}


def _member_sql(cube: str, expression: Expression, spelling: Spelling) -> str:
    """A lone column of the cube is written as its bare name, which the model's language allows."""
    if isinstance(expression, Column) and expression.cube == cube:
        return expression.name
    return to_sql(expression, cube, spelling)


def _measure(cube: str, measure: Measure, spelling: Spelling) -> dict[str, Any]:
    described: dict[str, Any] = {"name": measure.name, "type": measure.type}
    if measure.expression is not None:
        described["sql"] = _member_sql(cube, measure.expression, spelling)
    if measure.filters:
        described["filters"] = [{"sql": to_sql(condition, cube, spelling)} for condition in measure.filters]
    if measure.window is not None:
        described["rolling_window"] = _window(measure.window)
    if measure.stage is not None:
        described |= _stage(measure.stage)
    if measure.order_by:
        described["order_by"] = [
            {"sql": to_sql(each.expression, cube, spelling), "dir": "desc" if each.descending else "asc"}
            for each in measure.order_by
        ]
    if measure.semi is not None:
        by = {"by": list(measure.semi.by)} if measure.semi.by else {}
        described["semi_additive"] = {
            "time_dimension": measure.semi.time_dimension,
            "take": measure.semi.take,
        } | by
    if measure.mask is not None:
        described["mask"] = measure.mask
    if measure.switch is not None:
        described["case"] = _switched(cube, measure.switch, spelling)
    if measure.conversion is not None:
        described["conversion"] = _conversion(measure.conversion)
    return described


def _switched(cube: str, case: SwitchCase, spelling: Spelling) -> dict[str, Any]:
    when = [{"value": value, "sql": to_sql(sql, cube, spelling)} for value, sql in case.branches]
    described: dict[str, Any] = {"switch": case.switch, "when": when}
    return (
        described
        if case.otherwise is None
        else {**described, "else": {"sql": to_sql(case.otherwise, cube, spelling)}}
    )


def _window(window: Window) -> dict[str, str]:
    if window.to_date is not None:
        return {"type": "to_date", "granularity": window.to_date}
    bounds = {"trailing": window.trailing, "leading": window.leading}
    described = {key: b if isinstance(b, str) else b.text for key, b in bounds.items() if b is not None}
    return described | ({"offset": window.offset} if window.offset != "end" else {})


def _stage(stage: Stage) -> dict[str, Any]:
    described: dict[str, Any] = {"multi_stage": True}
    if stage.group_by is not None:
        described["group_by"] = list(stage.group_by)
    for key, names in (("reduce_by", stage.reduce_by), ("add_group_by", stage.add_group_by)):
        if names:
            described[key] = list(names)
    if stage.filter is not None:
        directive: dict[str, Any] = {"mode": stage.filter.mode}
        if stage.filter.exclude:
            directive["exclude"] = list(stage.filter.exclude)
        if stage.filter.keep_only is not None:
            directive["keep_only"] = list(stage.filter.keep_only)
        if stage.filter.include:
            directive["include"] = list(stage.filter.include)
        described["filter"] = directive
    if stage.shifts:
        described["time_shift"] = [_shift(shift) for shift in stage.shifts]
    return described


def _shift(shift: Shift) -> dict[str, str]:
    span = shift.span if shift.prior else -shift.span
    described = {"interval": span.text, "type": "prior" if shift.prior else "next"}
    return described if shift.member is None else {"time_dimension": shift.member, **described}


def _conversion(conversion: Conversion) -> dict[str, Any]:
    described: dict[str, Any] = {
        "steps": [{"measure": measure, "time_dimension": time} for measure, time in conversion.steps],
        "entity": conversion.entity,
        "value": conversion.value,
    }
    return described if conversion.window is None else {**described, "window": conversion.window.text}


def tables_script(world: World, engine: Engine) -> str:
    """Statements that create and fill the world's tables; it also serves to reproduce a failure by hand."""
    tables = {cube.table.name: cube.table for cube in world.cubes}
    return "\n".join(_table(table, engine) for table in tables.values())


def _table(table: Table, engine: Engine) -> str:
    cells = dict(zip(table.columns, zip(*table.rows, strict=True), strict=True)) if table.rows else {}
    columns = ", ".join(f"{c.name} {engine.column(c.type, cells.get(c, ()))}" for c in table.columns)
    created = f"DROP TABLE IF EXISTS {table.name};\nCREATE TABLE {table.name} ({columns}){engine.storage};"
    if not table.rows:
        return created
    rows = ",\n  ".join("(" + ", ".join(_cell(v, engine.spelling) for v in row) + ")" for row in table.rows)
    return f"{created}\nINSERT INTO {table.name} VALUES\n  {rows};"


def _cell(value: Value, spelling: Spelling) -> str:
    """Times are texts, which all engines read as what the column holds: in UTC."""
    if isinstance(value, date | str):
        return quoted(str(value), spelling)
    return literal_sql(value, spelling)
