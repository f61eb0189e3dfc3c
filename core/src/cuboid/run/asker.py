"""Whose request a statement belongs to, and how much it presses."""

from __future__ import annotations

from dataclasses import dataclass

INTERACTIVE = 10
"""The priority of requests that say nothing."""


@dataclass(frozen=True, slots=True)
class Asker:
    """``owner``, ``request``, ``tenant`` and ``priority`` as :class:`cuboid.types.Job` has them."""

    owner: str = ""
    request: str = ""
    tenant: str = ""
    priority: int = INTERACTIVE


NOBODY = Asker()
