"""The kit, on MySQL and on MariaDB."""

from __future__ import annotations

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


class TestMySQL(MySQLFamily):
    fixture = "mysql_server"


class TestMariaDB(MySQLFamily):
    fixture = "mariadb_server"
