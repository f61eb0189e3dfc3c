"""Counts of a service, for those who watch it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cuboid.run.bounded import QueueSnapshot
from cuboid.run.cache import CacheFigures
from cuboid.run.link import LinkFigures
from cuboid.run.rollups.builds import Counts


@dataclass(frozen=True, slots=True)
class Figures:
    """Counts of one service at one moment.

    :param shapes: statements that are kept for their shape.
    :param mistakes: errors of the models in force.
    :param queues: by data source, of those whose queue counts.
    :param rows: that data sources returned so far, by data source.
    :param cache: of the answers that are kept.
    :param builds: of rollups, if any are kept.
    :param link: to other processes, if there is an exchange.
    """

    shapes: int
    mistakes: int
    queues: Mapping[str, QueueSnapshot]
    rows: Mapping[str, int]
    cache: CacheFigures
    builds: Counts | None = None
    link: LinkFigures | None = None
