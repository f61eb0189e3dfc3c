"""A project: its folder's configuration, plugins, catalog and data sources, assembled into a service.

Parts are made when they are first used: ``cuboid check`` never needs a database, ``cuboid token`` never reads
the model. Nothing here opens a connection; data sources do so with their first statement.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cuboid.config.data_sources import (
    HOW_TO,
    DataSourceSettings,
    known_names,
    read_data_source,
)
from cuboid.config.environment import Environment
from cuboid.config.load import Configuration, load_configuration
from cuboid.config.settings import SETTINGS, Settings
from cuboid.errors import ConfigError
from cuboid.plugins import Registry
from cuboid.types import Principal, SemanticType

if TYPE_CHECKING:
    from cuboid.catalog.access import Mask
    from cuboid.catalog.compile import Compiler
    from cuboid.catalog.files import ModelFile
    from cuboid.catalog.model import Catalog
    from cuboid.connecting import Connector
    from cuboid.hook_answers import HookAnswers
    from cuboid.model_folder import ModelFolder
    from cuboid.query_log import QueryLog
    from cuboid.refreshing import Refresher
    from cuboid.reloading import Model
    from cuboid.run.data_sources import DataSources
    from cuboid.run.driver import Driver
    from cuboid.run.link import Link
    from cuboid.run.rollups import LateRollups, Rollups
    from cuboid.service import Service
    from cuboid.sql.dialect import Dialect
    from cuboid.tenants import Tenants
    from cuboid.verification import Verifier

DECIDING = ("authenticate", "extend_context", "groups", "access_filters", "rewrite_query")
"""Hooks that have a say in who asks and what a query means: they are asked anew for each request."""


class Project:
    """An open project folder. ``close`` it on the event loop that used its service.

    :param configuration: what the folder, the environment and flags say.
    :param registry: its plugins, all usable.
    """

    def __init__(self, configuration: Configuration, registry: Registry) -> None:
        self.configuration = configuration
        self.registry = registry

    @classmethod
    def open(
        cls,
        path: Path | str = ".",
        *,
        flags: Mapping[str, object] | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> Project:
        """The project in the folder ``path``.

        :param flags: settings that win over everything else, by name; None means "not given".
        :param environ: the environment, by default that of the process.

        Raises :class:`ConfigError` or :class:`PluginError` for what stops the start, a ``CUBOID_*`` variable that
        nothing reads among it.
        """
        environ = os.environ if environ is None else environ
        configuration = load_configuration(Path(path).resolve(), flags=flags, environ=environ)
        registry = Registry.load(configuration.folder, optional=configuration.settings.optional_plugins)
        registry.require()
        if registry.settings:
            configuration = load_configuration(
                configuration.folder, flags=flags, environ=environ, cube=registry.settings
            )
        project = cls(configuration, registry)
        project._check_environment()
        return project

    @property
    def folder(self) -> Path:
        """The project's folder, absolute."""
        return self.configuration.folder

    @property
    def settings(self) -> Settings:
        """The effective settings."""
        return self.configuration.settings

    @cached_property
    def hooks(self) -> HookAnswers:
        """What plugins say of principals."""
        from cuboid.hook_answers import HookAnswers

        return HookAnswers(self.registry, self.folder)

    @cached_property
    def model_folder(self) -> ModelFolder:
        """The model's files."""
        from cuboid.model_folder import ModelFolder

        return ModelFolder(self.configuration.model_folder, self.folder, self.registry.template_names)

    @cached_property
    def model(self) -> Model:
        """The model of requests of no tenant, which can be read anew."""
        return self._model(Principal(), self.model_folder.read)

    @cached_property
    def tenants(self) -> Tenants:
        """The model, and those of tenants."""
        from cuboid.tenants import TenantHooks, Tenants

        return Tenants(
            TenantHooks(self.hooks.tenant, self.hooks.model_version, self.registry.wait),
            self.model,
            lambda principal: self._model(principal, lambda: self.model_folder.files),
            refresh=self._look_anew,
            kept=self.settings.tenants_kept,
        )

    @property
    def model_files(self) -> tuple[ModelFile, ...]:
        """The files of the model in force, as read."""
        return self.model.current.files

    @property
    def catalog(self) -> Catalog:
        """The model of requests of no tenant, its SQL read in the dialects of its data sources; mistakes are in its
        ``errors``.

        Without any data source the SQL stays unread. Raises :class:`PluginError` if a driver is not installed.
        """
        return self.model.current.catalog

    def model_of(self, claims: Mapping[str, Any]) -> Model:
        """The model of the tenant whose claims these are, by itself."""
        principal = Principal(claims)
        if not claims or self.hooks.tenant(principal) is None:
            return self.model
        return self._model(principal, self.model_folder.read)

    @cached_property
    def compiler(self) -> Compiler:
        """What compiles the model; it knows what has not changed since the last time. Where tenants bring data sources
        of their own, what it gives is verified when it is connected."""
        from cuboid.catalog.compile import Compiler

        verifier = self._verifier
        return Compiler() if verifier is None or self.connector is not None else Compiler(verifier.verify)

    @cached_property
    def connector(self) -> Connector | None:
        """What gives the models of tenants their data sources; None if no plugin has some."""
        from cuboid.connecting import Connector
        from cuboid.making import make_data_source

        if not self.registry.offers("data_source"):
            return None
        verifier = self._verifier
        assert verifier is not None
        return Connector(
            self._connection,
            lambda: self.data_sources,
            lambda settings: make_data_source(settings, self.registry, self.settings, self.link),
            verifier.verify,
        )

    def _connection(self, name: str, principal: Principal) -> DataSourceSettings | None:
        """What plugins say of a data source of the principal's tenant; the environment has no part in it."""
        declared = self.hooks.data_source(name, principal)
        if declared is None:
            return None
        config = self.registry.driver(declared.driver).Config
        return read_data_source(declared, config, Environment({}), self.folder)

    @cached_property
    def _verifier(self) -> Verifier | None:
        """What reads the model's SQL in the dialects of its data sources; None if there is no data source."""
        from cuboid.verification import Verifier

        drivers = {each.name: each.driver for each in self.configuration.data_sources}

        def dialect(name: str) -> Dialect | None:
            given = self.connector.driver(name) if self.connector is not None else None
            driver = drivers.get(name, given)
            return None if driver is None else self.registry.dialect(self.registry.driver(driver).dialect)

        return Verifier(dialect, drivers) if drivers or self.registry.offers("data_source") else None

    def _model(self, principal: Principal, folder: Callable[[], tuple[ModelFile, ...]]) -> Model:
        """The model as compiled for ``principal``; ``folder`` gives its files unless a plugin does."""
        from cuboid.connecting import Connected
        from cuboid.reloading import Model

        def read() -> tuple[ModelFile, ...]:
            given = self.hooks.model_files(principal)
            return folder() if given is None else given

        connector = self.connector
        if connector is None:
            return Model(read, lambda files: self._compile(files, principal), stamp=self.model_folder.stamp)
        connected = Connected(principal)
        return Model(
            read,
            lambda files: connector.connect(self._compile(files, principal), connected),
            stamp=lambda: (self.model_folder.stamp(), connector.stamp(connected)),
        )

    def _look_anew(self) -> None:
        """Looks at the folder; a project whose files all come from plugins may have none."""
        if self.configuration.model_folder.is_dir() or not self.registry.offers("model_files"):
            self.model_folder.read()

    def _compile(self, files: tuple[ModelFile, ...], principal: Principal) -> Catalog:
        from cuboid.catalog.settings import ModelSettings, compile_context

        settings = ModelSettings(
            compile_context(principal.claims, principal.context),
            self.settings.allow_unsafe_values,
            self.model_folder.names,
        )
        return self.compiler.compile(files, settings)

    @cached_property
    def data_source_settings(self) -> tuple[DataSourceSettings, ...]:
        """Every data source's checked settings.

        Raises :class:`ConfigError` if there is none or one has bad settings; :class:`PluginError` if a driver is
        not installed.
        """
        declarations = self.configuration.data_sources
        if not declarations and not self.registry.offers("data_source"):
            raise ConfigError(f"No data source is configured in {self.folder}", hint=HOW_TO)
        drivers = {each.name: self.registry.driver(each.driver) for each in declarations}
        return tuple(
            read_data_source(each, drivers[each.name].Config, self.configuration.environment, self.folder)
            for each in declarations
        )

    def _check_environment(self) -> None:
        """Refuses misspelt variables, before whatever is missing because of them is missed.

        Drivers are looked up, which imports them, only if a variable can be theirs.
        """
        environment = self.configuration.environment
        if environment.beyond(self.known_names({})):
            drivers = {
                each.name: self.registry.driver(each.driver) for each in self.configuration.data_sources
            }
            environment.check(self.known_names(drivers))

    def known_names(self, drivers: Mapping[str, type[Driver]]) -> set[str]:
        """All environment names that are read: the settings', and those of the data sources in ``drivers``."""
        names = {name for setting in SETTINGS for name in setting.env}
        for declaration in self.configuration.data_sources:
            if declaration.name in drivers:
                names |= known_names(declaration, drivers[declaration.name].Config)
        return names

    @cached_property
    def data_sources(self) -> DataSources:
        """The data sources by name; none is opened yet."""
        from cuboid.making import make_data_source
        from cuboid.run.data_sources import DataSources

        return DataSources(
            {
                each.name: make_data_source(each, self.registry, self.settings, self.link)
                for each in self.data_source_settings
            }
        )

    @cached_property
    def service(self) -> Service:
        """What answers queries."""
        from cuboid.planning import ServiceSettings
        from cuboid.query.access import AccessSettings
        from cuboid.query.normalize import Limits
        from cuboid.service import Service

        settings = self.settings
        masks: dict[SemanticType, Mask] = {
            "string": settings.access_policy_mask_string,
            "number": settings.access_policy_mask_number,
            "boolean": settings.access_policy_mask_boolean,
            "time": settings.access_policy_mask_time,
        }
        return Service(
            self.tenants,
            self.data_sources,
            ServiceSettings(
                limits=Limits(default=settings.query_default_limit, maximum=settings.query_limit),
                default_timezone=settings.default_timezone,
                folder_delimiter=settings.nested_folders_delimiter,
                continue_wait=settings.continue_wait_timeout,
                cache_size=settings.cache_size,
                stream_limit=settings.stream_limit,
                formats=self.registry.formats(),
                access=AccessSettings(
                    self.hooks.access_filters if self.registry.offers("access_filters") else None,
                    self.hooks.groups,
                    masks,
                ),
                plugins_wait=self.registry.wait,
                plugins_decide=any(map(self.registry.offers, DECIDING)),
            ),
            self.registry.rewrite_query,
            self.rollups,
            self.link,
            self.query_log,
        )

    @cached_property
    def query_log(self) -> QueryLog | None:
        """Where questions are noted; None if they are not."""
        from cuboid.query_log import QueryLog

        name = self.settings.query_log
        return None if name is None else QueryLog(self.folder / name)

    @cached_property
    def link(self) -> Link | None:
        """To the other processes that serve the project; None if each is for itself. Raises :class:`PluginError`."""
        from cuboid.making import make_link

        return make_link(self.registry, self.settings)

    @cached_property
    def rollups(self) -> LateRollups | None:
        """The rollups that are kept; None if none are."""
        from cuboid.run.rollups import LateRollups

        name = self.settings.rollup_store
        if name == "none" or (name is None and not self.registry.offers("register_stores")):
            return None
        taken = self.data_sources
        return LateRollups("rollups" if "rollups" not in taken else "rollups of cuboid", self._rollups)

    @cached_property
    def refresher(self) -> Refresher | None:
        """What keeps rollups fresh though nobody asks; None if none are kept."""
        from cuboid.refreshing import Refresher, Schedule

        if self.rollups is None:
            return None
        settings = self.settings
        schedule = Schedule(
            self.hooks.scheduled_contexts,
            settings.scheduled_refresh_timezones or (settings.default_timezone,),
            settings.scheduled_refresh_timer,
        )
        return Refresher(self.service.planning, self.rollups, schedule, self.service.hear)

    async def close(self) -> None:
        """Stops what runs and closes the data sources; harmless when called twice."""
        if "service" in self.__dict__:
            await self.service.close()
        elif "data_sources" in self.__dict__:
            await self.data_sources.close()
            if self.link is not None:
                await self.link.close()

    def _rollups(self) -> Rollups:
        from cuboid.making import make_rollups

        assert self.rollups is not None
        return make_rollups(
            self.rollups.name,
            self.data_sources,
            self.registry,
            self.settings,
            self.folder,
            {each.name: each for each in self.data_source_settings},
        )
