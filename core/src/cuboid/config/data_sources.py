"""Data sources: which there are, and their settings from environment and project file.

Two ways to write one: an entry under ``data_sources`` of ``cuboid.yml``, or Cube's variables:
``CUBEJS_DB_TYPE`` with ``CUBEJS_DB_*`` for ``default``, and ``CUBEJS_DATASOURCES`` with
``CUBEJS_DS_<NAME>_DB_*`` for others. Both may be mixed (a password from the environment, the rest in the
file): the environment wins, field by field. If it names another driver than the file does, the file's entry
does not count at all.

Which settings a data source has is its driver's to say: this module gets the driver's ``Config`` class and
reads the fields it finds there. No driver is known here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from cuboid.config.environment import Environment, Written
from cuboid.config.problems import config_error
from cuboid.config.project_file import ProjectFile
from cuboid.config.quantities import read_list
from cuboid.config.settings import Count, Duration, environment_names, with_twins
from cuboid.errors import ConfigError

Model = TypeVar("Model", bound=BaseModel)

DATASOURCES = "CUBEJS_DATASOURCES"
TYPE = "CUBEJS_DB_TYPE"

# What Cube names alike for every database, by the name that a driver's Config gives the field.
GENERIC: Mapping[str, str] = {
    "host": "CUBEJS_DB_HOST",
    "port": "CUBEJS_DB_PORT",
    "database": "CUBEJS_DB_NAME",
    "user": "CUBEJS_DB_USER",
    "password": "CUBEJS_DB_PASS",
    "ssl": "CUBEJS_DB_SSL",
}

HOW_TO = """Either in cuboid.yml:

    data_sources:
      default:
        driver: <name>
        database: <database>

or in the environment or .env, as for Cube:

    CUBEJS_DB_TYPE=<name>
    CUBEJS_DB_NAME=<database>

'cuboid plugins' lists the drivers that are installed."""


class QueueLimits(BaseModel):
    """What every data source may set beside its driver's own settings; unset means the project's setting."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    concurrency: Count | None = Field(None, ge=1)
    query_timeout: Duration | None = Field(None, gt=0)
    refresh_every: Duration | None = Field(None, gt=0)


_LIMIT_NAMES: Mapping[str, str] = {
    "concurrency": "CUBEJS_CONCURRENCY",
    "query_timeout": "CUBEJS_DB_QUERY_TIMEOUT",
}


@dataclass(frozen=True, slots=True)
class DataSourceDeclaration:
    """A data source as found: its driver's name and what ``cuboid.yml`` says about it."""

    name: str
    driver: str
    origin: str
    settings: Mapping[str, Written]


@dataclass(frozen=True, slots=True)
class DataSourceSettings:
    """A data source's checked settings: ``config`` is an instance of its driver's ``Config``.

    ``origins`` has a place for each setting that was written anywhere.
    """

    name: str
    driver: str
    config: BaseModel
    limits: QueueLimits
    origins: Mapping[str, str]


def declare_data_sources(environment: Environment, file: ProjectFile) -> tuple[DataSourceDeclaration, ...]:
    """All data sources, ``cuboid.yml``'s first, then the environment's; empty if there is none.

    Raises :class:`ConfigError` if ``CUBEJS_DATASOURCES`` names one that has no driver.
    """
    listed = environment.first(with_twins([DATASOURCES]))
    names = list(dict.fromkeys((*file.data_sources, *(read_list(listed.value) if listed else ()))))
    if "default" not in names and environment.first(_names(TYPE, "default")):
        names.append("default")
    declarations = []
    for name in names:
        entry = file.data_sources.get(name)
        written = environment.first(_names(TYPE, name)) or (entry.driver if entry else None)
        if written is None:
            assert listed is not None
            wanted = _names(TYPE, name)[-1]
            raise ConfigError(
                f"The data source '{name}' has no driver ({listed.origin})",
                setting=f"data_sources.{name}.driver",
                origin=listed.origin,
                hint=f"Set {wanted}, or add data_sources.{name}.driver to cuboid.yml.",
            )
        driver = str(written.value)
        same = entry is not None and entry.driver.value == driver
        declarations.append(
            DataSourceDeclaration(name, driver, written.origin, entry.settings if entry and same else {})
        )
    return tuple(declarations)


def read_data_source(
    declaration: DataSourceDeclaration, config: type[BaseModel], environment: Environment, project: Path
) -> DataSourceSettings:
    """The settings of a data source whose driver has the settings class ``config``.

    Raises :class:`ConfigError`: unknown, missing or bad settings, each with its place.
    """
    owner = f"data_sources.{declaration.name}"
    own: dict[str, Written] = {}
    limits: dict[str, Written] = {}
    for key, written in declaration.settings.items():
        (limits if key in QueueLimits.model_fields else own)[key] = written
    own |= written_in(environment, declaration.name, config, declaration.driver)
    for key, name in _LIMIT_NAMES.items():
        if found := environment.first(_decorated(name, declaration.name)):
            limits[key] = found
    return DataSourceSettings(
        declaration.name,
        declaration.driver,
        check_settings(config, own, project, owner=owner),
        check_settings(QueueLimits, limits, project, owner=owner),
        {key: written.origin for key, written in {**limits, **own}.items()} | {"driver": declaration.origin},
    )


def driver_in(environment: Environment, data_source: str) -> str | None:
    """The driver that the environment names for a data source."""
    found = environment.first(_names(TYPE, data_source))
    return str(found.value) if found else None


def written_in(
    environment: Environment, data_source: str, config: type[BaseModel], driver: str
) -> dict[str, Written]:
    """The fields of ``config`` that the environment sets; none if it names another driver than ``driver``."""
    if driver_in(environment, data_source) not in (None, driver):
        return {}
    names = field_names(data_source, config)
    return {key: found for key, each in names.items() if (found := environment.first(each))}


def known_names(declaration: DataSourceDeclaration, config: type[BaseModel]) -> set[str]:
    """All environment names that this data source is read from."""
    names = {*_names(TYPE, declaration.name), *with_twins([DATASOURCES])}
    names.update(*field_names(declaration.name, config).values())
    names.update(*(_decorated(name, declaration.name) for name in _LIMIT_NAMES.values()))
    return names


def check_settings(
    config: type[Model], written: Mapping[str, Written], project: Path, *, owner: str = ""
) -> Model:
    """An instance of ``config`` with the values ``written``; relative paths are relative to ``project``.

    Raises :class:`ConfigError`.
    """
    values = {key: each.value for key, each in written.items()}
    try:
        return config.model_validate(values, context={"project": project})
    except ValidationError as error:
        raise config_error(error, config, written, owner=owner) from None


def field_names(data_source: str, config: type[BaseModel]) -> dict[str, tuple[str, ...]]:
    """For each field the environment names it is read from, the winning one first."""
    found = {}
    for key, field in config.model_fields.items():
        generic = (GENERIC[key],) if key in GENERIC else ()
        bases = (*environment_names(field), *generic)
        names = [name for base in bases for name in _names(base, data_source)]
        found[key] = tuple(sorted(dict.fromkeys(names), key=lambda name: not name.startswith("CUBOID_")))
    return found


def _names(base: str, data_source: str) -> tuple[str, ...]:
    """The names of variable ``base`` for a data source; plain names belong to ``default``."""
    decorated = _decorated(base, data_source)
    if not decorated:  # a platform's own variable, e.g. a cloud region: the same for all
        return with_twins([base])
    plain = with_twins([base]) if data_source == "default" else ()
    return tuple(sorted((*decorated, *plain), key=lambda name: not name.startswith("CUBOID_")))


def _decorated(base: str, data_source: str) -> tuple[str, ...]:
    """``CUBEJS_DB_HOST`` for ``other`` -> ``CUBOID_DS_OTHER_DB_HOST``, ``CUBEJS_DS_OTHER_DB_HOST``."""
    if not base.startswith("CUBEJS_"):
        return ()
    upper = re.sub(r"[^A-Z0-9]", "_", data_source.upper())
    return with_twins([f"CUBEJS_DS_{upper}_{base.removeprefix('CUBEJS_')}"])
