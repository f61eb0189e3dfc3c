"""The whole of Cuboid, from JSON query to JSON answer, on one database that serves many worlds in turn."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from tests.engines.admin import admin, new_database
from tests.engines.server import Server
from tests.oracle.engines import Engine
from tests.oracle.kept import SETTINGS, FiledRollups, KeptRollups
from tests.oracle.policies import NOBODY, Principal
from tests.oracle.render import model_text, tables_script
from tests.oracle.world import World

from cuboid import types
from cuboid.catalog.compile import compile_catalog
from cuboid.catalog.files import ModelFile
from cuboid.catalog.model import Catalog
from cuboid.plugins import Registry
from cuboid.request import RequestContext
from cuboid.run.data_source import DataSource
from cuboid.run.queue import QueueSettings
from cuboid.run.streams import Streams
from cuboid.service import Service
from cuboid.types import Pending, Statement

DEADLINE = 60.0


@dataclass(frozen=True, slots=True)
class Loaded:
    """What came over the wire."""

    rows: list[dict[str, Any]]
    total: int | None


class TooSlowError(Exception):
    """A query takes the database seconds: windows over a million seconds do."""


def _context(who: Principal) -> RequestContext:
    return RequestContext(types.Principal(who.context))


class Pipeline:
    """Answers queries over the world that was shown last. A context manager.

    :param server: where the tables are made, in ``server.database``; None for an engine in this process.
    :param store: a server on which rollups are kept, if not in the store that is installed.
    """

    def __init__(self, engine: Engine, server: Server | None = None, store: Server | None = None) -> None:
        self.engine = engine
        self._runner = asyncio.Runner()
        self._opened = ExitStack()
        self._admin = None if server is None else self._opened.enter_context(admin(server))
        settings = {} if server is None else {name: getattr(server, name) for name in SETTINGS}
        registry = Registry.load()
        made = registry.driver(engine.driver)
        driver = made(made.Config.model_validate(settings))
        streams = Streams(driver)
        queue = made.queue(streams, QueueSettings())
        self._source = DataSource("default", driver, registry.dialect(made.dialect), queue, streams=streams)
        self._store = store
        self._stored = ExitStack()
        self._filed: FiledRollups | None = None
        self._catalog: Catalog | None = None
        self._with_rollups: Service | None = None
        self._service = Service(self._current_catalog, {"default": self._source})

    def _current_catalog(self) -> Catalog:
        assert self._catalog is not None
        return self._catalog

    def show(self, world: World) -> None:
        """Creates the world's tables and compiles its model; the model must have no mistakes."""
        script = tables_script(world, self.engine)
        if self._admin is None:
            self.run(Statement(script))
        else:
            self._admin.script(script)
        self._catalog = compile_catalog([ModelFile("model/world.yml", model_text(world, self.engine))])
        assert not self._catalog.errors, [str(error) for error in self._catalog.errors]
        assert not self._catalog.warnings, [str(warning) for warning in self._catalog.warnings]

    def run(self, statement: Statement) -> None:
        """Runs a statement on the database."""
        self._runner.run(self._source.submit(statement, wait=DEADLINE))

    def show_with_rollups(
        self, world: World, text: str, *, filed: bool = False
    ) -> KeptRollups | FiledRollups | None:
        """As :meth:`show`, with another model text of the same cubes; None if that has mistakes.

        :param filed: its rollups are kept as a project keeps them; otherwise in the world's own database, so that is
            for embedded engines.
        """
        self.show(world)
        catalog = compile_catalog([ModelFile("model/world.yml", text)])
        if catalog.errors:
            return None
        self._close_filed()
        kept: KeptRollups | FiledRollups = KeptRollups(self._source)
        if filed:
            store = None if self._store is None else self._stored.enter_context(new_database(self._store))
            kept = self._filed = FiledRollups(self._source, store)
        self._with_rollups = Service(lambda: catalog, {"default": self._source}, rollups=kept)
        return kept

    def _close_filed(self) -> None:
        if self._filed is not None:
            self._runner.run(self._filed.close())
            schema = self._filed.schema
            dropped = (
                f"DROP DATABASE IF EXISTS {schema}"
                if self.engine.driver in ("mysql", "clickhouse")
                else f"DROP SCHEMA IF EXISTS {schema} CASCADE"
            )
            if self._admin is None:
                self.run(Statement(dropped))
            else:
                self._admin.run(dropped)
            self._stored.close()
            self._filed = None

    def load(self, query: Mapping[str, Any], who: Principal = NOBODY, *, rollups: bool = False) -> Loaded:
        """The answer as ``/v1/load`` gives it. Raises CuboidError.

        :param rollups: from the rollups that were shown, where these serve the query.
        """
        service = self._with_rollups if rollups else self._service
        assert service is not None
        body = self._body(service, query, who)
        return Loaded(body["data"], body.get("total"))

    def load_each(self, query: Mapping[str, Any], who: Principal = NOBODY) -> tuple[Loaded, ...]:
        """The answers to a query, which are several for a comparison. Raises CuboidError."""
        body = self._body(self._service, query, who, "multi")
        return tuple(Loaded(each["data"], each.get("total")) for each in body["results"])

    def _body(
        self, service: Service, query: Mapping[str, Any], who: Principal, kind: str | None = None
    ) -> dict[str, Any]:
        asked = self._load(service, query, _context(who), kind)
        body: dict[str, Any] = json.loads(self._runner.run(asyncio.wait_for(asked, DEADLINE)))
        return body

    async def _load(
        self, service: Service, query: Mapping[str, Any], context: RequestContext, kind: str | None
    ) -> bytes:
        answer = await service.load(dict(query), context, query_type=kind)
        if isinstance(answer, Pending):
            raise TooSlowError("A tiny query took longer than continueWaitTimeout.")
        return answer

    def sql(self, query: Mapping[str, Any], who: Principal = NOBODY) -> str:
        """The SQL and parameters, for the report of a difference."""
        body = json.loads(self._runner.run(self._service.sql(dict(query), _context(who))))
        each = [one["sql"]["sql"] for one in (body if isinstance(body, list) else [body])]
        return "\n".join(f"{text}\n-- parameters: {parameters}" for text, parameters in each)

    def __enter__(self) -> Pipeline:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close_filed()
        self._runner.run(self._service.close())
        self._runner.close()
        self._opened.close()
