"""Alignment: which times of a question are beginnings of stored buckets.

It is what of a question's values decides whether stored rows answer it: a range that begins within a bucket would take
all of it or nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from cuboid.catalog.model import Catalog
from cuboid.catalog.timing import Bins, bins_of
from cuboid.plan.layouts import Layout
from cuboid.plan.members import Members
from cuboid.plan.nodes import Key
from cuboid.query.model import Shape, Values, predicates

Aligned = frozenset[tuple[int, Key]]
"""Which values of a question (by slot) are the beginning of a bucket of which stored time."""

_MICROSECOND = timedelta(microseconds=1)


class Alignment:
    """Compares times with the buckets of these layouts."""

    def __init__(self, catalog: Catalog, members: Members, layouts: Iterable[Layout]) -> None:
        self._catalog = catalog
        self._members = members
        self._times: dict[str, set[Key]] = {}
        for layout in layouts:
            for key in layout.keys:
                if catalog.dimension(key.member).type == "time":
                    self._times.setdefault(key.member, set()).add(key)

    def of(self, shape: Shape, values: Values) -> Aligned:
        """The question's times that are beginnings."""
        found: set[tuple[int, Key]] = set()
        zone = ZoneInfo(shape.timezone)
        rules = (each.condition for each in shape.access.rows)
        for condition in (*shape.row_conditions, *shape.access.conditions, *rules):
            for predicate in predicates(condition):
                for key in self._times.get(self._members.origin(predicate.member), ()):
                    for slot in predicate.slots:
                        civil = values.civil.get(slot.index)
                        if civil is not None and self._begins(key, civil, zone):
                            found.add((slot.index, key))
        return frozenset(found)

    def _begins(self, key: Key, civil: datetime, zone: ZoneInfo) -> bool:
        dimension = self._catalog.dimension(key.member)
        if dimension.time_kind != "date" and _inside_repeated(civil, zone):
            return False
        if key.granularity is None:
            return True
        bins = bins_of(key.granularity, dimension.granularities)
        return bins is not None and _is_beginning(bins, civil)


def _is_beginning(bins: Bins, civil: datetime) -> bool:
    """Whether a bin begins at that very time."""
    start = bins.offset(civil)
    if bins.interval.seconds:
        return civil == bins.origin + timedelta(seconds=start)
    months = bins.origin.year * 12 + bins.origin.month - 1 + start
    return (civil.year, civil.month) == (months // 12, months % 12 + 1) and bins.offset(
        civil - _MICROSECOND
    ) != start


def _inside_repeated(civil: datetime, zone: ZoneInfo) -> bool:
    """Whether the wall clock shows this time twice, and the moment before it as well: cut there, the second passage
    through the repeated hour would lie on both sides."""
    return _is_repeated(civil, zone) and _is_repeated(civil - _MICROSECOND, zone)


def _is_repeated(civil: datetime, zone: ZoneInfo) -> bool:
    first, second = (civil.replace(tzinfo=zone, fold=fold).utcoffset() for fold in (0, 1))
    return first is not None and second is not None and first > second
