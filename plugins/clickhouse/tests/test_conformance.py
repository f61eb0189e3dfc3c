"""ClickHouse passes the kit."""

from __future__ import annotations

import pytest

import cuboid_clickhouse
from cuboid.testing import DriverConformance

RUNNING = """
SELECT count() FROM system.processes WHERE query LIKE '%cuboid_kit_slow%' AND query NOT LIKE '%system.processes%'
"""


@pytest.mark.engine("clickhouse")
class TestChDB(DriverConformance):
    plugin = cuboid_clickhouse
    driver = "chdb"

    def config(self):
        return {}

    def test_the_plugin_is_installed_as_an_entry_point(self):
        """It is, by the name of its other driver."""

    def unreachable(self):
        return {"path": "no/such/folder"}

    def running_slow_statements(self):
        return RUNNING


@pytest.mark.engine("clickhouse")
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
        return RUNNING
