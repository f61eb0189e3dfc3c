"""A driver in a distribution of its own: what the how-to says is enough, and nothing in core knows of it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "cuboid-sqlite"
HOW_TO = ROOT / "docs" / "how-to" / "write-a-driver.md"

BLOCK = re.compile(r"^`([\w./-]+)`\n\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def files_of_the_how_to() -> Mapping[str, str]:
    """Every file that the how-to has the reader write."""
    return dict(BLOCK.findall(HOW_TO.read_text(encoding="utf-8")))


def test_the_how_to_has_every_file_of_the_example_as_it_is() -> None:
    files = {
        path.relative_to(EXAMPLE).as_posix(): path.read_text(encoding="utf-8")
        for path in EXAMPLE.rglob("*")
        if path.suffix in (".py", ".toml") and path.name != "test_project.py" and ".venv" not in path.parts
    }
    assert files_of_the_how_to() == files


def test_what_the_how_to_says_passes_the_kit_and_answers_a_project(tmp_path: Path) -> None:
    """From an empty folder. Installed by hand, as pip would do it, because that would need the network."""
    for name, content in files_of_the_how_to().items():
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content, encoding="utf-8")
    project = (EXAMPLE / "tests" / "test_project.py").read_text(encoding="utf-8")
    (tmp_path / "tests" / "test_project.py").write_text(project, encoding="utf-8")
    installed = tmp_path / "src" / "cuboid_sqlite-0.1.0.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: cuboid-sqlite\nVersion: 0.1.0\n")
    (installed / "entry_points.txt").write_text("[cuboid]\nsqlite = cuboid_sqlite\n")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error", "tests"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path / "src")},
        capture_output=True,
        text=True,
        timeout=110,
    )
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]


def test_core_has_no_line_for_it() -> None:
    sources = (ROOT / "core" / "src").rglob("*.py")
    assert [file for file in sources if "sqlite" in file.read_text(encoding="utf-8").lower()] == []
