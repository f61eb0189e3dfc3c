"""Running the installed ``cuboid`` command as a process of its own."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

CUBOID = str(Path(sys.executable).parent / "cuboid")

Run = Callable[..., subprocess.CompletedProcess[str]]

MODEL = """
cubes:
  - name: cities
    sql: >
      SELECT 1 AS id, 'Oslo' AS city, 2.5 AS area, TIMESTAMP '2024-01-05 10:00:00' AS seen
      UNION ALL SELECT 2, 'New York', 4, TIMESTAMP '2024-02-05 10:00:00'
      UNION ALL SELECT 3, 'New York', NULL, TIMESTAMP '2024-02-06 10:00:00'
      UNION ALL SELECT 4, NULL, 1, NULL
    measures:
      - {name: count, type: count}
      - {name: area, type: sum, sql: area}
    dimensions:
      - {name: id, type: number, sql: id, primary_key: true}
      - {name: city, type: string, sql: city}
      - {name: seen, type: time, sql: seen}
"""


def environment(**variables: str) -> dict[str, str]:
    """The process's environment without anything that configures Cuboid."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("CUBOID_", "CUBEJS_")) and name != "PORT"
    }
    return {**kept, "COLUMNS": "200", "PYTHONIOENCODING": "utf-8", **variables}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A tiny project."""
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "cities.yml").write_text(MODEL)
    (tmp_path / "cuboid.yml").write_text("data_sources:\n  default: {driver: duckdb}\n")
    (tmp_path / ".env").write_text("CUBEJS_API_SECRET=a-secret-of-at-least-thirty-two-bytes\n")
    return tmp_path


@pytest.fixture
def run(folder: Path) -> Run:
    """Runs ``cuboid`` in the project's folder."""

    def run(*arguments: str, stdin: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [CUBOID, *arguments],
            cwd=folder,
            env=environment(**variables),
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
        )

    return run
