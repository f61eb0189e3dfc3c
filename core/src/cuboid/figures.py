"""Counts of a service, for those who watch it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass

from cuboid.run.bounded import BoundedQueue, QueueSnapshot
from cuboid.run.cache import CacheFigures
from cuboid.run.data_source import DataSource
from cuboid.run.link import LinkFigures
from cuboid.run.rollups.builds import Counts


@dataclass(frozen=True, slots=True)
class Figures:
    """Counts of one service at one moment.

    :param shapes: statements that are kept for their shape.
    :param forms: queries that are known but for their values.
    :param mistakes: errors of the models in force.
    :param queues: by data source, as models name them, of those whose queue counts.
    :param rows: that data sources returned so far, by data source.
    :param cache: of the answers that are kept.
    :param builds: of rollups, if any are kept.
    :param link: to other processes, if there is an exchange.
    """

    shapes: int
    forms: int
    mistakes: int
    queues: Mapping[str, QueueSnapshot]
    rows: Mapping[str, int]
    cache: CacheFigures
    builds: Counts | None = None
    link: LinkFigures | None = None


def queues(sources: Iterable[DataSource]) -> Mapping[str, QueueSnapshot]:
    """The counts of queues by their data source's name in models: those of tenants together."""
    found: dict[str, QueueSnapshot] = {}
    for source in sources:
        if isinstance(source.queue, BoundedQueue):
            both = (found.get(source.shown, QueueSnapshot(0, 0, 0, 0)), source.queue.snapshot())
            found[source.shown] = QueueSnapshot(*map(sum, zip(*map(astuple, both), strict=True)))
    return found
