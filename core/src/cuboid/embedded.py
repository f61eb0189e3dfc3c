"""Cuboid without a server: open a project in a notebook or program and ask it.

    with cuboid.open("shop") as shop:
        shop.load({"measures": ["orders.count"], "dimensions": ["users.city"]})

The project runs on an event loop of its own in a background thread, so this also works where a loop is
running already, as in Jupyter.
"""

from __future__ import annotations

import asyncio
import threading
import uuid
from collections.abc import Coroutine, Mapping
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any, TypeVar

import orjson

from cuboid.errors import CuboidError, InvalidQuery
from cuboid.project import Project
from cuboid.request import RequestContext
from cuboid.types import Pending, Principal

Answer = TypeVar("Answer")


def open(path: Path | str = ".", **flags: object) -> EmbeddedProject:
    """The project in the folder ``path``, ready to be asked; close it, or use it in a ``with`` statement.

    :param flags: settings by name, e.g. ``default_timezone="Europe/Berlin"``; they win over files and
    environment.

    Raises :class:`ConfigError` or :class:`PluginError`. Mistakes in the model take down their cubes only.
    """
    project = Project.open(path, flags=flags)
    # Configuration errors belong to this call, not to the first question.
    _ = project.service
    return EmbeddedProject(project)


class EmbeddedProject:
    """An open project. Its methods block until the answer is there and may be called from any thread."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="cuboid", daemon=True)
        self._thread.start()

    def load(self, query: object, security_context: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        """The rows of ``query`` (a mapping, a list of them, or JSON text), with values as on the wire.

        That is numbers as texts and times as ``YYYY-MM-DDTHH:mm:ss.SSS``. Rows of several queries, or of
        several ``compareDateRange``, follow each other. Raises :class:`CuboidError`.
        """
        rows: list[dict[str, Any]] = []
        for result in self.results(query, security_context):
            if not isinstance(result["data"], list):
                raise InvalidQuery("load() gives rows: leave responseFormat out", path="responseFormat")
            rows += result["data"]
        return rows

    def results(
        self, query: object, security_context: Mapping[str, Any] | None = None
    ) -> list[dict[str, Any]]:
        """The result objects of ``/v1/load``: rows with their annotation and normalized query."""
        service, context = self.project.service, self._context(security_context)

        async def ask() -> bytes:
            while isinstance(answer := await service.load(query, context, query_type="multi"), Pending):
                pass
            return answer

        results: list[dict[str, Any]] = orjson.loads(self._run(ask()))["results"]
        return results

    def sql(self, query: object, security_context: Mapping[str, Any] | None = None) -> tuple[str, list[Any]]:
        """The SQL text and parameters that would answer ``query``; nothing is run."""
        body = orjson.loads(self._run(self.project.service.sql(query, self._context(security_context))))
        if isinstance(body, list):
            raise InvalidQuery("sql() takes one query, without compareDateRange")
        text, parameters = body["sql"]["sql"]
        return text, parameters

    def explain(self, query: object, security_context: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """How ``query`` would be answered and why: the body of ``/v1/explain``. Nothing is run."""
        body: dict[str, Any] = orjson.loads(
            self._run(self.project.service.explain(query, self._context(security_context)))
        )
        return body

    def meta(self, security_context: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """What may be asked: the body of ``/v1/meta``."""
        body: dict[str, Any] = orjson.loads(
            self._run(self.project.service.meta(self._context(security_context)))
        )
        return body

    def close(self) -> None:
        """Stops what runs and releases the databases; harmless when called twice."""
        if self._loop.is_closed():
            return
        try:
            self._run(self.project.close())
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()

    def __enter__(self) -> EmbeddedProject:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _context(self, security_context: Mapping[str, Any] | None) -> RequestContext:
        claims = MappingProxyType(dict(security_context or {}))
        return RequestContext(Principal(claims), str(uuid.uuid4()), dev=self.project.settings.dev_mode)

    def _run(self, work: Coroutine[Any, Any, Answer]) -> Answer:
        if self._loop.is_closed():
            work.close()
            raise CuboidError("This project is closed", hint="Open it again with cuboid.open().")
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except BaseException:
            # Ctrl-C in a notebook: without a waiter the statement is stopped in the database, too.
            future.cancel()
            raise
