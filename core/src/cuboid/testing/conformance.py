"""The whole kit, one base class."""

from __future__ import annotations

from cuboid.testing.expressions import Expressions
from cuboid.testing.lifecycle import Lifecycle
from cuboid.testing.queueing import Queueing
from cuboid.testing.registration import Registration
from cuboid.testing.times import Times
from cuboid.testing.values import Values


class DriverConformance(Registration, Lifecycle, Values, Times, Expressions, Queueing):
    """Subclass it with ``plugin``, ``driver`` and ``config()``: see :mod:`cuboid.testing`."""
