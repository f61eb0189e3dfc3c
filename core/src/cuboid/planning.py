"""From a request's query to statements that can be run: what all of a service's answers begin with."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

from cuboid.catalog.directives import Directives
from cuboid.catalog.model import Catalog
from cuboid.catalog.naming import data_source_name
from cuboid.errors import ConfigError
from cuboid.models import Models
from cuboid.planner import Planner
from cuboid.query.access import AccessReader, AccessSettings
from cuboid.query.decode import is_large
from cuboid.query.forms import Forms
from cuboid.query.model import Question
from cuboid.query.normalize import Limits
from cuboid.request import RequestContext, RequestReader, RewriteQuery
from cuboid.result.formats import FORMATS, Format
from cuboid.run.data_source import DataSource
from cuboid.run.readiness import StoredRollups
from cuboid.run.stored import RollupUse
from cuboid.types import Principal, Statement

Parts = list[tuple[DataSource, Statement]]
"""What must be run for a question: its statement and, if asked for, the one that counts its rows."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ServiceSettings:
    """``continue_wait``: seconds a request may wait before it is told to ask again; ``cache_size``: bytes of answers
    that are kept to be told again; ``access``: what narrows what principals see, besides the model's policies;
    ``plugins_wait``: whether plugins take their time over a query; ``plugins_decide``: whether they have a say in who
    asks and what a query means; ``stream_limit``: the largest limit of a streamed
    answer to those who may have more than others; ``formats``: of streamed answers, by media type."""

    limits: Limits = field(default_factory=Limits)
    default_timezone: str = "UTC"
    folder_delimiter: str = ""
    stream_limit: int | None = None
    formats: Mapping[str, type[Format]] = field(
        default_factory=lambda: {each.media_type: each for each in FORMATS}
    )
    continue_wait: float = 10.0
    cache_size: int = 0
    access: AccessSettings = field(default_factory=AccessSettings)
    plugins_wait: bool = False
    plugins_decide: bool = False


InForce = tuple[Planner, RequestReader]
"""What plans and reads over one catalog."""


class Planning:
    """Plans questions over the models in force, for the data sources.

    :param data_sources: by name.
    :param rewrite_query: changes a query on behalf of plugins.
    :param rollups: if they are kept; nothing is asked of them before a model has some.
    """

    def __init__(
        self,
        models: Models,
        data_sources: Mapping[str, DataSource],
        settings: ServiceSettings,
        rewrite_query: RewriteQuery,
        rollups: StoredRollups | None = None,
    ) -> None:
        self.models = models
        self.data_sources = data_sources
        self.settings = settings
        self._rewrite_query = rewrite_query
        self._rollups = rollups
        self._known: dict[int, InForce] = {}  # by identity of the catalog, which the planner holds
        self.planned: list[Callable[[frozenset[int]], None]] = []
        """Told of the planners in force, by number, when there is a new one."""

    async def for_principal(self, principal: Principal) -> InForce:
        """What plans and reads for this principal."""
        return self.over((await self.models.named(principal))[1])

    async def for_request(self, context: RequestContext) -> tuple[Planner, RequestReader, RequestContext]:
        """Likewise for whoever makes a request, and the request with the tenant's name."""
        tenant, catalog = await self.models.named(context.principal)
        return *self.over(catalog), context if context.tenant == tenant else replace(context, tenant=tenant)

    def over(self, catalog: Catalog) -> InForce:
        """What plans and reads over the catalog; tenants of one catalog share it. Of catalogs that nobody may ask any
        more nothing is kept."""
        known = self._known.get(id(catalog))
        if known is None:
            settings = self.settings
            known = (
                self._planner(catalog),
                RequestReader(
                    catalog,
                    settings.limits,
                    settings.default_timezone,
                    self._rewrite_query,
                    AccessReader(catalog, settings.access),
                    Directives(catalog),
                    None if settings.plugins_decide else Forms(catalog, settings.default_timezone),
                ),
            )
            held = {id(each) for each in self.models.held()}
            self._known = {key: each for key, each in self._known.items() if key in held}
            self._known[id(catalog)] = known
            serials = frozenset(planner.serial for planner, _ in self._known.values())
            for tell in self.planned:
                tell(serials)
        return known

    def trial(self, catalog: Catalog) -> Planner:
        """What plans over a catalog that nobody asks, such as one with rollups that might be. Raises
        :class:`ConfigError` if no rollups are kept."""
        if self._rollups is None:
            raise ConfigError("No rollups are kept here.", setting="rollup_store")
        return self._planner(catalog)

    def _planner(self, catalog: Catalog) -> Planner:
        return Planner(
            catalog,
            lambda name: self.data_source(name).dialect,
            None if self._rollups is None else self._rollups.name,
            lambda name: self.data_source(name).identity,
        )

    def in_force(self, source: DataSource) -> bool:
        """Whether it is still the data source of its name: a tenant's may have been replaced."""
        stored = self._rollups is not None and source.name == self._rollups.name
        return stored or self.data_sources.get(source.name) is source.underlying

    def data_source(self, name: str) -> DataSource:
        """The data source of that name. Raises :class:`ConfigError`."""
        if self._rollups is not None and name == self._rollups.name:
            return self._rollups.source
        found = self.data_sources.get(name)
        if found is None:
            raise ConfigError(
                f"The model uses the data source '{data_source_name(name)}', which is not configured.",
                setting="data_sources",
            )
        return found

    def statements(
        self, question: Question, planner: Planner, *, stored: bool = True
    ) -> tuple[Parts, list[RollupUse]]:
        """What must be run for a question: its statement and, if asked for, the one that counts its rows; and what of
        rollups must be stored before.

        :param stored: rollups may answer.
        """
        parts: Parts = []
        uses: list[RollupUse] = []
        for each in _counted(question):
            served = planner.serve(each) if stored else None
            prepared = planner.prepare(each.shape) if served is None else served.prepared
            source = self.data_source(prepared.data_source)
            if served is not None and served.inside and self._rollups is not None:
                source = self._rollups.inside(source)
            parts.append((source, prepared.bind(each.values)))
            if served is not None:
                uses += served.uses(each.values)
        return parts, uses

    def kept(self) -> int:
        """How many prepared statements are kept."""
        return sum(planner.kept for planner, _ in self._known.values())

    def known_forms(self) -> int:
        """How many queries are known but for their values."""
        readers = (reader for _, reader in self._known.values())
        return sum(len(reader.forms) for reader in readers if reader.forms is not None)

    async def think(self, work: Callable[[], T], raw: object) -> T:
        """Reads and plans what a request asks, in a thread if it is large or plugins take their time over it."""
        return await in_thread_if(self.settings.plugins_wait or is_large(raw), work)


def _counted(question: Question) -> Iterator[Question]:
    """The question and, if it asks for the number of rows, the one that counts them."""
    yield question
    if question.query.total:
        yield replace(question, shape=replace(question.shape, total=True, order=(), limit=None, offset=None))


async def in_thread_if(long: bool, work: Callable[[], T]) -> T:
    """Does ``work`` at once, or in a thread where it would keep the event loop from others."""
    return await asyncio.to_thread(work) if long else work()
