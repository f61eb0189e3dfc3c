"""``cuboid explain``: how a query would be answered, and why so."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from cuboid.cli.options import claims_option, project_option, read_pairs
from cuboid.cli.query_flags import query_flags, read_query


@click.command("explain", short_help="Explain how a query would be answered, and why; nothing is run.")
@query_flags
@click.option("--json", "as_json", is_flag=True, help="Print the JSON that /v1/explain answers.")
@claims_option
@project_option
def command(project: Path, as_json: bool, claims: tuple[str, ...], **flags: Any) -> None:
    """Explain a query: how cubes are joined and why, what each measure aggregates, which policies hold, how dates
    were computed, the plan and the SQL. Takes the same query as 'cuboid query'. Nothing is run."""
    query = read_query(flags)
    security_context = read_pairs(claims, "--claim")
    import orjson

    from cuboid.embedded import open as open_project

    with open_project(project) as opened:
        body = opened.explain(query, security_context)
    if as_json:
        click.echo(orjson.dumps(body, option=orjson.OPT_INDENT_2))
        return
    for explained in body["explanations"]:
        for line in lines(explained):
            click.echo(line)


def lines(explained: Mapping[str, Any]) -> Iterator[str]:
    """One explanation for people, line by line."""
    for title, part in (
        ("Joins", _relations(explained["relations"])),
        ("Measures", _measures(explained["measures"])),
        ("Policies", _policies(explained["policies"])),
        ("Dates", _dates(explained["dates"])),
        ("Stages", iter(explained["stages"])),
        ("Rollups", _rollups(explained["rollups"])),
        ("Plan", _tree(explained["plan"]["built"])),
        ("Plan after rewriting", _rewritten(explained["plan"])),
        ("Plan over rollups", _served(explained["plan"])),
        (f"SQL for '{explained['sql']['dataSource']}'", _sql(explained["sql"])),
    ):
        found = list(part)
        if found:
            yield click.style(title, bold=True)
            yield from (f"  {line}" for line in found)
            yield ""


def _relations(relations: list[dict[str, Any]]) -> Iterator[str]:
    for each in relations:
        yield f"{each['number']}. rows of {each['root']}: {each['why']}"
        for join in each["joins"]:
            yield f"   LEFT JOIN {join['to']} from {join['from']} ({join['relationship']}): {join['why']}"
            if join["alternatives"]:
                yield f"     not taken: {', '.join(join['alternatives'])}"
        yield from (f"   where {words}" for words in each["conditions"])
        yield from (f"   not restricted by: {words}" for words in each["notApplied"])


def _measures(measures: list[dict[str, Any]]) -> Iterator[str]:
    for each in measures:
        where = f", over {each['relation']}" if "relation" in each else ""
        yield f"{each['measure']}{where}: {each['how']}"
        if "grain" in each:
            yield f"  grain: {each['grain']}"
        if each.get("repeatedBy"):
            yield f"  repeated by: {', '.join(each['repeatedBy'])}"


def _policies(policies: list[dict[str, Any]]) -> Iterator[str]:
    for each in policies:
        rows = f": rows where {each['rows']}" if "rows" in each else ""
        yield f"{each['cube']}{rows}"
        for policy in each["policies"]:
            conditions = f" if {' and '.join(policy['conditions'])}" if policy["conditions"] else ""
            applies = "applies" if policy["applies"] else "does not apply"
            yield f"  {', '.join(policy['groups'])}{conditions} {applies}; opens rows: {policy['rows']}"
        if each["masked"]:
            yield f"  masked: {', '.join(each['masked'])}"


def _dates(dates: Mapping[str, Any]) -> Iterator[str]:
    if dates["ranges"] or dates["groups"]:
        yield f"zone: {dates['timezone']}"
    for each in dates["ranges"]:
        yield f"{each['member']}: {each['column']}"
        if "written" in each:
            written = each["written"]
            yield f"  written: {written if isinstance(written, str) else ', '.join(written)}"
            yield f"  civil:   {' to '.join(each['civil'])}"
        yield f"  compared: {each['compared']}"
    for each in dates["groups"]:
        yield f"{each['member']}.{each['granularity']}: {each['how']}"


def _rollups(rollups: list[dict[str, Any]]) -> Iterator[str]:
    for each in rollups:
        reason = "" if each["reason"] is None else each["reason"]
        said = f"not used: {reason}" if not each["used"] else f"used, {reason}" if reason else "used"
        yield f"{each['rollup']}: {said}"


def _served(plan: Mapping[str, Any]) -> Iterator[str]:
    if "served" in plan:
        yield from _tree(plan["served"])


def _rewritten(plan: Mapping[str, Any]) -> Iterator[str]:
    if plan["rewrites"]:
        yield from (f"rule: {words}" for words in plan["rewrites"])
        yield from _tree(plan["rewritten"])


def _tree(step: Mapping[str, Any], first: str = "", rest: str = "") -> Iterator[str]:
    yield f"{first}{step['step']}"
    inputs = step["inputs"]
    for detail in step["details"]:
        yield f"{rest}{'│ ' if inputs else '  '} {detail}"
    for number, each in enumerate(inputs, start=1):
        last = number == len(inputs)
        yield from _tree(each, f"{rest}{'└─ ' if last else '├─ '}", f"{rest}{'   ' if last else '│  '}")


def _sql(sql: Mapping[str, Any]) -> Iterator[str]:
    yield from sql["text"].splitlines()
    for number, value in enumerate(sql["parameters"], start=1):
        yield f"-- parameter {number}: {value}"
