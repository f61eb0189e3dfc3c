"""The plugin as a project finds it: hooks, names, the settings class."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import get_args

import pytest
from pydantic import SecretStr, ValidationError

from cuboid.config.data_sources import GENERIC, DataSourceDeclaration, field_names, read_data_source
from cuboid.config.environment import Environment, Written
from cuboid.plugins import GROUP
from cuboid.run.driver import DriverConfig
from cuboid.run.queue import QueryQueue
from cuboid.sql.dialect import PlaceholderStyle
from cuboid.testing.subject import Subject
from cuboid.types import Capability

SECRET = "kit-secret-4711"  # noqa: S105 - it is there to be looked for


class Registration(Subject):
    """Hooks, registry, ``Config``."""

    def test_the_plugin_is_installed_as_an_entry_point(self) -> None:
        found = {each.name: each.value for each in metadata.entry_points(group=GROUP)}
        assert found.get(self.driver) == self.plugin.__name__, (
            f'pyproject.toml needs [project.entry-points.{GROUP}] {self.driver} = "{self.plugin.__name__}", '
            "and the distribution must be installed"
        )

    def test_the_registry_finds_driver_and_dialect_by_their_names(self) -> None:
        assert self.driver_class.name == self.driver
        assert self.dialect.name == self.driver_class.dialect
        assert issubclass(self.driver_class.queue, QueryQueue)
        assert self.dialect.placeholders in get_args(PlaceholderStyle)
        assert self.dialect.max_identifier_bytes >= 30

    def test_capabilities_are_known(self) -> None:
        assert set(self.driver_class.capabilities) <= set(get_args(Capability))

    def test_importing_the_plugin_imports_no_room(self) -> None:
        """Listing plugins is cheap: the hooks import the rooms, and the rooms the client library."""
        name = self.plugin.__name__
        code = f"import {name}, sys; print([m for m in sys.modules if m.startswith({name + '.'!r})])"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)  # noqa: S603
        assert done.stdout.strip() == "[]", done.stderr

    # ------------------------------------------------------------ settings

    def test_the_settings_are_a_driver_config(self) -> None:
        assert issubclass(self.driver_class.Config, DriverConfig)
        assert isinstance(self.settings(), self.driver_class.Config)

    def test_unknown_settings_are_refused(self) -> None:
        for key in ("databse", "kit_unknown_setting"):
            with pytest.raises(ValidationError):
                self.settings({**self.config(), key: "x"})

    def test_settings_never_change(self) -> None:
        settings = self.settings()
        field = next(iter(type(settings).model_fields))
        with pytest.raises(ValidationError):
            setattr(settings, field, getattr(settings, field))

    def test_every_setting_has_a_description(self) -> None:
        fields = self.driver_class.Config.model_fields
        assert [name for name, field in fields.items() if not field.description] == []

    def test_secrets_are_secret(self) -> None:
        """By their names: whoever prints, logs or dumps the settings sees asterisks."""
        secret = re.compile(r"pass|secret|token|credential|(?<!public_)(?<!primary_)key$")
        fields = self.driver_class.Config.model_fields
        open_ = [
            name
            for name, field in fields.items()
            if secret.search(name)
            and "SecretStr" not in str(field.annotation)
            and field.annotation is not bool
        ]
        assert open_ == []
        hidden = [name for name, field in fields.items() if "SecretStr" in str(field.annotation)]
        settings = self.settings({**self.config(), **dict.fromkeys(hidden, SECRET)})
        for name in hidden:
            value = getattr(settings, name)
            assert isinstance(value, SecretStr)
            assert value.get_secret_value() == SECRET
        for shown in (repr(settings), str(settings), settings.model_dump_json(), repr(vars(settings))):
            assert SECRET not in shown

    def test_the_generic_environment_names_reach_the_settings(self, tmp_path: Path) -> None:
        """``CUBEJS_DB_HOST`` and its like, as texts, say the same as ``cuboid.yml``."""
        config = self.config()
        names = field_names("default", self.driver_class.Config)
        for key in set(GENERIC) & set(names):
            assert GENERIC[key] in names[key]
        generic = {key for key, value in config.items() if key in GENERIC and isinstance(value, str | int)}
        variables = {GENERIC[key]: Written(str(config[key]), "the environment") for key in generic}
        rest = {key: Written(value, "the file") for key, value in config.items() if key not in generic}
        declaration = DataSourceDeclaration("default", self.driver, "the file", rest)
        read = read_data_source(declaration, self.driver_class.Config, Environment(variables), tmp_path)
        assert read.config == self.driver_class.Config.model_validate(
            dict(config), context={"project": tmp_path}
        )
