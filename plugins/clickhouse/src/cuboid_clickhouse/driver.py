"""ClickHouse through clickhouse-connect: a thread and a client for each running statement.

Not the library's asyncio client: it parses results in threads too (the event loop's default executor), a
cancelled task of it leaves its statement running on the server, and it has no embedded engine. It would gain little:
side by side on a loaded machine 166 serial ``SELECT 1`` a second against 114 here, and the same rows a second.
"""

from __future__ import annotations

import logging
import math
import re
import uuid
from contextlib import ExitStack
from dataclasses import replace
from typing import Any, ClassVar

from clickhouse_connect import get_client
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import OperationalError

from cuboid.errors import ConnectionFailed, DriverError, QueryFailed
from cuboid.run.cells import Converter
from cuboid.run.dbapi import Cursor, DBAPIDriver
from cuboid.run.driver import DriverConfig
from cuboid.run.queue import QueryQueue
from cuboid.run.store import RollupStore, SourceStoreSettings, StoreSettings
from cuboid.types import SemanticType, Statement
from cuboid_clickhouse.blocks import Blocks
from cuboid_clickhouse.config import ClickHouseConfig
from cuboid_clickhouse.introspect import INTROSPECTION
from cuboid_clickhouse.queue import ClickHouseQueue

SESSION = {
    "session_timezone": "UTC",  # what a column or text without zone means
    "join_use_nulls": "1",  # a row that joins nothing has NULLs, not zeros and empty texts
    "aggregate_functions_null_for_empty": "1",  # so has a sum or a minimum of nothing
    "enable_extended_results_for_datetime_functions": "1",  # toStartOfDay and the like before 1970 and after 2106
    "prefer_column_name_to_alias": "1",  # any(x) AS x, twice, is no aggregate of an aggregate
    "cast_keep_nullable": "1",  # CAST(x AS String) of NULL is NULL
    "precise_float_parsing": "1",  # a text becomes the nearest double (see the dialect's average)
    "union_default_mode": "DISTINCT",  # a bare UNION is the standard's
    "cancel_http_readonly_queries_on_client_close": "1",  # should KILL QUERY not reach the server
}
"""Settings of every statement, and what would be wrong without: names and values of ClickHouse."""

NETWORK = frozenset({209, 210})
"""Codes of the server's own trouble with the connection."""

REFUSED = frozenset({192, 193, 194, 516})
"""Codes for a user or password that is not right."""

# Every failure is raised and reported by us; the library would log it once more, with a traceback and its address.
logging.getLogger("clickhouse_connect").setLevel(logging.CRITICAL)

KILL = "KILL QUERY WHERE query_id = {id:String} OR startsWith(query, {mark:String}) ASYNC"
"""Users may stop their own statements, readers too."""


class Connection:
    """A client without session, the one statement that it runs, and a client that can stop it."""

    def __init__(self, client: Client, control: Client) -> None:
        self.client = client
        self.control = control
        self.settings: dict[str, Any] = {}
        self.blocks: Blocks | None = None
        self.mark = ""

    def start(self, statement: Statement) -> Blocks:
        """Sends the statement, by a name that :meth:`kill` knows: its id, or where there are none its first words."""
        self.settings["query_id"], self.blocks = uuid.uuid4().hex, None
        self.mark = f"/* {self.settings['query_id']} */"
        sql = statement.sql if self.control is self.client else f"{self.mark} {statement.sql}"
        self.blocks = Blocks(self.client, replace(statement, sql=sql), self.settings)
        return self.blocks

    def kill(self) -> None:
        """Stops the statement on the server; harmless if there is none."""
        if self.mark:
            self.control.command(KILL, {"id": self.settings["query_id"], "mark": self.mark})

    def close(self) -> None:
        with ExitStack() as last:
            last.callback(self.control.close)
            last.callback(self.client.close)
            if self.blocks is None or not self.blocks.complete:
                self.kill()  # first: closing reads what is left of a result
            if self.blocks is not None:
                self.blocks.close()


class ClickHouseDriver(DBAPIDriver):
    """Each lane's client has no session, so nothing but its sockets outlives a statement."""

    name = "clickhouse"
    dialect = "clickhouse"
    Config: ClassVar[type[DriverConfig]] = ClickHouseConfig
    queue: ClassVar[type[QueryQueue]] = ClickHouseQueue
    capabilities = frozenset(
        {"stream", "interrupt", "introspect", "approx_count_distinct", "exact_decimals", "zones_before_1970"}
    )
    introspection = INTROSPECTION
    config: ClickHouseConfig

    def connect(self) -> Connection:
        client = self.client()
        try:
            _set_up(client, SESSION)
        except BaseException:
            client.close()
            raise
        return Connection(client, self.control(client))

    def control(self, client: Client) -> Client:
        """The client that can stop what ``client`` runs."""
        return client

    def client(self) -> Client:
        """A new client of the library."""
        config = self.config
        theirs = {
            "username": "user",
            "ca_cert": "ssl_ca",
            "client_cert": "ssl_cert",
            "client_cert_key": "ssl_key",
        }
        return get_client(
            **config.named("host", "password", "database", "connect_timeout", **theirs),
            interface="https" if config.encrypted else "http",
            port=config.port or 0,
            verify=config.ssl_verify is not False,
            compress="lz4" if config.compression else False,
            send_receive_timeout=config.silence_timeout,
            autogenerate_session_id=False,  # statements of one session wait for each other
            dedicated_pool=True,  # its sockets close with it
            query_retries=0,
            client_name="cuboid",
        )

    def store(self, settings: StoreSettings) -> RollupStore:
        from cuboid_clickhouse.store import ClickHouseStore

        return ClickHouseStore(self.config, settings)

    def inside(self, settings: SourceStoreSettings) -> RollupStore | None:
        from cuboid_clickhouse.store_inside import InsideStore

        return InsideStore(self.config, settings)

    def limit(self, connection: Connection, seconds: float) -> None:
        allowed = connection.client.server_settings["max_execution_time"]
        wanted = float(math.ceil(seconds))
        if not allowed.readonly:  # the user's own limit stays if it is shorter; 0 is none
            shorter = min(wanted, float(allowed.value) or wanted)  # servers take fractions, too
            connection.settings["max_execution_time"] = int(shorter) if shorter.is_integer() else shorter

    def start(self, connection: Connection, statement: Statement, *, streaming: bool) -> Cursor:
        return connection.start(statement)

    def finish(self, cursor: Cursor) -> None:
        cursor.close()

    def converter(self, described: Any, meant: SemanticType | None) -> Converter | None:
        return (
            bool if meant == "boolean" and "Int" in described[1] else None
        )  # a comparison is a UInt8 of 0 or 1

    def cancel(self, connection: Connection) -> None:
        connection.kill()

    def translate(self, error: Exception) -> DriverError:
        message = _message(error)
        code = getattr(error, "code", None)
        if code in REFUSED:
            return ConnectionFailed(message, hint="Correct the settings 'user' and 'password'.")
        if code in NETWORK or (code is None and isinstance(error, (OperationalError, OSError))):
            return ConnectionFailed(message)
        return QueryFailed(message)


def _set_up(client: Client, session: dict[str, str]) -> None:
    """Gives every statement of ``client`` the settings ``session``, and makes it unable to write.

    Raises :class:`ConnectionFailed` where the server or the user's rights do not allow that.
    """
    known = client.server_settings
    for name, value in session.items():
        if name not in known:
            raise ConnectionFailed(
                f"This ClickHouse ({client.server_version}) is too old: it has no setting {name}.",
                hint="Use 24.3 or newer.",
            )
        if known[name].value != value and known[name].readonly:
            raise ConnectionFailed(
                f"The user may not set {name} = {value}, without which answers would be wrong.",
                hint="Give the user a profile with readonly = 2 instead of 1 or constraints, or that very value.",
            )
        client.set_client_setting(name, value)
    if known["readonly"].value == "0":
        client.set_client_setting("readonly", "2")  # 1 would forbid the other settings


def _message(error: Exception) -> str:
    """The server's own words, without what the library puts around them (the address) and the server's version."""
    text = str(error)
    if found := re.search(r"DB::Exception: (.*)", text, re.DOTALL):
        text = re.sub(r" ?\(for url [^)]*\)$", "", found[1])
        return re.sub(r"\s*\(version [^()]*(\([^()]*\)[^()]*)?\).*$", "", text, flags=re.DOTALL)
    # urllib3 puts its own story and the request's address before the reason.
    return re.sub(r"^.*Max retries exceeded with url: \S* \(Caused by (.*)\)$", r"\1", text, flags=re.DOTALL)
