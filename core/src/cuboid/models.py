"""The catalogs that a service answers over: one for all, or one for each tenant."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from cuboid.catalog.model import Catalog
from cuboid.types import Principal


class Models(Protocol):
    """The catalogs in force, by who asks."""

    async def named(self, principal: Principal) -> tuple[str, Catalog]:
        """The principal's tenant, empty for none, and what may be asked there."""

    def held(self) -> Iterable[Catalog]:
        """All that may be asked now."""


@dataclass(frozen=True, slots=True)
class OneModel:
    """The same catalog for all."""

    current: Callable[[], Catalog]

    async def named(self, principal: Principal) -> tuple[str, Catalog]:
        return "", self.current()

    def held(self) -> Iterable[Catalog]:
        return (self.current(),)
