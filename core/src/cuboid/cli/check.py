"""``cuboid check``: the model's mistakes, with code frames."""

from __future__ import annotations

from pathlib import Path

import click

from cuboid.cli.options import project_argument


@click.command("check", short_help="Check the model; exit status 1 if it has errors.")
@project_argument
def command(project: Path) -> None:
    """Check the model of a project. Exit status 1 if it has errors; warnings do not count."""
    from cuboid.catalog.frames import render_error
    from cuboid.project import Project

    opened = Project.open(project)
    catalog, files = opened.catalog, opened.model_files
    for title, color, problems in (
        ("warning", "yellow", catalog.warnings),
        ("error", "red", catalog.errors),
    ):
        for problem in problems:
            click.echo(click.style(title, fg=color, bold=True) + " " + render_error(problem, files) + "\n")
    members = sum(1 for cube in catalog.cubes.values() for _ in cube.members())
    counts = [
        _count(len(catalog.cubes), "cube"),
        _count(members, "member"),
        _count(len(catalog.errors), "error"),
        _count(len(catalog.warnings), "warning"),
    ]
    click.echo(f"{', '.join(counts)} in {_count(len(files), 'file')}")
    if catalog.broken:
        click.echo(f"Off until repaired: {', '.join(sorted(catalog.broken))}")
    if catalog.errors:
        raise SystemExit(1)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
