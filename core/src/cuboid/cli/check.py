"""``cuboid check``: the model's mistakes, with code frames."""

from __future__ import annotations

from pathlib import Path

import click

from cuboid.cli.options import claims_option, project_argument, read_pairs
from cuboid.errors import ConfigError


@click.command("check", short_help="Check the model; exit status 1 if it has errors.")
@claims_option
@project_argument
def command(project: Path, claims: tuple[str, ...]) -> None:
    """Check the model of a project, its SQL in the dialects of its data sources; no database is asked.

    With claims it is the model of the tenant that they belong to.
    Exit status 1 if it has errors, or no model at all; warnings do not count.
    """
    from cuboid.catalog.frames import render_error
    from cuboid.catalog.joins import JoinGraph
    from cuboid.project import Project

    opened = Project.open(project)
    model = opened.model_of(read_pairs(claims, "--claim")).current
    catalog, files = model.catalog, model.files
    if not files:
        raise ConfigError(
            f"There is no model: no .yml or .yaml file in {opened.configuration.model_folder}",
            hint="Put a cube's file there; docs/reference/model.md describes it.",
        )
    equal_paths = [ambiguity.warning() for ambiguity in JoinGraph(catalog).ambiguities()]
    warnings = [*catalog.warnings, *equal_paths]
    for title, color, problems in (
        ("warning", "yellow", warnings),
        ("error", "red", list(catalog.errors)),
    ):
        for problem in problems:
            click.echo(click.style(title, fg=color, bold=True) + " " + render_error(problem, files) + "\n")
    members = sum(1 for cube in catalog.cubes.values() for _ in cube.members())
    views = sum(1 for cube in catalog.cubes.values() if cube.view is not None)
    counts = [
        _count(len(catalog.cubes) - views, "cube"),
        *([_count(views, "view")] if views else []),
        _count(members, "member"),
        _count(len(catalog.errors), "error"),
        _count(len(warnings), "warning"),
    ]
    click.echo(f"{', '.join(counts)} in {_count(len(files), 'file')}")
    if catalog.broken:
        click.echo(f"Off until repaired: {', '.join(sorted(catalog.broken))}")
    if not opened.configuration.data_sources:
        click.echo(
            "No data source is configured: the SQL was not read, the cubes' data sources not looked up."
        )
    if catalog.errors:
        raise SystemExit(1)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
