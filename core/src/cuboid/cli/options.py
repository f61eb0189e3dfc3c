"""Arguments and options that several commands share."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])

project_argument = click.argument(
    "project", type=click.Path(path_type=Path, file_okay=False), default=Path(".")
)
project_option = click.option(
    "--project",
    "-p",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("."),
    help="Folder of the project; by default the current one.",
)
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
