"""What the documentation tells people to type works as printed."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

import cuboid
from cuboid.plugins import HOOKS
from cuboid.project import Project

ROOT = Path(__file__).parents[2]
SHOP = ROOT / "examples" / "shop"
ENVIRONMENT = {
    # Without the settings of whoever runs the tests, and with the commands of this environment.
    **{name: value for name, value in os.environ.items() if not name.startswith(("CUBOID_", "CUBEJS_"))},
    "PATH": os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"])),
}


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(
        rf"^```{language}\n(.*?)^```$", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    )


def shell(script: str, folder: Path) -> str:
    """What ``script`` prints; every command in it must succeed."""
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=folder,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[str]:
    """The shop, served as ``make demo`` does; its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        str(Path(sys.executable).parent / "cuboid"),
        "serve",
        str(folder),
        "--dev",
        "--port",
        str(port),
    ]
    with subprocess.Popen(command, env=ENVIRONMENT, stdout=subprocess.DEVNULL) as process:
        address = f"http://localhost:{port}"
        wait_until_ready(address, process)
        yield address
        process.terminate()
        assert process.wait(50) == 0


def wait_until_ready(address: str, process: subprocess.Popen[bytes]) -> None:
    for _ in range(400):
        assert process.poll() is None
        try:
            with urllib.request.urlopen(f"{address}/readyz") as answer:
                assert answer.status == 200
                return
        except OSError:
            time.sleep(0.05)
    pytest.fail("the server was not ready after 20 s")


def test_the_first_project_can_be_followed_from_an_empty_folder(tmp_path: Path) -> None:
    shown = shell("\n".join(blocks(ROOT / "docs" / "tutorials" / "first-project.md", "sh")), tmp_path)
    # From the rows that the page inserts: one sale without an author; Ada sold for 12.50 + 9.90, 20.00 is Kurt's.
    assert re.search(r"Austria\s*│\s*1 ", shown)
    assert re.search(r"England\s*│\s*2 ", shown)
    assert {"authors.name": "Ada", "revenue.total": "22.40"}.items() <= notebook_rows(shown)["Ada"].items()
    assert notebook_rows(shown)["Kurt"]["revenue.total"] == "20.00"


def notebook_rows(shown: str) -> dict[str, dict[str, str]]:
    """The rows that the page's last step prints, by author."""
    printed = shown.rstrip().splitlines()[-1].replace("None", "null").replace("'", '"')
    return {row["authors.name"]: row for row in json.loads(printed)}


def test_the_questions_of_the_shop_are_answered(server: str) -> None:
    questions, with_token = blocks(SHOP / "README.md", "sh")
    script = (questions + with_token).replace("http://localhost:4000", server).replace(".venv/bin/", "")
    # `ask` ends each answer with a line break, so each is a line.
    answers = [json.loads(line) for line in shell(script, ROOT).splitlines() if line]
    *_, sql, restricted = answers
    assert all(answer["data"] for answer in answers if answer is not sql)
    assert sql["sql"]["sql"][0].startswith("SELECT")
    assert [row["users.country"] for row in restricted["data"]] == ["Italy"]


def test_the_transcript_of_the_readme_is_what_the_server_answers(server: str) -> None:
    (transcript,) = blocks(ROOT / "README.md", "console")
    command, printed = re.fullmatch(r"\$ (.*?'\n)(.*)", transcript, re.DOTALL).groups()  # type: ignore[union-attr]
    answer = json.loads(shell(command.replace("http://localhost:4000", server), ROOT))
    promised = json.loads(printed.replace("…", ""))
    # The test's shop is smaller: shapes are compared, numbers are not.
    assert [set(row) for row in promised["data"]] == [set(row) for row in answer["data"]]
    assert {row["orders.status"] for row in promised["data"]} == {
        row["orders.status"] for row in answer["data"]
    }
    assert promised["query"] == answer["query"]


def test_the_notebook_lines_of_the_readme_work(shop: cuboid.EmbeddedProject) -> None:
    (lines,) = blocks(ROOT / "README.md", "python")
    (query,) = re.findall(r"\.load\((.*)\)", lines)
    assert shop.load(json.loads(query))


@pytest.mark.parametrize("page", sorted((ROOT / "docs").rglob("*.md")), ids=lambda page: page.stem)
def test_examples_in_the_pages_are_well_formed(page: Path, tmp_path: Path) -> None:
    for block in blocks(page, "python"):
        if not block.startswith(tuple(f"{hook}(" for hook in HOOKS)):  # signatures are not statements
            compile(block, str(page), "exec")
    for block in blocks(page, "yaml"):
        assert yaml.safe_load(block)


def test_both_ways_to_configure_data_sources_are_the_same(tmp_path: Path) -> None:
    page = ROOT / "docs" / "how-to" / "configure-data-sources.md"
    (in_file,), (in_environment,) = blocks(page, "yaml"), blocks(page, "sh")
    found = []
    for name, text in (("cuboid.yml", in_file), (".env", in_environment)):
        folder = tmp_path / name.strip(".")
        folder.mkdir()
        (folder / name).write_text(text)
        sources = Project.open(folder, environ={}).data_source_settings
        found.append({each.name: (each.driver, Path(str(each.config.database)).name) for each in sources})  # type: ignore[attr-defined]
    assert (
        found[0]
        == found[1]
        == {"default": ("duckdb", "shop.duckdb"), "archive": ("duckdb", "archive.duckdb")}
    )
