"""Data sources: from the project file, from Cube's variables, and from both."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import Field, SecretStr, ValidationInfo, field_validator

from cuboid.config.data_sources import DataSourceSettings, known_names, read_data_source
from cuboid.config.load import load_configuration
from cuboid.errors import ConfigError
from cuboid.run.driver import DriverConfig


class ServerConfig(DriverConfig):
    """What a driver of a server would declare."""

    host: str = "localhost"
    port: int = 5432
    database: str
    user: str | None = None
    password: SecretStr | None = None
    ssl: bool = False
    flavour: str = Field("plain", json_schema_extra={"env": ["CUBEJS_DB_SERVER_FLAVOUR"]})
    region: str | None = Field(None, json_schema_extra={"env": ["CLOUD_REGION"]})


class FileConfig(DriverConfig):
    """What an embedded driver would declare."""

    database: str = Field(":memory:", json_schema_extra={"env": ["CUBEJS_DB_FILE_DATABASE_PATH"]})

    @field_validator("database")
    @classmethod
    def _resolve(cls, value: str, info: ValidationInfo) -> str:
        return str(info.context["project"] / value) if info.context else value


CONFIGS: dict[str, type[DriverConfig]] = {"server": ServerConfig, "file": FileConfig}


def sources(
    folder: Path, environ: dict[str, str] | None = None, text: str = ""
) -> dict[str, DataSourceSettings]:
    (folder / "cuboid.yml").write_text(text)
    configuration = load_configuration(folder, environ=environ or {})
    return {
        each.name: read_data_source(each, CONFIGS[each.driver], configuration.environment, folder)
        for each in configuration.data_sources
    }


def values(source: DataSourceSettings) -> dict[str, Any]:
    """What was set, secrets in clear."""
    config = {name: getattr(source.config, name) for name in source.config.model_fields_set}
    return {
        name: value.get_secret_value() if isinstance(value, SecretStr) else value
        for name, value in config.items()
    }


def test_the_project_file_names_data_sources(tmp_path: Path) -> None:
    text = "data_sources:\n  default:\n    driver: server\n    database: shop\n    port: 1\n  other: {driver: file}\n"
    found = sources(tmp_path, text=text)
    assert {name: (each.driver, values(each)) for name, each in found.items()} == {
        "default": ("server", {"database": "shop", "port": 1}),
        "other": ("file", {}),
    }
    assert found["default"].origins == {
        "driver": "cuboid.yml:3",
        "database": "cuboid.yml:4",
        "port": "cuboid.yml:5",
    }


def test_cubes_variables_make_the_default_data_source(tmp_path: Path) -> None:
    environ = {
        "CUBEJS_DB_TYPE": "server",
        "CUBEJS_DB_HOST": "db",
        "CUBEJS_DB_PORT": "3306",
        "CUBEJS_DB_NAME": "shop",
        "CUBEJS_DB_USER": "ann",
        "CUBEJS_DB_PASS": "s3cret",
        "CUBEJS_DB_SSL": "true",
    }
    (source,) = sources(tmp_path, environ).values()
    assert (source.name, source.driver) == ("default", "server")
    assert values(source) == {
        "host": "db",
        "port": 3306,
        "database": "shop",
        "user": "ann",
        "password": "s3cret",
        "ssl": True,
    }
    assert source.origins["password"] == "environment CUBEJS_DB_PASS"
    assert "s3cret" not in repr(source)


def test_a_drivers_own_names_win_over_the_general_ones(tmp_path: Path) -> None:
    environ = {
        "CUBEJS_DB_TYPE": "file",
        "CUBEJS_DB_NAME": "general",
        "CUBEJS_DB_FILE_DATABASE_PATH": "own.db",
    }
    assert values(sources(tmp_path, environ)["default"]) == {"database": str(tmp_path / "own.db")}


def test_several_data_sources_have_their_names_in_their_variables(tmp_path: Path) -> None:
    environ = {
        "CUBEJS_DATASOURCES": "default, other,my-files",
        "CUBEJS_DB_TYPE": "server",
        "CUBEJS_DB_NAME": "shop",
        "CUBEJS_DB_HOST": "only-default",
        "CUBEJS_DS_OTHER_DB_TYPE": "server",
        "CUBEJS_DS_OTHER_DB_NAME": "warehouse",
        "CUBEJS_DS_OTHER_DB_SERVER_FLAVOUR": "vanilla",
        "CUBEJS_DS_MY_FILES_DB_TYPE": "file",
        "CUBEJS_DS_MY_FILES_DB_FILE_DATABASE_PATH": "x.db",
        "CLOUD_REGION": "north",
    }
    assert {name: values(each) for name, each in sources(tmp_path, environ).items()} == {
        "default": {"host": "only-default", "database": "shop", "region": "north"},
        "other": {"database": "warehouse", "flavour": "vanilla", "region": "north"},
        "my-files": {"database": str(tmp_path / "x.db")},
    }


@pytest.mark.parametrize(
    ("winner", "loser"),
    [
        ("CUBOID_DB_NAME", "CUBEJS_DB_NAME"),
        ("CUBOID_DB_NAME", "CUBEJS_DS_DEFAULT_DB_NAME"),
        ("CUBOID_DS_DEFAULT_DB_NAME", "CUBOID_DB_NAME"),
        ("CUBEJS_DS_DEFAULT_DB_NAME", "CUBEJS_DB_NAME"),
    ],
)
def test_our_names_win_and_then_the_more_specific(tmp_path: Path, winner: str, loser: str) -> None:
    environ = {"CUBOID_DB_TYPE": "server", winner: "yes", loser: "no"}
    assert values(sources(tmp_path, environ)["default"])["database"] == "yes"


def test_the_environment_completes_and_overrides_the_file(tmp_path: Path) -> None:
    text = "data_sources:\n  shop: {driver: server, database: a, host: h}\n"
    environ = {"CUBOID_DS_SHOP_DB_PASS": "s3cret", "CUBEJS_DS_SHOP_DB_HOST": "other"}
    assert values(sources(tmp_path, environ, text)["shop"]) == {
        "database": "a",
        "host": "other",
        "password": "s3cret",
    }


def test_another_driver_in_the_environment_replaces_the_files_entry(tmp_path: Path) -> None:
    text = "data_sources:\n  default: {driver: server, database: a, host: h}\n"
    found = sources(tmp_path, {"CUBEJS_DB_TYPE": "file"}, text)["default"]
    assert (found.driver, values(found)) == ("file", {})


def test_each_data_source_may_have_its_own_queue_limits(tmp_path: Path) -> None:
    text = (
        "data_sources:\n"
        "  default: {driver: file, concurrency: 3, query_timeout: 5m}\n"
        "  other: {driver: file}\n"
        "  third: {driver: file, concurrency: 9}\n"
    )
    found = sources(tmp_path, {"CUBEJS_DS_THIRD_CONCURRENCY": "4"}, text)
    assert [(each.limits.concurrency, each.limits.query_timeout) for each in found.values()] == [
        (3, 300.0),
        (None, None),
        (4, None),
    ]


@pytest.mark.parametrize(
    ("entry", "message", "hint"),
    [
        (
            "{driver: server, databse: x}",
            "There is no setting 'data_sources.default.databse' (cuboid.yml:2)",
            "'database'",
        ),
        ("{driver: server}", "The setting 'data_sources.default.database' is required", None),
        (
            "{driver: server, database: x, port: many}",
            "data_sources.default.port: 'many' is not valid: input should be a valid integer",
            None,
        ),
        (
            "{driver: server, database: x, password: [s3cret]}",
            "The value of 'data_sources.default.password' is not valid: input should be a valid string",
            None,
        ),
        (
            "{driver: file, concurrency: 0}",
            "data_sources.default.concurrency: 0 is not valid",
            None,
        ),
    ],
)
def test_a_mistake_in_a_data_source_is_named_with_its_place(
    tmp_path: Path, entry: str, message: str, hint: str | None
) -> None:
    with pytest.raises(ConfigError) as caught:
        sources(tmp_path, text=f"data_sources:\n  default: {entry}\n")
    assert message in str(caught.value)
    assert "s3cret" not in str(caught.value)
    assert hint is None or hint in str(caught.value.hint)


def test_a_listed_data_source_without_a_driver_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        sources(tmp_path, {"CUBEJS_DATASOURCES": "default,other", "CUBEJS_DB_TYPE": "file"})
    assert "'other' has no driver (environment CUBEJS_DATASOURCES)" in str(caught.value)
    assert "CUBEJS_DS_OTHER_DB_TYPE" in str(caught.value.hint)


def test_the_known_names_are_those_of_the_drivers_fields(tmp_path: Path) -> None:
    environ = {"CUBEJS_DB_TYPE": "file", "CUBEJS_DB_HOST": "x", "CUBEJS_DB_SERVER_FLAVOUR": "y"}
    configuration = load_configuration(tmp_path, environ=environ)
    known = known_names(configuration.data_sources[0], FileConfig)
    assert {name for name, _ in configuration.environment.unused(known)} == {
        "CUBEJS_DB_HOST",
        "CUBEJS_DB_SERVER_FLAVOUR",
    }
