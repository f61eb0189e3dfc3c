"""``cuboid serve`` as a process, and questions to it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

DEADLINE = 60.0


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """``cuboid serve`` in ``folder``; its address."""
    command = [str(Path(sys.executable).parent / "cuboid"), "serve", "--dev", "--port", "0"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CUB")}
    with subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().rpartition(" ")[2].strip()
        finally:
            process.kill()


def load(url: str, query: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """Status and body, when there is an answer."""
    question = urllib.parse.urlencode({"query": json.dumps(query)})
    end = time.monotonic() + DEADLINE
    while True:
        try:
            with urllib.request.urlopen(f"{url}/v1/load?{question}", timeout=DEADLINE) as response:
                status, body = response.status, json.load(response)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)
        if body.get("error") != "Continue wait":
            return status, body
        assert time.monotonic() < end, "no answer, only 'Continue wait'"
