"""``cuboid worker``: rollups are kept fresh though nobody asks."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cuboid.cli.options import project_argument
from cuboid.errors import ConfigError

if TYPE_CHECKING:
    from cuboid.project import Project
    from cuboid.refreshing import Refresher


@click.command("worker", short_help="Keep rollups fresh, beside servers that read them.")
@project_argument
@click.option(
    "--once", is_flag=True, help="Look once and stop; exit status 1 if something could not be built."
)
def command(project: Path, once: bool) -> None:
    """Build the rollups of a project and keep them fresh until SIGTERM or Ctrl-C.

    Servers of the project see what it builds at once. With CUBOID_PRE_AGGREGATIONS_BUILDER=false they build nothing
    themselves.
    """
    from cuboid.http.logs import configure_logs
    from cuboid.project import Project

    opened = Project.open(project, flags={"pre_aggregations_builder": True})
    configure_logs(level=opened.settings.log_level)
    refresher = opened.refresher
    if refresher is None:
        raise ConfigError(
            "No rollups are kept here.",
            setting="rollup_store",
            hint="Install a plugin that has a rollup store, and leave rollup_store unset.",
        )
    if not asyncio.run(_work(opened, refresher, once)):
        raise click.exceptions.Exit(1)


async def _work(project: Project, refresher: Refresher, once: bool) -> bool:
    """Whether all went well."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    try:
        if once:
            return not await refresher.look()
        click.echo(f"Cuboid keeps the rollups of {project.folder.name} fresh.")
        work = asyncio.create_task(refresher.run())
        stopped = asyncio.create_task(stop.wait())
        await asyncio.wait({work, stopped}, return_when=asyncio.FIRST_COMPLETED)
        if work.done():
            stopped.cancel()
            work.result()  # it ends by an error only
        work.cancel()
        await asyncio.wait({work})
        return True
    finally:
        await project.close()
