"""Environments of their own for other packages, which must not share ours."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

SECONDS = 300
"""That making an environment, or installing into it, may take."""


def install(folder: Path, packages: Sequence[str]) -> Path | None:
    """The interpreter of an environment in the folder that has the packages; None where they cannot be installed."""
    python = folder / "bin" / "python"
    try:
        for command in (
            [sys.executable, "-m", "venv", str(folder)],
            [str(python), "-m", "pip", "install", "--quiet", *packages],
        ):
            subprocess.run(command, check=True, capture_output=True, timeout=SECONDS)
    except (subprocess.SubprocessError, OSError):
        return None
    return python


def version(python: Path, package: str) -> str:
    """Of an installed package."""
    program = f"from importlib.metadata import version; print(version({package!r}))"
    return subprocess.run([python, "-c", program], check=True, capture_output=True, text=True).stdout.strip()
