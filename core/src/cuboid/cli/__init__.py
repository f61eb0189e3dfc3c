"""The ``cuboid`` command: one file a subcommand, imported when it runs.

Errors are one clear line and a hint, exit status 1 (2 for a misused command line), never a traceback unless
``--debug`` is given.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module

import click

from cuboid.errors import CuboidError

COMMANDS = (
    "serve",
    "worker",
    "init",
    "check",
    "query",
    "sql",
    "explain",
    "rollups",
    "schema",
    "import-js",
    "plugins",
    "config",
    "token",
)


class _Commands(click.Group):
    """Commands in the order of use; each lives in the module of its name."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        command = import_module(f"cuboid.cli.{name.replace('-', '_')}").command
        assert isinstance(command, click.Command)
        return command


def _print_version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted:
        from cuboid import __version__

        click.echo(f"cuboid {__version__}")
        ctx.exit()


@click.command(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="A project is a folder with model/ and, optionally, cuboid.yml, cuboid_plugin.py and .env.",
)
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Show the version.",
)
def cuboid(debug: bool) -> None:
    """Cuboid, a semantic layer: a model in YAML, answers over Cube's REST API."""


def main(arguments: list[str] | None = None) -> None:
    """Runs the command line and exits the process with its status."""
    arguments = sys.argv[1:] if arguments is None else arguments
    debug = "--debug" in arguments
    try:
        # Commands return nothing; click gives the status of ctx.exit() here.
        status = cuboid.main(arguments, prog_name="cuboid", standalone_mode=False)
    except click.Abort:
        click.echo("Stopped.", err=True)
        status = 130
    except click.ClickException as error:
        error.show()
        status = error.exit_code
    except CuboidError as error:
        if debug:
            raise
        _show(str(error), error.hint)
        status = 1
    except BrokenPipeError:
        # The reader (`| head`) has gone. Python would complain once more when it flushes stdout at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 1
    except Exception as error:
        if debug:
            raise
        _show(f"{type(error).__name__}: {error}", "This is a bug in Cuboid; 'cuboid --debug …' shows where.")
        status = 1
    sys.exit(status)


def _show(message: str, hint: str | None) -> None:
    click.echo(click.style("Error: ", fg="red", bold=True) + click.style(message, fg="red"), err=True)
    if hint:
        click.echo(hint, err=True)
