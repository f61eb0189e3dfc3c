"""Writes what follows from the code: the pages on hooks, settings and the command line, and in every plugin's README
the tables of its settings and capabilities.

``python -m scripts.docs`` writes them; tests/test_structure.py and tests/testing/test_readmes.py hold that they are
current.
"""

from __future__ import annotations

import inspect
import re
import textwrap
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import FunctionType
from typing import get_args

import click
from pydantic import SecretStr
from pydantic.fields import FieldInfo
from scripts.attack_table import attacks_page
from scripts.model_errors import model_errors_page
from scripts.model_keys import model_keys_page

from cuboid import hookspecs
from cuboid.cli import cuboid as command_line
from cuboid.config.data_sources import field_names
from cuboid.config.settings import SETTINGS, Setting
from cuboid.plugins import Registry
from cuboid.run.driver import Driver
from cuboid.types import Capability

PLUGINS = Path(__file__).parent.parent / "plugins"
REFERENCE = Path(__file__).parent.parent / "docs" / "reference"
GENERATED = "<!-- Written by scripts/docs.py (make docs); edit the code instead. -->\n\n"


def hooks() -> Mapping[str, FunctionType]:
    """Every hook by name, in the order of the page ``hookspecs.py``."""
    return {
        name: value
        for name, value in vars(hookspecs).items()
        if isinstance(value, FunctionType) and hasattr(value, "cuboid_spec")
    }


def signature(hook: FunctionType) -> str:
    """The hook as one writes it, e.g. ``rewrite_query(query: Mapping[str, Any], ...) -> ...``."""
    return f"{hook.__name__}{inspect.signature(hook)}".replace("'", "")


def hooks_page() -> str:
    """docs/reference/hooks.md."""
    parts = [
        GENERATED,
        "# Hooks\n\n",
        textwrap.fill(" ".join(markdown(hookspecs.__doc__ or "").split()), 110),
        "\n",
    ]
    parts.append("\nHow to write a plugin, step by step: [write a plugin](../how-to/write-a-plugin.md).\n")
    for name, hook in hooks().items():
        parts.append(f"\n## {name}\n\n```python\n{signature(hook)}\n```\n\n{markdown(hook.__doc__ or '')}\n")
    return "".join(parts)


def markdown(docstring: str) -> str:
    """A docstring with reST field lists and roles as Markdown."""
    lines = []
    for line in inspect.cleandoc(docstring).splitlines():
        if line.startswith(":param "):
            name, _, text = line.removeprefix(":param ").partition(":")
            line = f"- `{name}`:{text}"
        lines.append(line.replace(":class:`cuboid.", "`cuboid.").replace("``", "`"))
    return "\n".join(lines)


def settings_page() -> str:
    """docs/reference/settings.md."""
    return "".join((GENERATED, SETTINGS_INTRODUCTION, *(map(setting_row, SETTINGS))))


SETTINGS_INTRODUCTION = """# Settings

Flags of the command line win over the environment, the environment over `cuboid.yml`, that over the defaults; the
file `.env` of the project counts as environment, below the real one. `cuboid config` shows every value and where it
comes from. Of several environment names the first that is set wins. Durations are in seconds or written as `30s`,
`10m`, `1h`; sizes in bytes or as `50mb`; lists are separated by commas.

Data sources are described in [configure data sources](../how-to/configure-data-sources.md).

| Setting | Type | Default | Environment | Meaning |
|---|---|---|---|---|
"""


def setting_row(setting: Setting) -> str:
    """One line of the settings table."""
    names = ", ".join(f"`{name}`" for name in setting.env)
    return f"| `{setting.name}` | {setting.type} | {default(setting)} | {names} | {setting.help} |\n"


def default(setting: Setting) -> str:
    """The default as one would write it; empty where there is none."""
    value = setting.default
    if value is None or value == ():
        return ""
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{value:g}`" if isinstance(value, float) else f"`{value}`"


def cli_page() -> str:
    """docs/reference/cli.md: the help of every command."""
    parts = [GENERATED, "# The command line\n"]
    for path, command in commands(command_line, "cuboid"):
        context = click.Context(command, info_name=path, max_content_width=100, terminal_width=100)
        parts.append(f"\n## {path}\n\n```text\n{command.get_help(context).rstrip()}\n```\n")
    return "".join(parts)


def commands(command: click.Command, path: str) -> Iterator[tuple[str, click.Command]]:
    """The command and those below it, each with its full name."""
    yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            if below is not None:
                yield from commands(below, f"{path} {name}")


# ---------------------------------------------------------------- plugins

BEGIN, END = (
    "<!-- Written by scripts/docs.py (make docs); edit the code instead. -->",
    "<!-- End of what is written. -->",
)

CAPABILITIES: Mapping[str, str] = {
    "stream": "results arrive in batches, with bounded memory",
    "interrupt": "a running statement is really stopped in the database",
    "introspect": "tables, columns and keys can be listed",
    "approx_count_distinct": "approximate distinct counts",
    "exact_decimals": "decimals of up to 38 digits go in and come out exactly",
    "zones_before_1970": "times before 1970 are right in every zone",
}


def readmes() -> Mapping[str, Path]:
    """The README of every plugin of this repository, by the plugin's name."""
    return {path.parent.name: path for path in sorted(PLUGINS.glob("*/README.md"))}


def readme(name: str) -> str:
    """The README of a driver's plugin with its tables as the code has them now; where it has none they are put at the
    end. That of another plugin as it is."""
    text = readmes()[name].read_text(encoding="utf-8")
    driver = Registry.load().drivers().get(name)
    if driver is None:
        return text
    tables = f"{BEGIN}\n\n{driver_tables(driver)}\n{END}"
    if BEGIN not in text:
        return f"{text.rstrip()}\n\n{tables}\n"
    return re.sub(f"{re.escape(BEGIN)}.*?{re.escape(END)}", lambda _: tables, text, flags=re.DOTALL)


def driver_tables(driver: type[Driver]) -> str:
    """Settings and capabilities of a driver."""
    rows = ["| Setting | Default | Means | Environment |", "|---|---|---|---|"]
    names = field_names("default", driver.Config)
    for key, field in driver.Config.model_fields.items():
        cubes = [f"`{name}`" for name in names[key] if name.startswith("CUBEJS_") and "_DS_" not in name]
        means = " ".join((field.description or "").split())
        rows.append(f"| `{key}` | {field_default(field)} | {means} | {', '.join(cubes)} |")
    rows += ["", "| Capability | | |", "|---|---|---|"]
    for capability in get_args(Capability):
        has = "yes" if capability in driver.capabilities else "no"
        rows.append(f"| `{capability}` | {has} | {CAPABILITIES[capability]} |")
    return "\n".join(rows) + "\n"


def field_default(field: FieldInfo) -> str:
    """The default as one would write it in ``cuboid.yml``."""
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True, validated_data={})
    if value is None or isinstance(value, SecretStr):
        return ""
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


PAGES: Mapping[str, Callable[[], str]] = {
    "hooks.md": hooks_page,
    "settings.md": settings_page,
    "cli.md": cli_page,
    "model-errors.md": model_errors_page,
    "model-keys.md": model_keys_page,
    "attacks.md": attacks_page,
}

if __name__ == "__main__":
    for page, write in PAGES.items():
        (REFERENCE / page).write_text(write(), encoding="utf-8")
        print(f"wrote docs/reference/{page}")
    for plugin, path in readmes().items():
        path.write_text(readme(plugin), encoding="utf-8")
        print(f"wrote plugins/{plugin}/README.md")
