"""What the servers of a whole test run do: shared, lazy, narrowed by choice, never skipped, and gone at the end."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import pytest
from tests.engines.debian import cache_folder
from tests.engines.processes import lives, tree
from tests.engines.server import ROOT, Server

pytestmark = pytest.mark.engine("postgres")  # the quickest stands for all

SHARED = """
import pytest, time

@pytest.mark.parametrize("number", range(6))
def test_server(postgres_server, number):
    time.sleep(0.2)  # so that both workers get some
    with open({seen!r}, "a") as seen:
        seen.write(f"{{postgres_server.port}}\\n")
"""
HANGING = """
import pathlib, time

def test_server(postgres_server):
    pathlib.Path({seen!r}).write_text(postgres_server.control)
    time.sleep(100)
"""
TWO = """
def test_embedded(): pass
def test_wanting(postgres_server): raise AssertionError("the test ran")
"""
UNHEARD_OF = """
def test_without(): pass
def test_dynamic(request): request.getfixturevalue("mysql_server")
"""
STAND_IN = """
def test_mysql(mysql_server): assert mysql_server.engine == "mariadb"
"""


def command(folder: Path, text: str, *words: str) -> list[str]:
    """A run of pytest over this file, with a folder of its own for temporary files."""
    file = folder / "test_inner.py"
    file.write_text(text.format(seen=str(folder / "seen")))
    started = [sys.executable, "-m", "pytest", "-p", "tests.engines.fixtures", "-p", "no:cacheprovider"]
    return [*started, "-c", str(ROOT / "pyproject.toml"), "--rootdir", str(ROOT), *words, str(file)]


def environment(**words: str) -> Mapping[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    return {**kept, **words}


def run(folder: Path, text: str, *words: str, **variables: str) -> str:
    done = subprocess.run(
        command(folder, text, *words),
        cwd=ROOT,
        env=environment(**variables),
        capture_output=True,
        text=True,
        timeout=100,
    )
    return done.stdout + done.stderr


@pytest.fixture
def scratch() -> Iterator[Path]:
    """A folder for temporary files whose path is short enough for a socket in it."""
    with tempfile.TemporaryDirectory(prefix="runs-") as folder:
        yield Path(folder)


def test_all_workers_share_one_server_which_is_named_and_gone_at_the_end(
    tmp_path: Path, scratch: Path
) -> None:
    said = run(tmp_path, SHARED, "-n2", TMPDIR=str(scratch))
    assert "6 passed" in said
    assert len(set((tmp_path / "seen").read_text().split())) == 1
    assert re.search(r"^Postgres 18\.\d+, started in", said, re.MULTILINE)
    assert list(scratch.glob("cuboid-engines-*")) == []


@pytest.mark.parametrize("victim", ["pytest", "keeper"])
def test_nothing_survives_a_crash(tmp_path: Path, scratch: Path, victim: str) -> None:
    pytest_run = subprocess.Popen(
        command(tmp_path, HANGING),
        cwd=ROOT,
        env=environment(TMPDIR=str(scratch)),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        until(lambda: (tmp_path / "seen").exists() and (tmp_path / "seen").read_text() != "")
        keeper = keeper_of(Path((tmp_path / "seen").read_text()).parent)
        family = tree(keeper)
        assert len(family) > 3
        os.kill(pytest_run.pid if victim == "pytest" else keeper, signal.SIGKILL)
        until(lambda: not any(map(lives, family)))
        if victim == "pytest":
            until(lambda: not list(scratch.glob("cuboid-engines-*")))
    finally:
        pytest_run.kill()
        pytest_run.wait()


def keeper_of(folder: Path) -> int:
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            words = (process / "cmdline").read_bytes().split(b"\0")
            if b"tests.engines.keeper" in words and str(folder).encode() in words:
                return int(process.name)
    raise AssertionError("the keeper does not run")


def until(reached: object, seconds: float = 60.0) -> None:
    assert callable(reached)
    deadline = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_narrowing_leaves_tests_out_and_says_so(tmp_path: Path) -> None:
    said = run(tmp_path, TWO, "--engines=duckdb,mysql")
    assert "1 passed, 1 deselected" in said
    assert "LEFT OUT by --engines: tests that want postgres, mariadb, clickhouse" in said
    assert "Postgres 18" not in said


def test_the_kit_for_drivers_runs_on_the_engines_that_are_wanted() -> None:
    files = [str(file) for file in ROOT.glob("plugins/*/tests/test_conformance.py")]
    words = [sys.executable, "-m", "pytest", "--collect-only", "-q", "--engines=duckdb,mysql", *files]
    told = subprocess.run(
        words, cwd=ROOT, env=environment(), capture_output=True, text=True, timeout=100
    ).stdout
    assert set(re.findall(r"::(Test\w+)::", told)) == {"TestDuckDB", "TestMySQL", "TestMySQLByAsyncmy"}


def test_an_unknown_engine_is_an_error(tmp_path: Path) -> None:
    assert "unknown oracle; there are duckdb, postgres" in run(tmp_path, TWO, "--engines=oracle")


def test_a_server_starts_only_for_a_test_that_wants_it(tmp_path: Path) -> None:
    said = run(tmp_path, TWO, "-k", "embedded")
    assert "1 passed, 1 deselected" in said
    assert "started in" not in said


def test_a_server_that_cannot_be_had_fails_its_tests_with_the_reason(tmp_path: Path) -> None:
    # An empty cache, and no apt-get to fill it with.
    (tmp_path / "cache").mkdir()
    said = run(tmp_path, UNHEARD_OF, XDG_CACHE_HOME=str(tmp_path / "cache"), PATH="")
    assert "1 passed" in said
    assert "1 failed" in said
    assert "No mysql server: the Debian package mariadb-server-core" in said
    assert "needs the packages apt, dpkg and debian-archive-keyring" in said
    assert "To test without it: --engines=duckdb,postgres,mariadb,clickhouse" in said


@pytest.mark.engine("mariadb")
def test_mariadb_stands_in_for_mysql_and_the_summary_says_so(tmp_path: Path, mariadb_server: Server) -> None:
    # A cache that has MariaDB, and no apt-get that could fetch MySQL.
    (tmp_path / "cuboid-test-engines").mkdir()
    for kept in cache_folder().glob("mariadb-*"):
        (tmp_path / "cuboid-test-engines" / kept.name).symlink_to(kept)
    commands = tmp_path / "bin"
    commands.mkdir()
    for name in ("cp", "setpriv"):
        (commands / name).symlink_to(shutil.which(name) or name)
    said = run(tmp_path, STAND_IN, XDG_CACHE_HOME=str(tmp_path), PATH=str(commands))
    assert "1 passed" in said
    assert re.search(r"^MariaDB 10\.\S+, started in", said, re.MULTILINE)
    assert (
        "MariaDB STANDS IN for MySQL: the Debian package mysql-server-core of sid could not be fetched"
        in said
    )
