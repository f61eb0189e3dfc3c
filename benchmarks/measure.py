"""Measuring: times side by side, and the CPU that another process spends."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the report: a time in seconds, and what it is compared with (itself a row's name)."""

    name: str
    seconds: float
    against: str | None = None


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
    """User and system time that a process has spent, to a hundredth of a second."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def report(title: str, rows: list[Row]) -> None:
    """Prints the rows as a table with the ratios."""
    from rich.console import Console
    from rich.table import Table

    table = Table("what", "time", "ratio", "to", title=title, title_justify="left")
    by_name = {row.name: row for row in rows}
    for row in rows:
        ratio = f"{row.seconds / by_name[row.against].seconds:.2f}" if row.against else ""
        table.add_row(row.name, readable(row.seconds), ratio, row.against or "")
    Console(width=100).print(table)


def readable(seconds: float) -> str:
    if seconds < 1e-3:
        return f"{seconds * 1e6:.0f} µs"
    return f"{seconds * 1e3:.1f} ms" if seconds < 1 else f"{seconds:.2f} s"
