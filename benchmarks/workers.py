"""What a second process brings: kept answers a second from ``--workers 2``, beside one process.

wrk asks from the same cores: on a machine of two, a second process of anything cannot quite double the rate. So two
processes of bare Tornado that send the same bytes stand beside, and the CPU that an answer costs its servers.
"""

from __future__ import annotations

import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

import cache
import jwt
from measure import Row, cpu_seconds
from plain_shop import SECRET, plain_shop
from server import CUBOID
from serving import PATH, cost, running

sys.path.insert(0, str(Path(__file__).parents[1]))

SECONDS = 3.0
CONNECTIONS = 16


def rows(shop: Path, rounds: int) -> list[Row]:
    """The report's rows: seconds for each answer, as many clients get them, and of CPU."""
    token = {"Authorization": jwt.encode({"tenant": 7, "exp": 4_000_000_000}, SECRET)}
    with ExitStack() as stack:
        serve = [*CUBOID, str(stack.enter_context(plain_shop(shop)))]
        body = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "answer.json"
        one = stack.enter_context(running([*serve, "--workers", "1", "--port"]))
        two = stack.enter_context(running([*serve, "--workers", "2", "--port"]))
        cost(one, PATH, 1, token, body)
        bare = [sys.executable, cache.__file__, str(body)]
        alone = stack.enter_context(running(bare))
        pair = [stack.enter_context(running(bare))]
        pair.append(stack.enter_context(running(bare, port=pair[0][1])))
        servers = {
            "one process": ([one[0]], one[1]),
            "two processes": ([two[0], *children(two[0])], two[1]),
            "one process of bare Tornado": ([alone[0]], alone[1]),
            "two processes of bare Tornado": ([pid for pid, _ in pair], pair[0][1]),
        }
        time.sleep(1)  # which of two listens already cannot be seen from outside
        found: dict[str, list[tuple[float, float]]] = {name: [] for name in servers}
        for _ in range(rounds):
            for name, (pids, port) in servers.items():
                found[name].append(under_load(pids, port, token))
    walls, cpus = (
        {name: statistics.median(each[index] for each in taken) for name, taken in found.items()}
        for index in (0, 1)
    )
    return [*compared(walls, "", most=1 / 1.8), *compared(cpus, "CPU: ")]


def compared(taken: Mapping[str, float], what: str, most: float | None = None) -> Iterator[Row]:
    """Two beside one, of ours and of bare Tornado."""
    for whose in ("", " of bare Tornado"):
        one, two = f"one process{whose}", f"two processes{whose}"
        yield Row(f"{what}{one}, for an answer", taken[one])
        yield Row(f"{what}{two}", taken[two], f"{what}{one}, for an answer", most=None if whose else most)


def children(pid: int) -> list[int]:
    """The processes that it has started."""
    return list(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))


def under_load(pids: Sequence[int], port: int, headers: Mapping[str, str]) -> tuple[float, float]:
    """Seconds for each answer over all connections, and seconds of CPU that it costs these processes."""
    url, (name, value) = f"http://127.0.0.1:{port}{PATH}", next(iter(headers.items()))
    command = [*wrk(), "-t1", f"-c{CONNECTIONS}", f"-d{SECONDS:g}s", "-H", f"{name}: {value}", url]
    before = sum(map(cpu_seconds, pids))
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    cpu = sum(map(cpu_seconds, pids)) - before
    answers, seconds = re.search(r"(\d+) requests in ([\d.]+)s", told).groups()
    return float(seconds) / int(answers), cpu / int(answers)


def wrk() -> list[str | Path]:
    """The program, from Debian's package if it is not installed."""
    if shutil.which("wrk"):
        return ["wrk"]
    from tests.engines.debian import Package, loader, unpacked

    folder = unpacked(Package("wrk", "bookworm"))
    return [*loader(folder), folder / "usr" / "bin" / "wrk"]
