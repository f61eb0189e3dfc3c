"""A world as Cuboid is shown it: model text in YAML, and tables as a SQL script."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import yaml
from tests.oracle.expressions import Case, Column, Constant, Expression, Value, literal_sql, to_sql
from tests.oracle.world import Cube, Dimension, Join, Measure, Table, World

COLUMN_TYPES = {
    "integer": "INTEGER",
    "decimal": "DECIMAL(10, 2)",
    "text": "VARCHAR",
    "boolean": "BOOLEAN",
    "timestamp": "TIMESTAMP",
    "timestamptz": "TIMESTAMPTZ",
    "date": "DATE",
}


def model_text(world: World) -> str:
    """The world's model file."""
    cubes = [_cube(cube) for cube in world.cubes]
    return yaml.safe_dump({"cubes": cubes}, sort_keys=False, allow_unicode=True, width=1000)


def _cube(cube: Cube) -> dict[str, Any]:
    source = {"sql": f"SELECT * FROM {cube.table.name}"} if cube.as_select else {"sql_table": cube.table.name}
    described: dict[str, Any] = {"name": cube.name, **source}
    sections = {
        "joins": [_join(cube.name, join) for join in cube.joins],
        "dimensions": [_dimension(cube.name, dimension) for dimension in cube.dimensions],
        "measures": [_measure(cube.name, measure) for measure in cube.measures],
        "segments": [{"name": s.name, "sql": to_sql(s.expression, cube.name)} for s in cube.segments],
    }
    return described | {name: entries for name, entries in sections.items() if entries}


def _join(cube: str, join: Join) -> dict[str, Any]:
    return {"name": join.target, "relationship": join.relationship, "sql": to_sql(join.on, cube)}


def _dimension(cube: str, dimension: Dimension) -> dict[str, Any]:
    described: dict[str, Any] = {"name": dimension.name, "type": dimension.type}
    if dimension.as_case:
        described["case"] = _case(cube, dimension.expression)
    else:
        described["sql"] = _member_sql(cube, dimension.expression)
    if dimension.primary_key:
        # Keys are hidden unless they are made public, and hidden members cannot be asked for.
        described |= {"primary_key": True, "public": True}
    if dimension.time_kind != "utc":
        described["time_kind"] = dimension.time_kind
    return described


def _case(cube: str, expression: Expression) -> dict[str, Any]:
    assert isinstance(expression, Case)

    def label(value: Expression) -> str:
        assert isinstance(value, Constant)
        return str(value.value)

    when = [{"sql": to_sql(c, cube), "label": label(v)} for c, v in expression.branches]
    otherwise = {} if expression.otherwise is None else {"else": {"label": label(expression.otherwise)}}
    return {"when": when, **otherwise}


def _member_sql(cube: str, expression: Expression) -> str:
    """A lone column of the cube is written as its bare name, which the model's language allows."""
    if isinstance(expression, Column) and expression.cube == cube:
        return expression.name
    return to_sql(expression, cube)


def _measure(cube: str, measure: Measure) -> dict[str, Any]:
    described: dict[str, Any] = {"name": measure.name, "type": measure.type}
    if measure.expression is not None:
        described["sql"] = _member_sql(cube, measure.expression)
    if measure.filters:
        described["filters"] = [{"sql": to_sql(condition, cube)} for condition in measure.filters]
    return described


def tables_script(world: World) -> str:
    """Statements that create and fill the world's tables; it also serves to reproduce a failure by hand."""
    tables = {cube.table.name: cube.table for cube in world.cubes}
    return "\n".join(_table(table) for table in tables.values())


def _table(table: Table) -> str:
    columns = ", ".join(f"{column.name} {COLUMN_TYPES[column.type]}" for column in table.columns)
    created = f"CREATE TABLE {table.name} ({columns});"
    if not table.rows:
        return created
    types = [column.type for column in table.columns]
    rows = ",\n  ".join(
        "(" + ", ".join(_cell(value, type) for value, type in zip(row, types, strict=True)) + ")"
        for row in table.rows
    )
    return f"{created}\nINSERT INTO {table.name} VALUES\n  {rows};"


def _cell(value: Value, type: str) -> str:
    if isinstance(value, datetime):
        return f"TIMESTAMPTZ '{value}+00'" if type == "timestamptz" else f"TIMESTAMP '{value}'"
    if isinstance(value, date):
        return f"DATE '{value}'"
    # Braces mean nothing to the database: undo the model language's escape.
    return literal_sql(value).replace("\\{", "{").replace("\\}", "}")
