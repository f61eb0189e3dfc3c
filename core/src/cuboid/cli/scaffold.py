"""A first model from the tables of a database: a cube each, to be edited by hand afterwards.

Each cube gets a count, a sum for every number that is no key, a dimension for every other column, and a
many-to-one join for every foreign key to another table. What the model's rules do not allow is left out and
said in a comment.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from cuboid.types import ColumnInfo, ForeignKeyInfo, TableInfo

EXAMPLE = """\
# An example that needs no table: try `cuboid query -m example.count -d example.city`.
cubes:
  - name: example
    sql: >
      SELECT 1 AS id, 'Berlin' AS city, 12.5 AS amount
      UNION ALL SELECT 2, 'Paris', 20
      UNION ALL SELECT 3, 'Paris', 7.5

    measures:
      - name: count
        type: count
      - name: total_amount
        type: sum
        sql: amount

    dimensions:
      - name: id
        type: number
        sql: id
        primary_key: true
      - name: city
        type: string
        sql: city
"""


class _Indented(yaml.SafeDumper):
    """Lists are indented under their key, as people write them."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


Quote = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class _Named:
    """The cubes' names by (schema, table)."""

    names: Mapping[tuple[str, str], str]
    tables: Mapping[tuple[str, str], TableInfo]

    def target(self, key: ForeignKeyInfo, table: TableInfo) -> TableInfo | None:
        """The table that a foreign key refers to: in the same schema, else the only one of that name."""
        schema, _, name = key.target_table.rpartition(".")
        same = self.tables.get((schema or table.schema, name))
        if same is not None:
            return same
        others = [each for each in self.tables.values() if each.name == name]
        return others[0] if len(others) == 1 else None

    def name(self, table: TableInfo) -> str:
        return self.names[table.schema, table.name]


def write_model(tables: Sequence[TableInfo], quote: Quote) -> dict[str, str]:
    """YAML texts by file name (relative to the model folder), one cube a file; an example without tables.

    :param quote: makes an identifier fit for SQL.
    """
    if not tables:
        return {"example.yml": EXAMPLE}
    named = _named(tables)
    return {f"{named.name(table)}.yml": _file(table, named, quote) for table in tables}


def _named(tables: Sequence[TableInfo]) -> _Named:
    taken: set[str] = set()
    names: dict[tuple[str, str], str] = {}
    for table in tables:
        twice = sum(1 for other in tables if _identifier(other.name) == _identifier(table.name)) > 1
        wanted = f"{table.schema}_{table.name}" if twice else table.name
        names[table.schema, table.name] = _unique(_identifier(wanted), taken)
    return _Named(names, {(table.schema, table.name): table for table in tables})


def _file(table: TableInfo, named: _Named, quote: Quote) -> str:
    joins, left_out = _joins(table, named, quote)
    taken: set[str] = set()
    foreign = {column for key in table.foreign_keys for column in key.columns}
    numbers = [column for column in table.columns if column.type == "number" and not _is_key(column, foreign)]
    # Names of columns come first: people know them.
    dimensions = [_dimension(column, taken, quote) for column in table.columns if column not in numbers]
    measures: list[dict[str, Any]] = [{"name": _unique("count", taken), "type": "count"}]
    for column in numbers:
        name = _unique(f"total_{_identifier(column.name)}", taken)
        measures.append({"name": name, "type": "sum", "sql": _column(column.name, quote)})
    parts = [part for part in (table.schema, table.name) if part]
    cube: dict[str, Any] = {
        "name": named.name(table),
        "sql_table": _escaped(".".join(quote(part) for part in parts)),
    }
    cube |= {"joins": joins} if joins else {}
    cube |= {"measures": measures}
    cube |= {"dimensions": dimensions} if dimensions else {}
    comments = "".join(f"# {' '.join(line.split())}\n" for line in left_out)
    return comments + yaml.dump({"cubes": [cube]}, Dumper=_Indented, sort_keys=False, allow_unicode=True)


def _dimension(column: ColumnInfo, taken: set[str], quote: Quote) -> dict[str, Any]:
    dimension: dict[str, Any] = {
        "name": _unique(_identifier(column.name), taken),
        "type": column.type,
        "sql": _column(column.name, quote),
    }
    if column.type == "time":
        kind = _time_kind(column.native_type)
        dimension |= {"time_kind": kind} if kind else {}
    if column.primary_key:
        dimension["primary_key"] = True
    return dimension


def _time_kind(native_type: str) -> str | None:
    """From the type's name in SQL; zoneless timestamps are UTC unless the model says otherwise."""
    name = native_type.upper()
    if "WITH TIME ZONE" in name or name.startswith("TIMESTAMPTZ"):
        return "instant"
    return "date" if name.startswith("DATE") and "TIME" not in name else None


def _joins(table: TableInfo, named: _Named, quote: Quote) -> tuple[list[dict[str, Any]], list[str]]:
    """The joins of a table's foreign keys, and sentences about those left out."""
    joins: dict[str, dict[str, Any]] = {}
    left_out = []
    for key in table.foreign_keys:
        target = named.target(key, table)
        columns = ", ".join(key.columns)
        if target is None:
            continue
        name = named.name(target)
        if target is table:
            left_out.append(f"No join for ({columns}): the table refers to itself.")
        elif name in joins:
            left_out.append(f"No join for ({columns}): there is one to {name} already.")
        elif not (_has_key(table) and _has_key(target)):
            left_out.append(f"No join to {name} by ({columns}): both tables need a primary key.")
        else:
            pairs = zip(key.columns, key.target_columns, strict=True)
            conditions = [
                f"{{CUBE}}.{_escaped(quote(own))} = {{{name}}}.{_escaped(quote(other))}"
                for own, other in pairs
            ]
            joins[name] = {
                "name": name,
                "relationship": "many_to_one",
                "sql": " AND ".join(conditions),
            }
    return list(joins.values()), left_out


def _has_key(table: TableInfo) -> bool:
    return any(column.primary_key for column in table.columns)


def _is_key(column: ColumnInfo, foreign: set[str]) -> bool:
    """A number that names something: adding it up means nothing."""
    name = column.name.lower()
    return column.primary_key or column.name in foreign or name == "id" or name.endswith(("_id", "Id"))


def _column(name: str, quote: Quote) -> str:
    return f"{{CUBE}}.{_escaped(quote(name))}"


def _escaped(sql: str) -> str:
    """Braces begin references in model SQL."""
    return sql.replace("{", "\\{").replace("}", "\\}")


def _identifier(name: str) -> str:
    """``name`` as a member's or cube's name: letters, digits and ``_``, not beginning with a digit."""
    plain = re.sub(r"[^A-Za-z0-9_]+", "_", name).strip("_") or "unnamed"
    return f"_{plain}" if plain[0].isdigit() else plain


def _unique(name: str, taken: set[str]) -> str:
    """``name``, or with the lowest number that makes it new; remembered in ``taken``."""
    candidate, number = name, 1
    while candidate.lower() in taken:
        number += 1
        candidate = f"{name}_{number}"
    taken.add(candidate.lower())
    return candidate
