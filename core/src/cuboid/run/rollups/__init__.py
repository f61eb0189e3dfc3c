"""Rollups: their parts are built when somebody needs them or a worker says so, kept fresh, and removed."""

from __future__ import annotations

from cuboid.run.rollups.late import LateRollups
from cuboid.run.rollups.rollups import Rollups, RollupSettings

__all__ = ["LateRollups", "RollupSettings", "Rollups"]
