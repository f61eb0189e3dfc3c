"""The whole pipeline: from a request's query to the bytes of its answer.

read            JSON -> Question          cuboid.request
prepare, bind   Question -> Statement     cuboid.planner
submit          Statement -> Result       cuboid.run
encode          Result -> bytes           cuboid.result
"""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from cuboid.catalog.meta import describe
from cuboid.catalog.meta_extended import extended as extend
from cuboid.catalog.model import Catalog
from cuboid.errors import ConfigError, CuboidError, InvalidQuery, UnsupportedFeature
from cuboid.figures import Figures
from cuboid.models import Models, OneModel
from cuboid.plan.transformed import transformed_query
from cuboid.planner import Planner
from cuboid.query.access import AccessReader, AccessSettings
from cuboid.query.decode import is_large
from cuboid.query.explained_dates import explain_dates
from cuboid.query.explained_policies import explain_policies
from cuboid.query.model import Question
from cuboid.query.normalize import Limits
from cuboid.request import Request, RequestContext, RequestReader, RewriteQuery, poll_id
from cuboid.result.answer import Answer, encode_answers
from cuboid.result.dry_run import describe_query
from cuboid.result.envelope import encode
from cuboid.result.formats import FORMATS, Format
from cuboid.result.rows import selected
from cuboid.result.statement import REFRESH_SECONDS, describe_statement
from cuboid.result.withdrawn import describe_withdrawn
from cuboid.run.bounded import BoundedQueue
from cuboid.run.data_source import DataSource
from cuboid.run.polls import Polls
from cuboid.run.together import Together
from cuboid.sql.freshness import refresh_key_text
from cuboid.types import Column, Pending, Principal, Statement

MANY_ROWS = 2000
"""Rows from which encoding moves to a thread: about 2 ms of work."""

MANY_CUBES = 20
"""Cubes from which describing them moves to a thread: about 3 ms of work."""


Parts = list[tuple[DataSource, Statement]]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ServiceSettings:
    """``continue_wait``: seconds a request may wait before it is told to ask again; ``access``: what narrows what
    principals see, besides the model's policies; ``plugins_wait``: whether plugins take their time over a query;
    ``stream_limit``: the largest limit of a streamed answer to those who may have more than others; ``formats``: of
    streamed answers, by media type."""

    limits: Limits = field(default_factory=Limits)
    default_timezone: str = "UTC"
    folder_delimiter: str = ""
    stream_limit: int | None = None
    formats: Mapping[str, type[Format]] = field(
        default_factory=lambda: {each.media_type: each for each in FORMATS}
    )
    continue_wait: float = 10.0
    access: AccessSettings = field(default_factory=AccessSettings)
    plugins_wait: bool = False


InForce = tuple[Planner, RequestReader]
"""What plans and reads over one catalog."""


class Service:
    """Answers requests over one project.

    :param models: the models by tenant, or what gives the catalog that is in force now for all.
    :param data_sources: by name.
    :param rewrite_query: changes a query on behalf of plugins.
    """

    def __init__(
        self,
        models: Models | Callable[[], Catalog],
        data_sources: Mapping[str, DataSource],
        settings: ServiceSettings | None = None,
        rewrite_query: RewriteQuery = lambda query, principal: query,
    ) -> None:
        self._models: Models = OneModel(models) if callable(models) else models
        self._data_sources = data_sources
        self._settings = settings or ServiceSettings()
        self._rewrite_query = rewrite_query
        self._together = Together()
        self._polls = Polls()
        self._known: dict[int, InForce] = {}  # by identity of the catalog, which the planner holds
        self._rows: Counter[str] = Counter()

    async def load(
        self,
        raw: object,
        context: RequestContext,
        *,
        query_type: str | None = None,
        cache: str | None = None,
        cast_numerics: bool = False,
    ) -> bytes | Pending:
        """The body of ``/v1/load``, or :class:`Pending`. Raises :class:`CuboidError`.

        :param query_type: the request's ``queryType``; ``multi`` asks for the envelope.
        :param cache: the request's cache mode, which wins over the query's.
        :param cast_numerics: numbers are numbers where the wire has texts, as far as none loses digits.
        """
        planner, reader = self._in_force(await self._models.catalog(context.principal))
        poll = self._polls.poll(context.asker, raw)

        def plan() -> tuple[Request, list[Parts]]:
            request = reader.read(raw, context, cache=cache, now=poll.began)
            request.check_client(query_type)
            return request, [self._statements(question, planner) for question in request.questions]

        request, wanted = await _think(plan, in_thread=self._settings.plugins_wait or is_large(raw))
        outcome = await self._together.submit(
            [part for parts in wanted for part in parts],
            wait=self._settings.continue_wait,
            asker=context.asker,
        )
        if isinstance(outcome, Pending):
            self._polls.goes_on(poll)
            return outcome
        self._polls.ends(poll)
        for (source, _), result in zip(itertools.chain.from_iterable(wanted), outcome, strict=True):
            self._rows[source.name] += len(result.rows)
        results = iter(outcome)
        answers = [
            Answer(
                question,
                parts[0][0].name,
                parts[0][0].driver.name,
                [next(results) for _ in parts],
                self._transformed(question, planner) if context.dev else None,
            )
            for question, parts in zip(request.questions, wanted, strict=True)
        ]
        return await _think(
            lambda: encode_answers(
                request.type,
                answers,
                planner.catalog,
                envelope=query_type == "multi",
                request_id=context.request_id if context.dev else None,
                cast_numerics=cast_numerics,
            ),
            in_thread=sum(len(result.rows) for result in outcome) > MANY_ROWS,
        )

    async def stream(
        self, raw: object, context: RequestContext, *, cast_numerics: bool, format: type[Format], more: bool
    ) -> AsyncIterator[bytes]:
        """The rows of one query in ``format``, as they arrive. Raises :class:`CuboidError`, also in the midst.

        :param more: the setting ``stream_limit`` is the limit for this principal.
        """
        planner, reader = self._in_force(await self._models.catalog(context.principal))
        if more and self._settings.stream_limit is not None:
            limits = replace(reader.limits, maximum=max(self._settings.stream_limit, reader.limits.maximum))
            reader = replace(reader, limits=limits)

        def plan() -> tuple[Question, DataSource, Statement]:
            request = reader.read(raw, context)
            if request.type != "regularQuery":
                raise InvalidQuery("Only one query can be streamed, without compareDateRange.")
            (question,) = request.questions
            if question.query.total:
                raise InvalidQuery("A streamed answer has no place for a total.", path="total")
            ((source, statement),) = self._statements(question, planner)
            return question, source, statement

        question, source, statement = await _think(
            plan, in_thread=self._settings.plugins_wait or is_large(raw)
        )
        limit = question.query.limit
        if not source.streams_bounded and (limit or 0) > self._settings.limits.maximum:
            raise UnsupportedFeature(
                f"The data source '{source.name}' cannot stream: no more than {self._settings.limits.maximum} rows."
            )
        columns = [Column(name, type) for name, type in selected(question.shape, planner.catalog)]
        writer = format(columns, cast_numerics=cast_numerics)
        yield writer.begin()
        async with aclosing(source.stream(statement, asker=context.asker)) as batches:  # type: ignore[type-var]
            async for batch in batches:
                self._rows[source.name] += len(batch)
                if batch:
                    yield await asyncio.to_thread(writer.rows, batch)
        yield await asyncio.to_thread(writer.end)

    @property
    def formats(self) -> Mapping[str, type[Format]]:
        """The formats of streams by media type."""
        return self._settings.formats

    async def sql(self, raw: object, context: RequestContext) -> bytes:
        """The body of ``/v1/sql``: an object, or for comparisons and blended queries an array of them."""
        planner, reader = self._in_force(await self._models.catalog(context.principal))

        def plan() -> bytes:
            request = reader.read(raw, context)
            described = [self._describe(question, planner) for question in request.questions]
            return encode(described[0] if request.type == "regularQuery" else described)

        return await _think(plan, in_thread=self._settings.plugins_wait or is_large(raw))

    async def dry_run(self, raw: object, context: RequestContext) -> bytes:
        """The body of ``/v1/dry-run``: what the queries mean, before plugins change them. Nothing is run."""
        planner, reader = self._in_force(await self._models.catalog(context.principal))

        def plan() -> bytes:
            request = reader.read(raw, context, as_sent=True)
            for question in request.questions:
                planner.prepare(question.shape)
            transformed = [self._transformed(question, planner) for question in request.questions]
            return encode(describe_query(request.type, request.questions, transformed))

        return await _think(plan, in_thread=self._settings.plugins_wait or is_large(raw))

    async def explain(self, raw: object, context: RequestContext) -> bytes:
        """The body of ``/v1/explain``: how each query of the request would be answered, and why. Nothing is run."""
        planner, reader = self._in_force(await self._models.catalog(context.principal))

        def plan() -> bytes:
            request = reader.read(raw, context)
            explanations = [
                self._explain(question, planner, context.principal) for question in request.questions
            ]
            return encode({"queryType": request.type, "explanations": explanations})

        return await _think(plan, in_thread=self._settings.plugins_wait or is_large(raw))

    async def meta(
        self, context: RequestContext, *, only_views: bool = False, extended: bool = False
    ) -> bytes:
        """The body of ``/v1/meta``."""
        catalog = await self._models.catalog(context.principal)
        _, reader = self._in_force(catalog)

        def describing() -> bytes:
            seen = reader.access.visible(context.principal)
            body = describe(
                seen,
                hidden=context.dev,
                only_views=only_views,
                folder_delimiter=self._settings.folder_delimiter,
            )
            return encode(extend(body, seen) if extended else body)

        in_thread = self._settings.plugins_wait or len(catalog.cubes) > MANY_CUBES
        return await _think(describing, in_thread=in_thread)

    async def cancel(self, request_id: str, context: RequestContext) -> bytes:
        """The body of ``DELETE /v1/running-query/:id``: what the principal's request of that id was waiting for, in
        all data sources, and waits for no longer."""
        asker = replace(context.asker, request=poll_id(request_id))
        withdrawn = [each for source in self._data_sources.values() for each in await source.withdraw(asker)]
        return encode({"result": [describe_withdrawn(each) for each in withdrawn]})

    async def ready(self) -> bool:
        """Whether the default data source answers."""
        return await _all_answer([source for name, source in self._data_sources.items() if name == "default"])

    def mistakes(self) -> Mapping[str, Any]:
        """How many errors the models in force have, and which cubes and views are off; empty without any."""
        held = list(self._models.held())
        errors = {str(error) for catalog in held for error in catalog.errors}
        off = {name for catalog in held for name in catalog.broken}
        return {"errors": len(errors), "off": sorted(off)} if errors else {}

    async def live(self) -> bool:
        """Whether all data sources that were used so far answer."""
        return await _all_answer([source for source in self._data_sources.values() if source.used])

    def figures(self) -> Figures:
        """Counts for those who watch."""
        return Figures(
            shapes=sum(planner.kept for planner, _ in self._known.values()),
            mistakes=sum(len(catalog.errors) for catalog in self._models.held()),
            queues={
                name: source.queue.snapshot()
                for name, source in self._data_sources.items()
                if isinstance(source.queue, BoundedQueue)
            },
            rows=dict(self._rows),
        )

    async def close(self) -> None:
        """Stops everything that runs and closes all data sources."""
        await asyncio.gather(*(source.close() for source in self._data_sources.values()))

    # ------------------------------------------------------------ questions to statements

    def _statements(self, question: Question, planner: Planner) -> Parts:
        """What must be run for a question: its statement and, if asked for, the one that counts its rows."""
        shapes = [question.shape]
        if question.query.total:
            shapes.append(replace(question.shape, total=True, order=(), limit=None, offset=None))
        prepared = [planner.prepare(shape) for shape in shapes]
        return [(self._data_source(each.data_source), each.bind(question.values)) for each in prepared]

    def _describe(self, question: Question, planner: Planner) -> dict[str, Any]:
        prepared = planner.prepare(question.shape)
        dialect = self._data_source(prepared.data_source).dialect
        return describe_statement(
            question,
            prepared.bind(question.values),
            prepared.wire_parameters(question.values),
            [(refresh_key_text(dialect, REFRESH_SECONDS), [])],
            planner.catalog,
            data_source=prepared.data_source,
            transformed=self._transformed(question, planner),
        )

    def _explain(self, question: Question, planner: Planner, principal: Principal) -> dict[str, Any]:
        prepared = planner.prepare(question.shape)
        planned = planner.explain(question.shape)
        groups = self._settings.access.groups(principal)
        return {
            "query": question.echo,
            **planned,
            "policies": explain_policies(question, planner.catalog, principal, groups, planned["cubes"]),
            "dates": explain_dates(question, planner.catalog),
            "sql": {
                "dataSource": prepared.data_source,
                "text": prepared.bind(question.values).sql,
                "parameters": prepared.wire_parameters(question.values),
            },
        }

    def _transformed(self, question: Question, planner: Planner) -> dict[str, Any]:
        return transformed_query(question, planner.catalog, multiplied=planner.multiplies(question.shape))

    def _in_force(self, catalog: Catalog) -> InForce:
        """What plans and reads over the catalog; tenants of one catalog share it. Of catalogs that nobody may ask any
        more nothing is kept."""
        known = self._known.get(id(catalog))
        if known is None:
            settings = self._settings
            known = (
                Planner(catalog, lambda name: self._data_source(name).dialect),
                RequestReader(
                    catalog,
                    settings.limits,
                    settings.default_timezone,
                    self._rewrite_query,
                    AccessReader(catalog, settings.access),
                ),
            )
            held = {id(each) for each in self._models.held()}
            self._known = {key: each for key, each in self._known.items() if key in held}
            self._known[id(catalog)] = known
        return known

    def _data_source(self, name: str) -> DataSource:
        found = self._data_sources.get(name)
        if found is None:
            raise ConfigError(
                f"The model uses the data source '{name}', which is not configured.", setting="data_sources"
            )
        return found


async def _think(work: Callable[[], T], *, in_thread: bool) -> T:
    """Does ``work`` at once, or in a thread where it would keep the event loop from others."""
    return await asyncio.to_thread(work) if in_thread else work()


async def _all_answer(sources: Sequence[DataSource]) -> bool:
    outcomes = await asyncio.gather(*(source.ping() for source in sources), return_exceptions=True)
    for outcome in outcomes:
        if outcome is not None and not isinstance(outcome, CuboidError):
            raise outcome
    return all(outcome is None for outcome in outcomes)
