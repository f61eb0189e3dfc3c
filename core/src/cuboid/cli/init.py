"""``cuboid init``: a new project folder, with a model of the tables that are there."""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cuboid.cli.options import read_pairs
from cuboid.errors import ConfigError

if TYPE_CHECKING:
    from cuboid.config.environment import Environment
    from cuboid.plugins import Registry
    from cuboid.run.driver import Driver, DriverConfig
    from cuboid.types import TableInfo

README = """\
# {name}

A Cuboid project: a semantic layer over a database.

    cuboid check                      # is the model right?
    cuboid query {example}
    cuboid serve --dev                # the REST API on http://localhost:4000

`model/` says what may be asked, `cuboid.yml` where the data is, `.env` holds the secrets: keep it out of
version control.
"""


@click.command("init", short_help="Make a new project, from a database's tables if there are any.")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), default=Path("."))
@click.option(
    "--driver", help="The database's driver; by default the environment's, or the only one that is installed."
)
@click.option("--database", help="The database: a file or a name, as the driver takes it.")
@click.option(
    "--set",
    "others",
    multiple=True,
    metavar="KEY=VALUE",
    help="Another setting of the driver, e.g. host=localhost; repeat for more.",
)
def command(folder: Path, driver: str | None, database: str | None, others: tuple[str, ...]) -> None:
    """Make a new project in FOLDER, with cubes for the tables of its database. Overwrites nothing.

    What no flag says is taken from the environment, as in a project: CUBEJS_DB_TYPE, CUBEJS_DB_NAME, …
    """
    from cuboid.cli.scaffold import write_model
    from cuboid.config.data_sources import check_settings, written_in
    from cuboid.config.environment import Written, read_environment
    from cuboid.plugins import Registry

    taken = [name for name in ("model", "cuboid.yml", ".env", "README.md") if (folder / name).exists()]
    if taken:
        raise ConfigError(
            f"{folder} has {', '.join(taken)} already: nothing was written",
            hint="Choose a new folder; 'cuboid init' overwrites nothing.",
        )
    registry = Registry.load()
    registry.require()
    environment = read_environment(folder, os.environ)
    driver_class = _choose(registry, driver, environment)
    written = written_in(environment, "default", driver_class.Config, driver_class.name)
    written |= {name: Written(value, "flag --set") for name, value in read_pairs(others, "--set").items()}
    if database is not None:
        # Absolute here: the project's folder, which relative paths start from, is not there yet.
        written["database"] = Written(_absolute(database), "flag --database")
    config = check_settings(driver_class.Config, written, folder.resolve())
    tables = asyncio.run(_introspect(driver_class, config))
    quote = _quote(registry.dialect(driver_class.dialect).sqlglot)
    files = {f"model/{name}": text for name, text in write_model(tables, quote).items()}
    values: dict[str, Any] = {name: each.value for name, each in written.items()}
    if database is not None:
        values["database"] = _from_project(database, folder)
    files |= _project_files(folder, driver_class, values, next(iter(files)))
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        # Secrets are for their owner alone, from the first moment on.
        mode = 0o600 if name == ".env" else 0o666
        with os.fdopen(
            os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w", encoding="utf-8"
        ) as file:
            file.write(text)
    cubes = f"{len(tables)} cubes" if tables else "an example cube"
    click.echo(f"Made {folder} with {cubes}. Next:")
    if folder != Path("."):
        click.echo(f"  cd {folder}")
    click.echo("  cuboid check\n  cuboid serve --dev")


def _choose(registry: Registry, name: str | None, environment: Environment) -> type[Driver]:
    from cuboid.config.data_sources import driver_in

    name = name or driver_in(environment, "default")
    if name is not None:
        return registry.driver(name)
    drivers = registry.drivers()
    if len(drivers) == 1:
        return next(iter(drivers.values()))
    raise click.UsageError(
        f"Say which database with --driver: {', '.join(drivers)}."
        if drivers
        else "No driver is installed: pip install cuboid-<driver>, then give --driver."
    )


def _absolute(database: str) -> str:
    """A file given relative to the current folder as an absolute path; other names as they are."""
    return str(Path(database).resolve()) if Path(database).exists() else database


def _from_project(database: str, folder: Path) -> str:
    """A file given relative to the current folder, relative to the project; other names as they are."""
    if Path(database).is_absolute() or not Path(database).exists():
        return database
    return Path(os.path.relpath(Path(database).resolve(), folder.resolve())).as_posix()


async def _introspect(driver_class: type[Driver], config: DriverConfig) -> tuple[TableInfo, ...]:
    """The tables of the database, but for those that rollups are kept in."""
    from cuboid.run.store import SourceStoreSettings

    driver = driver_class(config)
    if "introspect" not in driver.capabilities:
        return ()
    try:
        await driver.open()
        found = await driver.introspect()
        return tuple(each for each in found if each.schema != SourceStoreSettings().schema)
    finally:
        await driver.close()


def _quote(dialect: str) -> Callable[[str], str]:
    """Quotes identifiers that the dialect would not read as plain column names: ``order``, ``Total``, ``my
    col``.
    """
    from sqlglot import exp, parse_one
    from sqlglot.errors import SqlglotError

    def quote(name: str) -> str:
        plain = False
        if name.isidentifier() and name.isascii() and name.islower():
            try:
                # Parsed, never run; and only where the name is letters, digits and underscores.
                probe = parse_one(f"SELECT t.{name}, {name} FROM {name}", dialect=dialect)  # noqa: S608
                plain = [each.name for each in probe.find_all(exp.Column, exp.Table)] == [name] * 3
            except SqlglotError:
                plain = False
        return name if plain else exp.to_identifier(name, quoted=True).sql(dialect=dialect)

    return quote


def _project_files(
    folder: Path, driver: type[Driver], values: Mapping[str, Any], first_file: str
) -> dict[str, str]:
    import yaml

    from cuboid.config.data_sources import field_names
    from cuboid.config.env_file import env_line
    from cuboid.config.settings import is_secret

    secret = {name for name, field in driver.Config.model_fields.items() if is_secret(field)}
    env = [env_line("CUBEJS_API_SECRET", secrets.token_hex(32))]
    names = field_names("default", driver.Config)
    shown: dict[str, Any] = {"driver": driver.name}
    for name, value in values.items():
        if name not in secret:
            shown[name] = value
        elif names[name]:
            env.append(env_line(names[name][-1], str(value)))
        else:
            raise ConfigError(f"'{name}' is a secret and has no environment name to keep it under in .env.")
    cube = Path(first_file).stem
    return {
        "cuboid.yml": yaml.safe_dump({"data_sources": {"default": shown}}, sort_keys=False),
        ".env": "\n".join(env) + "\n",
        "README.md": README.format(name=folder.resolve().name, example=f"-m {cube}.count"),
    }
