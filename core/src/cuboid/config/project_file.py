"""``cuboid.yml``: settings by name and data sources by name, each value with its line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from cuboid.config.environment import Written
from cuboid.errors import ConfigError, closest, did_you_mean

NAME = "cuboid.yml"


class _Loader(yaml.SafeLoader):
    """Refuses aliases: a few lines of them can stand for gigabytes, or for a list that holds itself."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            event = self.peek_event()  # type: ignore[no-untyped-call]
            raise yaml.composer.ComposerError(None, None, "aliases are not allowed here", event.start_mark)
        return super().compose_node(parent, index)


@dataclass(frozen=True, slots=True)
class DataSourceEntry:
    """One entry of ``data_sources``: ``driver`` and the other keys, as written."""

    origin: str
    driver: Written
    settings: Mapping[str, Written]


@dataclass(frozen=True, slots=True)
class ProjectFile:
    """What ``cuboid.yml`` says; empty without such a file."""

    settings: Mapping[str, Written] = field(default_factory=dict)
    data_sources: Mapping[str, DataSourceEntry] = field(default_factory=dict)


def read_project_file(folder: Path, known: frozenset[str]) -> ProjectFile:
    """The project file of ``folder``; ``known`` are the names that settings have.

    Raises :class:`ConfigError` with file and line: not YAML, not a mapping, an unknown or repeated key, a
    data source without a driver.
    """
    try:
        root = yaml.compose((folder / NAME).read_text(encoding="utf-8"), Loader=_Loader)
    except FileNotFoundError:
        return ProjectFile()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{NAME} cannot be read: {error}", origin=NAME) from None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise _error(line, f"this is not YAML: {error.problem}") from None
    except yaml.YAMLError as error:
        raise _error(1, f"this is not YAML: {error}") from None
    if root is None or _is_null(root):
        return ProjectFile()
    settings: dict[str, Written] = {}
    data_sources: dict[str, DataSourceEntry] = {}
    for key, node in _entries(root, "the project file").items():
        if key.value == "data_sources":
            entries = {} if _is_null(node) else _entries(node, "'data_sources'")
            data_sources = {name.value: _data_source(name, value) for name, value in entries.items()}
        elif key.value in known:
            settings[key.value] = Written(_plain(node), _origin(key))
        else:
            hint = did_you_mean(closest(key.value, (*known, "data_sources")))
            raise _error(
                key.start_mark.line + 1, f"there is no setting '{key.value}'", setting=key.value, hint=hint
            )
    return ProjectFile(settings, data_sources)


def _data_source(name: yaml.ScalarNode, node: yaml.Node) -> DataSourceEntry:
    line = name.start_mark.line + 1
    entries = {
        key.value: Written(_plain(value), _origin(key))
        for key, value in _entries(node, f"data source '{name.value}'").items()
    }
    driver = entries.pop("driver", None)
    if driver is None or not isinstance(driver.value, str):
        raise _error(
            line,
            f"data source '{name.value}' does not say its driver",
            setting=f"data_sources.{name.value}.driver",
            hint="Add 'driver: <name>'; 'cuboid plugins' lists the drivers that are installed.",
        )
    return DataSourceEntry(_origin(name), driver, entries)


def _entries(node: yaml.Node, what: str) -> dict[yaml.ScalarNode, yaml.Node]:
    """The keys and values of a mapping, in order; ``what`` names it in errors."""
    if not isinstance(node, yaml.MappingNode):
        raise _error(node.start_mark.line + 1, f"{what} is not a mapping of names to values")
    seen: set[str] = set()
    found: dict[yaml.ScalarNode, yaml.Node] = {}
    for key, value in node.value:
        line = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode):
            raise _error(line, f"a key of {what} is not a name")
        if key.value in seen:
            raise _error(line, f"'{key.value}' occurs twice in {what}", setting=key.value)
        seen.add(key.value)
        found[key] = value
    return found


def _plain(node: yaml.Node) -> object:
    """Scalars by YAML's own rules, except that 1.1's on/off/yes/no stay texts; lists and mappings of them."""
    if isinstance(node, yaml.SequenceNode):
        return [_plain(item) for item in node.value]
    if isinstance(node, yaml.MappingNode):
        return {key.value: _plain(value) for key, value in _entries(node, "this value").items()}
    if node.tag.endswith(":bool") and node.value.lower() not in ("true", "false"):
        return str(node.value)
    if node.tag.endswith(":timestamp"):
        return str(node.value)
    try:
        return yaml.SafeLoader("").construct_object(node)
    except (yaml.YAMLError, ValueError):
        raise _error(node.start_mark.line + 1, f"this is not a plain {node.tag.rpartition(':')[2]}") from None


def _is_null(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.tag.endswith(":null")


def _origin(node: yaml.Node) -> str:
    return f"{NAME}:{node.start_mark.line + 1}"


def _error(line: int, message: str, *, setting: str | None = None, hint: str | None = None) -> ConfigError:
    return ConfigError(f"{NAME}:{line}: {message}", setting=setting, origin=f"{NAME}:{line}", hint=hint)
