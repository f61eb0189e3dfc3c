"""A server whose certificate has expired is a clear error, with the data source's name and what to do."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.engines.admin import admin
from tests.engines.server import Server
from tests.engines.tls import fronted, issue
from tests.run.killing import DRIVERS

from cuboid.errors import ConnectionFailed
from cuboid.plugins import Registry
from cuboid.run.data_source import DataSource
from cuboid.run.queue import QueueSettings
from cuboid.types import Result, Statement


def source_on(
    driver: str, server: Server, port: int, certificates: Path, *, encrypted: bool = True
) -> DataSource:
    registry = Registry.load()
    driver_class = registry.driver(driver)
    names = ("host", "user", "password", "database")
    settings = {name: getattr(server, name) for name in names} | {"port": port}
    if encrypted:
        settings["ssl_ca"] = str(certificates / "ca.pem")
    config = driver_class.Config.model_validate(settings)
    driver = driver_class(config)
    return DataSource(
        "shop", driver, registry.dialect(driver_class.dialect), driver_class.queue(driver, QueueSettings())
    )


@contextmanager
def encrypting(engine: str, server: Server, certificates: Path, name: str) -> Iterator[int]:
    """The port of ``server`` with the certificate of that name."""
    if engine == "mariadb":
        with admin(server) as account:
            ((folder,),) = account.run("SELECT @@datadir")
        shutil.copy(certificates / name, Path(folder) / "server-cert.pem")
        shutil.copy(certificates / "key.pem", Path(folder) / "server-key.pem")
        server.restart()
        yield server.port
        return
    if engine != "mysql":
        with fronted(server, certificates, name) as opened:
            yield opened.port
        return
    # It speaks TLS itself, and takes no certificate that has expired: one that soon does.
    end = datetime.now(UTC) + timedelta(seconds=10)
    if name == "expired.pem":
        issue(certificates, name := "soon.pem", end)
    with admin(server) as account:
        for setting, file in (("ssl_ca", "ca.pem"), ("ssl_cert", name), ("ssl_key", "key.pem")):
            account.run(f"SET GLOBAL {setting} = '{certificates / file}'")
        account.run("ALTER INSTANCE RELOAD TLS")
    if name == "soon.pem":
        time.sleep((end - datetime.now(UTC)).total_seconds() + 1)
    yield server.port


@pytest.mark.parametrize(
    "engine", [pytest.param(engine, marks=pytest.mark.engine(engine)) for engine in DRIVERS]
)
async def test_an_expired_certificate_is_a_clear_error(
    own_server: Callable[[str], Server], certificates: Path, engine: str
) -> None:
    server = await asyncio.to_thread(own_server, engine)
    drivers = [DRIVERS[engine], *(["asyncmy"] if DRIVERS[engine] == "mysql" else [])]
    for name in ("expired.pem", "good.pem"):
        with encrypting(engine, server, certificates, name) as port:
            for driver in drivers:
                source = source_on(driver, server, port, certificates)
                if name == "good.pem":
                    assert isinstance(await source.submit(Statement("SELECT 1"), wait=50), Result)
                else:
                    with pytest.raises(
                        ConnectionFailed, match=r"^Data source 'shop': .*certificate"
                    ) as caught:
                        await source.submit(Statement("SELECT 1"), wait=50)
                    assert "expired" in f"{caught.value.message} {caught.value.hint}"
                    assert server.password not in f"{caught.value.message} {caught.value.hint}"
                await source.close()
