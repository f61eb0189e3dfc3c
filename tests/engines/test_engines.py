"""Each engine starts, answers as the version that it says it is, and knows the time zones."""

from __future__ import annotations

from tests.engines.server import Server


def test_postgres(postgres_server: Server) -> None:
    assert postgres_server.version.startswith("18.")


def test_mysql(mysql_server: Server) -> None:
    assert mysql_server.version


def test_mariadb(mariadb_server: Server) -> None:
    assert mariadb_server.version


def test_clickhouse(clickhouse_server: Server) -> None:
    assert clickhouse_server.version
