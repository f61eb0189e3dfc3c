"""What a service says of queries and models without running anything: SQL, dry runs, explanations, meta."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Hashable, Mapping
from typing import Any

from cuboid.catalog.meta import describe
from cuboid.catalog.meta_extended import extended as extend
from cuboid.catalog.naming import data_source_name
from cuboid.designs import read_design
from cuboid.freshness import Freshness
from cuboid.plan.tree import describe_plan
from cuboid.planner import Planner
from cuboid.planning import Planning, in_thread_if
from cuboid.query.explained_dates import explain_dates
from cuboid.query.explained_policies import explain_policies
from cuboid.query.model import Question
from cuboid.repeats import Repeats
from cuboid.request import Request, RequestContext
from cuboid.result.dry_run import describe_query
from cuboid.result.envelope import encode
from cuboid.result.statement import describe_statement
from cuboid.result.stored import describe_references, describe_rollups
from cuboid.run.data_source import DataSource
from cuboid.run.refresh_keys import Key
from cuboid.trials import Trials
from cuboid.types import Principal

QUARTER = 900
"""Seconds of a quarter of an hour."""

LARGEST_KEPT = 20_000
"""Bytes of a body that is kept."""

MANY_CUBES = 20
"""Cubes from which describing them moves to a thread: about 3 ms of work."""


class Descriptions:
    """The bodies of answers that describe."""

    def __init__(self, planning: Planning, freshness: Freshness) -> None:
        self._planning = planning
        self._freshness = freshness
        self._repeats: Repeats[bytes] = Repeats(planning)

    async def sql(self, raw: object, context: RequestContext) -> bytes:
        """The body of ``/v1/sql``: an object, or for comparisons and blended queries an array of them."""
        planner, reader = await self._planning.for_principal(context.principal)
        repeat = self._repeat(raw, context, planner)
        kept = self._repeats.get(repeat)
        if kept is not None:
            return kept

        def plan() -> tuple[Request, list[dict[str, Any]], set[DataSource]]:
            request, sources = reader.read(raw, context), set[DataSource]()
            described = [
                self._describe(question, planner, context.dev, sources.add) for question in request.questions
            ]
            return request, described, sources

        request, described, sources = await self._planning.think(plan, raw)
        body = encode(described[0] if request.type == "regularQuery" else described)
        if len(body) <= LARGEST_KEPT:
            self._repeats.put(repeat, body, request, planner, sources)
        return body

    async def dry_run(self, raw: object, context: RequestContext) -> bytes:
        """The body of ``/v1/dry-run``: what the queries mean, before plugins change them. Nothing is run."""
        planner, reader = await self._planning.for_principal(context.principal)

        def plan() -> bytes:
            request = reader.read(raw, context, as_sent=True)
            for question in request.questions:
                planner.cubes(question)
            transformed = [planner.transformed(question) for question in request.questions]
            return encode(describe_query(request.type, request.questions, transformed))

        return await self._planning.think(plan, raw)

    async def explain(self, raw: object, context: RequestContext) -> bytes:
        """The body of ``/v1/explain``: how each query of the request would be answered, and why. Nothing is run."""
        planner, reader = await self._planning.for_principal(context.principal)

        def plan() -> bytes:
            request = reader.read(raw, context)
            explanations = [
                self._explain(question, planner, context.principal) for question in request.questions
            ]
            return encode({"queryType": request.type, "explanations": explanations})

        return await self._planning.think(plan, raw)

    async def can_use(self, parameters: Mapping[str, Any], context: RequestContext) -> bytes:
        """The body of ``/v1/pre-aggregations/can-use``: whether a rollup that is designed would answer a query. A
        server that keeps none never answers from one."""
        planner, reader = await self._planning.for_principal(context.principal)

        def matching() -> bytes:
            design = read_design(parameters, reader, context)
            usable = planner.rollups is not None and design.candidate is not None
            if usable and design.candidate is not None:
                usable = Trials(planner.catalog, self._planning).answers(design.candidate, design.questions)
            return encode({"canUsePreAggregationForTransformedQuery": usable})

        return await asyncio.to_thread(matching)

    async def meta(
        self, context: RequestContext, *, only_views: bool = False, extended: bool = False
    ) -> bytes:
        """The body of ``/v1/meta``."""
        _, catalog = await self._planning.models.named(context.principal)
        _, reader = self._planning.over(catalog)

        def describing() -> bytes:
            seen = reader.access.visible(context.principal)
            body = describe(
                seen,
                hidden=context.dev,
                only_views=only_views,
                folder_delimiter=self._planning.settings.folder_delimiter,
            )
            return encode(extend(body, seen) if extended else body)

        long = self._planning.settings.plugins_wait or len(catalog.cubes) > MANY_CUBES
        return await in_thread_if(long, describing)

    def _repeat(self, raw: object, context: RequestContext, planner: Planner) -> Hashable | None:
        """By what ``/v1/sql`` knows a request again. Refresh keys are written with the offset of a zone, which changes
        at a quarter of an hour if at all."""
        return self._repeats.key(raw, context, planner, 0, (int(time.time() // QUARTER),))

    def _describe(
        self, question: Question, planner: Planner, dev: bool, tell: Callable[[DataSource], object]
    ) -> dict[str, Any]:
        """The answer for one question, whose data source ``tell`` is told."""
        served = planner.serve(question)
        prepared = planner.prepare(question.shape) if served is None else served.prepared
        keys: tuple[Key, ...] | None = ()
        if served is None:  # what rollups answer is as fresh as they are
            keys = self._freshness.keys(prepared.cubes, planner.catalog, question.shape.timezone)
        source = self._planning.data_source(prepared.data_source)
        tell(source)
        return describe_statement(
            question,
            prepared.bind(question.values),
            prepared.wire_parameters(question.values),
            self._freshness.describe(keys),
            planner.catalog,
            data_source=source.shown,
            names=planner.members(question),
            transformed=planner.transformed(question),
            rollups=[] if served is None else describe_rollups(served.uses(question.values)),
            matches=self._matches(question, planner) if dev else None,
        )

    def _matches(self, question: Question, planner: Planner) -> list[dict[str, Any]]:
        """Cube's ``rollupMatchResults``, with the reason in words."""
        found: list[dict[str, Any]] = []
        for each in () if planner.rollups is None else planner.rollups.why(question):
            cube, _, name = each.rollup.partition(".")
            table = planner.rollups and planner.rollups.table(each.rollup, question.shape.timezone)
            found.append(
                {
                    "name": each.rollup,
                    **({} if table is None else {"tableName": table}),
                    "references": describe_references(planner.catalog.cubes[cube].rollups[name]),
                    "canUsePreAggregation": each.serves,
                    **({} if each.reason is None else {"reason": each.reason}),
                }
            )
        return found

    def _explain(self, question: Question, planner: Planner, principal: Principal) -> dict[str, Any]:
        served = planner.serve(question)
        prepared = planner.prepare(question.shape) if served is None else served.prepared
        planned = planner.explain(question.shape)
        if served is not None:
            planned["plan"]["served"] = describe_plan(served.plan).describe()
        groups = self._planning.settings.access.groups(principal)
        return {
            "query": question.echo,
            **planned,
            "policies": explain_policies(question, planner.catalog, principal, groups, planned["cubes"]),
            "dates": explain_dates(question, planner.catalog),
            "rollups": [
                {"rollup": each.rollup, "used": each.used, "reason": each.reason}
                for each in (() if planner.rollups is None else planner.rollups.why(question))
            ],
            "sql": {
                "dataSource": data_source_name(prepared.data_source),
                "text": prepared.bind(question.values).sql,
                "parameters": prepared.wire_parameters(question.values),
            },
        }
