"""ClickHouse passes the kit."""

from __future__ import annotations

import cuboid_clickhouse
from cuboid.testing import DriverConformance


class TestClickHouse(DriverConformance):
    plugin = cuboid_clickhouse
    driver = "clickhouse"

    def config(self):
        server = self.request.getfixturevalue("clickhouse_server")
        return {
            "host": server.host,
            "port": server.port,
            "database": server.database,
            "user": server.user,
            "password": server.password,
        }

    def running_slow_statements(self):
        mine = "query LIKE '%cuboid_kit_slow%' AND query NOT LIKE '%system.processes%'"
        return f"SELECT count() FROM system.processes WHERE {mine}"
