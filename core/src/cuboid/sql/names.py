"""Names in a statement: unique, within the engine's length, readable, and the same for the same question."""

from __future__ import annotations

import hashlib


class Names:
    """Hands out identifiers for one statement; case does not tell two apart."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._taken: set[str] = set()

    def take(self, wanted: str) -> str:
        """``wanted`` if it is free and short enough, else a shortened or numbered form of it."""
        name = self._fitted(wanted)
        number = 2
        while name.lower() in self._taken:
            name = self._fitted(wanted, f"_{number}")
            number += 1
        self._taken.add(name.lower())
        return name

    def _fitted(self, wanted: str, suffix: str = "") -> str:
        if len((wanted + suffix).encode()) <= self._max_bytes:
            return wanted + suffix
        digest = hashlib.blake2b(wanted.encode(), digest_size=4).hexdigest()
        tail = f"_{digest}{suffix}"
        return wanted.encode()[: self._max_bytes - len(tail)].decode(errors="ignore") + tail
