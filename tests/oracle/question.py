"""Reading a JSON query: which columns it groups by, which measures, which conditions, which order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from tests.oracle.bins import about
from tests.oracle.filters import Item, flatten, members
from tests.oracle.world import Path, Paths, World

PathsOf = Mapping[str, Paths]
"""The paths of the members that a query asks for through a view, by their full names."""


@dataclass(frozen=True, slots=True)
class GroupColumn:
    """A dimension; with a granularity, a time dimension floored in the query's zone. ``paths``: of the view that it is
    asked through."""

    member: str
    granularity: str | None = None
    paths: Paths = field(default=(), compare=False)

    @property
    def key(self) -> str:
        return f"{self.member}.{self.granularity}" if self.granularity else self.member


@dataclass(frozen=True, slots=True, eq=False)
class Condition:
    """A condition on rows. ``ranged``: the date range of a time dimension. ``paths``: of the views that its members
    are asked through."""

    item: Item
    ranged: bool = False
    paths: Paths = ()

    @property
    def names(self) -> frozenset[str]:
        return frozenset(members(self.item))


@dataclass(frozen=True, slots=True)
class Share:
    """``percentOfTotal``; ``within``: the columns that the total is grouped by."""

    measure: str
    within: tuple[GroupColumn, ...]

    @property
    def key(self) -> str:
        return f"{self.measure}.percent_of_total"


@dataclass(frozen=True, slots=True)
class Top:
    """``top``; ``others``: what stands for them, False where they are dropped."""

    dimension: str
    by: str
    limit: int
    others: str | Literal[False] | None = False


@dataclass(frozen=True, slots=True)
class Question:
    """A query as read: ``conditions`` test dimensions only, ``group_filters`` name at least one measure.
    ``order`` holds (column key, descending) of selected columns. ``merged``: the dimension of which values are made one
    group by the query, or by the one that this is a part of. ``paths``: of members that are asked through a view."""

    columns: tuple[GroupColumn, ...]
    measures: tuple[str, ...]
    conditions: tuple[Condition, ...] = ()
    group_filters: tuple[Item, ...] = ()
    segments: tuple[str, ...] = ()
    order: tuple[tuple[str, bool], ...] = ()
    limit: int = 10_000
    offset: int = 0
    zone: str = "UTC"
    ungrouped: bool = False
    shares: tuple[Share, ...] = ()
    top: Top | None = None
    merged: str | None = None
    paths: PathsOf = field(default_factory=dict)
    hints: tuple[Path, ...] = ()

    @property
    def grouped(self) -> frozenset[str]:
        return frozenset(column.member for column in self.columns)

    @property
    def measuring(self) -> tuple[str, ...]:
        """The measures that are selected or filtered by."""
        filtered = (name for item in self.group_filters for name in members(item))
        return tuple(dict.fromkeys((*self.measures, *filtered)))


def read(world: World, query: Mapping[str, Any], paths: PathsOf | None = None) -> Question:
    """The meaning of a JSON query's keys, in which names of views are those of cubes already."""
    paths = paths or {}
    columns = tuple(replace(column, paths=paths.get(column.member, ())) for column in _columns(query))
    measures = tuple(dict.fromkeys(query.get("measures", ())))
    filters = list(flatten(query.get("filters", ())))
    ranges: list[Item] = []
    for entry in query.get("timeDimensions", ()):
        if "dateRange" in entry:
            written = entry["dateRange"]
            values = [written] if isinstance(written, str) else list(written)
            ranges.append({"member": entry["dimension"], "operator": "inDateRange", "values": values})
    on_groups = [f for f in filters if any(world.measure(m) is not None for m in members(f))]
    on_rows = [_condition(f, paths) for f in filters if f not in on_groups]
    return Question(
        columns=columns,
        measures=measures,
        conditions=(*on_rows, *(_condition(item, paths, ranged=True) for item in ranges)),
        group_filters=tuple(on_groups),
        segments=tuple(dict.fromkeys(query.get("segments", ()))),
        order=_order(query, columns, measures),
        limit=query.get("limit", 10_000),
        offset=query.get("offset", 0),
        zone=query.get("timezone", "UTC"),
        ungrouped=bool(query.get("ungrouped")),
        shares=tuple(_share(columns, entry) for entry in query.get("percentOfTotal", ())),
        top=Top(**query["top"]) if "top" in query else None,
        merged=query["top"]["dimension"]
        if "top" in query and query["top"].get("others") is not False
        else None,
        paths=paths,
        hints=tuple(tuple(hint) for hint in query.get("joinHints", ())),
    )


def _condition(item: Item, paths: PathsOf, *, ranged: bool = False) -> Condition:
    named = (path for name in dict.fromkeys(members(item)) for path in paths.get(name, ()))
    return Condition(item, ranged, tuple(named))


def _share(columns: tuple[GroupColumn, ...], entry: Mapping[str, Any]) -> Share:
    within = tuple(column for column in columns if column.key in entry.get("within", ()))
    return Share(entry["measure"], within)


def _columns(query: Mapping[str, Any]) -> tuple[GroupColumn, ...]:
    plain = [name for name in query.get("dimensions", ()) if name.count(".") == 1]
    floored = [
        (entry["dimension"], entry["granularity"])
        for entry in query.get("timeDimensions", ())
        if entry.get("granularity")
    ]
    # `Cube.dimension.granularity` among the dimensions is a time dimension, after the given ones.
    floored += [tuple(name.rsplit(".", 1)) for name in query.get("dimensions", ()) if name.count(".") == 2]
    columns = [GroupColumn(name) for name in plain] + [GroupColumn(*pair) for pair in floored]
    return tuple(dict.fromkeys(columns))


def finest(columns: tuple[GroupColumn, ...], member: str) -> GroupColumn | None:
    """The column that ``member`` alone stands for: itself, else its finest selected granularity."""
    found = [column for column in columns if column.member == member]
    plain = [column for column in found if column.granularity is None]
    if plain:
        return plain[0]
    return min(found, key=lambda c: about(c.granularity or ""), default=None)


def _order(
    query: Mapping[str, Any], columns: tuple[GroupColumn, ...], measures: tuple[str, ...]
) -> tuple[tuple[str, bool], ...]:
    if "order" in query:
        written = query["order"]
        pairs = written.items() if isinstance(written, Mapping) else written
        order: dict[str, bool] = {}
        for name, direction in pairs:
            column = finest(columns, name)
            key = column.key if column is not None else name
            if key in measures or any(key == c.key for c in columns):
                order.setdefault(key, direction == "desc")
        return tuple(order.items())
    floored = [column for column in columns if column.granularity]
    plain = [column for column in columns if not column.granularity]
    if floored:
        # The default names the dimension, and a dimension alone stands for its finest selected column.
        first = finest(columns, floored[0].member)
        assert first is not None
        return ((first.key, False),)
    if measures and plain:
        return ((measures[0], True),)
    return ((plain[0].key, False),) if plain else ()


def units(world: World, full_name: str) -> Iterator[str]:
    """What a measure is computed of on the combined row: itself, unless it is composed."""
    measure = world.measure(full_name)
    assert measure is not None
    if not measure.composed:
        yield full_name
        return
    for child in measure.children:
        yield from units(world, child)


def leaves(world: World, full_name: str) -> Iterator[str]:
    """The measures over rows that a measure is made of, through its stages."""
    measure = world.measure(full_name)
    assert measure is not None
    if not measure.composed and measure.stage is None:
        yield full_name
        return
    for child in measure.children:
        yield from leaves(world, child)


def leaf_measures(world: World, question: Question) -> tuple[str, ...]:
    """The leaves of all measures that are selected or filtered by."""
    named = [name for name in question.measuring if world.measure(name) is not None]
    return tuple(dict.fromkeys(leaf for name in named for leaf in leaves(world, name)))
