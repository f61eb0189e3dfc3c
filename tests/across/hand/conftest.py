"""A project without tables on every engine: its cubes are SELECTs of a few constants, which all engines can read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.across.shop import DRIVERS, connection
from tests.engines.fixtures import EMBEDDED

import cuboid

Ask = Callable[..., list[list[Any]]]


@pytest.fixture(scope="session")
def ask_on(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Ask]:
    """``ask_on(engine, query, claims)`` gives the rows, each as its values in the order of the answer's columns."""
    known: dict[str, cuboid.EmbeddedProject] = {}
    with ExitStack() as opened:

        def ask(engine: str, query: dict[str, Any], claims: dict[str, Any] | None = None) -> list[list[Any]]:
            if engine not in known:
                folder = tmp_path_factory.mktemp("hand") / engine
                (folder / "model").mkdir(parents=True)
                for file in Path(__file__).parent.glob("*.yml"):
                    (folder / "model" / file.name).write_text(file.read_text())
                settings = (
                    {} if engine == EMBEDDED else connection(request.getfixturevalue(f"{engine}_server"))
                )
                sources = {"default": {"driver": DRIVERS[engine], **settings}}
                (folder / "cuboid.yml").write_text(
                    yaml.safe_dump({"data_sources": sources, "api_secret": "none"})
                )
                known[engine] = opened.enter_context(cuboid.open(folder))
            return [list(row.values()) for row in known[engine].load(query, claims)]

        yield ask
