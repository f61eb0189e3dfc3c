"""``default_filters`` of a view: filters that a query gets unless it asks about the same."""

from __future__ import annotations

from collections.abc import Mapping

from cuboid.catalog import keys
from cuboid.catalog.fields import Fields, read_entries
from cuboid.catalog.named import named_member, named_members
from cuboid.catalog.nodes import Node
from cuboid.catalog.scope import Scope
from cuboid.catalog.stated_filters import read_filter
from cuboid.catalog.views import DefaultFilter


def read_default_filters(scope: Scope, names: Mapping[str, str]) -> tuple[DefaultFilter, ...]:
    """The view's default filters; their members are the view's.

    :param names: what origins are called in the view, by full name.
    """
    found = (_read(node, scope, names) for node in scope.cube.fields.items("default_filters"))
    return tuple(each for each in found if each is not None)


def _read(node: Node, scope: Scope, names: Mapping[str, str]) -> DefaultFilter | None:
    fields = read_entries(node, keys.DEFAULT_FILTER, scope.problems)
    if fields is None:
        return None
    if not fields.has("member"):
        fields.missing("member", "a member of the view")
        return None
    written = named_member(fields, "member", scope)
    unless = tuple(
        _in_view(name, fields, "unless", scope, names) for name in named_members(fields, "unless", scope)
    )
    if written is None:
        return None
    member = _in_view(written, fields, "member", scope, names)
    stated = read_filter(fields, scope, member)
    if stated is None or member is None:
        return None
    return DefaultFilter(stated, tuple(name for name in unless if name is not None))


def _in_view(name: str, fields: Fields, key: str, scope: Scope, names: Mapping[str, str]) -> str | None:
    """The view's name for a member of the view or of one of its cubes."""
    if name.partition(".")[0] == scope.cube.name:
        return name
    if name not in names:
        scope.problems.error(
            fields.place_of(key), f"view '{scope.cube.name}' does not include '{name}'", "Include it first."
        )
    return names.get(name)
