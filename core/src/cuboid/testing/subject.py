"""What is tested: the part of the kit that a plugin's author fills in."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, ClassVar

import pytest

from cuboid.plugins import Plugin, Registry
from cuboid.run.driver import Driver, DriverConfig
from cuboid.sql.dialect import Dialect
from cuboid.testing import compose
from cuboid.types import Statement


class Subject:
    """The plugin under test.

    ``plugin`` is its module, ``driver`` the name that projects write. The rest has defaults:

    - ``deadline``: seconds that one live test may take.
    - ``slow_places``: the slow statement counts 10 ** slow_places rows. It must run for seconds at least; tests
      stop it long before its end.
    - ``embedded``: the engine runs in this process. The kit then sees by its CPU time that stopped statements stop.
    - ``unread_places``: a stream of which a little is read has 10 ** unread_places rows of 100 characters.
    """

    plugin: ClassVar[Any]
    driver: ClassVar[str]
    deadline: ClassVar[float] = 60.0
    slow_places: ClassVar[int] = 10
    embedded: ClassVar[bool] = False
    unread_places: ClassVar[int] = 7

    # ------------------------------------------------------------ what an author writes

    def config(self) -> Mapping[str, Any]:
        """The settings of a data source that works, as in ``cuboid.yml`` beside ``driver:``."""
        raise NotImplementedError("return the settings of a data source that works")

    def unreachable(self) -> Mapping[str, Any]:
        """Settings with which nothing can be reached. The default is a port where nobody listens; a driver
        without the settings ``host`` and ``port`` overrides it, e.g. with a file that does not exist."""
        if not self.has_settings("host", "port"):
            raise NotImplementedError("override unreachable(): settings with which nothing can be reached")
        with contextlib.closing(socket.socket()) as free:
            free.bind(("127.0.0.1", 0))
            return {**self.config(), "host": "127.0.0.1", "port": free.getsockname()[1]}

    def slow_statement(self) -> Statement:
        """A statement that runs for many seconds and contains the name ``cuboid_kit_slow``."""
        return compose.slow(self.dialect, self.slow_places)

    def running_slow_statements(self) -> str | None:
        """SQL that counts the statements with ``cuboid_kit_slow`` in their text that run on the server now, itself
        not counted; None where a client cannot ask. With it the kit sees that stopped statements really stop."""
        return None

    # ------------------------------------------------------------ what follows from it

    @pytest.fixture(autouse=True)
    def fixtures(self, request: pytest.FixtureRequest) -> None:
        """``self.request`` for authors: ``self.request.getfixturevalue("exampledb_server")`` in ``config``."""
        self.request = request

    @property
    def registry(self) -> Registry:
        """A registry of this plugin alone."""
        registry = Registry()
        registry.add(Plugin(self.driver, "under-test"), lambda: self.plugin)
        registry.require()
        return registry

    @property
    def driver_class(self) -> type[Driver]:
        """The driver as a project finds it."""
        return self.registry.driver(self.driver)

    @property
    def dialect(self) -> Dialect:
        """The driver's dialect as a project finds it."""
        registry = self.registry
        return registry.dialect(registry.driver(self.driver).dialect)

    def settings(self, config: Mapping[str, Any] | None = None) -> DriverConfig:
        """The settings, checked."""
        return self.driver_class.Config.model_validate(dict(self.config() if config is None else config))

    def make_driver(self, config: Mapping[str, Any] | None = None) -> Driver:
        """A driver that is not open."""
        return self.driver_class(self.settings(config))

    def has_settings(self, *names: str) -> bool:
        """Whether the driver's ``Config`` has all these fields."""
        return set(names) <= set(self.driver_class.Config.model_fields)

    def can(self, capability: str) -> bool:
        """Whether the driver declares the capability."""
        return capability in self.driver_class.capabilities


@contextlib.contextmanager
def listening(answer: bytes | None) -> Iterator[Mapping[str, Any]]:
    """Host and port of a server that accepts and never answers (None), or says ``answer`` and hangs up."""
    import threading

    accepted: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    accepted.append(connection)
                    if answer is not None:
                        with contextlib.suppress(OSError):
                            connection.sendall(answer)
                        connection.close()

        threading.Thread(target=accept, daemon=True).start()
        try:
            yield MappingProxyType({"host": "127.0.0.1", "port": server.getsockname()[1]})
        finally:
            with contextlib.suppress(OSError):
                server.shutdown(socket.SHUT_RDWR)
            for connection in accepted:
                connection.close()
