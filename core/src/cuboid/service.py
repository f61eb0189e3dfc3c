"""The whole pipeline: from a request's query to the bytes of its answer.

read            JSON -> Question          cuboid.request
prepare, bind   Question -> Statement     cuboid.planning, cuboid.planner
answer          from the cache if it is fresh      cuboid.answers, cuboid.freshness
submit          Statement -> Result       cuboid.run
encode          Result -> bytes           cuboid.result
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from cuboid.answers import Answers, answer_key
from cuboid.catalog.model import Catalog
from cuboid.descriptions import Descriptions
from cuboid.errors import CuboidError, NotStored
from cuboid.figures import Figures, queues
from cuboid.freshness import Freshness
from cuboid.jobs import Jobs
from cuboid.models import Models, OneModel
from cuboid.planner import Planner
from cuboid.planning import Parts, Planning, ServiceSettings
from cuboid.query.model import Question
from cuboid.query_log import QueryLog
from cuboid.repeats import Repeats
from cuboid.request import Request, RequestContext, RewriteQuery, poll_id
from cuboid.result.envelope import encode, multi
from cuboid.result.formats import Format
from cuboid.result.withdrawn import describe_withdrawn
from cuboid.run.asker import Asker
from cuboid.run.data_source import DataSource, statement_key
from cuboid.run.data_sources import DataSources
from cuboid.run.link import Link
from cuboid.run.polls import Polls
from cuboid.run.readiness import StoredRollups
from cuboid.run.rollups import LateRollups
from cuboid.run.stored import Refreshed, RollupUse
from cuboid.run.together import Together
from cuboid.shared_answers import SharedAnswers
from cuboid.streaming import Streaming
from cuboid.types import Pending, Result, Withdrawn
from cuboid.wanted import Told, Understood, Wanted

log = logging.getLogger(__name__)


class Service:
    """Answers requests over one project.

    :param models: the models by tenant, or what gives the catalog that is in force now for all.
    :param data_sources: by name.
    :param rewrite_query: changes a query on behalf of plugins.
    :param rollups: what keeps rollups; without it all is answered from the data sources.
    :param query_log: is told of every question that was answered.
    :param link: to the other processes that serve the project, if there are any.
    """

    def __init__(
        self,
        models: Models | Callable[[], Catalog],
        data_sources: Mapping[str, DataSource],
        settings: ServiceSettings | None = None,
        rewrite_query: RewriteQuery = lambda query, principal: query,
        rollups: StoredRollups | None = None,
        link: Link | None = None,
        query_log: QueryLog | None = None,
    ) -> None:
        self._models: Models = OneModel(models) if callable(models) else models
        sources = data_sources if isinstance(data_sources, DataSources) else DataSources(data_sources)
        self._data_sources = sources
        self._settings = settings or ServiceSettings()
        self._together = Together()
        self._polls = Polls()
        self._rollups = rollups
        self._planning = Planning(self._models, sources, self._settings, rewrite_query, rollups)
        self._link = link
        self._query_log = query_log
        self._freshness = Freshness(self._planning, link)
        self._epochs = self._freshness.epochs
        self._epochs.forget = self._forget
        self._withdrawing: set[asyncio.Task[list[Withdrawn]]] = set()
        if link is not None:
            link.withdrawn = self._withdrawn
        self._repeats: Repeats[Understood] = Repeats(self._planning)
        self._descriptions = Descriptions(self._planning, self._freshness)
        self._kept = rollups if isinstance(rollups, LateRollups) else None
        self._jobs = Jobs(self._planning, self._kept)
        self._streaming = Streaming(self._planning, self._stored, self._count_rows)
        self._rows: Counter[str] = Counter()
        self._dropped = 0
        self._answers = Answers(
            self._settings.cache_size,
            self._freshness,
            self._run,
            self._stored,
            self._count_rows,
            None if link is None else SharedAnswers(link),
        )

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
        planner, reader, context = await self._planning.for_request(context)
        await self._epochs.refresh()
        options = (query_type, cache, cast_numerics)
        repeat = self._repeats.key(raw, context, planner, self._epochs.changes, options)
        known = self._repeats.get(repeat)
        if known is not None and (kept := self._answers.at_once(known.wanted)) is not None:
            self._note(known, context)
            return _body(known.request, kept, context, query_type)
        poll = self._polls.poll(context.asker, raw)

        def plan(*, stored: bool = True) -> Understood:
            request = reader.read(raw, context, cache=cache, now=poll.began)
            request.check_client(query_type)
            blended = request.type == "blendingQuery"
            return Understood(
                request,
                [
                    self._want(question, planner, context, cast_numerics, blended=blended, stored=stored)
                    for question in request.questions
                ],
            )

        if known is None:
            known = await self._planning.think(plan, raw)
            self._repeats.put(repeat, known, known.request, planner, known.sources())
        wait = self._settings.continue_wait
        try:
            told = await self._answers.answer(known.wanted, asker=context.asker, wait=wait)
        except NotStored as error:
            log.info("answered by the data source: %s", error)
            known = await self._planning.think(lambda: plan(stored=False), raw)
            told = await self._answers.answer(known.wanted, asker=context.asker, wait=wait)
        if isinstance(told, Pending):
            self._polls.goes_on(poll)
            return told
        self._polls.ends(poll)
        self._note(known, context, poll.began)
        return _body(known.request, told, context, query_type)

    def _note(self, known: Understood, context: RequestContext, began: datetime | None = None) -> None:
        """Writes into the query log, if there is one, what was answered; without ``began`` it was kept."""
        if self._query_log is not None:
            answered = [(one.question, bool(one.uses)) for one in known.wanted]
            self._query_log.write(answered, began, context.tenant)

    def _want(
        self,
        question: Question,
        planner: Planner,
        context: RequestContext,
        cast_numerics: bool,
        *,
        blended: bool,
        stored: bool,
    ) -> Wanted:
        """What a question needs to be answered, and all that shapes its answer."""
        cubes = planner.cubes(question) if stored else planner.prepare(question.shape).cubes
        zone, epoch = question.shape.timezone, self._epochs.of(cubes)
        planned, uses = self._planning.statements(question, planner, stored=stored)
        parts = [
            (source, replace(statement, epoch=epoch) if epoch else statement) for source, statement in planned
        ]
        statements = tuple((source.serial, statement_key(statement)) for source, statement in parts)
        live = planner.live(question) if stored else cubes
        return Wanted(
            question,
            planner,
            parts,
            uses,
            frozenset(cubes),
            self._freshness.keys(live, planner.catalog, zone) if self._settings.cache_size else (),
            self._freshness.renewed(cubes, planner.catalog),
            statements,
            answer_key(
                question, planner, statements, cast_numerics=cast_numerics, blended=blended, dev=context.dev
            ),
            context.tenant,
            cast_numerics,
            blended,
            context.dev,
        )

    async def _run(
        self, parts: Parts, uses: Sequence[RollupUse], asker: Asker, wait: float, renew: bool
    ) -> list[Result] | Pending:
        """The results of all parts, once what they read is stored."""
        stored = await self._stored(uses, asker, wait, renew)
        if isinstance(stored, Pending):
            return stored
        return await self._together.submit(parts, wait=wait, asker=asker)

    async def _stored(
        self, uses: Sequence[RollupUse], asker: Asker, wait: float, renew: bool = False
    ) -> Mapping[str, Refreshed] | Pending:
        """What is read of rollups; they are built first if they are not there."""
        if self._rollups is None or not uses:
            return {}
        return await self._rollups.ready(uses, wait=wait, asker=asker, renew=renew)

    def stream(
        self,
        raw: object,
        context: RequestContext,
        *,
        format: type[Format],
        more: bool,
        cache: str | None = None,
        cast_numerics: bool = False,
    ) -> AsyncIterator[bytes]:
        """The rows of one query in ``format``, as they arrive; see :meth:`Streaming.stream`."""
        return self._streaming.stream(
            raw, context, format=format, more=more, cache=cache, cast_numerics=cast_numerics
        )

    @property
    def planning(self) -> Planning:
        """What plans over the models in force."""
        return self._planning

    @property
    def formats(self) -> Mapping[str, type[Format]]:
        """The formats of streams by media type."""
        return self._settings.formats

    async def sql(self, raw: object, context: RequestContext) -> bytes:
        """The body of ``/v1/sql``: an object, or for comparisons and blended queries an array of them."""
        return await self._descriptions.sql(raw, context)

    async def dry_run(self, raw: object, context: RequestContext) -> bytes:
        """The body of ``/v1/dry-run``: what the queries mean, before plugins change them. Nothing is run."""
        return await self._descriptions.dry_run(raw, context)

    async def explain(self, raw: object, context: RequestContext) -> bytes:
        """The body of ``/v1/explain``: how each query of the request would be answered, and why. Nothing is run."""
        return await self._descriptions.explain(raw, context)

    async def can_use(self, parameters: Mapping[str, Any], context: RequestContext) -> bytes:
        """The body of ``/v1/pre-aggregations/can-use``: whether a rollup that is designed would answer a query."""
        return await self._descriptions.can_use(parameters, context)

    async def meta(
        self, context: RequestContext, *, only_views: bool = False, extended: bool = False
    ) -> bytes:
        """The body of ``/v1/meta``."""
        return await self._descriptions.meta(context, only_views=only_views, extended=extended)

    async def jobs(self, request: Mapping[str, Any]) -> bytes:
        """The body of ``/v1/pre-aggregations/jobs``: tokens of builds that were ordered, or how far these are."""
        return encode(await self._jobs.answer(request))

    async def cancel(self, request_id: str, context: RequestContext) -> bytes:
        """The body of ``DELETE /v1/running-query/:id``: what the principal's request of that id was waiting for, in
        all data sources, and waits for no longer. Other processes are told, and tell nothing."""
        asker = replace(context.asker, request=poll_id(request_id))
        withdrawn = await self._withdraw(asker)
        if self._link is not None and asker.request:
            await self._link.withdraw(asker.owner, asker.request)
        return encode({"result": [describe_withdrawn(each) for each in withdrawn]})

    async def _withdraw(self, asker: Asker) -> list[Withdrawn]:
        self._answers.withdraw(asker.owner, asker.request)
        return [each for source in self._data_sources.values() for each in await source.withdraw(asker)]

    def _withdrawn(self, owner: str, request: str) -> None:
        """Another process was told so."""
        task = asyncio.create_task(self._withdraw(Asker(owner, request)))
        self._withdrawing.add(task)
        task.add_done_callback(self._withdrawing.discard)

    async def invalidate(self, cubes: Sequence[str], context: RequestContext) -> bytes:
        """The body of ``POST /v1/invalidate``: the data of these cubes, or of the cubes of these views, has changed.
        Whatever is asked after this, of any process that serves the project, is found out anew. Raises
        :class:`InvalidQuery` for unknown names."""
        planner, _ = await self._planning.for_principal(context.principal)
        changed = self._freshness.named(cubes, planner.catalog)
        before = self._dropped
        told = await self._epochs.change(changed)
        if not told:
            log.warning("That data has changed, other processes will hear when the exchange is back.")
        return encode({"cubes": sorted(changed), "answers": self._dropped - before})

    async def hear(self) -> None:
        """Hears what other processes have said of data, if there are any."""
        await self._epochs.refresh()

    def _forget(self, changes: Mapping[str, datetime]) -> None:
        """What was found out of these cubes before is out of date."""
        self._freshness.values.forget()
        self._dropped += self._answers.drop(frozenset(changes))
        if self._kept is not None:
            self._kept.invalidate(changes)

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
            shapes=self._planning.kept(),
            forms=self._planning.known_forms(),
            mistakes=sum(len(catalog.errors) for catalog in self._models.held()),
            queues=queues(self._data_sources.values()),
            rows=dict(self._rows),
            cache=self._answers.figures(),
            builds=None if self._kept is None else self._kept.counts,
            link=None if self._link is None else self._link.figures,
        )

    def _count_rows(self, source: str, count: int) -> None:
        self._rows[source] += count

    async def close(self) -> None:
        """Stops everything that runs and closes all data sources."""
        await self._answers.close()
        await self._freshness.values.close()
        await self._jobs.close()
        if self._rollups is not None:
            await self._rollups.close()
        await self._data_sources.close()
        if self._link is not None:
            await self._link.close()
        if self._query_log is not None:
            await asyncio.to_thread(self._query_log.close)


def _body(request: Request, told: Sequence[Told], context: RequestContext, query_type: str | None) -> bytes:
    """The body of ``/v1/load``. Without ``queryType=multi`` it is the first answer alone, as Cube has it."""
    request_id = context.request_id if context.dev else None
    singles = [each.body.told(slow=each.slow, request_id=request_id) for each in told]
    if query_type != "multi":
        return singles[0]
    return multi(request.type, singles, request.questions, slow=any(each.slow for each in told))


async def _all_answer(sources: Sequence[DataSource]) -> bool:
    outcomes = await asyncio.gather(*(source.ping() for source in sources), return_exceptions=True)
    for outcome in outcomes:
        if outcome is not None and not isinstance(outcome, CuboidError):
            raise outcome
    return all(outcome is None for outcome in outcomes)
