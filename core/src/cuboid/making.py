"""What settings make: data sources, the store of rollups, the link to other processes. Nothing is opened yet."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from pathlib import Path

from cuboid.config.data_sources import DataSourceSettings
from cuboid.config.settings import Settings
from cuboid.plugins import Registry
from cuboid.run.data_source import DataSource
from cuboid.run.driver import DriverConfig
from cuboid.run.exchange import ExchangeSettings
from cuboid.run.link import Link
from cuboid.run.places import SharedPlaces
from cuboid.run.queue import QueueSettings
from cuboid.run.rollups import Rollups, RollupSettings
from cuboid.run.store import SourceStoreSettings, StoreSettings
from cuboid.run.streams import Streams


def make_data_source(
    source: DataSourceSettings, registry: Registry, settings: Settings, link: Link | None
) -> DataSource:
    """The data source of these settings, not opened; with a link its limit holds over all processes. Raises
    :class:`PluginError` if its driver is not installed."""
    driver_class = registry.driver(source.driver)
    assert isinstance(source.config, DriverConfig)
    driver = driver_class(source.config)
    streams = Streams(driver)
    identity = f"{driver_class.name} {source.config.identity}"
    queue = driver_class.queue(
        streams,
        QueueSettings(
            limit=source.limits.concurrency or settings.concurrency,
            sharing=settings.workers if link is None else 1,
            places=None if link is None else SharedPlaces(link, f"{source.name} {identity}"),
            orphaned_after=settings.orphaned_timeout,
            streams=settings.stream_concurrency,
        ),
    )
    return DataSource(
        source.name,
        driver,
        registry.dialect(driver_class.dialect),
        queue,
        timeout=source.limits.query_timeout or settings.query_timeout,
        streams=streams,
        stream_timeout=settings.stream_timeout,
        refresh_every=source.limits.refresh_every or settings.refresh_every or driver_class.refresh_every,
        identity=identity,
    )


def make_link(registry: Registry, settings: Settings) -> Link | None:
    """To the other processes that share an exchange, not opened; None if each process is for itself. Raises
    :class:`PluginError` if no plugin has the exchange, :class:`ConfigError` if its URL cannot be read."""
    if settings.exchange_url is None:
        return None
    url = settings.exchange_url.get_secret_value()
    exchange = registry.exchange(url.partition(":")[0].lower())
    told = ExchangeSettings(url, settings.exchange_prefix, uuid.uuid4().hex)
    return Link(exchange(told), processes=settings.workers)


def make_rollups(
    name: str,
    sources: Mapping[str, DataSource],
    registry: Registry,
    settings: Settings,
    project: Path,
    servers: Mapping[str, DataSourceSettings],
) -> Rollups:
    """The rollups of a project, and under ``name`` the data source that reads their rows. Raises :class:`PluginError`
    if no plugin has the store.

    :param servers: data sources by name, in one of which the store may be.
    """
    told = StoreSettings(project / settings.rollup_folder, settings.rollup_memory)
    server = servers.get(settings.rollup_store or "")
    if server is None:
        store = registry.store(settings.rollup_store)(told)
    else:
        assert isinstance(server.config, DriverConfig)
        store = registry.driver(server.driver)(server.config).store(told)
    reader = store.reader
    streams = Streams(reader)
    source = DataSource(
        name,
        reader,
        registry.dialect(reader.dialect),
        reader.queue(
            streams,
            QueueSettings(
                limit=None if server is None else server.limits.concurrency,
                sharing=1 if server is None else settings.workers,
                orphaned_after=settings.orphaned_timeout,
            ),
        ),
        timeout=settings.query_timeout,
        streams=streams,
        stream_timeout=settings.stream_timeout,
    )
    return Rollups(
        store,
        source,
        sources,
        inside=SourceStoreSettings(settings.pre_aggregations_schema, settings.rollup_timeout),
        settings=RollupSettings(
            builds=settings.pre_aggregations_builder,
            at_once=settings.rollup_concurrency,
            timeout=settings.rollup_timeout,
            kept=settings.rollup_kept,
        ),
    )
