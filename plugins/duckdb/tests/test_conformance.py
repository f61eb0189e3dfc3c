"""DuckDB passes the kit."""

from __future__ import annotations

import cuboid_duckdb
from cuboid.testing import DriverConformance


class TestDuckDB(DriverConformance):
    plugin = cuboid_duckdb
    driver = "duckdb"
    embedded = True

    def config(self):
        return {"database": ":memory:"}

    def unreachable(self):
        return {"database": "no/such/folder/shop.duckdb"}
