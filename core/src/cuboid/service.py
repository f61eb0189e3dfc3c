"""The whole pipeline: from a request's query to the bytes of its answer.

decode, parse      JSON -> Query            cuboid.query.parse
rewrite_query      the plugins' hook
normalize          Query -> Question        cuboid.query.normalize
prepare, bind      Question -> Statement    cuboid.planner
submit             Statement -> Result      cuboid.run
encode             Result -> bytes          cuboid.result
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from cuboid.catalog.meta import describe
from cuboid.catalog.model import Catalog
from cuboid.errors import ConfigError, CuboidError, InvalidQuery
from cuboid.planner import Planner
from cuboid.query.decode import QueryType, decode
from cuboid.query.decode import query_type as detect_type
from cuboid.query.model import Query, Question
from cuboid.query.normalize import Limits, normalize
from cuboid.query.parse import check_blending, parse
from cuboid.result.envelope import encode, multi, single
from cuboid.result.statement import REFRESH_SECONDS, describe_statement
from cuboid.run.data_source import DataSource
from cuboid.run.together import Together
from cuboid.sql.freshness import refresh_key_text
from cuboid.types import Pending, Principal, Result, Statement

ENCODED_IN_THREAD = 2000
"""Rows from which encoding moves to a thread: about 2 ms of work, the loop's other clients should not wait longer."""

RewriteQuery = Callable[[Mapping[str, Any], Principal], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class RequestContext:
    """Who asks, under which id; ``dev`` shows hidden members and request ids."""

    principal: Principal = field(default_factory=Principal)
    request_id: str = ""
    dev: bool = False


@dataclass(frozen=True, slots=True)
class ServiceSettings:
    """``continue_wait``: seconds a request may wait before it is told to ask again."""

    limits: Limits = field(default_factory=Limits)
    default_timezone: str = "UTC"
    continue_wait: float = 10.0


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, understood: its type and its questions in order."""

    type: QueryType
    questions: tuple[Question, ...]


class Service:
    """Answers requests over one project.

    :param catalog: gives the catalog that is in force now.
    :param data_sources: by name.
    :param rewrite_query: changes a query on behalf of plugins, or raises :class:`Forbidden`.
    """

    def __init__(
        self,
        catalog: Callable[[], Catalog],
        data_sources: Mapping[str, DataSource],
        settings: ServiceSettings | None = None,
        rewrite_query: RewriteQuery = lambda query, principal: query,
    ) -> None:
        self._catalog = catalog
        self._data_sources = data_sources
        self._settings = settings or ServiceSettings()
        self._rewrite_query = rewrite_query
        self._together = Together()
        self._planner: Planner | None = None

    async def load(
        self, raw: object, context: RequestContext, *, query_type: str | None = None, cache: str | None = None
    ) -> bytes | Pending:
        """The body of ``/v1/load``, or :class:`Pending`. Raises :class:`CuboidError`.

        :param query_type: the request's ``queryType``; ``multi`` asks for the envelope.
        :param cache: the request's cache mode, which wins over the query's.
        """
        planner = self._current_planner()
        asked = self._ask(raw, context, planner.catalog, cache)
        if asked.type != "regularQuery" and query_type is None:
            raise InvalidQuery(
                f"'{asked.type}' query type is not supported by the client.Please update the client."
            )
        wanted = [self._statements(question, planner) for question in asked.questions]
        outcome = await self._together.submit(
            [part for parts in wanted for part in parts], wait=self._settings.continue_wait
        )
        if isinstance(outcome, Pending):
            return outcome
        multiple = query_type == "multi"
        results = iter(outcome)
        answers = [
            (question, parts[0][0], [next(results) for _ in parts])
            for question, parts in zip(asked.questions, wanted, strict=True)
        ]
        if sum(len(result.rows) for result in outcome) < ENCODED_IN_THREAD:
            return _encode(asked, answers, planner.catalog, context, multiple)
        return await asyncio.to_thread(_encode, asked, answers, planner.catalog, context, multiple)

    async def sql(self, raw: object, context: RequestContext) -> bytes:
        """The body of ``/v1/sql``: an object, or for comparisons and blended queries an array of them."""
        planner = self._current_planner()
        asked = self._ask(raw, context, planner.catalog, None)
        described = [self._describe(question, planner) for question in asked.questions]
        return encode(described[0] if asked.type == "regularQuery" else described)

    async def meta(self, context: RequestContext, *, only_views: bool = False) -> bytes:
        """The body of ``/v1/meta``."""
        return encode(describe(self._catalog(), hidden=context.dev, only_views=only_views))

    async def ready(self) -> bool:
        """Whether the default data source answers."""
        return await _answer([source for name, source in self._data_sources.items() if name == "default"])

    async def live(self) -> bool:
        """Whether all data sources that were used so far answer."""
        return await _answer([source for source in self._data_sources.values() if source.used])

    async def close(self) -> None:
        """Stops everything that runs and closes all data sources."""
        await asyncio.gather(*(source.close() for source in self._data_sources.values()))

    # ------------------------------------------------------------ the steps

    def _ask(self, raw: object, context: RequestContext, catalog: Catalog, cache: str | None) -> Asked:
        """JSON to questions."""
        decoded = decode(raw)
        type_ = detect_type(decoded)
        objects = decoded if isinstance(decoded, list) else [decoded]
        queries = [self._parse(each, context.principal, cache) for each in objects]
        if type_ == "blendingQuery":
            check_blending(queries)
        questions: list[Question] = []
        for query in queries:
            questions += normalize(
                query,
                catalog,
                now=datetime.now(UTC),
                limits=self._settings.limits,
                default_timezone=self._settings.default_timezone,
                dev=context.dev,
            )
        return Asked(type_, tuple(questions))

    def _parse(self, given: object, principal: Principal, cache: str | None) -> Query:
        """One query object, checked, rewritten by the plugins and then checked again."""
        if cache is not None and isinstance(given, dict):
            given = {**given, "cache": cache}
        query = parse(given)
        assert isinstance(given, dict)  # parse has seen to it
        rewritten = self._rewrite_query(given, principal)
        return query if rewritten is given else parse(rewritten)

    def _statements(self, question: Question, planner: Planner) -> list[tuple[DataSource, Statement]]:
        """What must be run for a question: its statement and, if asked for, the one that counts its rows."""
        shapes = [question.shape]
        if question.query.total:
            shapes.append(replace(question.shape, total=True, order=(), limit=None, offset=None))
        prepared = [planner.prepare(shape) for shape in shapes]
        return [(self._data_sources[each.data_source], each.bind(question.values)) for each in prepared]

    def _describe(self, question: Question, planner: Planner) -> dict[str, Any]:
        prepared = planner.prepare(question.shape)
        dialect = self._data_sources[prepared.data_source].dialect
        return describe_statement(
            question,
            prepared.bind(question.values),
            prepared.wire_parameters(question.values),
            [(refresh_key_text(dialect, REFRESH_SECONDS), [])],
            planner.catalog,
            data_source=prepared.data_source,
        )

    def _current_planner(self) -> Planner:
        """The planner of the catalog in force; a new catalog starts a new one."""
        catalog = self._catalog()
        if self._planner is None or self._planner.catalog is not catalog:
            self._planner = Planner(catalog, lambda name: self._data_source(name).dialect)
        return self._planner

    def _data_source(self, name: str) -> DataSource:
        found = self._data_sources.get(name)
        if found is None:
            raise ConfigError(
                f"The model uses the data source '{name}', which is not configured.", setting="data_sources"
            )
        return found


Answer = tuple[Question, DataSource, Sequence[Result]]


def _encode(
    asked: Asked, answers: Sequence[Answer], catalog: Catalog, context: RequestContext, multiple: bool
) -> bytes:
    """The bytes of the answer: bare for a regular query, in the ``multi`` envelope if the client asked for it."""
    blended = asked.type == "blendingQuery"
    singles = [
        single(
            question,
            results[0],
            catalog,
            data_source=source.name,
            db_type=source.driver.name,
            total=int(results[1].rows[0][0]) if len(results) > 1 else None,  # type: ignore[arg-type]  # COUNT(*)
            request_id=context.request_id if context.dev else None,
            blending_granularity=question.query.time_dimensions[0].granularity if blended else None,
        )
        for question, source, results in answers
    ]
    return multi(asked.type, singles, asked.questions) if multiple else singles[0]


async def _answer(sources: Sequence[DataSource]) -> bool:
    """Whether all of the data sources answer."""
    outcomes = await asyncio.gather(*(source.ping() for source in sources), return_exceptions=True)
    for outcome in outcomes:
        if outcome is not None and not isinstance(outcome, CuboidError):
            raise outcome
    return all(outcome is None for outcome in outcomes)
