"""A world as Cuboid is shown it: model text in YAML, and tables as a SQL script, in the words of an engine."""

from __future__ import annotations

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
from tests.oracle.members import Conversion, Shift, Stage, Window
from tests.oracle.world import Cube, Dimension, Join, Measure, Table, World


def model_text(world: World, engine: Engine) -> str:
    """The world's model file."""
    cubes = [_cube(cube, engine.spelling) for cube in world.cubes]
    return yaml.safe_dump({"cubes": cubes}, sort_keys=False, allow_unicode=True, width=1000)


def _cube(cube: Cube, spelling: Spelling) -> dict[str, Any]:
    source = {"sql": f"SELECT * FROM {cube.table.name}"} if cube.as_select else {"sql_table": cube.table.name}
    described: dict[str, Any] = {"name": cube.name, **source}
    sections = {
        "joins": [_join(cube.name, join, spelling) for join in cube.joins],
        "dimensions": [_dimension(cube.name, dimension, spelling) for dimension in cube.dimensions],
        "measures": [_measure(cube.name, measure, spelling) for measure in cube.measures],
        "segments": [
            {"name": s.name, "sql": to_sql(s.expression, cube.name, spelling)} for s in cube.segments
        ],
    }
    return described | {name: entries for name, entries in sections.items() if entries}


def _join(cube: str, join: Join, spelling: Spelling) -> dict[str, Any]:
    return {"name": join.target, "relationship": join.relationship, "sql": to_sql(join.on, cube, spelling)}


def _dimension(cube: str, dimension: Dimension, spelling: Spelling) -> dict[str, Any]:
    described: dict[str, Any] = {"name": dimension.name, "type": dimension.type}
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
    if measure.conversion is not None:
        described["conversion"] = _conversion(measure.conversion)
    return described


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
