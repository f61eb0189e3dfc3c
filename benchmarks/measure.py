"""Measuring: times side by side, and the CPU that another process spends."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

SCHEDULED = 2
"""With a process's number this makes the number of its clock of CPU in nanoseconds (Linux, clock_getcpuclockid(3))."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the report: a time in seconds, and what it is compared with (itself a row's name).

    :param most: what the ratio should be at the most, or the time itself where it is compared with nothing.
    """

    name: str
    seconds: float
    against: str | None = None
    most: float | None = None
    unit: str = "s"

    def cells(self, by_name: Mapping[str, Row], before: Mapping[str, float] | None = None) -> tuple[str, ...]:
        """What, time, ratio, to what, target, whether it is met; and the time over that of ``before``, if given."""
        ratio = None if self.against is None else self.seconds / by_name[self.against].seconds
        measured = self.seconds if ratio is None else ratio
        target = (
            "" if self.most is None else f"{self.most:.2g}" if ratio is not None else self._shown(self.most)
        )
        met = "" if self.most is None else "yes" if measured <= self.most else "**no**"
        shown = "" if ratio is None else f"{ratio:.2f}"
        told = self.name, self._shown(self.seconds), shown, self.against or "", target, met
        if before is None:
            return told
        known = before.get(self.name)
        return *told, f"{self.seconds / known:.2f}" if known else ""

    def _shown(self, value: float) -> str:
        return readable(value) if self.unit == "s" else f"{value:.0f} {self.unit}"


HEADINGS: tuple[str, ...] = ("what", "time", "ratio", "to", "target", "met")


def side_by_side(rounds: int, works: Mapping[str, Callable[[], object]]) -> dict[str, float]:
    """The median seconds of each work, all of them run in turn so that they share the machine's moods."""
    times: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(rounds):
        for name, work in works.items():
            start = time.perf_counter()
            work()
            times[name].append(time.perf_counter() - start)
    return {name: statistics.median(found) for name, found in times.items()}


def cpu_seconds(pid: int) -> float:
    """User and system time that a process has spent, those of its threads that have ended included."""
    return time.clock_gettime(~pid << 3 | SCHEDULED)


def resident(pid: int, *, peak: bool = False) -> float:
    """MiB of a process that are in memory, or were at the most. A process that is started by a large one has none of
    that one's peak, as ``ru_maxrss`` would have."""
    return _told(Path(f"/proc/{pid}/status"), "VmHWM" if peak else "VmRSS")


def private(pid: int) -> float:
    """MiB of a process that are in memory for it alone: without the pages of libraries that others read too."""
    told = Path(f"/proc/{pid}/smaps_rollup")
    return _told(told, "Private_Clean") + _told(told, "Private_Dirty")


def _told(file: Path, name: str) -> float:
    (line,) = (line for line in file.read_text().splitlines() if line.startswith(f"{name}:"))
    return int(line.split()[1]) / 1024


def report(title: str, rows: list[Row], before: Mapping[str, float] | None = None) -> None:
    """Prints the rows as a table with the ratios.

    :param before: what an earlier revision took, by name.
    """
    from rich.console import Console
    from rich.table import Table

    headings = HEADINGS if before is None else (*HEADINGS, "over before")
    table = Table(*headings, title=title, title_justify="left")
    by_name = {row.name: row for row in rows}
    for row in rows:
        table.add_row(*row.cells(by_name, before))
    Console(width=140).print(table)


def markdown(title: str, rows: list[Row], before: Mapping[str, float] | None = None) -> str:
    """The same for a page."""
    by_name = {row.name: row for row in rows}
    headings: tuple[str, ...] = HEADINGS
    rule: tuple[str, ...] = ("---", "---:", "---:", "---", "---:", "---")
    if before is not None:
        headings, rule = (*HEADINGS, "over before"), (*rule, "---:")
    lines = [headings, rule, *(row.cells(by_name, before) for row in rows)]
    return "\n".join((f"## {title}", "", *(f"| {' | '.join(line)} |" for line in lines)))


def readable(seconds: float) -> str:
    if seconds < 1e-3:
        return f"{seconds * 1e6:.0f} µs"
    return f"{seconds * 1e3:.1f} ms" if seconds < 1 else f"{seconds:.2f} s"
