"""Reading a project's configuration: flags > environment > cube.py > project file > defaults, with origins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from cuboid.config.data_sources import DataSourceDeclaration, declare_data_sources
from cuboid.config.environment import OURS, Environment, Written, read_environment
from cuboid.config.problems import config_error
from cuboid.config.project_file import read_project_file
from cuboid.config.settings import SETTINGS, Settings
from cuboid.errors import ConfigError, closest, did_you_mean

DEFAULT = "default"
CUBE = "cube.py"
SETTING_NAMES = frozenset(setting.name for setting in SETTINGS)


@dataclass(frozen=True, slots=True)
class Configuration:
    """What a project's files, environment and flags say.

    ``origins`` has a place for every setting (``default`` where nobody wrote it). The data sources are as
    declared: checking their settings needs their drivers.
    """

    folder: Path
    settings: Settings
    origins: Mapping[str, str]
    environment: Environment
    data_sources: tuple[DataSourceDeclaration, ...]

    @property
    def model_folder(self) -> Path:
        """The folder of the model files; ``schema``, Cube's older default, if only that exists."""
        folder = self.folder / self.settings.schema_path
        older = self.folder / "schema"
        if self.origins["schema_path"] == DEFAULT and not folder.exists() and older.is_dir():
            return older
        return folder


def load_configuration(
    folder: Path,
    *,
    flags: Mapping[str, object] | None = None,
    environ: Mapping[str, str],
    cube: Mapping[str, object] | None = None,
) -> Configuration:
    """The configuration of the project in ``folder``.

    :param flags: settings by name; None means "not given".
    :param cube: settings that ``cube.py`` makes. They win over the file and variables of Cube's names, as in Cube.
    :param environ: the process's variables.

    Raises :class:`ConfigError` with the setting and its origin. Unknown environment names are not checked
    here: which ones are known depends on the drivers.
    """
    if not folder.is_dir():
        raise ConfigError(f"There is no project folder '{folder}'", hint="'cuboid init' makes a new one.")
    environment = read_environment(folder, environ)
    file = read_project_file(folder, SETTING_NAMES)
    written = dict(file.settings)
    for setting in SETTINGS:
        ours = tuple(name for name in setting.env if name.startswith(OURS))
        if found := environment.first(setting.env):
            written[setting.name] = found
        if cube and setting.name in cube and environment.first(ours) is None:
            written[setting.name] = Written(cube[setting.name], CUBE)
    written |= _flags(flags or {})
    # A key without a value (`port:` in YAML) is as good as not there.
    written = {name: each for name, each in written.items() if each.value is not None}
    try:
        settings = Settings.model_validate({name: each.value for name, each in written.items()})
    except ValidationError as error:
        raise config_error(error, Settings, written) from None
    if settings.query_default_limit > settings.query_limit:
        # Cube takes the smaller of the two as the default.
        settings = settings.model_copy(update={"query_default_limit": settings.query_limit})
    origins = {name: written[name].origin if name in written else DEFAULT for name in Settings.model_fields}
    return Configuration(folder, settings, origins, environment, declare_data_sources(environment, file))


def _flags(flags: Mapping[str, object]) -> dict[str, Written]:
    for name in flags:
        if name not in SETTING_NAMES:
            raise ConfigError(
                f"There is no setting '{name}'",
                setting=name,
                origin="flag",
                hint=did_you_mean(closest(name, SETTING_NAMES)),
            )
    return {
        name: Written(value, f"flag --{name.replace('_', '-')}")
        for name, value in flags.items()
        if value is not None
    }
