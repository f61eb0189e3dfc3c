"""Postgres passes the kit."""

from __future__ import annotations

import pytest

import cuboid_postgres
from cuboid.testing import DriverConformance


@pytest.mark.engine("postgres")
class TestPostgres(DriverConformance):
    plugin = cuboid_postgres
    driver = "postgres"

    def config(self):
        server = self.request.getfixturevalue("postgres_server")
        return {name: getattr(server, name) for name in ("host", "port", "database", "user", "password")}

    def running_slow_statements(self):
        return (
            "SELECT count(*) AS n FROM pg_stat_activity "
            "WHERE state = 'active' AND query LIKE '%cuboid_kit_slow%' AND pid <> pg_backend_pid()"
        )
