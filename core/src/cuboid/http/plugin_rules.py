"""What plugins say about requests: who sends them, what is to be known of them, and what is open to whom."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cuboid.errors import Forbidden, InternalError
from cuboid.plugins import Asker, Registry
from cuboid.query.claims import freeze
from cuboid.types import HttpRequest, Principal

SCOPES = ("graphql", "meta", "data", "sql", "jobs", "stream", "invalidate")
"""The parts of the API that can be opened: Cube's, those that have no route here among them, streams past the ordinary
limit, and saying that data has changed."""


@dataclass(frozen=True, slots=True)
class PluginRules:
    """Asks the plugins of a project; empty, it says nothing."""

    authenticators: Sequence[Asker] = ()
    extenders: Sequence[Asker] = ()
    scopes: Sequence[Asker] = ()

    @classmethod
    def of(cls, registry: Registry) -> PluginRules:
        """Those of the plugins in ``registry``."""
        return cls(
            registry.askers("authenticate"),
            registry.askers("extend_context"),
            registry.askers("api_scopes"),
        )

    @property
    def authenticates(self) -> bool:
        """Whether a plugin may say who sends a request."""
        return bool(self.authenticators)

    async def authenticate(self, token: str | None, request: HttpRequest) -> Mapping[str, Any] | None:
        """The security context that the first plugin returns that does, frozen; None if none does."""
        for ask in self.authenticators:
            claims = await ask(token=token, request=request)
            if claims is not None:
                return _frozen("authenticate", claims)
        return None

    async def context(self, principal: Principal, request: HttpRequest) -> Mapping[str, Any]:
        """What plugins add about the request, frozen."""
        added: dict[str, Any] = {}
        for ask in self.extenders:
            more = await ask(principal=principal, request=request)
            if more is not None:
                added.update(_frozen("extend_context", more))
        return freeze(added) if added else principal.context

    async def check_scope(self, principal: Principal, scope: str, default: Collection[str]) -> None:
        """Raises :class:`Forbidden` unless ``scope`` is among the principal's."""
        if not await self.has_scope(principal, scope, default):
            raise Forbidden(f"API scope is missing: {scope}")

    async def has_scope(self, principal: Principal, scope: str, default: Collection[str]) -> bool:
        """Whether ``scope`` is among the principal's."""
        scopes = default
        for ask in self.scopes:
            said = await ask(principal=principal, scopes=tuple(scopes))
            if said is not None:
                scopes = _checked(said)
        return scope in scopes


def _frozen(hook: str, value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise InternalError(f"A plugin's {hook} returned a {type(value).__name__}, which is no mapping.")
    frozen: Mapping[str, Any] = freeze(value)
    return frozen


def _checked(scopes: Any) -> Collection[str]:
    if isinstance(scopes, str) or not isinstance(scopes, Collection):
        raise InternalError(
            f"A plugin's api_scopes returned a {type(scopes).__name__}, which is no list of texts."
        )
    for scope in scopes:
        if scope not in SCOPES:
            raise InternalError(f"A plugin's api_scopes returned a wrong scope: {scope!r}")
    return scopes
