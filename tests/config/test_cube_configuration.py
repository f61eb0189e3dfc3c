"""The page on Cube's configuration is true: what it says is read, is read, and nothing that is read is left out."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cuboid import hookspecs
from cuboid.config.data_sources import DATASOURCES, TYPE, field_names
from cuboid.config.load import load_configuration
from cuboid.config.settings import SETTINGS
from cuboid.plugins import HOOKS
from cuboid_postgres.driver import PostgresDriver

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "cube-configuration.md"
TEXT = PAGE.read_text(encoding="utf-8")
VARIABLES = dict(re.findall(r"^\| `((?:CUBEJS_\w+|PORT))` \| (yes|how|no) \|", TEXT, re.MULTILINE))
MEANINGS = dict(re.findall(r"^\| `((?:CUBEJS_\w+|PORT))` \| yes \| `(\w+)`", TEXT, re.MULTILINE))
BY_NAME = {name: setting for setting in SETTINGS for name in setting.env}
OF_DATA_SOURCES = {DATASOURCES, TYPE} | {
    name for names in field_names("default", PostgresDriver.Config).values() for name in names
}


@pytest.mark.parametrize("name", [name for name, answer in VARIABLES.items() if answer == "yes"])
def test_what_is_said_to_be_read_is_read(name: str, tmp_path: Path) -> None:
    if name in OF_DATA_SOURCES:
        return
    setting = BY_NAME[name]
    assert MEANINGS[name] == setting.name
    values = {"true or false": "true", "number": "7", "duration": "7s", "size": "1mb", "path": "/x"}
    values |= {"time zone": "Asia/Tokyo", "debug, info, warning or error": "error", "list of scopes": "data"}
    values |= {"list of time zones": "Asia/Tokyo"}
    value = "2020-01-01" if name.endswith("MASK_TIME") else values.get(setting.type, "x")
    configuration = load_configuration(tmp_path, environ={name: value})
    assert configuration.origins[setting.name] == f"environment {name}"


def test_what_is_said_not_to_be_read_is_not_read() -> None:
    for name, answer in VARIABLES.items():
        if answer != "yes":
            assert name not in BY_NAME
            assert name not in OF_DATA_SOURCES


def test_every_variable_of_cube_that_is_read_is_on_the_page() -> None:
    read = {name for name in BY_NAME if name.startswith("CUBEJS_")}
    assert len(read) > 20
    assert read - set(VARIABLES) == set()
    generic = {
        name
        for name in OF_DATA_SOURCES
        if re.fullmatch(r"CUBEJS_DB_(HOST|PORT|NAME|USER|PASS|SSL|TYPE)", name)
    }
    assert generic - set(VARIABLES) == set()


def test_the_hooks_and_settings_that_the_page_names_exist() -> None:
    hooks = set(re.findall(r"hook `(\w+)`", TEXT))
    assert hooks <= set(HOOKS)
    assert {"authenticate", "extend_context", "api_scopes", "rewrite_query"} <= hooks
    assert all(hasattr(hookspecs, hook) for hook in hooks)
    named = set(re.findall(r"settings? `(\w+)`", TEXT))
    assert named <= {setting.name for setting in SETTINGS}
