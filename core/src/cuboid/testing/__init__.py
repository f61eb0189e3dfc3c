"""The conformance kit: what a driver must do, as tests that a plugin's author runs.

    import cuboid_exampledb
    from cuboid.testing import DriverConformance

    class TestExampleDB(DriverConformance):
        plugin = cuboid_exampledb
        driver = "exampledb"

        def config(self):
            return {"host": "127.0.0.1", "database": "test"}

Whoever writes an exchange does likewise with :class:`ExchangeConformance`, which needs its ``url`` alone.

The kit sends SELECTs of constants only: no table is needed, read or written, so it may be run against a
production replica. What it expects comes from Python (zoneinfo, decimal, sorting), never from another database.
Needs pytest: ``pip install 'cuboid[testing]'``.
"""

import pytest

_ROOMS = (
    "exchanges",
    "expressions",
    "lifecycle",
    "live",
    "queue_live",
    "queue_stub",
    "registration",
    "statements",
    "times",
    "values",
)
# Before they are imported: failing assertions then show their values, as in a test file.
pytest.register_assert_rewrite(*(f"cuboid.testing.{room}" for room in _ROOMS))

from cuboid.testing.conformance import DriverConformance  # noqa: E402
from cuboid.testing.exchanges import ExchangeConformance  # noqa: E402

__all__ = ["DriverConformance", "ExchangeConformance"]
