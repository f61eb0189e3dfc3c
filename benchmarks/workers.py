"""What a second process brings: kept answers a second from ``--workers 2``, beside one process.

wrk asks, which takes a little of the same cores: on a machine of two, a second process cannot quite double the rate.
"""

from __future__ import annotations

import shutil
import statistics
import subprocess
import sys
from pathlib import Path

import jwt
from measure import Row
from plain_shop import SECRET, plain_shop
from server import CUBOID
from serving import PATH, running

sys.path.insert(0, str(Path(__file__).parents[1]))

SECONDS = 3.0
CONNECTIONS = 16


def rows(shop: Path, rounds: int) -> list[Row]:
    """The report's rows: seconds for each answer, as many clients get them."""
    token = jwt.encode({"tenant": 7, "exp": 4_000_000_000}, SECRET)
    found: dict[int, list[float]] = {1: [], 2: []}
    with plain_shop(shop) as project:
        serve = [*CUBOID, str(project)]
        with (
            running([*serve, "--workers", "1", "--port"]) as (_, one),
            running([*serve, "--workers", "2", "--port"]) as (_, two),
        ):
            for _ in range(rounds):
                for processes, port in ((1, one), (2, two)):
                    found[processes].append(1 / rate(port, token))
    against = "one process: kept answers under load"
    one_takes, two_take = (statistics.median(each) for each in found.values())
    return [Row(against, one_takes), Row("two processes", two_take, against, most=1 / 1.8)]


def rate(port: int, token: str) -> float:
    """Answers a second over all connections."""
    url = f"http://127.0.0.1:{port}{PATH}"
    command = [*wrk(), "-t1", f"-c{CONNECTIONS}", f"-d{SECONDS:g}s", "-H", f"Authorization: {token}", url]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    (line,) = (line for line in told.splitlines() if line.startswith("Requests/sec"))
    return float(line.split()[1])


def wrk() -> list[str | Path]:
    """The program, from Debian's package if it is not installed."""
    if shutil.which("wrk"):
        return ["wrk"]
    from tests.engines.debian import Package, loader, unpacked

    folder = unpacked(Package("wrk", "bookworm"))
    return [*loader(folder), folder / "usr" / "bin" / "wrk"]
