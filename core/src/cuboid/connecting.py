"""What a project connects to; data sources of tenants: connections that a plugin gives for a tenant's model, in place
of the configured ones.

A tenant's catalog is that of its files, but for the names of data sources that a plugin has an answer for: these are
another database's for each connection, and so is all that is kept by them - answers, refresh keys, rollups, limits.
Two tenants with one connection share it. It is closed some time after the last catalog that uses it is forgotten.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from weakref import WeakValueDictionary

from cuboid.catalog.model import Catalog
from cuboid.catalog.naming import connection_name
from cuboid.config.data_sources import DataSourceSettings
from cuboid.run.data_source import DataSource
from cuboid.run.data_sources import DataSources
from cuboid.run.driver import DriverConfig
from cuboid.types import Principal

KEPT_MODELS = 16
"""Models that are kept as compiled."""

Connection = Callable[[str, Principal], DataSourceSettings | None]
"""What a plugin says of a data source, by its name in the model; None: what the configuration says."""


@dataclass(slots=True)
class Connected:
    """Whom a model is connected for, the connections that it was last given, and how often others were found."""

    principal: Principal
    given: Mapping[str, DataSourceSettings | None] = field(default_factory=dict)
    changes: int = 0


class Connector:
    """Gives catalogs the data sources of their tenants. Threads may share it.

    :param connection: asks the plugins.
    :param sources: those of the project, made when they are first needed.
    :param make: opens nothing yet.
    :param verify: finds mistakes in a catalog whose data sources are known.
    """

    def __init__(
        self,
        connection: Connection,
        sources: Callable[[], DataSources],
        make: Callable[[DataSourceSettings], DataSource],
        verify: Callable[[Catalog], Catalog],
    ) -> None:
        self._connection = connection
        self._sources = sources
        self._make = make
        self._verify = verify
        self._settings: dict[str, DataSourceSettings] = {}
        self._catalogs: WeakValueDictionary[str, Catalog] = WeakValueDictionary()
        self._compiled: dict[str, Catalog] = {}
        self._connecting = threading.Lock()

    def driver(self, name: str) -> str | None:
        """The driver of a data source that a plugin gave."""
        settings = self._settings.get(name)
        return None if settings is None else settings.driver

    def stamp(self, connected: Connected) -> int:
        """Differs when plugins give another connection than before."""
        if self._ask(connected.given, connected.principal) != connected.given:
            connected.changes += 1
        return connected.changes

    def connect(self, catalog: Catalog, connected: Connected) -> Catalog:
        """``catalog`` with the data sources of the principal's tenant, verified."""
        names = sorted({cube.data_source for cube in catalog.cubes.values()})
        connected.given = self._ask(names, connected.principal)
        own = {name: _named(given) for name, given in connected.given.items() if given is not None}
        held = [each.name for each in own.values()]
        content = " ".join((catalog.content, *held))
        with self._connecting:
            sources = self._sources()
            sources.hold(held)  # what another catalog lets go meanwhile stays
            try:
                self._take(own.values(), sources)
                found = self._catalogs.get(content)
                if found is None:
                    renamed = _renamed(catalog, content, dict(zip(own, held, strict=True)))
                    found = self._verify(renamed)
                    self._catalogs[content] = found
                    self._remember(catalog)
                    sources.tie(held, found)
                    held = []
            finally:
                sources.let_go(held)
            return found

    def _ask(self, names: Iterable[str], principal: Principal) -> dict[str, DataSourceSettings | None]:
        return {name: self._connection(name, principal) for name in names}

    def _take(self, own: Iterable[DataSourceSettings], sources: DataSources) -> None:
        """Another manner of use makes another data source of the same name."""
        self._settings = {name: known for name, known in self._settings.items() if name in sources}
        for settings in own:
            if self._settings.get(settings.name) != settings:
                sources.add(self._make(settings))
            self._settings[settings.name] = settings

    def _remember(self, catalog: Catalog) -> None:
        """Keeps what the model's files say, before it is connected: as long as somebody has it, the compiler does not
        compile the same files again for the tenants to come."""
        self._compiled[catalog.content] = catalog
        if len(self._compiled) > KEPT_MODELS:
            del self._compiled[next(iter(self._compiled))]


def _named(settings: DataSourceSettings) -> DataSourceSettings:
    """Under a name that no other connection has, in whichever process. Secrets have a part in it: who has another
    password may see other rows, or none. The name may be seen, so each guess at them costs what scrypt costs."""
    assert isinstance(settings.config, DriverConfig)
    identity = f"{settings.driver} {settings.config.identity} {settings.limits}"
    digest = hashlib.sha256(identity.encode("utf-8", "surrogatepass"))
    if secrets := settings.config.secrets:
        text = repr(secrets).encode("utf-8", "surrogatepass")
        digest.update(hashlib.scrypt(text, salt=digest.digest(), n=2**14, r=8, p=1))
    return replace(settings, name=connection_name(settings.name, digest.hexdigest()))


def _renamed(catalog: Catalog, content: str, names: Mapping[str, str]) -> Catalog:
    if not names:
        return catalog
    cubes = {
        name: replace(cube, data_source=names.get(cube.data_source, cube.data_source))
        for name, cube in catalog.cubes.items()
    }
    return replace(catalog, cubes=MappingProxyType(cubes), content=content)
