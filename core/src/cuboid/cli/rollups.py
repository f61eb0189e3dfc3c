"""``cuboid rollups``: what is stored, and building it by hand."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cuboid.cli.options import claims_option, project_option, read_pairs
from cuboid.cli.query_flags import query_flags, read_query
from cuboid.errors import ConfigError, CuboidError, suggest

if TYPE_CHECKING:
    from cuboid.plan.layouts import Unusable
    from cuboid.project import Project
    from cuboid.refreshing import Refresher
    from cuboid.run.store import BuiltTable
    from cuboid.run.stored import StoredRollup
    from cuboid.suggesting import Suggestion


@click.group("rollups", short_help="See, build and understand rollups.")
def command() -> None:
    """Rollups (pre_aggregations): rows that are stored beforehand."""


@command.command("build", short_help="Build rollups that are missing or out of date.")
@click.argument("names", nargs=-1, metavar="[CUBE.ROLLUP]...")
@click.option("--zone", "zones", multiple=True, help="A time zone; repeat for more [default: the worker's].")
@click.option("--force", is_flag=True, help="Build what is up to date too.")
@claims_option
@project_option
def build(
    project: Path, names: tuple[str, ...], zones: tuple[str, ...], force: bool, claims: tuple[str, ...]
) -> None:
    """Build rollups, all or those that are named; exit status 1 if one cannot be built."""
    opened, refresher = _open(project)
    principal = read_pairs(claims, "--claim")
    built = asyncio.run(_build(opened, refresher, names, zones or refresher.schedule.zones, force, principal))
    if not built:
        raise click.exceptions.Exit(1)


@command.command("list", short_help="What is stored.")
@click.option("--parts", is_flag=True, help="Each part on a line of its own.")
@project_option
def list_(project: Path, parts: bool) -> None:
    """List the tables of the store: rows, sizes, when they were built and last read."""
    opened, refresher = _open(project)

    async def read() -> tuple[BuiltTable, ...]:
        try:
            return await refresher.rollups.made.tables(await refresher.scheduled())
        finally:
            await opened.close()

    _print(asyncio.run(read()), parts)


@command.command("why", short_help="Why a query is answered from a rollup, or is not.")
@query_flags
@claims_option
@project_option
def why(project: Path, claims: tuple[str, ...], **flags: Any) -> None:
    """Tell for each rollup whether it answers a query, and if not why. Takes the same query as 'cuboid query'; nothing
    is run or built."""
    query = read_query(flags)
    security_context = read_pairs(claims, "--claim")
    from cuboid.embedded import open as open_project

    with open_project(project) as opened:
        body = opened.explain(query, security_context)
    for explained in body["explanations"]:
        for each in explained["rollups"]:
            said = ("used" if each["used"] else None, each["reason"])
            click.echo(f"{each['rollup']}: {', '.join(part for part in said if part)}")
        if not explained["rollups"]:
            click.echo("The model has no rollups.")


@command.command("suggest", short_help="Rollups that would have spared the most time.")
@click.option(
    "--log",
    "files",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A query log; repeat for more [default: that of the setting query_log].",
)
@click.option("--top", default=5, show_default=True, type=click.IntRange(1, 50), help="The most to propose.")
@click.option("--output", type=click.Choice(["text", "json"]), default="text", help="How to print them.")
@claims_option
@project_option
def suggest_(project: Path, files: tuple[Path, ...], top: int, output: str, claims: tuple[str, ...]) -> None:
    """Propose rollups from the query log: for each the questions that it would have answered, their share of all, and
    the time that databases took over them. The rollups that the model has are not taken into account."""
    opened, refresher = _open(project)
    if not files:
        if opened.settings.query_log is None:
            raise ConfigError(
                "No query log is written.",
                setting="query_log",
                hint="Set query_log to a file, serve for a while, and ask again; or name a log by --log.",
            )
        files = (opened.folder / opened.settings.query_log,)
    found = asyncio.run(_suggest(opened, refresher, files, top, read_pairs(claims, "--claim")))
    if output == "json":
        click.echo(json.dumps([asdict(each) for each in found], indent=2))
        return
    for each in found:
        click.echo(
            f"# cube {each.cube}: {each.questions:,} questions, {each.share:.0%} of all; "
            f"databases took {each.milliseconds / 1000:,.1f} s over them"
        )
        click.echo(f"{each.text}\n")
    if not found:
        click.echo("No question of the log that a database answered can be answered from a rollup.", err=True)


async def _suggest(
    project: Project, refresher: Refresher, files: Sequence[Path], top: int, claims: dict[str, Any]
) -> list[Suggestion]:
    from cuboid.suggesting import Suggester, read_log
    from cuboid.types import Principal

    try:
        asked, total = read_log(files)
        planner, _ = await project.service.planning.for_principal(Principal(claims))
        return Suggester(planner.catalog, project.service.planning).suggest(asked, total, top)
    except FileNotFoundError as error:
        raise ConfigError(f"There is no query log yet: {error.filename}", setting="query_log") from None
    finally:
        await project.close()


def _open(folder: Path) -> tuple[Project, Refresher]:
    from cuboid.project import Project

    opened = Project.open(folder, flags={"pre_aggregations_builder": True})
    refresher = opened.refresher
    if refresher is None:
        raise ConfigError("No rollups are kept here.", setting="rollup_store")
    return opened, refresher


async def _build(
    project: Project,
    refresher: Refresher,
    names: Sequence[str],
    zones: Sequence[str],
    force: bool,
    claims: dict[str, Any],
) -> bool:
    from cuboid.types import Principal

    try:
        found, unusable = await refresher.stored(Principal(claims), zones)
        wanted = _named(names, found, unusable) if names else found
        done = [await _build_one(refresher, stored, force) for stored in wanted]
        for each in unusable:
            if not names:
                click.echo(f"{each.rollup} is not built: {each.reason}.", err=True)
        if not wanted:
            click.echo("The model has no rollups that can be built.", err=True)
        return all(done)
    finally:
        await project.close()


def _named(
    names: Sequence[str], found: Sequence[StoredRollup], unusable: Sequence[Unusable]
) -> list[StoredRollup]:
    reasons = {each.rollup: each.reason for each in unusable}
    known = {each.name for each in found}
    for name in names:
        if name in reasons:
            raise CuboidError(f"The rollup '{name}' cannot be built: {reasons[name]}.")
        if name not in known:
            hint = suggest(name, [*known, *reasons], none="The model has no rollups.")
            raise CuboidError(f"There is no rollup '{name}'", hint=hint)
    return [each for each in found if each.name in names]


async def _build_one(refresher: Refresher, stored: StoredRollup, force: bool) -> bool:
    rollups = refresher.rollups.made
    before = (rollups.counts.built, rollups.counts.rows)
    try:
        parts = await rollups.refresh(stored, since=datetime.now(UTC) if force else None)
    except CuboidError as error:
        click.echo(click.style("failed ", fg="red", bold=True) + error.message, err=True)
        return False
    built, rows = rollups.counts.built - before[0], rollups.counts.rows - before[1]
    click.echo(f"{stored.name} ({stored.zone}): {built} of {len(parts)} parts built, {rows:,} rows")
    return True


def _print(tables: Sequence[BuiltTable], each_part: bool) -> None:
    from rich.console import Console
    from rich.table import Table

    shown = Table()
    for title in ("rollup", "zone", "part" if each_part else "parts", "rows", "size", "built", "seconds"):
        right = title in ("rows", "size", "seconds") or title == "parts"
        shown.add_column(title, justify="right" if right else "left", overflow="fold")
    if not each_part:
        shown.add_column("read")
    for table in tables:
        parts = list(table.parts.values())
        lines = [[part] for part in parts] if each_part else [parts]
        for line in lines:
            shown.add_row(
                table.rollup,
                table.zone,
                line[0].label if each_part else str(len(line)),
                f"{sum(part.rows for part in line):,}",
                _size(sum(part.bytes for part in line)),
                f"{min((part.built_at for part in line), default=table.used_at):%Y-%m-%d %H:%M}",
                f"{sum(part.seconds for part in line):.1f}",
                *([] if each_part else [f"{table.used_at:%Y-%m-%d %H:%M}"]),
            )
    if tables:
        Console().print(shown)
    else:
        click.echo("Nothing is stored yet.")


def _size(count: float) -> str:
    for unit in ("B", "KiB", "MiB", "GiB"):
        if count < 1024 or unit == "GiB":
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    raise AssertionError
