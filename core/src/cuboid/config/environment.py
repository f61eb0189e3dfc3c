"""The environment of a project: the process's variables over those of the project's ``.env``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from cuboid.config.env_file import read_env_file
from cuboid.errors import ConfigError, closest, did_you_mean

OURS = "CUBOID_"
CUBES = "CUBEJS_"


@dataclass(frozen=True, slots=True)
class Written:
    """A value as somebody wrote it, and where: ``flag --port``, ``environment PORT``, ``.env:3``,
    ``cuboid.yml:7``.
    """

    value: object
    origin: str


@dataclass(frozen=True, slots=True)
class Environment:
    """Variables by name. Empty ones count as not set: ``CUBEJS_DB_PASS=`` in a compose file means "none"."""

    variables: Mapping[str, Written]

    def first(self, names: Iterable[str]) -> Written | None:
        """The variable of the first of ``names`` that is set."""
        return next((self.variables[name] for name in names if name in self.variables), None)

    def beyond(self, known: Iterable[str]) -> bool:
        """Whether there is a ``CUBOID_*`` variable that is not among ``known``."""
        return any(name.startswith(OURS) for name in self.variables.keys() - set(known))

    def check(self, known: Iterable[str]) -> None:
        """Raises :class:`ConfigError` for a ``CUBOID_*`` variable that is not among ``known``."""
        known = set(known)
        for name, written in self.variables.items():
            if name.startswith(OURS) and name not in known:
                hint = did_you_mean(closest(name, (each for each in known if each.startswith(OURS))))
                raise ConfigError(
                    f"There is no setting {name} ({written.origin})",
                    setting=name,
                    origin=written.origin,
                    hint=hint
                    or "'cuboid config' lists the settings; docs/reference/settings.md explains them.",
                )

    def unused(self, known: Iterable[str]) -> tuple[tuple[str, str], ...]:
        """Name and origin of the ``CUBEJS_*`` variables that nothing reads, sorted."""
        known = set(known)
        return tuple(
            (name, written.origin)
            for name, written in sorted(self.variables.items())
            if name.startswith(CUBES) and name not in known
        )


def read_environment(folder: Path, environ: Mapping[str, str]) -> Environment:
    """``environ`` over the ``.env`` of the project ``folder``; the last of two lines for one name counts."""
    variables = {
        entry.name: Written(entry.value, f".env:{entry.line}")
        for entry in read_env_file(folder / ".env")
        if entry.value
    }
    variables |= {name: Written(value, f"environment {name}") for name, value in environ.items() if value}
    return Environment(variables)
