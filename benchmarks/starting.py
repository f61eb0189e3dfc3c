"""How long it takes to begin: Python itself, the import, the commands, and the server until /readyz."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

from measure import Row, side_by_side
from serving import running

CUBOID = str(Path(sys.executable).parent / "cuboid")


def run(*command: str) -> None:
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": ""}
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment)


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


def until_ready(folder: Path, rounds: int, **environment: str) -> float:
    """Seconds from the start of the process to the first 200 of /readyz: the median of ``rounds`` after the first one,
    which may still have to compile Cuboid's own modules."""
    found = []
    for _ in range(rounds + 1):
        start = time.perf_counter()
        with running([CUBOID, "serve", str(folder), "--dev", "--port"], **environment):
            found.append(time.perf_counter() - start)
    return statistics.median(found[1:])
