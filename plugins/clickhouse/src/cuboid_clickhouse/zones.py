"""Where ClickHouse's clocks differ from the zone tables: it knows changes on the quarter of an hour only."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from cuboid.sql.zones import offset_changes

QUARTER = 900
FIRST = 0
LAST = 2_145_916_800
"""From 1970 to 2038. Before, in the times of local mean time, many changes are off by minutes; after, none is."""


@lru_cache(maxsize=64)
def corrections(zone: str) -> Mapping[int, int]:
    """Seconds to add to ClickHouse's offset, by the minute since 1970 in which they are due; empty for most zones.

    America/St_Johns turned its clocks at one minute past midnight from 1987 to 2011, ClickHouse does at midnight.
    """
    found: dict[int, int] = {}
    for moment, before, after in offset_changes(zone, FIRST, LAST):
        for minute in range((moment - moment % QUARTER) // 60, moment // 60):
            found[minute] = before - after
    return found
