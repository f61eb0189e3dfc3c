"""What the settings of servers have in common."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from cuboid.run.driver import DriverConfig
from cuboid.run.server_config import ProjectPath, ServerConfig


class File(DriverConfig):
    path: ProjectPath


@pytest.mark.parametrize(
    ("written", "due"), [("data/a.db", "{}/data/a.db"), ("/srv/a.db", "/srv/a.db"), (":memory:", ":memory:")]
)
def test_a_relative_path_starts_at_the_project(tmp_path: Path, written: str, due: str) -> None:
    assert File.model_validate({"path": written}, context={"project": tmp_path}).path == due.format(tmp_path)
    assert File(path=written).path == written


def test_the_home_folder_is_meant_by_a_tilde(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/somebody")
    assert (
        File.model_validate({"path": "~/a.db"}, context={"project": tmp_path}).path == "/home/somebody/a.db"
    )


@pytest.mark.parametrize(
    "settings",
    [
        {"port": 0},
        {"port": 65_536},
        {"host": ""},
        {"database": ""},
        {"connect_timeout": 0},
        {"ssl_key": "-----BEGIN PRIVATE KEY-----"},
        {"ssl_ca": 5},
        {"ssl": False, "ssl_verify": True},
        {"ssl": False, "ssl_ca": "ca.pem"},
        {"ssl": False, "ssl_cert": "client.pem"},
    ],
    ids=str,
)
def test_bad_settings_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ServerConfig.model_validate(settings)


@pytest.mark.parametrize(
    ("settings", "encrypted", "verified"),
    [
        ({}, False, False),
        ({"ssl": False}, False, False),
        ({"ssl": True}, True, False),
        ({"ssl_verify": True}, True, True),
        ({"ssl": True, "ssl_verify": False}, True, False),
        ({"ssl_ca": "ca.pem"}, True, True),
        ({"ssl_ca": "ca.pem", "ssl_verify": False}, True, False),
        ({"ssl_cert": "client.pem"}, True, False),
    ],
    ids=str,
)
def test_encryption_follows_from_what_is_set(
    settings: dict[str, Any], encrypted: bool, verified: bool
) -> None:
    config = ServerConfig.model_validate(settings)
    assert (config.encrypted, config.verified) == (encrypted, verified)


def test_settings_have_the_client_librarys_names_and_what_is_not_set_is_left_out() -> None:
    config = ServerConfig.model_validate(
        {"host": "db", "user": "reader", "password": "hunter2", "ssl": False}
    )
    assert config.named("host", "port", "ssl", username="user", secret="password", ca="ssl_ca") == {
        "host": "db",
        "ssl": False,
        "username": "reader",
        "secret": "hunter2",
    }
    assert "hunter2" not in repr(config)
    assert ServerConfig.model_validate({"password": ""}).named("password") == {}
