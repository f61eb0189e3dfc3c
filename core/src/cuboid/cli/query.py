"""``cuboid query``: ask without a server."""

from __future__ import annotations

import csv
import sys
from pathlib import Path
from typing import Any

import click

from cuboid.cli.options import claims_option, project_option, read_pairs
from cuboid.cli.query_flags import query_flags, read_query


@click.command("query", short_help="Answer a query given as JSON or as flags; no server needed.")
@query_flags
@click.option(
    "--output",
    type=click.Choice(["table", "json", "csv"]),
    default="table",
    show_default=True,
    help="How to print the rows.",
)
@claims_option
@project_option
def command(project: Path, output: str, claims: tuple[str, ...], **flags: Any) -> None:
    """Answer a query: JSON, '-' for JSON from standard input, or flags.

    \b
      cuboid query -m orders.count -d users.city --limit 10
      cuboid query '{"measures": ["orders.count"]}' --output json
    """
    query = read_query(flags)
    security_context = read_pairs(claims, "--claim")
    from cuboid.embedded import open as open_project

    with open_project(project) as opened:
        results = opened.results(query, security_context)
    for result in results:
        if not isinstance(result["data"], list):
            raise click.UsageError("Leave responseFormat out of the query: --output says how to print.")
    rows = [row for result in results for row in result["data"]]
    if output == "json":
        import orjson

        click.echo(orjson.dumps(rows, option=orjson.OPT_INDENT_2))
    elif output == "csv":
        _print_csv(rows)
    else:
        _print_table(rows, results)


def _columns(rows: list[dict[str, Any]]) -> list[str]:
    return list(dict.fromkeys(key for row in rows for key in row))


def _print_csv(rows: list[dict[str, Any]]) -> None:
    writer = csv.DictWriter(sys.stdout, _columns(rows), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)


def _print_table(rows: list[dict[str, Any]], results: list[dict[str, Any]]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    numbers = {
        name
        for result in results
        for group in result["annotation"].values()
        for name, member in group.items()
        if member.get("type") == "number"
    }
    table = Table()
    columns = _columns(rows)
    # A time dimension's deprecated key repeats its granularity's column: once is enough on a screen.
    columns = [name for name in columns if not any(other.startswith(name + ".") for other in columns)]
    for name in columns:
        table.add_column(name, justify="right" if name in numbers else "left", overflow="fold")
    for row in rows:
        table.add_row(*(_cell(row.get(name)) for name in columns))
    console = Console()
    if columns:
        console.print(table)
    console.print(Text(f"{len(rows):,} {'row' if len(rows) == 1 else 'rows'}", style="dim"))


def _cell(value: object) -> Any:
    from rich.text import Text

    if value is None:
        return Text("∅", style="dim")
    return Text(str(value).lower() if isinstance(value, bool) else str(value))
