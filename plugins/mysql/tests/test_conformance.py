"""The kit, on MySQL and on MariaDB, by either client library."""

from __future__ import annotations

import pytest

import cuboid_mysql
from cuboid.testing import DriverConformance


class MySQLFamily(DriverConformance):
    plugin = cuboid_mysql
    driver = "mysql"
    fixture: str

    def config(self):
        server = self.request.getfixturevalue(self.fixture)
        names = ("host", "port", "user", "password", "database")
        return {name: getattr(server, name) for name in names}

    def running_slow_statements(self):
        return (
            "SELECT COUNT(*) AS n FROM information_schema.processlist "
            "WHERE info LIKE '%%cuboid_kit_slow%%' AND id <> CONNECTION_ID()"
        )


@pytest.mark.engine("mysql")
class TestMySQL(MySQLFamily):
    fixture = "mysql_server"


@pytest.mark.engine("mariadb")
class TestMariaDB(MySQLFamily):
    fixture = "mariadb_server"


class Asyncmy(MySQLFamily):
    driver = "asyncmy"

    def test_the_plugin_is_installed_as_an_entry_point(self):
        """It is, by the name of its other driver."""


@pytest.mark.engine("mysql")
class TestMySQLByAsyncmy(Asyncmy):
    fixture = "mysql_server"


@pytest.mark.engine("mariadb")
class TestMariaDBByAsyncmy(Asyncmy):
    fixture = "mariadb_server"
