"""The driver passes Cuboid's kit."""

import cuboid_sqlite

from cuboid.testing import DriverConformance


class TestSQLite(DriverConformance):
    plugin = cuboid_sqlite
    driver = "sqlite"
    embedded = True

    def config(self):
        return {"database": ":memory:"}

    def unreachable(self):
        return {"database": "no/such/folder/shop.db"}
