"""DuckDB in this process: one database instance, and a cursor of it for each running statement."""

from __future__ import annotations

import json
import logging
import re
import threading
from collections.abc import Mapping
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any, Self

import duckdb
from pydantic import Field, model_validator

from cuboid.errors import ConnectionFailed, DriverError, QueryFailed, UnsupportedFeature
from cuboid.run.cells import Converter, as_it_is
from cuboid.run.dbapi import Cursor, DBAPIDriver
from cuboid.run.driver import DriverConfig
from cuboid.run.server_config import ProjectPath
from cuboid.types import SemanticType, Statement, Value
from cuboid_duckdb.introspect import INTROSPECTION
from cuboid_duckdb.queue import DuckDBQueue

log = logging.getLogger("cuboid_duckdb")
log.addHandler(logging.NullHandler())  # a program without logging shows the error, not the line about it too

MEMORY = ":memory:"

HUGEST = 2**128
"""DuckDB binds no integer of more than 128 bits."""

BROKEN_OPTIMIZERS = ("common_subplan", "statistics_propagation")
"""Optimizers of DuckDB 2.0.0 that are off. The first takes two aliases of one table in a UNION for each other: one
role's number comes out for the other's. The second fails on CASE expressions whose branches it can rule out with
"BindBuiltinScalarFunction did not return a BoundFunctionExpression". ``tests/test_optimizers.py`` has both statements
and fails once an engine no longer needs this."""

SEMANTIC = frozenset(
    (
        *("BOOLEAN", "VARCHAR", "TIMESTAMP", "FLOAT", "DOUBLE"),
        *("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT"),
        *("UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT"),
    )
)
"""Types whose cells are semantic values as they come."""

AS_TEXT: Mapping[str, Converter] = {"BIGNUM": int, "JSON": json.loads}
"""Types that DuckDB hands out as text."""

_OPENING = threading.Lock()
"""Held while an instance is opened: drivers of one file share DuckDB's instance, and one alone may set it up."""

_HOLDER = re.compile(r"(?<=lock is held in )/.*(?= \(PID)")


class DuckDBConfig(DriverConfig):
    """The settings of a DuckDB data source."""

    manners = frozenset({"read_only", "create", "external_access", "memory_limit", "threads"})

    database: ProjectPath = Field(
        default=MEMORY,
        min_length=1,
        description="The database file, or `:memory:`. A relative path starts at the project's folder.",
        json_schema_extra={"env": ["CUBEJS_DB_DUCKDB_DATABASE_PATH"]},
    )
    read_only: bool | None = Field(
        default=None,
        description="Open the file for reading only, so that several processes can share it. The default, "
        "unless `create` is set or the database is in memory.",
    )
    create: bool = Field(default=False, description="Create the database file if it is missing.")
    external_access: bool = Field(
        default=False,
        description="Let SQL read and write other files, attach databases and load extensions.",
    )
    memory_limit: str | None = Field(
        default=None,
        pattern=r"^\d+(\.\d+)?\s*[KMGT]i?B$",
        description="Memory of all statements together, such as `4GB`; DuckDB's own default is 80 % of the machine's.",
        json_schema_extra={"env": ["CUBEJS_DB_DUCKDB_MEMORY_LIMIT"]},
    )
    threads: int | None = Field(
        default=None,
        ge=1,
        description="Threads of all statements together; DuckDB's own default is all cores.",
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.read_only and (self.create or self.database == MEMORY):
            raise ValueError("read_only needs a database file that exists: not with create, not in memory")
        return self

    @property
    def reads_only(self) -> bool:
        return self.database != MEMORY and not self.create if self.read_only is None else self.read_only


class DuckDBDriver(DBAPIDriver):
    """Connections are cursors of one instance, which is opened with the first and dropped when it is broken."""

    name = "duckdb"
    dialect = "duckdb"
    Config = DuckDBConfig
    queue = DuckDBQueue
    capabilities = frozenset(
        {"stream", "interrupt", "introspect", "approx_count_distinct", "exact_decimals", "zones_before_1970"}
    )
    introspection = INTROSPECTION
    config: DuckDBConfig

    def __init__(self, config: DriverConfig) -> None:
        super().__init__(config)
        self._instance: duckdb.DuckDBPyConnection | None = None
        self._instance_lock = threading.Lock()

    def connect(self) -> duckdb.DuckDBPyConnection:
        with self._instance_lock:
            if self._instance is None:
                self._instance = self._open_instance()
            return self._instance.cursor()

    def _open_instance(self) -> duckdb.DuckDBPyConnection:
        config = self.config
        if config.database != MEMORY and not config.create and not Path(config.database).exists():
            # DuckDB would create an empty database, and a misspelt path would be "table does not exist".
            log.warning("The database file %s does not exist.", config.database)
            raise ConnectionFailed(
                f"The database file {Path(config.database).name} does not exist.",
                hint="Correct the setting 'database', or set 'create: true' to begin with an empty database.",
            )
        settings: dict[str, Any] = {
            "memory_limit": config.memory_limit,
            "threads": config.threads,
            "autoinstall_known_extensions": config.external_access,
            "autoload_known_extensions": config.external_access,
            "enable_external_access": config.external_access,
        }
        given = {name: value for name, value in settings.items() if value is not None}
        with _OPENING:
            instance = duckdb.connect(config.database, read_only=config.reads_only, config=given)
            try:
                settle(instance)
            except BaseException:
                instance.close()  # the error's traceback would keep it, and the file's lock with it
                raise
        return instance

    def release(self) -> None:
        with self._instance_lock:
            instance, self._instance = self._instance, None
        if instance is not None:
            with suppress(
                duckdb.Error
            ):  # refuses while a statement runs; its cursor then keeps the file open
                instance.close()

    def writer(self) -> DuckDBDriver:
        """One process has one instance of a file, and one that writes has it for itself."""
        if self.config.reads_only:
            raise UnsupportedFeature(
                "The database file is open for reading only, and rollups are to be kept in it.",
                hint="Set 'read_only: false', if this is the only process that uses the file.",
            )
        return self

    def cancel(self, connection: duckdb.DuckDBPyConnection) -> None:
        connection.interrupt()

    def start(
        self, connection: duckdb.DuckDBPyConnection, statement: Statement, *, streaming: bool
    ) -> Cursor:
        # Not connection.cursor(): that is another connection, which an interrupt of this one does not reach.
        # Results always arrive as they are fetched.
        return connection.execute(statement.sql, [self.bind(value) for value in statement.parameters])

    def finish(self, cursor: Cursor) -> None:
        """The cursor is the connection, and goes on living."""

    def converter(self, described: Any, meant: SemanticType | None) -> Converter | None:
        type = str(described[1])
        return as_it_is if type in SEMANTIC else AS_TEXT.get(type)

    def bind(self, value: Value) -> Any:
        # Integers beyond DuckDB's become floating point, as DuckDB does itself with decimals beyond 38 digits: a
        # comparison with any column still has the right answer.
        if isinstance(value, int) and not -HUGEST // 2 <= value < HUGEST:
            return float(value) if abs(value) < 1 << 1023 else float("inf" if value > 0 else "-inf")
        if isinstance(value, Decimal) and value.as_tuple().exponent == -38 and abs(value) < Decimal("0.1"):
            # The client library counts a digit too many for these, and would bind a DOUBLE.
            return duckdb.Value(format(value, "f"), duckdb.decimal_type(38, 38))
        return value

    def translate(self, error: Exception) -> DriverError:
        message = self._without_folders(str(error))
        if "Could not set lock" in message:
            hint = "Another process writes to this file. Processes share it only if all open it read_only."
            return ConnectionFailed(message, hint=hint)
        if isinstance(error, (duckdb.ConnectionException, duckdb.FatalException)):
            return ConnectionFailed(message)
        return QueryFailed(message)

    def _without_folders(self, message: str) -> str:
        """``message`` with the name alone of the database file, and of a program that holds it: where things are on
        the server is for its log, not for whoever asks."""
        shown = _HOLDER.sub(lambda match: Path(match.group()).name, message)
        path = self.config.database
        if path != MEMORY:
            for written in sorted({path, str(Path(path).resolve())}, key=len, reverse=True):
                shown = shown.replace(written, Path(written).name)
        if shown != message:
            log.warning("%s", message)
        return shown


def settle(instance: duckdb.DuckDBPyConnection) -> None:
    """Sets what statements rely on, and locks it."""
    # Drivers of one file in one process share DuckDB's instance; the first has set and locked all this.
    if instance.execute("SELECT current_setting('lock_configuration')").fetchone() != (True,):
        # In this order: a locked configuration takes no zone, and connect(config=…) does not know the zone.
        instance.execute("SET GLOBAL timezone = 'UTC'")
        instance.execute(f"SET GLOBAL disabled_optimizers = '{','.join(BROKEN_OPTIMIZERS)}'")
        instance.execute("SET GLOBAL lock_configuration = true")


def quoted(name: str) -> str:
    """A name in SQL."""
    return '"' + name.replace('"', '""') + '"'


def escaped(text: str) -> str:
    """What stands between the quotes of a text in SQL."""
    return text.replace("'", "''")
