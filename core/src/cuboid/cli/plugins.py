"""``cuboid plugins``: what is installed, what it offers, and what is wrong with it."""

from __future__ import annotations

from pathlib import Path

import click

from cuboid.cli.options import project_argument


@click.command("plugins", short_help="List plugins with their drivers, dialects, hooks and failures.")
@project_argument
def command(project: Path) -> None:
    """List plugins with their drivers, dialects, hooks and failures. Exit status 1 if one cannot be used."""
    import os

    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from cuboid.config.load import load_configuration
    from cuboid.plugins import Registry

    settings = load_configuration(project.resolve(), environ=os.environ).settings
    registry = Registry.load(project.resolve(), optional=settings.optional_plugins)
    registry.ask_all()
    table = Table()
    for title in ("Plugin", "Distribution", "Drivers", "Dialects", "Hooks", "State"):
        table.add_column(title, overflow="fold")
    for plugin in registry.plugins:
        failure = f"[red]{escape(plugin.error)}[/red]" if plugin.error else "[green]ok[/green]"
        table.add_row(
            plugin.name,
            f"{plugin.distribution} {plugin.version}" if plugin.distribution else "this project",
            ", ".join(plugin.offers.get("register_drivers", {})),
            ", ".join(plugin.offers.get("register_dialects", {})),
            "\n".join(plugin.hooks),
            failure + (" (optional)" if plugin.error and plugin.optional else ""),
        )
    console = Console()
    if registry.plugins:
        console.print(table)
    else:
        console.print("No plugins are installed. Drivers are: pip install cuboid-<driver>")
    # Two plugins that offer one name are an error only now that both are shown.
    registry.drivers()
    registry.dialects()
    if any(plugin.error and not plugin.optional for plugin in registry.plugins):
        raise SystemExit(1)
