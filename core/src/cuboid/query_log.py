"""The query log: what was asked, how it was answered and how long that took; a JSON line for each question.

The values of filters are left out, and so is who asked. Lines are written by a thread: no request waits for a disk.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from logging.handlers import QueueHandler, QueueListener, WatchedFileHandler
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import orjson

from cuboid.query.model import Question

MOST_WAITING = 10_000
"""Lines that may wait for the disk; those that come then are lost, and counted in the line after."""


class QueryLog:
    """Appends to a file, which may be renamed and removed by others, as logrotate does. Processes may share it.

    :param file: made with its folder.
    """

    def __init__(self, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        handler = WatchedFileHandler(file, encoding="utf-8", delay=True)
        self._waiting: SimpleQueue[logging.LogRecord] = SimpleQueue()
        self._handler = QueueHandler(self._waiting)
        self._listener = QueueListener(self._waiting, handler)
        self._file = handler
        self._lost = 0
        self._closed = False
        self._listener.start()

    def write(self, answered: Iterable[tuple[Question, bool]], began: datetime | None, tenant: str) -> None:
        """Notes questions that were answered.

        :param answered: each with whether rollups answered it.
        :param began: when it was asked; None for what was kept.
        """
        now = datetime.now(UTC)
        seconds = 0.0 if began is None else (now - began).total_seconds()
        for question, stored in answered:
            if self._waiting.qsize() >= MOST_WAITING:
                self._lost += 1
                continue
            line = {
                "at": now.isoformat(timespec="milliseconds"),
                "tenant": tenant or None,
                "query": without_values(question.echo),
                "answered": "cache" if began is None else "rollups" if stored else "database",
                "ms": round(seconds * 1000, 1),
            }
            if self._lost:
                line["lost"], self._lost = self._lost, 0
            text = orjson.dumps(line, default=str).decode()
            self._handler.emit(logging.LogRecord("cuboid.queries", logging.INFO, "", 0, text, None, None))

    def close(self) -> None:
        """Writes what still waits; harmless when called twice."""
        if not self._closed:
            self._closed = True
            self._listener.stop()
            self._file.close()


KEPT = ("measures", "dimensions", "segments", "timezone", "ungrouped", "joinHints", "percentOfTotal")
"""Parts of a query that name things and have no values."""


def without_values(echo: Mapping[str, Any]) -> dict[str, Any]:
    """A normalized query without the values of its filters; ``values`` is how many there are."""
    kept = {key: echo[key] for key in KEPT if echo.get(key)}
    times = [
        {key: each[key] for key in ("dimension", "granularity", "dateRange") if each.get(key)}
        for each in echo.get("timeDimensions", ())
    ]
    filters = [_condition(each) for each in echo.get("filters", ())]
    return {
        **kept,
        **({"timeDimensions": times} if times else {}),
        **({"filters": filters} if filters else {}),
    }


def _condition(given: Mapping[str, Any]) -> dict[str, Any]:
    for key in ("or", "and"):
        parts: Sequence[Mapping[str, Any]] | None = given.get(key)
        if parts is not None:
            return {key: [_condition(each) for each in parts]}
    member = given.get("member", given.get("dimension"))
    return {"member": member, "operator": given.get("operator"), "values": len(given.get("values") or ())}
