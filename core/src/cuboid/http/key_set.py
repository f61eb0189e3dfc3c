"""Public keys at a URL (a JSON Web Key Set): fetched when needed, kept, and fetched again when they are out of date.

What a client sends can cause a fetch of this one URL at most once in a window, and never of another one. Known keys
go on counting while the set is fetched anew, and for an hour if it cannot be.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import orjson

from cuboid.errors import ConfigError
from cuboid.http.keys import Key, published_key
from cuboid.http.logs import log, printable
from cuboid.http.settings import KeySetSettings

ATTEMPTS = 3
PAUSE = 0.2
"""Seconds before the second attempt; twice that before the third."""

PATIENCE = 10.0
"""Seconds that a fetch may take with all its attempts. Only tokens of unknown keys wait for it."""

FAILED_WINDOW = 5.0
"""Seconds after a fetch that failed until the next one."""

GRACE = 3600.0
"""Seconds that keys outlive their set, if it cannot be fetched: a short failure of the issuer locks nobody out, and a
key that was withdrawn does not count for ever."""

LONGEST = 24 * 3600.0
LARGEST = 1 << 20
"""Seconds that an issuer may ask us to keep a set, and bytes of a set."""


class KeySet:
    """The keys of one URL. Used from one event loop only."""

    def __init__(
        self,
        settings: KeySetSettings,
        algorithms: Sequence[str] = (),
        *,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """Raises :class:`ConfigError` for a URL that is not one."""
        url = urlsplit(settings.url)
        if url.scheme not in ("http", "https") or not url.hostname:
            raise ConfigError("The URL of the key set is not one of http or https.", setting="jwk_url")
        import httpx  # here, since most servers have no key set

        self._shown = (
            f"{url.scheme}://{url.netloc.rpartition('@')[2]}{url.path}"  # without what may be secret
        )
        self._settings = settings
        self._algorithms = tuple(algorithms)
        self._now = now
        # Made before anything is served: reading the certificates takes some 30 ms. No connection is kept.
        self._client = httpx.AsyncClient(
            timeout=PATIENCE, limits=httpx.Limits(max_connections=1, max_keepalive_connections=0)
        )
        self._failures = (httpx.HTTPError, httpx.InvalidURL, OSError, TimeoutError, ValueError)
        self._keys: Mapping[str, tuple[Mapping[str, Any], Key]] = {}
        self._fresh_until = self._usable_until = self._next_fetch = float("-inf")
        self._fetching: asyncio.Task[None] | None = None

    async def find(self, kid: str | None) -> Sequence[Key]:
        """The key of that id, if there is one."""
        if kid is None:
            return ()
        now = self._now()
        if now >= self._fresh_until:
            self._fetch()
        if kid in self._keys and now < self._usable_until:
            return (self._keys[kid][1],)
        self._fetch()
        if self._fetching is not None:
            await asyncio.shield(self._fetching)
        found = self._keys.get(kid) if self._now() < self._usable_until else None
        return (found[1],) if found is not None else ()

    def prefetch(self) -> None:
        """Begins to fetch, so that the first request need not wait."""
        self._fetch()

    async def close(self) -> None:
        """Stops fetching."""
        if self._fetching is not None:
            self._fetching.cancel()
            await asyncio.wait({self._fetching})
        await self._client.aclose()

    def _fetch(self) -> None:
        """Begins to fetch, unless that is being done or was done a moment ago."""
        if self._fetching is None and self._now() >= self._next_fetch:
            self._fetching = asyncio.create_task(self._renew())

    async def _renew(self) -> None:
        window = FAILED_WINDOW
        try:
            content, max_age = await self._answer()
            # Some 50 us a key: a set of a thousand would keep the event loop from others.
            self._keys = await asyncio.to_thread(self._read, content, self._keys)
            lifetime = self._settings.expire if max_age is None else min(max_age, LONGEST)
            self._fresh_until = self._now() + lifetime
            self._usable_until = self._fresh_until + GRACE
            window = self._settings.refetch_window
        except self._failures as error:
            log.warning("key set", url=self._shown, failed=f"{type(error).__name__}: {printable(str(error))}")
        finally:
            self._next_fetch = self._now() + window
            self._fetching = None

    async def _answer(self) -> tuple[bytes, float | None]:
        """The set's text and the ``max-age`` of its answer."""
        async with asyncio.timeout(PATIENCE):
            for attempt in range(ATTEMPTS):
                try:
                    return await self._ask()
                except self._failures:
                    if attempt == ATTEMPTS - 1:
                        raise
                    await asyncio.sleep(PAUSE * 2**attempt)
        raise AssertionError("the last attempt returns or raises")

    async def _ask(self) -> tuple[bytes, float | None]:
        async with self._client.stream(
            "GET", self._settings.url, headers={"Accept": "application/json"}
        ) as answer:
            if answer.status_code != 200:
                raise ValueError(f"status {answer.status_code}")
            content = b""
            async for chunk in answer.aiter_bytes():
                content += chunk
                if len(content) > LARGEST:
                    raise ValueError(f"more than {LARGEST} bytes")
            age = re.search(r"max-age=(\d{1,9})\b", answer.headers.get("cache-control", ""), re.IGNORECASE)
            return content, float(age[1]) if age else None

    def _read(
        self, content: bytes, before: Mapping[str, tuple[Mapping[str, Any], Key]]
    ) -> Mapping[str, tuple[Mapping[str, Any], Key]]:
        """The keys in a set by id; one that has not changed stays the same object. Raises ValueError."""
        document = orjson.loads(content)
        listed = document.get("keys") if isinstance(document, dict) else None
        if not isinstance(listed, list):
            raise ValueError("no list of keys")
        found: dict[str, tuple[Mapping[str, Any], Key]] = {}
        for jwk in listed:
            kid = jwk.get("kid") if isinstance(jwk, dict) else None
            if not isinstance(kid, str):
                continue
            if kid in before and before[kid][0] == jwk:
                found[kid] = before[kid]
                continue
            try:
                found[kid] = (jwk, published_key(jwk, self._algorithms))
            except ValueError as error:
                log.info("key left out", url=self._shown, kid=printable(kid), reason=printable(str(error)))
        return found
