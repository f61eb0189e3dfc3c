"""The models of a project's tenants.

The hook ``tenant`` names the tenant of a request. Each tenant has a model of its own, compiled when somebody of it
first asks, for the claims of that principal; tenants whose models have equal content share one catalog. Requests of no
tenant share the common model, compiled for nobody. Compiling happens in a thread: other requests go on meanwhile.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from cuboid.catalog.model import Catalog
from cuboid.errors import CuboidError
from cuboid.reloading import Change, LoadedModel, Model, edits
from cuboid.types import Principal

Name = str | None
"""A tenant's name; None is the common model's."""

Report = Callable[[Name, Change], None]


@dataclass(frozen=True, slots=True)
class TenantHooks:
    """What plugins say of tenants.

    :param tenant: whose model answers.
    :param version: changes when that model's files do.
    :param wait: whether asking may take time, so that it is done in a thread.
    """

    tenant: Callable[[Principal], str | None] = lambda principal: None
    version: Callable[[Principal], str | None] = lambda principal: None
    wait: bool = False


@dataclass(slots=True)
class _Tenant:
    """A tenant's model, the version it was read at, and what is reading it now."""

    model: Model
    version: str | None = None
    reading: asyncio.Task[None] | None = None


class Tenants:
    """The models by tenant; those that were asked least recently are forgotten. Used from one event loop.

    :param common: the model of requests of no tenant.
    :param make: a tenant's model for the principal that asks first.
    :param refresh: looks at the files anew, before models are read at another version.
    :param kept: how many tenants are remembered.
    """

    def __init__(
        self,
        hooks: TenantHooks,
        common: Model,
        make: Callable[[Principal], Model],
        *,
        refresh: Callable[[], object] = lambda: None,
        kept: int = 250,
    ) -> None:
        self._hooks = hooks
        self._make = make
        self._refresh = refresh
        self._size = kept
        self._common = _Tenant(common)
        self._kept: OrderedDict[str, _Tenant] = OrderedDict()
        self._looked_at: str | None = None
        self.report: Report = lambda name, change: None
        """Told of each model that was read with mistakes, or anew."""

    async def named(self, principal: Principal) -> tuple[str, Catalog]:
        """The principal's tenant, empty for none, and what may be asked there. Raises what reading the tenant's files
        raises, and what the hooks raise."""
        if self._hooks.wait:
            name, version = await asyncio.to_thread(self._ask, principal)
        else:
            name, version = self._ask(principal)
        tenant = self._common if name is None else self._tenant(name, principal)
        if tenant.reading is None and (tenant.model.loaded is None or tenant.version != version):
            tenant.reading = asyncio.create_task(self._read(tenant, name, version))
            tenant.reading.add_done_callback(lambda done: done.cancelled() or done.exception())
        if tenant.reading is not None:
            # Others wait for the same: a client that goes away must not stop it.
            await asyncio.shield(tenant.reading)
        return name or "", tenant.model.current.catalog

    def held(self) -> Iterator[Catalog]:
        """The catalogs that may be asked now."""
        for tenant in (self._common, *self._kept.values()):
            if tenant.model.loaded is not None:
                yield tenant.model.loaded.catalog

    async def follow(self, folder: Path) -> None:
        """Reads the common model and every tenant's anew when files under ``folder`` change, for as long as it runs."""
        async for _ in edits(folder):
            try:
                await asyncio.to_thread(self._refresh)
            except CuboidError as error:
                self.report(None, Change("unreadable", None, (error,)))
                continue
            for name, tenant in [(None, self._common), *self._kept.items()]:
                if tenant.model.loaded is not None:
                    change = await asyncio.to_thread(tenant.model.reload)
                    if change is not None:
                        self.report(name, change)

    def _ask(self, principal: Principal) -> tuple[Name, str | None]:
        return self._hooks.tenant(principal), self._hooks.version(principal)

    def _tenant(self, name: str, principal: Principal) -> _Tenant:
        tenant = self._kept.get(name)
        if tenant is None:
            tenant = self._kept[name] = _Tenant(self._make(principal))
            if len(self._kept) > self._size:
                self._kept.popitem(last=False)
        self._kept.move_to_end(name)
        return tenant

    async def _read(self, tenant: _Tenant, name: Name, version: str | None) -> None:
        """Reads a model for the first time, or anew; what served before goes on if that fails."""
        try:
            if tenant.model.loaded is None:
                loaded = await asyncio.to_thread(self._load, tenant.model, version)
                self._report_new(name, loaded)
                tenant.version = version
                return
            change = await asyncio.to_thread(self._reload, tenant.model, version)
            if change is None or change.outcome != "unreadable":  # else it is tried with the next request
                tenant.version = version
            if change is not None:
                self.report(name, change)
        finally:
            tenant.reading = None

    def _load(self, model: Model, version: str | None) -> LoadedModel:
        self._look(version)
        return model.current

    def _reload(self, model: Model, version: str | None) -> Change | None:
        try:
            self._look(version)
        except CuboidError as error:
            return Change("unreadable", None, (error,))
        return model.reload()

    def _look(self, version: str | None) -> None:
        """Looks at the files, unless that was done for this version."""
        if version != self._looked_at:
            self._refresh()
            self._looked_at = version

    def _report_new(self, name: Name, loaded: LoadedModel) -> None:
        """Mistakes that no other tenant has had told."""
        errors: tuple[CuboidError, ...] = loaded.catalog.errors
        if errors and sum(1 for catalog in self.held() if catalog is loaded.catalog) == 1:
            self.report(name, Change("taken", loaded, errors))
