"""What a view is beside its members, and what both cubes and views group their members by for display.

The members of a view are ordinary members whose SQL is one reference with a join path, ``{orders.users.city}``, or
a formula over such references; a view has no rows of its own and never stands in FROM.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cuboid.catalog.pieces import Place


@dataclass(frozen=True, slots=True)
class Hierarchy:
    """An ordered drill path; ``levels`` are full names of dimensions. ``alias_member``: the origin, in views."""

    name: str
    title: str
    levels: tuple[str, ...]
    public: bool
    place: Place
    alias_member: str | None = None


@dataclass(frozen=True, slots=True)
class Folder:
    """Members of a view under a name; ``items`` are full names of members and nested folders, in order."""

    name: str
    items: tuple[str | Folder, ...]


@dataclass(frozen=True, slots=True)
class DefaultFilter:
    """A filter that is added unless the query filters its member or one of ``unless`` (full names).

    :param filter: in the query's JSON form, with full member names, checked.
    """

    filter: Mapping[str, Any]
    unless: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class View:
    """What makes an entry of the catalog a view.

    :param paths: the join paths that it includes, each a tuple of cubes, in order of declaration.
    """

    paths: tuple[tuple[str, ...], ...]
    default_filters: tuple[DefaultFilter, ...] = ()
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ViewGroup:
    """Views under a heading; ``includes`` are names of views and nested groups, in order."""

    name: str
    title: str
    description: str | None
    includes: tuple[str | ViewGroup, ...]
    place: Place
