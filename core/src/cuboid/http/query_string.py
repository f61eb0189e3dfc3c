"""Query strings with Express' nested keys: ``query[measures][]=Orders.count`` is ``{"query": {"measures": […]}}``.

Values stay text. Keys that count up (``[]``, ``[0]`` …) make lists, others objects; a repeated plain key makes
a list.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qsl

from cuboid.errors import InvalidQuery

MOST_PARAMETERS = 1000
DEEPEST = 5
"""Express' own limits."""

KEY = re.compile(r"(?P<name>[^\[\]]+)(?P<steps>(?:\[[^\[\]]*\])+)\Z")

Node = dict[str, Any]

_KNOWN: dict[str, Mapping[str, Any]] = {}
"""Query strings whose values are texts, read: reading one takes as long as answering a question that is kept."""

MOST_KNOWN = 500
LONGEST_KNOWN = 4000


def parse_query_string(text: str) -> Mapping[str, Any]:
    """The parameters in ``text`` (what follows the ``?``, in Latin-1 as HTTP servers hold it).

    Raises :class:`InvalidQuery` for too many parameters, too deep keys, and a key that is both a value and a list.
    """
    known = _KNOWN.get(text)
    if known is None:
        known = _parse(text)
        if len(text) <= LONGEST_KNOWN and all(isinstance(value, str) for value in known.values()):
            _KNOWN[text] = known
            if len(_KNOWN) > MOST_KNOWN:
                del _KNOWN[next(iter(_KNOWN))]
    return known


def _parse(text: str) -> Mapping[str, Any]:
    try:
        pairs = parse_qsl(
            text.encode("latin-1", "replace").decode("utf-8", "replace"),
            keep_blank_values=True,
            errors="replace",
            max_num_fields=MOST_PARAMETERS,
        )
    except ValueError:
        raise InvalidQuery(f"The query string has more than {MOST_PARAMETERS} parameters.") from None
    tree: Node = {}
    for key, value in pairs:
        match = KEY.match(key)
        steps = re.findall(r"\[([^\[\]]*)\]", match["steps"]) if match else []
        if len(steps) > DEEPEST:
            raise InvalidQuery(f"The query string's key {key!r} is nested deeper than {DEEPEST} levels.")
        _insert(tree, [match["name"] if match else key, *steps], value, key)
    return MappingProxyType({name: _collapse(node) for name, node in tree.items()})


def _insert(tree: Node, path: list[str], value: str, key: str) -> None:
    """Puts ``value`` at ``path``; a leaf holds the list of all values that were given for it."""
    node = tree
    for step in path[:-1]:
        node = node.setdefault(step or str(len(node)), {})
        if not isinstance(node, dict):
            raise InvalidQuery(f"The query string gives {key!r} both a value and parts.")
    values = node.setdefault(path[-1] or str(len(node)), [])
    if not isinstance(values, list):
        raise InvalidQuery(f"The query string gives {key!r} both a value and parts.")
    values.append(value)


def _collapse(node: Any) -> Any:
    """Lists for keys that are all numbers, objects for others, single values out of their lists."""
    if isinstance(node, list):
        return node[0] if len(node) == 1 else node
    items = {key: _collapse(child) for key, child in node.items()}
    if all(key.isascii() and key.isdigit() for key in items):
        return [items[key] for key in sorted(items, key=lambda key: (len(key), key))]
    return items
