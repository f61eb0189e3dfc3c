"""Asks MetricFlow over a semantic manifest of its own, without dbt.

MetricFlow wants a time of each table that has measures. Line items have none and get one that no question asks for.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from metricflow.engine.metricflow_engine import MetricFlowEngine, MetricFlowQueryRequest
from metricflow.protocols.sql_client import SqlEngine
from metricflow.sql.render.duckdb_renderer import DuckDbSqlPlanRenderer
from metricflow_semantic_interfaces.parsing.dir_to_model import (
    parse_yaml_files_to_validation_ready_semantic_manifest,
)
from metricflow_semantic_interfaces.parsing.objects import YamlConfigFile
from metricflow_semantics.model.semantic_manifest_lookup import SemanticManifestLookup
from timed import Asked, Questions, Values, measure

MODEL = """
project_configuration:
  time_spines:
    - node_relation: {schema_name: main, alias: days}
      primary_column: {name: day, time_granularity: day}
---
semantic_model:
  name: orders
  node_relation: {schema_name: main, alias: orders}
  defaults: {agg_time_dimension: at}
  entities:
    - {name: order, type: primary, expr: id}
    - {name: user, type: foreign, expr: user_id}
  dimensions:
    - {name: status, type: categorical}
    - {name: at, type: time, expr: placed, type_params: {time_granularity: day}}
  measures:
    - {name: count, agg: count, expr: "1", create_metric: true}
    - {name: amount, agg: sum, create_metric: true}
---
semantic_model:
  name: line_items
  node_relation: {schema_name: main, alias: line_items}
  defaults: {agg_time_dimension: never}
  entities:
    - {name: line_item, type: primary, expr: id}
    - {name: order, type: foreign, expr: order_id}
    - {name: product, type: foreign, expr: product_id}
  dimensions:
    - {name: never, type: time, expr: "CAST(NULL AS TIMESTAMP)", type_params: {time_granularity: day}}
  measures:
    - {name: revenue, agg: sum, expr: price, create_metric: true}
---
semantic_model:
  name: users
  node_relation: {schema_name: main, alias: users}
  entities: [{name: user, type: primary, expr: id}]
  dimensions: [{name: country, type: categorical}]
---
semantic_model:
  name: products
  node_relation: {schema_name: main, alias: products}
  entities: [{name: product, type: primary, expr: id}]
  dimensions: [{name: category, type: categorical}]
"""


class Writer:
    """What MetricFlow takes for a database: it says which SQL is to be written, and is asked nothing else."""

    sql_engine_type = SqlEngine.DUCKDB
    sql_plan_renderer = DuckDbSqlPlanRenderer()


def layer(_: Path) -> Questions:
    files = [YamlConfigFile(filepath="model.yml", contents=MODEL)]
    manifest = parse_yaml_files_to_validation_ready_semantic_manifest(files).semantic_manifest
    engine = MetricFlowEngine(SemanticManifestLookup(manifest), Writer())

    def asked(**query: Any) -> Asked:
        return lambda: (engine.explain(MetricFlowQueryRequest.create(**query)).sql_statement.sql, ())

    def with_statuses(metrics: list[str], dimension: str) -> Callable[[Values], Asked]:
        return lambda values: asked(
            metric_names=metrics,
            group_by_names=[dimension],
            where_constraints=[f"{{{{ Dimension('order__status') }}}} IN {values.statuses}"],
        )

    return {
        "filter": with_statuses(["amount"], "order__status"),
        "series": lambda values: asked(
            metric_names=["amount"],
            group_by_names=["user__country", "metric_time__month"],
            time_constraint_start=datetime.fromisoformat(values.first),
            time_constraint_end=datetime.fromisoformat(values.last),
        ),
        "facts": with_statuses(["count", "revenue"], "order__status"),
        "fan-out": with_statuses(["amount"], "product__category"),
    }


if __name__ == "__main__":
    measure(layer)
