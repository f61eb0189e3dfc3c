"""A disk without room fails the statement that needs it, and no other. A limit on the size of files stands for the
disk: the server cannot write beyond it, though there is room."""

from __future__ import annotations

import asyncio
import resource
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.engines.admin import admin
from tests.engines.server import Server
from tests.run.killing import DRIVERS
from tests.run.test_certificates import source_on

from cuboid.errors import QueryFailed
from cuboid.types import Result, Statement

ROOM = 64 * 2**20
"""Above what the servers' logs grow by, below what the statements would write."""

DIGITS = "(" + " UNION ALL ".join(f"SELECT {n} AS n" for n in range(10)) + ")"
SORTED = f"""
    SELECT MAX(place) AS m FROM (
      SELECT ROW_NUMBER() OVER (ORDER BY word) AS place FROM (
        SELECT REPEAT(CONCAT(f.n, e.n, d.n, c.n, b.n, a.n), 40) AS word
        FROM {DIGITS} a, {DIGITS} b, {DIGITS} c, {DIGITS} d, {DIGITS} e, {DIGITS} f
      ) AS words
    ) AS places
"""
"""A million words of 240 digits, which are more than a sort has memory for."""

SERVER = {
    "postgres": ("SHOW data_directory", "postmaster.pid"),
    "mysql": ("SELECT @@datadir", "../pid"),
    "mariadb": ("SELECT @@datadir", "../pid"),
}
"""How a server tells its folder, and where in it is the number of its process."""


@pytest.mark.parametrize(
    "engine", [pytest.param(engine, marks=pytest.mark.engine(engine)) for engine in SERVER]
)
async def test_a_full_disk_fails_one_statement(
    own_server: Callable[[str], Server], engine: str, tmp_path: Path
) -> None:
    server = await asyncio.to_thread(own_server, engine)
    asked, file = SERVER[engine]
    with admin(server) as account:
        ((folder,),) = account.run(asked)
    process = int((Path(folder) / file).read_text().split()[0])
    _, most = resource.prlimit(process, resource.RLIMIT_FSIZE)
    resource.prlimit(process, resource.RLIMIT_FSIZE, (ROOM, most))
    source = source_on(DRIVERS[engine], server, server.port, tmp_path, encrypted=False)
    with pytest.raises(QueryFailed) as caught:
        await source.submit(Statement(SORTED), wait=90)
    assert caught.value.message.startswith("Data source 'shop': ")
    assert any(
        word in caught.value.message.lower() for word in ("too large", "full", "error 27", "errno: 27")
    )
    assert isinstance(await source.submit(Statement("SELECT 1"), wait=50), Result)
    await source.close()
