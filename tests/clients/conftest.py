"""Cube's own clients in Node, against a real server."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.clients.node import installed_clients

# The server of the HTTP tests, with its model and its data.
from tests.http.conftest import (  # noqa: F401 - fixtures
    catalog,
    database,
    make_service,
    production,
    run,
    token,
)

HARNESS = Path(__file__).parent / "harness.mjs"


class Harness:
    """A process of Node that runs one piece of code after the other. It begins with the first."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None

    def run(self, client: Any, code: str) -> Any:
        """What the code returns; ``api`` in it is connected to the client's server."""
        process = self._process or self._start()
        assert process.stdin is not None
        assert process.stdout is not None
        given = {
            "url": f"http://127.0.0.1:{client.port}/cubejs-api/v1",
            "socketUrl": f"ws://127.0.0.1:{client.port}/",
            "token": client.token,
            "code": code,
        }
        process.stdin.write(json.dumps(given) + "\n")
        process.stdin.flush()
        answer = json.loads(process.stdout.readline())
        assert "error" not in answer, answer["error"]
        return answer["result"]

    def _start(self) -> subprocess.Popen[str]:
        node, folder = installed_clients()
        self._process = subprocess.Popen(
            [*node.node, str(HARNESS)], cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        return self._process

    def stop(self) -> None:
        if self._process is not None:
            self._process.communicate(timeout=60)


@pytest.fixture(scope="session")
def javascript() -> Iterator[Callable[[Any, str], Any]]:
    harness = Harness()
    yield harness.run
    harness.stop()


@pytest.fixture
def js(javascript: Callable[..., Any], production: Any) -> Callable[[str], Any]:  # noqa: F811 - a fixture
    """``javascript`` on the server that all tests share."""
    return lambda code: javascript(production, code)
