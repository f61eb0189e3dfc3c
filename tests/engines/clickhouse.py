"""ClickHouse from the wheel ``chdb-core``, whose library has clickhouse-local in it, and that ``SYSTEM START LISTEN``:
the genuine HTTP and native TCP handlers."""

from __future__ import annotations

import importlib.util
import sys
import urllib.parse
import urllib.request
from pathlib import Path
from typing import ClassVar

from tests.engines.debian import Unavailable
from tests.engines.recipe import DATABASE, HOST, PASSWORD, USER, Command, Recipe, ending_with_keeper

READER = "reader"
"""A user with ``PASSWORD`` who may only read (``readonly=2``: settings may be changed)."""

NARROW = "narrow"
"""A reader who may see ``NARROW``'s database alone, should there be one of that name."""

# The library itself, not the package around it: that would import pandas and pyarrow. It must be clickhouse-local's
# query (a connection of the package's says "start_servers_callback is not set"), one query that never ends, and
# in this format, because it becomes the default of HTTP too, and clients rely on that. clickhouse-local reads the
# config.xml of its folder; the library wants to be loaded from its own.
PROGRAM = """
import importlib.machinery, importlib.util, os, sys
library, data = sys.argv[1:]
folder = os.getcwd()
os.chdir(os.path.dirname(library))
loader = importlib.machinery.ExtensionFileLoader("_chdb", library)
module = importlib.util.module_from_spec(importlib.util.spec_from_file_location("_chdb", library, loader=loader))
loader.exec_module(module)
os.chdir(folder)
module.query(
    "CREATE DATABASE IF NOT EXISTS {database}; SYSTEM START LISTEN HTTP; "
    "SELECT sleepEachRow(3) FROM system.numbers FORMAT Null "
    "SETTINGS max_block_size=1, function_sleep_max_microseconds_per_block=0",
    "TabSeparated",
    path=data,
)
"""

CONFIG = """<clickhouse>
  <listen_host>{host}</listen_host><http_port>{port}</http_port><users_config>{folder}/users.xml</users_config>
</clickhouse>
"""

USERS = """<clickhouse>
  <profiles><default/><reading><readonly>2</readonly></reading></profiles>
  <quotas><default/></quotas>
  <users>{users}</users>
</clickhouse>
"""

ACCOUNT = """
    <{name}>
      <password>{password}</password><networks><ip>::/0</ip></networks><profile>{profile}</profile><quota>default</quota>
      {allowed}
    </{name}>"""
ALLOWED = f"<allow_databases><database>{NARROW}</database></allow_databases>"


class ClickHouse(Recipe):
    """Not all of a clickhouse-server: CREATE USER, system.query_log and replicated tables are missing."""

    name: ClassVar[str] = "clickhouse"
    title: ClassVar[str] = "ClickHouse"

    def prepare(self, folder: Path) -> None:
        _library()
        (folder / "data").mkdir()
        accounts = (
            (USER, PASSWORD, "default", ""),
            (READER, PASSWORD, "reading", ""),
            (NARROW, PASSWORD, "reading", ALLOWED),
            ("default", "", "default", ""),
        )
        names = ("name", "password", "profile", "allowed")
        users = "".join(ACCOUNT.format(**dict(zip(names, each, strict=True))) for each in accounts)
        (folder / "users.xml").write_text(USERS.format(users=users))

    def command(self, folder: Path, port: int) -> Command:
        (folder / "config.xml").write_text(CONFIG.format(host=HOST, port=port, folder=folder))
        program = PROGRAM.format(database=DATABASE)
        library: list[str | Path] = [sys.executable, "-I", "-c", program, _library(), folder / "data"]
        # config.xml's <timezone> is ignored
        return Command([*ending_with_keeper(), *library], folder, {"TZ": "UTC"})

    def version(self, folder: Path, port: int) -> str:
        query = urllib.parse.urlencode({"query": "SELECT version()", "user": USER, "password": PASSWORD})
        with urllib.request.urlopen(f"http://{HOST}:{port}/?{query}", timeout=5) as answer:
            version: str = answer.read().decode().strip()
            return version


def _library() -> Path:
    package = importlib.util.find_spec("chdb")
    for folder in (package and package.submodule_search_locations) or ():
        for library in Path(folder).glob("_chdb*.so"):
            return library
    raise Unavailable("the package chdb-core is not installed; run: scripts/bootstrap.sh dev")
