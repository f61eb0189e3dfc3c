"""Settings: who wins, where each value comes from, and what is said about wrong ones."""

import itertools
from pathlib import Path
from typing import Any

import pytest

from cuboid.config.load import Configuration, load_configuration
from cuboid.config.settings import SETTINGS
from cuboid.errors import ConfigError


def load(folder: Path, environ: dict[str, str] | None = None, **flags: Any) -> Configuration:
    return load_configuration(folder, flags=flags, environ=environ or {})


# Each place that can set the port, the strongest first: (name, port, origin).
PLACES = [
    ("flag", 1001, "flag --port"),
    ("CUBOID_PORT", 1002, "environment CUBOID_PORT"),
    (".env CUBOID_PORT", 1003, ".env:1"),
    ("PORT", 1004, "environment PORT"),
    (".env PORT", 1005, ".env:2"),
    ("cuboid.yml", 1006, "cuboid.yml:1"),
]


@pytest.mark.parametrize(
    "places", [set(c) for n in range(len(PLACES) + 1) for c in itertools.combinations(range(len(PLACES)), n)]
)
def test_flags_win_over_environment_over_project_file_over_defaults(tmp_path: Path, places: set[int]) -> None:
    values = {PLACES[index][0]: PLACES[index][1] for index in places}
    first = f"CUBOID_PORT={values['.env CUBOID_PORT']}" if ".env CUBOID_PORT" in values else ""
    second = f"PORT={values['.env PORT']}" if ".env PORT" in values else ""
    (tmp_path / ".env").write_text(f"{first}\n{second}\n")
    if "cuboid.yml" in values:
        (tmp_path / "cuboid.yml").write_text(f"port: {values['cuboid.yml']}\n")
    environ = {name: str(values[name]) for name in ("CUBOID_PORT", "PORT") if name in values}
    configuration = load(tmp_path, environ, port=values.get("flag"))
    wanted = PLACES[min(places)][1:] if places else (4000, "default")
    assert (configuration.settings.port, configuration.origins["port"]) == wanted


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_every_setting_is_read_from_each_of_its_names(tmp_path: Path, setting: Any) -> None:
    written = {
        "text": "x",
        "secret": "x",
        "list": "a,b",
        "list of scopes": "data,jobs",
        "list of origins": "https://a,http://b:1",
        "list of secrets": "a,b",
        "true or false": "true",
        "number": "7",
        "duration": "7s",
        "size": "1mb",
        "path": "/x",
        "time zone": "Asia/Tokyo",
        "list of time zones": "Asia/Tokyo,utc",
        "date or time": "1970-01-01",
        "debug, info, warning or error": "error",
    }[setting.type]
    if setting.default is True:
        written = "false"
    for name in setting.env:
        configuration = load(tmp_path, {name: written})
        assert getattr(configuration.settings, setting.name) != setting.default
        assert configuration.origins[setting.name] == f"environment {name}"


def test_every_name_of_cube_has_our_twin_which_comes_first() -> None:
    for setting in SETTINGS:
        ours = [name for name in setting.env if name.startswith("CUBOID_")]
        others = [name for name in setting.env if not name.startswith("CUBOID_")]
        assert setting.env == (*ours, *others)
        assert setting.help
        if others:
            assert ours == ["CUBOID_" + name.removeprefix("CUBEJS_") for name in others]


@pytest.mark.parametrize(
    ("environ", "setting", "value"),
    [
        ({"CUBEJS_DB_QUERY_TIMEOUT": "10m"}, "query_timeout", 600.0),
        ({"CUBEJS_DB_QUERY_TIMEOUT": "600"}, "query_timeout", 600.0),
        ({"CUBEJS_MAX_REQUEST_SIZE": "64mb"}, "max_request_size", 67_108_864),
        ({"CUBEJS_LOG_LEVEL": "warn"}, "log_level", "warning"),
        ({"CUBEJS_LOG_LEVEL": "TRACE"}, "log_level", "debug"),
        ({"CUBEJS_DEFAULT_TIMEZONE": "europe/berlin"}, "default_timezone", "Europe/Berlin"),
        ({"CUBEJS_BASE_PATH": "/api/"}, "base_path", "/api"),
        ({"CUBEJS_DB_QUERY_LIMIT": "500"}, "query_default_limit", 500),
        ({"CUBEJS_DEV_MODE": ""}, "dev_mode", False),
        (
            {"CUBOID_CORS_ORIGINS": "https://A.example:8443,null"},
            "cors_origins",
            ("https://a.example:8443", "null"),
        ),
        ({"CUBEJS_JWT_ALGS": "HS256, HS512"}, "jwt_algs", ("HS256", "HS512")),
    ],
)
def test_values_mean_what_they_mean_in_cube(
    tmp_path: Path, environ: dict[str, str], setting: str, value: object
) -> None:
    assert getattr(load(tmp_path, environ).settings, setting) == value


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        ({"PORT": "web"}, "port: 'web' is not a whole number (environment PORT)"),
        ({"PORT": "70000"}, "port: '70000' is not valid: input should be less than or equal to 65535"),
        ({"CUBEJS_DEV_MODE": "maybe"}, "dev_mode: 'maybe' is neither true nor false"),
        ({"CUBEJS_DB_QUERY_TIMEOUT": "soon"}, "query_timeout: 'soon' is not a duration"),
        ({"CUBOID_CONTINUE_WAIT_TIMEOUT": "91"}, "continue_wait_timeout: '91' is not valid"),
        ({"CUBEJS_MAX_REQUEST_SIZE": "1kb"}, "max_request_size: '1kb' is not valid"),
        ({"CUBEJS_DEFAULT_TIMEZONE": "../etc/passwd"}, "default_timezone: '../etc/passwd' is not the name"),
        ({"CUBEJS_BASE_PATH": "api"}, "base_path: 'api' does not begin with /"),
        ({"CUBOID_CORS_ORIGINS": "https://a, https://b/"}, "cors_origins: 'https://a, https://b/' is not *"),
        ({"CUBOID_CORS_ORIGINS": "example.com"}, "cors_origins: 'example.com' is not * or a list of origins"),
        ({"CUBEJS_LOG_LEVEL": "loud"}, "log_level: 'loud' is not valid"),
        ({"CUBEJS_PRE_AGGREGATIONS_SCHEMA": "a?b"}, "pre_aggregations_schema: 'a?b' is not valid"),
        ({"CUBEJS_PRE_AGGREGATIONS_SCHEMA": "5%"}, "pre_aggregations_schema: '5%' is not valid"),
    ],
)
def test_a_bad_value_is_named_with_its_setting_and_origin(
    tmp_path: Path, environ: dict[str, str], message: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, environ)
    assert message in str(caught.value)
    assert caught.value.origin == f"environment {next(iter(environ))}"
    assert caught.value.setting is not None


def test_a_bad_secret_is_not_repeated(tmp_path: Path) -> None:
    (tmp_path / "cuboid.yml").write_text("port: 1\napi_secret: 31415926\n")
    with pytest.raises(ConfigError) as caught:
        load(tmp_path)
    assert "31415926" not in str(caught.value)
    assert caught.value.origin == "cuboid.yml:2"


def test_secrets_do_not_show_in_repr(tmp_path: Path) -> None:
    environ = {
        "CUBEJS_API_SECRET": "s3cret",
        "CUBEJS_API_SECRETS": "s3cret,s3cret2",
        "CUBEJS_JWT_KEY": "s3cret",
    }
    settings = load(tmp_path, environ).settings
    assert "s3cret" not in repr(settings)
    assert "s3cret" not in settings.model_dump_json()


@pytest.mark.parametrize(
    ("environ", "secrets"),
    [
        ({}, ()),
        ({"CUBEJS_API_SECRET": "a"}, ("a",)),
        ({"CUBEJS_API_SECRET": "a", "CUBEJS_API_SECRETS": "b,c"}, ("b", "c")),
        ({"CUBEJS_API_SECRET": "a", "CUBEJS_API_SECRETS": "b,c", "CUBEJS_JWT_KEY": "d"}, ("d",)),
    ],
)
def test_the_most_specific_secret_signs(
    tmp_path: Path, environ: dict[str, str], secrets: tuple[str, ...]
) -> None:
    settings = load(tmp_path, environ).settings
    assert tuple(secret.get_secret_value() for secret in settings.token_secrets) == secrets


@pytest.mark.parametrize(
    ("text", "line", "message", "hint"),
    [
        ("prot: 1\n", 1, "there is no setting 'prot'", "Did you mean 'port'?"),
        ("port: 1\n\nport: 2\n", 3, "'port' occurs twice", None),
        (
            "port: 1\ndata_source: {}\n",
            2,
            "there is no setting 'data_source'",
            "Did you mean 'data_sources'?",
        ),
        ("- port\n", 1, "is not a mapping", None),
        ("port: [\n", 2, "this is not YAML", None),
        ("data_sources: [a]\n", 1, "'data_sources' is not a mapping", None),
        ("data_sources:\n  default:\n", 2, "data source 'default' is not a mapping", None),
        ("data_sources:\n  default: {host: x}\n", 2, "does not say its driver", "cuboid plugins"),
        ("? [a, b]\n: 1\n", 1, "is not a name", None),
        ("port: &p [*p]\n", 1, "aliases are not allowed", None),
        ("api_secret: &s x\njwt_key: *s\n", 2, "aliases are not allowed", None),
        ("port: !!int x\n", 1, "not a plain int", None),
        ("\tport: 1\n", 1, "this is not YAML", None),
    ],
)
def test_a_mistake_in_the_project_file_has_its_line(
    tmp_path: Path, text: str, line: int, message: str, hint: str | None
) -> None:
    (tmp_path / "cuboid.yml").write_text(text)
    with pytest.raises(ConfigError) as caught:
        load(tmp_path)
    assert str(caught.value).startswith(f"cuboid.yml:{line}: ")
    assert message in str(caught.value)
    assert hint is None or hint in str(caught.value.hint)


@pytest.mark.parametrize("text", ["", "# nothing\n", "port:\n", "---\n", "data_sources:\n"])
def test_an_empty_project_file_sets_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "cuboid.yml").write_text(text)
    assert set(load(tmp_path).origins.values()) == {"default"}


def test_a_project_file_that_is_not_text_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "cuboid.yml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="cannot be read"):
        load(tmp_path)


def test_an_unknown_flag_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, prot=1)
    assert caught.value.hint == "Did you mean 'port'?"


def test_a_missing_folder_is_an_error_that_names_init(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path / "nowhere")
    assert "cuboid init" in str(caught.value.hint)


def test_an_unknown_name_of_ours_is_an_error_and_one_of_cubes_is_listed(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("\nCUBEJS_TELEMETRY=false\n")
    known = {name for setting in SETTINGS for name in setting.env}
    environment = load(tmp_path, {"CUBOID_PROT": "1", "CUBEJS_LIVE_PREVIEW": "true", "HOME": "/"}).environment
    assert environment.unused(known) == (
        ("CUBEJS_LIVE_PREVIEW", "environment CUBEJS_LIVE_PREVIEW"),
        ("CUBEJS_TELEMETRY", ".env:2"),
    )
    with pytest.raises(ConfigError) as caught:
        environment.check(known)
    assert caught.value.setting == "CUBOID_PROT"
    assert caught.value.origin == "environment CUBOID_PROT"
    assert "'CUBOID_PORT'" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("folders", "environ", "wanted"),
    [
        (["model"], {}, "model"),
        (["model", "schema"], {}, "model"),
        (["schema"], {}, "schema"),
        ([], {}, "model"),
        (["schema", "cubes"], {"CUBEJS_SCHEMA_PATH": "cubes"}, "cubes"),
        (["schema"], {"CUBEJS_SCHEMA_PATH": "model"}, "model"),
    ],
)
def test_the_model_is_in_model_or_where_the_setting_says_or_in_schema(
    tmp_path: Path, folders: list[str], environ: dict[str, str], wanted: str
) -> None:
    for folder in folders:
        (tmp_path / folder).mkdir()
    assert load(tmp_path, environ).model_folder == tmp_path / wanted
