"""Every plugin's README says what its code says."""

from __future__ import annotations

from typing import get_args

import pytest
from scripts import docs

from cuboid.types import Capability


@pytest.mark.parametrize("plugin", docs.readmes())
def test_settings_and_capabilities_are_current(plugin: str) -> None:
    """If this fails: make docs."""
    assert docs.readmes()[plugin].read_text(encoding="utf-8") == docs.readme(plugin)


def test_every_plugin_has_a_readme() -> None:
    assert {path.name for path in docs.PLUGINS.iterdir() if (path / "pyproject.toml").exists()} == set(
        docs.readmes()
    )


def test_every_capability_is_explained() -> None:
    assert set(docs.CAPABILITIES) == set(get_args(Capability))
