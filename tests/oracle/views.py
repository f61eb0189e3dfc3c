"""Views: a query through them is one over their cubes, whose members have paths. Rules 1.6 and 1.7."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.oracle.expressions import Value
from tests.oracle.filters import Item, RefusedError, members
from tests.oracle.question import PathsOf
from tests.oracle.world import Measure, Paths, View, World

Rename = Callable[[str], str]


def in_cubes(world: World, query: Mapping[str, Any]) -> tuple[World, Mapping[str, Any], PathsOf]:
    """The world with the own members of views among those of its cubes; the query with the names of cubes and with
    the default filters of views; and the paths of the members that it asks for through views, those that own measures
    are made of too. Raises RefusedError for a member that it asks for along several, rule 1.6."""
    origins = _origins(world)
    query = {**query, "filters": [*query.get("filters", ()), *added_filters(world, query)]}
    parts = {
        f"{view.name}.{own.name}": {part: view.paths[part] for part in view.reads(own)}
        for view in world.views
        for own in view.own
        if isinstance(own, Measure)
    }
    found: dict[str, Paths] = {}

    def note(origin: str, along: Paths) -> None:
        if found.setdefault(origin, along) != along:
            raise RefusedError(f"{origin} is asked along different paths")

    def named(name: str) -> str:
        member, rest = _split(name)
        origin, along = origins.get(member, (member, ()))
        for part, path in {origin: along, **parts.get(member, {})}.items():
            note(part, path)
        return origin + rest

    if not world.views:
        return world, query, {}
    return (
        world.with_own_members(),
        renamed(query, named),
        {name: along for name, along in found.items() if along},
    )


def added_filters(world: World, query: Mapping[str, Any]) -> list[Item]:
    """The default filters of the views that the query touches, less those that it releases: rule 1.8."""
    origins = {name: origin for view in world.views for name, origin in view.origins.items()}
    tested = {name for item in query.get("filters", ()) for name in members(item)}
    tested |= {entry["dimension"] for entry in query.get("timeDimensions", ()) if "dateRange" in entry}
    released = {origins.get(name, name) for name in tested}
    touched: set[str] = set()
    renamed(query, lambda name: touched.add(name.partition(".")[0]) or name)  # type: ignore[func-returns-value]
    return [
        default.item
        for view in world.views
        for default in view.defaults
        if view.name in touched
        and released.isdisjoint(origins[name] for name in (*members(default.item), *default.unless))
    ]


def named(world: World, query: Mapping[str, Any]) -> dict[str, tuple[View, str]]:
    """The members of views that the query names, by what they stand for: each with its view and its name there. To
    order by a member is not to name it."""
    by_name = {name: (view, origin) for view in world.views for name, origin in view.origins.items()}
    found: dict[str, tuple[View, str]] = {}

    def note(name: str) -> str:
        member, _ = _split(name)
        if member in by_name:
            view, origin = by_name[member]
            found[origin] = (view, member.partition(".")[2])
        return name

    renamed({key: value for key, value in query.items() if key != "order"}, note)
    return found


def renamed(query: Mapping[str, Any], named: Rename) -> dict[str, Any]:
    """The query with other names in all places."""
    found = dict(query)
    for key in ("measures", "dimensions", "segments"):
        if key in query:
            found[key] = [named(name) for name in query[key]]
    for key in ("timeDimensions", "percentOfTotal", "filters"):
        if key in query:
            found[key] = [renamed_item(entry, named) for entry in query[key]]
    if "top" in query:
        found["top"] = renamed_item(query["top"], named)
    order = query.get("order")
    if isinstance(order, Mapping):
        found["order"] = {named(name): direction for name, direction in order.items()}
    elif order:
        found["order"] = [[named(name), direction] for name, direction in order]
    return found


def renamed_item(entry: Mapping[str, Any], named: Rename) -> dict[str, Any]:
    """Part of a query: what it calls a member or groups of such."""
    found = dict(entry)
    for key in ("dimension", "measure", "member", "by"):
        if key in entry:
            found[key] = named(entry[key])
    for key in ("and", "or"):
        if key in entry:
            found[key] = [renamed_item(each, named) for each in entry[key]]
    if "within" in entry:
        found["within"] = [named(name) for name in entry["within"]]
    return found


@dataclass(frozen=True, slots=True)
class Shown:
    """The keys of rows as the query has the members' names."""

    world: World
    query: Mapping[str, Any]
    _names: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        origins = _origins(self.world)

        def note(name: str) -> str:
            member, _ = _split(name)
            if member in origins:
                self._names[origins[member][0]] = member
            return name

        renamed(self.query, note)

    def key(self, key: str) -> str:
        member, rest = _split(key)
        return self._names.get(member, member) + rest

    def row(self, row: Mapping[str, Value]) -> dict[str, Value]:
        return {self.key(key): value for key, value in row.items()}


def _split(name: str) -> tuple[str, str]:
    """A member's full name, and what follows it."""
    cube, member, *rest = name.split(".", 2)
    return f"{cube}.{member}", "".join(f".{each}" for each in rest)


def _origins(world: World) -> dict[str, tuple[str, Paths]]:
    """Of each member of a view what it stands for, and by which paths."""
    return {
        name: (origin, view.paths[origin]) for view in world.views for name, origin in view.origins.items()
    }
