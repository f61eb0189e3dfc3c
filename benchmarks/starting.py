"""How long it takes to begin: Python itself, the import, the commands, and the server until /readyz."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from measure import Row, side_by_side
from serving import running

CUBOID = str(Path(sys.executable).parent / "cuboid")


def run(*command: str) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def rows(shop: Path, rounds: int) -> list[Row]:
    """The report's rows."""
    times = side_by_side(
        rounds,
        {
            "python": lambda: run(sys.executable, "-c", "pass"),
            "import": lambda: run(sys.executable, "-c", "import cuboid"),
            "tornado": lambda: run(sys.executable, "-c", "import tornado.web, tornado.httpserver"),
            "help": lambda: run(CUBOID, "--help"),
            "check": lambda: run(CUBOID, "check", str(shop)),
        },
    )
    return [
        Row("python -c pass", times["python"]),
        Row("import cuboid", times["import"], most=0.25),
        Row("import tornado.web", times["tornado"], "python -c pass"),
        Row("cuboid --help", times["help"], "python -c pass"),
        Row("cuboid check", times["check"], "python -c pass"),
        Row("cuboid serve to /readyz", until_ready(shop, rounds), most=0.8),
    ]


def until_ready(shop: Path, rounds: int) -> float:
    """Seconds from the start of the process to the first 200 of /readyz; the best of ``rounds``."""
    found = []
    for _ in range(rounds):
        start = time.perf_counter()
        with running([CUBOID, "serve", str(shop), "--dev", "--port"]):
            found.append(time.perf_counter() - start)
    return min(found)
