"""Requests that come again: what was understood of one is understood of the next, without reading or planning it.

A request is known again by all that it is read from, whole: its text, its parameters, the claims of whoever asks (those
that differ from token to token too, since a model may read them), the catalog, and what pipelines have said. Requests
that count from the present are read each time, and all are where plugins have a say in what a query means.
"""

from __future__ import annotations

import marshal
from collections import OrderedDict
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from cuboid.planner import Planner
from cuboid.planning import Planning
from cuboid.query.identities import Identities
from cuboid.request import Request, RequestContext
from cuboid.run.data_source import DataSource

V = TypeVar("V")

MOST = 2000
"""Requests that are known at once; one is some kilobytes. The one that came longest ago is forgotten first."""

LARGEST = 10_000
"""Bytes of a request that is worth knowing."""


@dataclass(frozen=True, slots=True)
class _Known(Generic[V]):
    """What is known of a request, by which planner, and the data sources it was planned for."""

    value: V
    planner: int
    sources: frozenset[DataSource]


class Repeats(Generic[V]):
    """Knows requests again. Used from one event loop.

    :param planning: tells what is in force. What was planned by other planners, or for data sources that were replaced
        since, is forgotten.
    """

    def __init__(self, planning: Planning) -> None:
        self.on = not planning.settings.plugins_decide
        """Requests are known again: no plugin has a say in what they mean."""
        self._in_force = planning.in_force
        planning.planned.append(self.keep)
        self._known: OrderedDict[Hashable, _Known[V]] = OrderedDict()
        self._identities = Identities()

    def key(
        self, raw: object, context: RequestContext, planner: Planner, epoch: int, options: tuple[object, ...]
    ) -> Hashable | None:
        """By what the request is known again; None if it is not."""
        if not self.on:
            return None
        plain: Any = raw
        try:
            text = marshal.dumps(plain, 0)  # tells types apart; in version 0 equal values have equal bytes
        except ValueError:
            return None
        if len(text) > LARGEST:
            return None
        return text, options, context.dev, planner.serial, epoch, self._identities.of(context.principal)

    def get(self, key: Hashable | None) -> V | None:
        """What is known of the request."""
        found = None if key is None else self._known.get(key)
        if found is None:
            return None
        if not all(map(self._in_force, found.sources)):
            del self._known[key]
            return None
        self._known.move_to_end(key)
        return found.value

    def put(
        self,
        key: Hashable | None,
        value: V,
        request: Request,
        planner: Planner,
        sources: Iterable[DataSource],
    ) -> None:
        """Knows the request from now on, unless it is another one at another time."""
        if key is None or request.moving:
            return
        self._known[key] = _Known(value, planner.serial, frozenset(sources))
        if len(self._known) > MOST:
            self._known.popitem(last=False)

    def keep(self, planners: frozenset[int]) -> None:
        """Knows the requests over these planners only; those over others are not read that way any more."""
        for key, known in list(self._known.items()):
            if known.planner not in planners:
                del self._known[key]
