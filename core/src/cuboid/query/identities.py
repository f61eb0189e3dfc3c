"""Who asks, whole, as a text: what is read of claims is the same for two principals of one text."""

from __future__ import annotations

from cuboid.query.newest import Newest
from cuboid.types import Principal

MOST = 2000
"""Tokens whose claims are known as text."""


class Identities:
    """The claims of principals as text, those that differ from token to token too, since a model may read them."""

    def __init__(self) -> None:
        self._known: Newest[int, tuple[object, str]] = Newest(MOST)

    def of(self, principal: Principal) -> str:
        """The text. Claims of one token are one object, of which it is made once."""
        claims = principal.claims
        known = self._known.get(id(claims))
        if known is None or known[0] is not claims:
            known = claims, repr(claims)
            self._known.keep(id(claims), known)
        return known[1] if principal.model_claims is None else f"{known[1]} {principal.model_claims!r}"
