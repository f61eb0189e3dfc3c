"""Arguments and options that several commands share."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar, cast

import click
from click.core import ParameterSource

Command = TypeVar("Command", bound=Callable[..., Any])

_FOLDER = click.Path(path_type=Path, file_okay=False)

project_option = click.option(
    "--project",
    "-p",
    type=_FOLDER,
    default=Path("."),
    help="Folder of the project; by default the current one.",
)


def project_argument(command: Command) -> Command:
    """The project's folder as ``--project``, or as an argument in its place: for commands without another one."""

    @wraps(command)
    def with_project(*, folder: Path | None, project: Path, **values: Any) -> Any:
        context = click.get_current_context()
        given = context.get_parameter_source("project") is not ParameterSource.DEFAULT
        if folder is not None and given:
            raise click.UsageError("Give the project's folder once: as an argument or with --project.")
        return command(project=project if folder is None else folder, **values)

    argument = click.argument("folder", type=_FOLDER, required=False, metavar="[PROJECT]")
    return cast("Command", project_option(argument(with_project)))


claims_option = click.option(
    "--claim",
    "claims",
    multiple=True,
    metavar="KEY=VALUE",
    help="A claim of the security context; repeat for more. JSON values keep their type.",
)


def read_pairs(pairs: Iterable[str], option: str) -> dict[str, Any]:
    """``KEY=VALUE`` texts as a mapping; values that are JSON (``7``, ``true``, ``["a"]``) keep their type."""
    found: dict[str, Any] = {}
    for pair in pairs:
        key, equals, text = pair.partition("=")
        if not equals or not key:
            raise click.BadParameter(f"'{pair}' is not KEY=VALUE.", param_hint=option)
        try:
            found[key] = json.loads(text)
        except json.JSONDecodeError:
            found[key] = text
    return found
