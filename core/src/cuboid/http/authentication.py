"""Who is it: a request's token to a :class:`Principal`, or :class:`Unauthenticated` (403 on the wire).

Tokens are JWTs. PyJWT verifies the signature, with the algorithms pinned by the key (:mod:`cuboid.http.keys`), so that
``none`` and tokens that name another kind of key are refused. Claims are checked here, on every request, since a
verified signature is remembered but its token may expire meanwhile; the rules are those of the jsonwebtoken library
that Cube uses: no leeway, ``iat`` is not a reason to refuse, no ``exp`` is needed.
"""

from __future__ import annotations

import re
import time
import warnings
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import jwt
import orjson

from cuboid.errors import ConfigError, Unauthenticated
from cuboid.http.key_set import KeySet
from cuboid.http.keys import ALGORITHMS, SECRET, Key, configured_key
from cuboid.http.plugin_rules import PluginRules
from cuboid.http.settings import AuthSettings
from cuboid.query.claims import claims_of_model, freeze
from cuboid.query.json_text import load_json
from cuboid.types import HttpRequest, Principal

NO_HEADER = "Authorization header isn't set"
INVALID = "Invalid token"

NOBODY = Principal()

REMEMBERED_TOKENS = 1000
"""How many verified tokens are kept; verifying costs 40 us and more, and clients poll with one token."""

LARGEST_TOKEN = 16 * 1024
"""Characters; Node, and so Cube, takes no more than that in all headers."""

FORM = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
"""Three parts in base64url and nothing else: one token has one spelling."""


@dataclass(frozen=True, slots=True)
class Verified:
    """A token whose signature was right: its frozen payload, the id in its header, the key that verified it."""

    claims: Any
    kid: str | None
    key: Key


class Authenticator:
    """Verifies the tokens of requests. Used from one event loop only."""

    def __init__(
        self,
        settings: AuthSettings,
        rules: PluginRules | None = None,
        *,
        now: Callable[[], float] = time.time,
    ) -> None:
        """Raises :class:`ConfigError` if no token could ever be accepted, or the algorithms do not suit the keys."""
        self._settings = settings
        self._rules = rules or PluginRules()
        self._now = now
        self._keys, self._key_set = _keys(settings, has_plugin=self._rules.authenticates)
        self._jws = jwt.PyJWS(algorithms=list(ALGORITHMS))
        self._remembered: OrderedDict[str, Verified] = OrderedDict()

    def open(self) -> None:
        """Begins to fetch the key set, if there is one."""
        if self._key_set is not None:
            self._key_set.prefetch()

    async def close(self) -> None:
        """Stops fetching."""
        if self._key_set is not None:
            await self._key_set.close()

    async def principal(self, token: str | None, request: HttpRequest) -> Principal:
        """Who sent ``token`` with ``request``. Without a token nobody, where none is required; a bad one is always
        refused. Plugins are asked first."""
        claims = await self._rules.authenticate(token, request)
        if claims is None:
            claims = await self._claims(token)
        principal = Principal(claims, claims_of_model(claims, self._settings.claims_namespace))
        added = await self._rules.context(principal, request)
        return replace(principal, context=added) if added else principal

    async def check_scope(self, principal: Principal, scope: str) -> None:
        """Raises :class:`Forbidden` unless this part of the API is open to the principal."""
        await self._rules.check_scope(principal, scope, self._settings.scopes)

    async def has_scope(self, principal: Principal, scope: str) -> bool:
        """Whether this part of the API is open to the principal."""
        return await self._rules.has_scope(principal, scope, self._settings.scopes)

    async def _claims(self, token: str | None) -> Mapping[str, Any]:
        if token is None:
            if self._settings.required:
                raise Unauthenticated(NO_HEADER)
            return NOBODY.claims
        verified = await self._verified(token)
        self._check_claims(verified.claims)
        # A payload that is a bare text or number says nothing about its bearer, as in Cube.
        return verified.claims if isinstance(verified.claims, Mapping) else NOBODY.claims

    async def _verified(self, token: str) -> Verified:
        remembered = self._remembered.get(token)
        kid = self._kid(token) if remembered is None else remembered.kid
        keys = self._keys if self._key_set is None else await self._key_set.find(kid)
        if remembered is not None and remembered.key in keys:
            self._remembered.move_to_end(token)
            return remembered
        verified = self._verify(token, kid, keys)
        self._remembered[token] = verified
        if len(self._remembered) > REMEMBERED_TOKENS:
            self._remembered.popitem(last=False)
        return verified

    def _kid(self, token: str) -> str | None:
        """The id of its key that a token names; checks the token's form."""
        if len(token) > LARGEST_TOKEN or FORM.fullmatch(token) is None:
            raise Unauthenticated(INVALID)
        try:
            kid = self._jws.get_unverified_header(token).get("kid")
        except (jwt.PyJWTError, ValueError, RecursionError):
            raise Unauthenticated(INVALID) from None
        return kid if isinstance(kid, str) else None

    def _verify(self, token: str, kid: str | None, keys: Sequence[Key]) -> Verified:
        """A token that one of the keys signed."""
        for key in keys:
            try:
                with warnings.catch_warnings():
                    # A short secret is the operator's choice; saying so on every token would be noise.
                    warnings.simplefilter("ignore", jwt.InsecureKeyLengthWarning)
                    payload = self._jws.decode(token, key.material, algorithms=key.algorithms)
            except (jwt.InvalidSignatureError, jwt.InvalidAlgorithmError):
                continue  # another key may suit it
            except (jwt.PyJWTError, ValueError, RecursionError):
                # PyJWT lets RecursionError through for a deeply nested header, ValueError for lone surrogates.
                break
            try:
                return Verified(freeze(load_json(payload, beyond=int)), kid, key)
            except (orjson.JSONDecodeError, RecursionError):
                break
        raise Unauthenticated(INVALID)

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


def _keys(settings: AuthSettings, *, has_plugin: bool) -> tuple[tuple[Key, ...], KeySet | None]:
    """What may have signed a token. Raises :class:`ConfigError` for what could verify nothing."""
    unknown = [name for name in settings.algorithms if name not in ALGORITHMS]
    if unknown:
        raise ConfigError(
            f"Tokens cannot be verified with {', '.join(unknown)}: it is none of {', '.join(ALGORITHMS)}.",
            setting="jwt_algs",
        )
    if settings.key_set is not None:
        if settings.algorithms and set(settings.algorithms) <= set(SECRET):
            raise ConfigError(
                f"Tokens cannot be verified with {', '.join(settings.algorithms)}: published keys are no secrets.",
                setting="jwt_algs",
            )
        return (), KeySet(settings.key_set, settings.algorithms)
    if settings.required and not settings.secrets and not has_plugin:
        raise ConfigError(
            "No secret is set, so no token could be verified.",
            setting="api_secret",
            hint="Set CUBOID_API_SECRET (or CUBEJS_API_SECRET), or serve in dev mode with --dev.",
        )
    return tuple(configured_key(secret, settings.algorithms) for secret in settings.secrets), None


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
