"""The order of an answer's rows: the default, and which of the keys a client wrote count."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from cuboid.query.model import OrderKey, Query, TimeGrouping


def default_order(query: Query) -> tuple[tuple[str, bool], ...]:
    """(id, descending) where the client gave no order: the first time dimension; else the first measure, largest
    first, if there are dimensions too; else the first dimension."""
    for entry in query.time_dimensions:
        if entry.granularity:
            return ((entry.dimension, False),)
    if query.measures and query.dimensions:
        return ((query.measures[0], True),)
    if query.dimensions:
        return ((query.dimensions[0], False),)
    return ()


def effective_keys(
    order: Iterable[tuple[str, bool]],
    measures: Sequence[str],
    dimensions: Sequence[str],
    groupings: Sequence[TimeGrouping],
) -> tuple[OrderKey, ...]:
    """The keys that name a selected column, each once; others are dropped, as in Cube.

    A time dimension without granularity means its finest selected one.

    :param groupings: the finest first.
    """
    columns = {name: name for name in (*measures, *dimensions)}
    for grouping in groupings:
        columns.setdefault(grouping.member, grouping.key)
        columns[grouping.key] = grouping.key
    keys: dict[str, OrderKey] = {}
    for name, descending in order:
        if name in columns:
            keys.setdefault(columns[name], OrderKey(columns[name], descending))
    return tuple(keys.values())
