"""The repository as a whole: pinned versions, no traces of the machine it was made on, links that lead somewhere."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
CONSTRAINTS = ROOT / "constraints.txt"
PROJECTS = sorted(
    [
        ROOT / "core" / "pyproject.toml",
        ROOT / "client" / "pyproject.toml",
        *(ROOT / "plugins").glob("*/pyproject.toml"),
    ]
)
SCRIPTS = [*sorted((ROOT / "scripts").glob("*.sh")), ROOT / ".ci" / "run"]
# Never part of the project, for a copy without git.
MADE_HERE = {
    ".git",
    ".venv",
    "data",
    "__pycache__",
    ".pytest_cache",
    ".mypy_cache",
    ".ruff_cache",
    ".hypothesis",
}


def tracked_files() -> list[Path]:
    """The project's files: git's list, or in a copy without git all that is not made on the spot."""
    if shutil.which("git") and (ROOT / ".git").exists():
        listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
        files = [ROOT / name for name in listed.decode().split("\0") if name]
    else:
        files = [path for path in ROOT.rglob("*") if not MADE_HERE & set(path.relative_to(ROOT).parts)]
    return [path for path in files if path.is_file()]


def texts() -> list[tuple[str, str]]:
    """Name and text of every tracked file but this one, which has to name what it forbids."""
    return [
        (path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8", errors="replace"))
        for path in tracked_files()
        if path != Path(__file__).resolve()
    ]


def pins() -> dict[str, str]:
    lines = CONSTRAINTS.read_text(encoding="utf-8").splitlines()
    return {canonicalize_name(name): version for name, version in (line.split("==") for line in lines)}


def project(file: Path) -> dict[str, object]:
    loaded: dict[str, object] = tomllib.loads(file.read_text(encoding="utf-8"))["project"]
    return loaded


def requirements() -> list[tuple[str, Requirement]]:
    """Every dependency of every distribution, extras and build backends too; the workspace's own left out."""
    own = {str(project(file)["name"]) for file in PROJECTS}
    found = []
    for file in PROJECTS:
        whole = tomllib.loads(file.read_text(encoding="utf-8"))
        texts = [*whole["build-system"]["requires"], *whole["project"].get("dependencies", [])]
        for extra in whole["project"].get("optional-dependencies", {}).values():
            texts += extra
        found += [(file.parent.name, Requirement(text)) for text in texts]
    return [(where, requirement) for where, requirement in found if requirement.name not in own]


def test_constraints_are_names_and_versions_only() -> None:
    line = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*==[A-Za-z0-9.!+_-]+")
    wrong = [
        text for text in CONSTRAINTS.read_text(encoding="utf-8").splitlines() if not line.fullmatch(text)
    ]
    assert not wrong


@pytest.mark.parametrize(("where", "requirement"), requirements(), ids=str)
def test_every_dependency_is_pinned_to_a_version_it_allows(where: str, requirement: Requirement) -> None:
    assert requirement.specifier.contains(pins()[canonicalize_name(requirement.name)])


def test_all_distributions_have_one_version() -> None:
    assert len({str(project(file)["version"]) for file in PROJECTS}) == 1


@pytest.mark.parametrize(
    "pattern",
    [
        r"pypi\.|pythonhosted|artifactory|devpi",  # package registries
        r"(index-url|find-links|trusted-host)[ =:]+['\"]?(https?|file|/)",  # or how to get to one
        r"(?<![\w.$}])/(work|root|opt/pypi|opt/wheels|Users/\w|home/\w)\b/?",  # somebody's machine
    ],
)
def test_no_file_knows_the_machine_it_was_made_on(pattern: str) -> None:
    expression = re.compile(pattern)
    found = [
        f"{name}:{number}: {line.strip()[:120]}"
        for name, text in texts()
        for number, line in enumerate(text.splitlines(), 1)
        if expression.search(line)
    ]
    assert not found


def test_there_is_no_lock_file_with_addresses() -> None:
    assert not [path.name for path in tracked_files() if path.name in {"uv.lock", "poetry.lock", "pdm.lock"}]


def test_nothing_generated_is_tracked() -> None:
    suffixes = {".duckdb", ".wal", ".pyc", ".so", ".db", ".sqlite"}
    assert not [path for path in tracked_files() if path.suffix in suffixes]


def test_no_tracked_file_is_large() -> None:
    assert not [path for path in tracked_files() if path.stat().st_size > 500_000]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_scripts_are_executable_and_plain_sh(script: Path) -> None:
    assert os.access(script, os.X_OK)
    subprocess.run(["sh", "-n", str(script)], check=True)


@pytest.fixture
def bare_machine(tmp_path: Path) -> Path:
    """A folder for PATH with what every Debian has, and no Python, pip or apt-get."""
    commands = tmp_path / "bin"
    commands.mkdir()
    for name in ("sh", "dirname", "cksum", "cat", "id", "sed", "rm"):
        found = shutil.which(name)
        assert found is not None
        (commands / name).symlink_to(found)
    return commands


def bootstrap(commands: Path, folder: Path) -> str:
    """What scripts/bootstrap.sh says in a copy of the project's files when it cannot go on."""
    for file in (
        "constraints.txt",
        "core/pyproject.toml",
        "plugins/duckdb/pyproject.toml",
        "scripts/bootstrap.sh",
    ):
        (folder / "a copy" / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / file, folder / "a copy" / file)
    done = subprocess.run(
        [folder / "a copy" / "scripts" / "bootstrap.sh", "demo"],
        env={"PATH": str(commands)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    return done.stderr


def test_without_python_the_bootstrap_says_what_to_install(bare_machine: Path, tmp_path: Path) -> None:
    assert "no Python 3.11 or newer found; install it" in bootstrap(bare_machine, tmp_path)


def test_without_the_venv_module_the_bootstrap_says_what_to_install(
    bare_machine: Path, tmp_path: Path
) -> None:
    # Debian's python3 without python3-venv: everything works but `import ensurepip`.
    python = bare_machine / "python3.11"
    python.write_text(f'#!/bin/sh\ncase "$*" in *ensurepip*) exit 1 ;; esac\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    assert "run: sudo apt-get install python3-venv" in bootstrap(bare_machine, tmp_path)


def test_the_makefile_explains_its_targets() -> None:
    shown = subprocess.run(["make", "--no-print-directory", "help"], cwd=ROOT, capture_output=True, text=True)
    for target in ("demo", "test", "check", "bench", "format", "clean"):
        assert f"make {target} " in shown.stdout


def test_links_in_the_documentation_lead_somewhere() -> None:
    link = re.compile(r"\]\((?!https?://|#|mailto:)([^)#\s]+)")
    broken = [
        f"{path.relative_to(ROOT)}: {target}"
        for path in tracked_files()
        if path.suffix == ".md"
        for target in link.findall(path.read_text(encoding="utf-8"))
        if not (path.parent / target).exists()
    ]
    assert not broken
