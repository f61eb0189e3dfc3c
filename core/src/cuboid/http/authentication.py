"""Who is it: a request's token to a :class:`Principal`, or :class:`Unauthenticated` (403 on the wire).

Tokens are JWTs signed with a shared secret. PyJWT verifies the signature, with the algorithms pinned, so that
``none`` and tokens that name another kind of key are refused. Claims are checked here, on every request, since
a verified signature is remembered but its token may expire meanwhile; the rules are those of the
jsonwebtoken library that Cube uses: no leeway, ``iat`` is not a reason to refuse, no ``exp`` is needed.
"""

from __future__ import annotations

import time
import warnings
from collections import OrderedDict
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import jwt
import orjson

from cuboid.errors import ConfigError, Unauthenticated
from cuboid.http.settings import SHARED_SECRET_ALGORITHMS, AuthSettings
from cuboid.types import Principal

NO_HEADER = "Authorization header isn't set"
INVALID = "Invalid token"

REMEMBERED_TOKENS = 1000
"""How many verified tokens are kept; verifying costs about 40 us, and clients poll with one token."""


class Authenticator:
    """Verifies the tokens of requests. Used from one event loop only."""

    def __init__(self, settings: AuthSettings, *, now: Callable[[], float] = time.time) -> None:
        """Raises :class:`ConfigError` if no token could ever be accepted, or the algorithms are not for secrets."""
        _check(settings)
        self._settings = settings
        self._now = now
        self._jws = jwt.PyJWS(algorithms=list(settings.algorithms))
        self._verified: OrderedDict[str, Any] = OrderedDict()

    def principal(self, headers: Mapping[str, str]) -> Principal:
        """Who sent these headers. Without a token nobody, where none is required; a bad token is always refused."""
        token = token_in(headers)
        if token is None:
            if self._settings.required:
                raise Unauthenticated(NO_HEADER)
            return Principal()
        claims = self._verified.get(token)
        if claims is None:
            claims = self._verify(token)
            self._remember(token, claims)
        else:
            self._verified.move_to_end(token)
        self._check_claims(claims)
        # A payload that is a bare text or number says nothing about its bearer, as in Cube.
        return Principal(claims) if isinstance(claims, Mapping) else Principal()

    def _verify(self, token: str) -> Any:
        """The frozen payload of a token that one of the secrets signed."""
        for secret in self._settings.secrets:
            try:
                with warnings.catch_warnings():
                    # A short secret is the operator's choice; saying so on every token would be noise.
                    warnings.simplefilter("ignore", jwt.InsecureKeyLengthWarning)
                    payload = self._jws.decode(token, secret, algorithms=self._settings.algorithms)
            except jwt.InvalidSignatureError:
                continue
            except (jwt.PyJWTError, ValueError, RecursionError):
                # PyJWT lets RecursionError through for a deeply nested header, ValueError for lone surrogates.
                break
            try:
                return _freeze(orjson.loads(payload))
            except (orjson.JSONDecodeError, RecursionError):
                break
        raise Unauthenticated(INVALID)

    def _remember(self, token: str, claims: Any) -> None:
        self._verified[token] = claims
        if len(self._verified) > REMEMBERED_TOKENS:
            self._verified.popitem(last=False)

    def _check_claims(self, claims: Any) -> None:
        """Raises unless times, audience, issuer and subject are right."""
        claims = claims if isinstance(claims, Mapping) else {}
        settings = self._settings
        now = int(self._now())
        if "nbf" in claims and not (_is_number(claims["nbf"]) and claims["nbf"] <= now):
            raise Unauthenticated(INVALID)
        if "exp" in claims and not (_is_number(claims["exp"]) and now < claims["exp"]):
            raise Unauthenticated(INVALID)
        if settings.audience:
            audience = claims.get("aud")
            named = audience if isinstance(audience, tuple) else (audience,)
            if not any(name in settings.audience for name in named):
                raise Unauthenticated(INVALID)
        if settings.issuer and claims.get("iss") not in settings.issuer:
            raise Unauthenticated(INVALID)
        if settings.subject is not None and claims.get("sub") != settings.subject:
            raise Unauthenticated(INVALID)


def token_in(headers: Mapping[str, str]) -> str | None:
    """The token in ``x-cube-authorization``, else in ``authorization``: alone or after one word of any kind.

    Split at single blanks, as Cube does: two blanks after the word leave an empty token, which is none.
    """
    header = headers.get("x-cube-authorization") or headers.get("authorization") or ""
    words = header.split(" ")
    return (words[0] if len(words) == 1 else words[1]) or None


def _check(settings: AuthSettings) -> None:
    unknown = [name for name in settings.algorithms if name not in SHARED_SECRET_ALGORITHMS]
    if unknown or not settings.algorithms:
        raise ConfigError(
            f"Tokens cannot be verified with {', '.join(unknown) or 'no algorithm'}: a shared secret signs with "
            f"{', '.join(SHARED_SECRET_ALGORITHMS)}.",
            setting="jwt_algs",
        )
    if settings.required and not settings.secrets:
        raise ConfigError(
            "No secret is set, so no token could be verified.",
            setting="api_secret",
            hint="Set CUBOID_API_SECRET (or CUBEJS_API_SECRET), or serve in dev mode with --dev.",
        )
    if not all(settings.secrets):
        raise ConfigError("An API secret is empty: anybody could sign tokens with it.", setting="api_secret")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _freeze(value: Any) -> Any:
    """JSON with mappings and tuples that nobody can change: claims are shared by all requests of a token."""
    if isinstance(value, dict):
        return MappingProxyType({key: _freeze(item) for key, item in value.items()})
    if isinstance(value, list):
        return tuple(_freeze(item) for item in value)
    return value
