"""What a server is, and what it is asked and told in a session, whichever library carries it."""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from cuboid.errors import ConnectionFailed, DriverError, QueryFailed

IDENTITY = "SELECT CONNECTION_ID(), VERSION()"

SESSION = {
    "time_zone": "'+00:00'",
    "net_write_timeout": "3600",  # a stream whose reader pauses for a minute would be cut off
    "div_precision_increment": "16",  # by default 1/3 is 0.3333, and so is the average of 0, 0 and 1
    "group_concat_max_len": "1048576",  # MySQL cuts at 1024 bytes, and says so in a warning only
}
# Differences of unsigned numbers may be below zero; casts cut fractions as everywhere else (MariaDB's do by default).
# Not ONLY_FULL_GROUP_BY: it refuses ORDER BY … IS NULL over a grouped expression, which is how NULLs come last.
MYSQL = SESSION | {
    "sql_mode": "'NO_UNSIGNED_SUBTRACTION,TIME_TRUNCATE_FRACTIONAL'",
    "collation_connection": "utf8mb4_0900_bin",
    "transaction_read_only": "1",
}
MARIADB = SESSION | {
    "sql_mode": "'NO_UNSIGNED_SUBTRACTION'",
    "collation_connection": "utf8mb4_nopad_bin",
    "tx_read_only": "1",
}
# The collations are of texts that come from no column, such as the labels of a CASE: by code point, as elsewhere. A
# column's own is stronger.

OLDEST = {False: (8, 0), True: (10, 6)}
"""MySQL, MariaDB: the first versions with all the SQL that is used."""

NO_SUCH_THREAD = 1094
UNREACHABLE = frozenset(
    {1040, 1042, 1043, 1044, 1045, 1049, 1053, 1129, 1130, 1203, 1226, 1698, 1927, 3169, 4031}
)
"""Errors that concern the connection: too many, refused, shutting down, killed, idle for too long."""

STOPPED_BY_SERVER = frozenset({1969, 3024})
"""A statement ran into ``max_statement_time`` (MariaDB) or ``max_execution_time`` (MySQL)."""

LOAD_ZONES = "Load them once, as root: mysql_tzinfo_to_sql /usr/share/zoneinfo | mysql -u root mysql"

ZONE = re.compile(r"'\+00:00',\s*'([^']+)'")
"""The zone in what the dialect makes of a time; a country of that name in the model's own SQL (Japan) is none."""


@dataclass(frozen=True, slots=True)
class Server:
    """The server at the other end of a connection, which it knows as ``connection``."""

    connection: int
    mariadb: bool

    @classmethod
    def greeted(cls, connection: int, version: str) -> Self:
        """By its answer to ``IDENTITY``. Raises :class:`ConnectionFailed` if it is too old."""
        mariadb = "mariadb" in version.lower()
        found = re.match(r"(?:5\.5\.5-)?(\d+)\.(\d+)", version)  # MariaDB's greeting to old replicas
        if found is None or tuple(map(int, found.groups())) < OLDEST[mariadb]:
            raise ConnectionFailed(
                f"The server is {version}: MySQL 8.0 or MariaDB 10.6 is the oldest that will do."
            )
        return cls(connection, mariadb)

    def set_up(self, *, writes: bool = False) -> str:
        """SQL: how a session begins.

        :param writes: it may write; what does not fit a column is an error then, and not cut. Rows that it reads
            meanwhile are not locked, as CREATE TABLE … AS does at the level of isolation that is the default.
        """
        settings = MARIADB if self.mariadb else MYSQL
        if writes:
            strict = settings["sql_mode"].removesuffix("'") + ",STRICT_ALL_TABLES'"
            settings = settings | {
                "sql_mode": strict,
                "tx_isolation" if self.mariadb else "transaction_isolation": "'READ-COMMITTED'",
                "tx_read_only" if self.mariadb else "transaction_read_only": "0",
            }
        return "SET SESSION " + ", ".join(f"{name} = {value}" for name, value in settings.items())

    def limit(self, seconds: float) -> str:
        """SQL: that the server end statements after so long."""
        if self.mariadb:
            return f"SET SESSION max_statement_time = {seconds}"
        return f"SET SESSION max_execution_time = {round(seconds * 1000)}"


class Zones:
    """Which zones the server lacks: CONVERT_TZ would give NULL, and all rows would be in one group."""

    def __init__(self) -> None:
        self._names = sorted(zoneinfo.available_timezones())
        self._unknown: frozenset[str] = frozenset()

    def question(self) -> str:
        """SQL with a row for each; all in one statement: 20 to 80 ms. Until it is answered, none is known to lack."""
        self._unknown = frozenset()
        return " UNION ALL ".join(
            f"SELECT '{zone}' FROM DUAL WHERE CONVERT_TZ('2024-01-01', '+00:00', '{zone}') IS NULL"  # noqa: S608
            for zone in self._names
        )

    def learn(self, unknown: Iterable[str]) -> None:
        """Raises :class:`ConnectionFailed` if there are none at all."""
        self._unknown = frozenset(unknown)
        if len(self._unknown) == len(self._names):
            raise ConnectionFailed("The server's time zone tables are empty.", hint=LOAD_ZONES)

    def require(self, sql: str) -> None:
        """Raises :class:`QueryFailed` if ``sql`` needs one of them."""
        if self._unknown and (lacked := self._unknown.intersection(ZONE.findall(sql))):
            names = ", ".join(sorted(lacked))
            raise QueryFailed(f"The server's time zone tables lack {names}.", hint=LOAD_ZONES)


def failed(code: int, message: str) -> DriverError:
    """An error of the server's, or one of a client library's own (2000 to 2999)."""
    if code in UNREACHABLE or 2000 <= code < 3000 or code < 0:
        return ConnectionFailed(message)
    if code in STOPPED_BY_SERVER:
        return QueryFailed(message, hint="The statement ran longer than its data source allows.")
    return QueryFailed(message)
