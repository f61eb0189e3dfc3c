"""The whole kit, one base class."""

from __future__ import annotations

from cuboid.testing.expressions import Expressions
from cuboid.testing.lifecycle import Lifecycle
from cuboid.testing.queue_live import QueueLive
from cuboid.testing.queue_stub import QueueOnStub
from cuboid.testing.registration import Registration
from cuboid.testing.series import Series
from cuboid.testing.times import Times
from cuboid.testing.values import Values


class DriverConformance(Registration, Lifecycle, Values, Times, Expressions, Series, QueueOnStub, QueueLive):
    """Subclass it with ``plugin``, ``driver`` and ``config()``: see :mod:`cuboid.testing`."""
