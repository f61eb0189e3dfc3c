"""Answers row by row: a query's rows in another format than JSON, as the database returns them, in bounded memory."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace

from cuboid.errors import InvalidQuery, NotStored, UnsupportedFeature
from cuboid.planner import Planner
from cuboid.planning import Planning
from cuboid.query.model import Question
from cuboid.request import RequestContext, RequestReader
from cuboid.result.formats import Format
from cuboid.result.rows import counted, selected
from cuboid.run.asker import Asker
from cuboid.run.data_source import DataSource
from cuboid.run.stored import Refreshed, RollupUse
from cuboid.types import Column, Pending, Statement

log = logging.getLogger(__name__)

Stored = Callable[[Sequence[RollupUse], Asker, float], Awaitable[Mapping[str, Refreshed] | Pending]]
"""What is read of rollups, which are built first; waits at most so many seconds."""


@dataclass(frozen=True, slots=True)
class Planned:
    """A question that can be streamed, and what must be run and stored for it."""

    question: Question
    source: DataSource
    statement: Statement
    uses: Sequence[RollupUse]


class Streaming:
    """Streams rows.

    :param counted: told of each batch of rows that a data source gave.
    """

    def __init__(self, planning: Planning, stored: Stored, counted: Callable[[str, int], None]) -> None:
        self._planning = planning
        self._stored = stored
        self._counted = counted

    async def stream(
        self,
        raw: object,
        context: RequestContext,
        *,
        format: type[Format],
        more: bool,
        cache: str | None,
        cast_numerics: bool,
    ) -> AsyncIterator[bytes]:
        """The rows of one query in ``format``, as they arrive. Raises :class:`CuboidError`, also in the midst.

        :param more: the setting ``stream_limit`` is the limit for this principal.
        :param cache: a cache mode, which is checked; a stream is always found out anew.
        :param cast_numerics: numbers are numbers where the wire has texts, as far as none loses digits.
        """
        planner, reader, context = await self._planning.for_request(context)
        if more:
            reader = self._with_more(reader)

        def plan(*, stored: bool = True) -> Planned:
            return self._plan(raw, context, reader, planner, cache=cache, stored=stored)

        planned = await self._planning.think(plan, raw)
        try:
            while await self._is_pending(planned.uses, context.asker):
                pass
        except NotStored as error:
            log.info("answered by the data source: %s", error)
            planned = await self._planning.think(lambda: plan(stored=False), raw)
        self._check_driver(planned)
        catalog = planner.catalog
        columns = [
            Column(name, type, counted(name, catalog))
            for name, type in selected(planned.question.shape, catalog)
        ]
        # Importing what a format is written with may take seconds.
        writer = await asyncio.to_thread(format, columns, cast_numerics=cast_numerics)
        yield writer.begin()
        source = planned.source
        async with aclosing(source.stream(planned.statement, asker=context.asker)) as batches:  # type: ignore[type-var]
            async for batch in batches:
                self._counted(source.shown, len(batch))
                if batch:
                    yield await asyncio.to_thread(writer.rows, batch)
        yield await asyncio.to_thread(writer.end)

    def _with_more(self, reader: RequestReader) -> RequestReader:
        """The reader for whoever may ask for more rows than others."""
        most = self._planning.settings.stream_limit
        if most is None or most <= reader.limits.maximum:
            return reader
        return replace(reader, limits=replace(reader.limits, maximum=most))

    def _plan(
        self,
        raw: object,
        context: RequestContext,
        reader: RequestReader,
        planner: Planner,
        *,
        cache: str | None,
        stored: bool,
    ) -> Planned:
        request = reader.read(raw, context, cache=cache)
        if request.type != "regularQuery":
            raise InvalidQuery("Only one query can be streamed, without compareDateRange.")
        (question,) = request.questions
        if question.query.total:
            raise InvalidQuery("A streamed answer has no place for a total.", path="total")
        ((source, statement),), uses = self._planning.statements(question, planner, stored=stored)
        return Planned(question, source, statement, uses)

    async def _is_pending(self, uses: Sequence[RollupUse], asker: Asker) -> bool:
        return isinstance(await self._stored(uses, asker, self._planning.settings.continue_wait), Pending)

    def _check_driver(self, planned: Planned) -> None:
        source, most = planned.source, self._planning.settings.limits.maximum
        if not source.streams_bounded and (planned.question.query.limit or 0) > most:
            raise UnsupportedFeature(
                f"The data source '{source.shown}' cannot stream: no more than {most} rows."
            )
