"""``cuboid sql``: the SQL that would answer a query."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from cuboid.cli.options import claims_option, project_option, read_pairs
from cuboid.cli.query_flags import query_flags, read_query


@click.command("sql", short_help="Print the SQL and parameters of a query; nothing is run.")
@query_flags
@click.option(
    "--output",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="How to print it.",
)
@claims_option
@project_option
def command(project: Path, output: str, claims: tuple[str, ...], **flags: Any) -> None:
    """Print the SQL and parameters of a query; takes the same query as 'cuboid query'. Nothing is run."""
    query = read_query(flags)
    security_context = read_pairs(claims, "--claim")
    import orjson

    from cuboid.embedded import open as open_project

    with open_project(project) as opened:
        text, parameters = opened.sql(query, security_context)
    if output == "json":
        click.echo(orjson.dumps({"sql": text, "parameters": parameters}, option=orjson.OPT_INDENT_2))
        return
    click.echo(text)
    # Comments, so that the whole output is SQL still; JSON texts hold no line breaks.
    for index, value in enumerate(parameters, start=1):
        click.echo(f"-- parameter {index}: {orjson.dumps(value).decode()}")
