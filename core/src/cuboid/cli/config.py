"""``cuboid config``: effective settings and where each comes from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cuboid.cli.options import project_argument

if TYPE_CHECKING:
    from cuboid.project import Project

MASK = "••••••••"


@click.command("config")
@project_argument
def command(project: Path) -> None:
    """Show every effective setting with its origin; secrets are masked."""
    from rich.console import Console
    from rich.text import Text

    from cuboid.config.settings import SETTINGS
    from cuboid.project import Project

    console = Console()
    opened = Project.open(project)
    if opened.configuration.data_sources:
        _ = opened.data_source_settings  # what is wrong is told before half of the tables is printed
    values = {setting.name: getattr(opened.settings, setting.name) for setting in SETTINGS}
    console.print(_table("Settings", values, opened.configuration.origins))
    known = {name for setting in SETTINGS for name in setting.env}
    if opened.configuration.data_sources:
        known = _show_data_sources(console, opened)
    else:
        console.print(Text("No data source is configured.", style="yellow"))
    unused = opened.configuration.environment.unused(known)
    if unused:
        console.print(Text("\nNot used by Cuboid:", style="yellow"))
        for name, origin in unused:
            console.print(Text(f"  {name} ({origin})"))


def _show_data_sources(console: Any, opened: Project) -> set[str]:
    """Prints a table for each and returns the environment names that are read."""
    for source in opened.data_source_settings:
        values: dict[str, Any] = {"driver": source.driver}
        values |= {name: getattr(source.config, name) for name in type(source.config).model_fields}
        values |= {name: value for name, value in source.limits if value is not None}
        console.print(_table(f"Data source {source.name}", values, source.origins))
    drivers = {each.name: opened.registry.driver(each.driver) for each in opened.configuration.data_sources}
    return opened.known_names(drivers)


def _table(title: str, values: dict[str, Any], origins: Any) -> Any:
    from rich.table import Table
    from rich.text import Text

    table = Table(title=title, title_justify="left")
    for column in ("Setting", "Value", "Origin"):
        table.add_column(column, overflow="fold")
    for name, value in values.items():
        origin = origins.get(name, "default")
        table.add_row(
            Text(name), Text(_shown(value)), Text(origin), style="dim" if origin == "default" else ""
        )
    return table


def _shown(value: object) -> str:
    from pydantic import SecretStr

    if isinstance(value, SecretStr):
        return MASK
    if value is None or value == ():
        return ""
    if isinstance(value, tuple):
        return ", ".join(_shown(each) for each in value)
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)
