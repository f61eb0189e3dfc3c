"""``links`` of a dimension: where its values lead. Each is a dimension of its own, made for it, that holds the URL."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Literal

from cuboid.catalog import keys
from cuboid.catalog.fields import Fields, read_entries
from cuboid.catalog.model import Dimension
from cuboid.catalog.naming import link_name, titleize
from cuboid.catalog.nodes import Node
from cuboid.catalog.pieces import Template
from cuboid.catalog.scope import Scope, Use

_URL = Use("a link")
_TARGETS: Mapping[str, Literal["blank", "self"]] = MappingProxyType({"blank": "blank", "self": "self"})


@dataclass(frozen=True, slots=True)
class Link:
    """One link as it is shown, and the dimension that holds its URL; None if that is wrong (an error says why)."""

    shown: Mapping[str, Any]
    url: Dimension | None


def read_links(fields: Fields, dimension: str, scope: Scope, cube_title: str) -> tuple[Link, ...]:
    """The ``links`` of a dimension."""
    found: dict[str, Link] = {}
    for node in fields.items("links"):
        link = read_entries(node, keys.LINK, scope.problems)
        name = link.identifier("name") if link else None
        if link is None or name is None:
            continue
        if name in found:
            scope.problems.error(
                link.place_of("name"), f"there are two links '{name}'", "Rename or remove one."
            )
        read = _read(link, name, dimension, scope, cube_title)
        if read is not None:
            found[name] = read
    primary = [name for name, link in found.items() if link.shown.get("primary")]
    if len(primary) > 1:
        scope.problems.error(
            fields.place_of("links"),
            f"the links {' and '.join(primary)} are both primary",
            "Leave 'primary: true' on one of them.",
        )
    return tuple(found.values())


def _read(link: Fields, name: str, dimension: str, scope: Scope, cube_title: str) -> Link | None:
    label = link.text("label")
    if label is None and not link.has("label"):
        link.missing("label", "the text of the link")
    if link.has("url") == link.has("dashboard"):
        scope.problems.error(
            link.place, f"the link '{name}' has either 'url' or 'dashboard'", "Write one of them."
        )
        return None
    sql = _sql(link, scope)
    parameters = [_parameter(node, scope) for node in link.items("params")]
    shown = {
        "name": name,
        "label": label,
        "icon": link.text("icon"),
        # A dashboard opens in place, another site in a tab of its own.
        "target": link.choice("target", _TARGETS, default="self" if link.has("dashboard") else "blank"),
        "primary": link.flag("primary"),
        "dashboard": link.text("dashboard"),
        "params": [{} if each is None else {"key": each[0]} for each in parameters] or None,
    }
    url = None if sql is None else _dimension(link, name, dimension, sql, scope, cube_title)
    if url is not None:
        url = replace(url, parameters=tuple(each for each in parameters if each is not None))
    return Link({key: value for key, value in shown.items() if value is not None}, url)


def _sql(link: Fields, scope: Scope) -> Template | None:
    url = link.scalar("url")
    if url is not None:
        return scope.template(url, _URL)
    slug = link.scalar("dashboard")
    if slug is None:
        return None
    quoted = slug.text.replace("'", "''")
    return Template((f"'/dashboard/{quoted}'",), slug.place)


def _parameter(node: Node, scope: Scope) -> tuple[str, Template] | None:
    parameter = read_entries(node, keys.LINK_PARAMETER, scope.problems)
    if parameter is None:
        return None
    key, value = parameter.text("key"), parameter.scalar("value")
    for needed, found in (("key", key), ("value", value)):
        if found is None and not parameter.has(needed):
            parameter.missing(needed, "a name" if needed == "key" else "SQL")
    sql = None if value is None else scope.template(value, _URL)
    return None if key is None or sql is None else (key, sql)


def _dimension(
    link: Fields, name: str, dimension: str, sql: Template, scope: Scope, cube_title: str
) -> Dimension:
    full = link_name(dimension, name)
    short_title = titleize(full)
    return Dimension(
        cube=scope.cube.name,
        name=full,
        type="string",
        sql=sql,
        case=None,
        place=link.place,
        title=f"{cube_title} {short_title}",
        short_title=short_title,
        public=False,
        synthetic=True,
    )
