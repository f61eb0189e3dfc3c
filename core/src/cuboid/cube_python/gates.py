"""Options of ``cube.py`` that decide about requests: ``check_auth``, ``extend_context``, ``context_to_api_scopes``."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from cuboid.catalog.awaiting import settle
from cuboid.catalog.settings import plain
from cuboid.errors import CuboidError, Unauthenticated
from cuboid.hookspecs import hookimpl
from cuboid.types import HttpRequest, Principal

SPELLINGS = ("security_context", "securityContext")


def check_auth(check: Callable[..., Any]) -> Any:
    """The hook ``authenticate``: as in Cube, the function alone decides. What it returns under ``security_context``
    counts, else what it put into its first argument; what it raises refuses the request."""

    @hookimpl
    def authenticate(token: str | None, request: HttpRequest) -> Mapping[str, Any]:
        given = {**_request(request), "securityContext": {}, "security_context": {}}
        try:
            returned = settle(check(given, token))
        except CuboidError:
            raise
        except Exception as error:  # the project's code, and the only way in which it can refuse
            raise Unauthenticated(str(error) or "Invalid token") from None
        for source in (returned, given):
            for spelling in SPELLINGS:
                found = source.get(spelling) if isinstance(source, Mapping) else None
                if found:
                    return dict(found)
        return {}

    return authenticate


def extend_context(extend: Callable[..., Any]) -> Any:
    """The hook of that name. What it adds to the security context is seen by the functions of ``cube.py``; policies and
    the SQL of models go by the verified claims."""

    @hookimpl
    def extend_context(principal: Principal, request: HttpRequest) -> Mapping[str, Any] | None:
        claims = plain(principal.claims)
        given = {**_request(request), "securityContext": claims, "security_context": claims}
        given_keys = frozenset(given)
        returned = settle(extend(given))
        if not isinstance(returned, Mapping):
            return None
        added = {key: value for key, value in returned.items() if key not in given_keys}
        contexts = [
            returned[each] for each in SPELLINGS if returned.get(each) not in (None, principal.claims)
        ]
        return added | (dict.fromkeys(SPELLINGS, contexts[0]) if contexts else {})

    return extend_context


def context_to_api_scopes(choose: Callable[..., Any]) -> Any:
    """The hook ``api_scopes``."""

    @hookimpl
    def api_scopes(principal: Principal, scopes: Collection[str]) -> Any:
        return settle(choose(plain(principal.claims), list(scopes)))

    return api_scopes


def _request(request: HttpRequest) -> dict[str, Any]:
    """The request as Cube's functions get it."""
    shown = {"method": request.method, "url": request.path, "headers": dict(request.headers)}
    return {"request": shown, **shown}
