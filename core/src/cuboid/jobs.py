"""Builds that a client orders: ``/v1/pre-aggregations/jobs``. A token stands for one part of one rollup.

Any process that serves the project tells how far a build is: by its own work, and else by the token and by what is
stored. Of a part that another process was to build, and that is not there, it takes the build over: whichever of the
two comes first builds it, and a process that was stopped or has failed leaves nothing undone.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from cuboid.catalog.naming import data_source_name
from cuboid.errors import CuboidError, InvalidDateRange, InvalidQuery
from cuboid.job_tokens import OrderedPart, read_token
from cuboid.planning import Planning
from cuboid.query.moments import read
from cuboid.query.zones import canonical
from cuboid.refreshing import stored_rollups
from cuboid.run.rollups import LateRollups
from cuboid.run.rollups.parts import Part
from cuboid.run.stored import Bounds, StoredRollup
from cuboid.types import Principal

KEPT = 50_000
"""Tokens that are remembered."""

NO_MATCH = "A user's selector doesn't match any of the pre-aggregations defined in the data model."

Selector = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Job:
    """A part that was ordered, and the build of its rollup."""

    stored: StoredRollup
    ordered: OrderedPart
    work: asyncio.Task[str | None]

    @property
    def part(self) -> Part:
        """What is built."""
        return self.ordered.part


class Jobs:
    """Orders builds, and tells how far they are."""

    def __init__(self, planning: Planning, rollups: LateRollups | None) -> None:
        self._planning = planning
        self._rollups = rollups
        self._jobs: OrderedDict[str, Job] = OrderedDict()

    async def answer(self, request: Mapping[str, Any]) -> Any:
        """The body for a request's body. Raises :class:`InvalidQuery` for one that is malformed."""
        if not request:
            raise InvalidQuery("No job description provided")
        match request.get("action"):
            case "post":
                return await self._order(_selector(request))
            case "get":
                tokens = _texts(request, "tokens", required=True)
                if request.get("resType") not in (None, "array", "object"):
                    raise _invalid('"resType" must be [object]')
                told = [await self._tell(token) for token in tokens]
                if request.get("resType") != "object":
                    return told
                return {each.pop("token"): each for each in told}
        raise _invalid('"action" must be one of [post, get]')

    async def close(self) -> None:
        """Waits for no job any more."""
        works = {job.work for job in self._jobs.values() if not job.work.done()}
        for work in works:
            work.cancel()
        if works:
            await asyncio.wait(works)

    # ------------------------------------------------------------ ordering

    async def _order(self, selector: Selector) -> list[str]:
        contexts, zones = _contexts(selector), _zones(selector)
        bounds = _bounds(selector)
        if self._rollups is None:
            raise InvalidQuery(NO_MATCH)
        found: dict[str, tuple[StoredRollup, Mapping[str, Any]]] = {}
        for context in contexts:
            rollups, _ = await stored_rollups(self._planning, Principal(context), zones)
            found.update((each.table, (each, context)) for each in rollups if _wanted(each, selector))
        if not found:
            raise InvalidQuery(NO_MATCH)
        ordered = [
            (stored, context, await self._rollups.made.parts(stored, bounds))
            for stored, context in found.values()
        ]
        tokens = []
        for stored, context, parts in ordered:
            now = datetime.now(UTC)
            work = asyncio.create_task(self._build(self._rollups, stored, bounds, now))
            for part in parts:
                one = OrderedPart(stored.name, stored.zone, stored.table, part, context, now)
                tokens.append(one.token)
                self._remember(Job(stored, one, work))
        return tokens

    def _remember(self, job: Job) -> None:
        self._jobs[job.ordered.token] = job
        while len(self._jobs) > KEPT:
            self._jobs.popitem(last=False)

    async def _build(
        self, rollups: LateRollups, stored: StoredRollup, bounds: Bounds | None, since: datetime
    ) -> str | None:
        """What went wrong, if anything did."""
        try:
            await rollups.made.refresh(stored, bounds, since=since)
        except CuboidError as error:
            return error.message
        return None

    # ------------------------------------------------------------ telling

    async def _tell(self, token: str) -> dict[str, Any]:
        job = self._jobs.get(token) or await self._take_over(token)
        if job is None or self._rollups is None:
            return {"token": token, "table": None, "status": "not_found", "selector": None}
        cube, _, _ = job.stored.name.partition(".")
        return {
            "token": token,
            "table": f"{job.stored.table}_{job.part.label}",
            "status": await self._status(job, self._rollups),
            "selector": {
                "cubes": [cube],
                "preAggregations": [job.stored.name],
                "contexts": [{"securityContext": dict(job.ordered.context)}],
                "timezones": [job.stored.zone],
                "dataSources": [data_source_name(job.stored.data_source)],
            },
        }

    async def _take_over(self, token: str) -> Job | None:
        """The job of another process, or one that is forgotten: from now on it is one of this process too. None if
        there is no such rollup."""
        ordered = read_token(token)
        if ordered is None or self._rollups is None:
            return None
        rollups, _ = await stored_rollups(self._planning, Principal(ordered.context), [ordered.zone])
        for stored in rollups:
            if (stored.name, stored.table) == (ordered.rollup, ordered.table):
                work = asyncio.create_task(
                    self._build(self._rollups, stored, ordered.part.bounds, ordered.at)
                )
                job = Job(stored, ordered, work)
                self._remember(job)
                return job
        return None

    async def _status(self, job: Job, rollups: LateRollups) -> str:
        if job.part.label in rollups.made.progress(job.stored):
            return "processing"
        table = await rollups.made.table(job.stored)
        built = None if table is None else table.parts.get(job.part.label)
        if built is not None and built.built_at >= job.ordered.at:
            return "done"
        reason = rollups.made.failure(job.stored, job.part, job.ordered.at)
        if reason is not None:
            return f"failure: {reason}"
        if not job.work.done():
            return "scheduled"
        error = None if job.work.cancelled() else job.work.result()
        return "missing_partition" if error is None else f"failure: {error}"


def _wanted(stored: StoredRollup, selector: Selector) -> bool:
    cubes = _texts(selector, "selector.cubes")
    names = _texts(selector, "selector.preAggregations")
    # Cube's documentation has datasources, its code dataSources.
    sources = _texts(selector, "selector.dataSources") or _texts(selector, "selector.datasources")
    return (
        (not cubes or stored.name.partition(".")[0] in cubes)
        and (not names or stored.name in names)
        and (not sources or data_source_name(stored.data_source) in sources)
    )


def _selector(request: Mapping[str, Any]) -> Selector:
    selector = request.get("selector")
    if not isinstance(selector, Mapping):
        raise _invalid('"selector" is required' if selector is None else '"selector" must be of type object')
    for name in ("cubes", "preAggregations", "dataSources", "datasources"):
        _texts(selector, f"selector.{name}")
    return selector


def _contexts(selector: Selector) -> list[Mapping[str, Any]]:
    contexts = selector.get("contexts")
    if contexts is None:
        raise _invalid('"selector.contexts" is required')
    if not isinstance(contexts, list) or not contexts:
        raise _invalid('"selector.contexts" must contain at least 1 items')
    found: list[Mapping[str, Any]] = []
    for index, context in enumerate(contexts):
        claims = context.get("securityContext") if isinstance(context, Mapping) else None
        if claims is None and isinstance(context, Mapping) and "securityContext" in context:
            claims = {}
        if not isinstance(claims, Mapping):
            raise _invalid(f'"selector.contexts[{index}].securityContext" is required')
        try:
            orjson.dumps(claims)
        except TypeError:
            raise _invalid(f'"selector.contexts[{index}].securityContext" is nested too deeply') from None
        found.append(claims)
    return found


def _zones(selector: Selector) -> list[str]:
    zones = []
    for text in _texts(selector, "selector.timezones", required=True):
        zone = canonical(text)
        if zone is None:
            raise InvalidQuery(f"The time zone '{text}' is unknown", path="selector.timezones")
        zones.append(zone)
    return list(dict.fromkeys(zones))


def _bounds(selector: Selector) -> Bounds | None:
    """The days of ``dateRange``, both included, or its moments."""
    written = selector.get("dateRange")
    if written is None:
        return None
    if (
        not isinstance(written, list)
        or len(written) != 2
        or not all(isinstance(each, str) for each in written)
    ):
        raise _invalid('"selector.dateRange" must be a list of two dates')
    ends = [read(each) for each in written]
    if ends[0] is None or ends[1] is None:
        raise InvalidDateRange(f"Can't parse date range: {written}", path="selector.dateRange")
    start, end = ends[0].range.start, ends[1].range.end
    return start, end + timedelta(milliseconds=1) if end < datetime.max - timedelta(days=1) else datetime.max


def _texts(request: Mapping[str, Any], path: str, *, required: bool = False) -> list[str]:
    found = request.get(path.rpartition(".")[2])
    if found is None:
        if required:
            raise _invalid(f'"{path}" is required')
        return []
    if not isinstance(found, list):
        raise _invalid(f'"{path}" must be an array')
    if required and not found:
        raise _invalid(f'"{path}" must contain at least 1 items')
    for index, each in enumerate(found):
        if not isinstance(each, str):
            raise _invalid(f'"{path}[{index}]" must be a string')
    return found


def _invalid(what: str) -> InvalidQuery:
    return InvalidQuery(f"Invalid Job query format: {what}")
