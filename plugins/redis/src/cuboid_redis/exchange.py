"""The exchange over Redis or Valkey, alone, behind a proxy, or in a cluster of one node for these names."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from typing import Any, ClassVar, cast

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from cuboid import Claim, ConfigError, Exchange, ExchangeSettings, Share, Turn
from cuboid_redis import scripts

CONNECTIONS = 16
"""At once, of one process; further questions wait for one. The default pool refuses them instead."""

SECONDS = 0.9
"""For connecting, and for an answer: a little less than whoever asks waits."""

QUIET = 5.0
"""Seconds after which a connection that only listens is asked whether it still stands."""

SCHEMES = {"redis": "redis", "rediss": "rediss", "valkey": "redis", "valkeys": "rediss", "unix": "unix"}
"""What a URL may begin with, and how the client writes it; those with a doubled or added ``s`` are over TLS."""


class RedisExchange(Exchange):
    """Names are ``{prefix}:...``; everything but the counts of data and small tables expires."""

    name: ClassVar[str] = "redis"
    schemes: ClassVar[Collection[str]] = tuple(SCHEMES)

    def __init__(self, settings: ExchangeSettings) -> None:
        self._process = settings.process
        self._lease = round(settings.lease * 1000)
        self._prefix = f"{{{settings.prefix}}}"
        self._channel = self._key("channel")
        scheme, _, rest = settings.url.partition(":")
        try:
            pool = BlockingConnectionPool.from_url(
                f"{SCHEMES[scheme.lower()]}:{rest}",
                max_connections=CONNECTIONS,
                timeout=SECONDS,
                socket_timeout=SECONDS,
                socket_connect_timeout=SECONDS,
                retry=Retry(NoBackoff(), 1),
            )
        except (ValueError, KeyError):
            # The client's own message may have the password in it.
            raise ConfigError(
                "The URL of the exchange cannot be read.",
                setting="exchange_url",
                hint="It looks like redis://user:password@host:6379/0, or rediss://... over TLS.",
            ) from None
        self._client = Redis(connection_pool=pool)
        script = self._client.register_script
        self._beat, self._changed = script(scripts.BEAT), script(scripts.CHANGED)
        self._claim, self._want, self._release = map(script, (scripts.CLAIM, scripts.WANT, scripts.RELEASE))
        self._share = script(scripts.SHARE)

    async def close(self) -> None:
        try:
            await self._client.zrem(self._key("alive"), self._process)
        finally:
            await self._client.aclose()
            await self._client.connection_pool.disconnect()

    async def listen(self, heard: Callable[[str], None]) -> None:
        async with self._client.pubsub() as channel:
            await channel.subscribe(self._channel)
            while True:
                message = await channel.get_message(ignore_subscribe_messages=True, timeout=QUIET)
                if message is not None:
                    heard(message["data"].decode())
                else:
                    await channel.ping()

    async def announce(self, topic: str) -> None:
        await self._client.publish(self._channel, topic)

    # ------------------------------------------------------------ what all know

    async def beat(self) -> tuple[int, dict[str, int]]:
        processes, flat = await self._run(
            self._beat, [self._key("alive"), self._key("counts")], [self._process, self._lease]
        )
        names = (name.decode() for name in flat[::2])
        return processes, dict(zip(names, map(int, flat[1::2]), strict=True))

    async def changed(self, cubes: Collection[str]) -> None:
        await self._run(self._changed, [self._key("counts")], list(cubes))

    # ------------------------------------------------------------ answers

    async def get(self, name: str) -> bytes | None:
        return cast("bytes | None", await self._client.get(self._key("answer", name)))

    async def put(self, name: str, value: bytes, seconds: float) -> None:
        await self._client.set(self._key("answer", name), value, px=round(seconds * 1000))

    async def claim(self, name: str, holder: str, seconds: float) -> Claim:
        keys = [self._key("claim", name), self._key("wanted", name)]
        found, wanted = await self._run(self._claim, keys, [holder, round(seconds * 1000)])
        return Claim(found.decode(), bool(wanted))

    async def want(self, name: str, seconds: float) -> None:
        arguments = [round(seconds * 1000), self._channel, f"wanted {name}"]
        await self._run(self._want, [self._key("wanted", name)], arguments)

    async def release(self, name: str, holder: str) -> None:
        keys = [self._key("claim", name), self._key("wanted", name)]
        await self._run(self._release, keys, [holder, self._channel, f"released {name}"])

    # ------------------------------------------------------------ places

    async def share(self, source: str, limit: int, running: int, turn: Turn | None) -> Share:
        kinds = ("held", "turns", "began", "order")
        keys = [self._key("alive"), *(self._key(kind, source) for kind in kinds)]
        waits = ["0", "0", "", ""] if turn is None else ["1", turn.priority, turn.tenant, turn.waiting]
        arguments = [self._process, self._lease, limit, running, *waits, self._channel, f"places {source}"]
        places, processes = await self._run(self._share, keys, arguments)
        return Share(places, processes)

    async def _run(self, script: Callable[..., Awaitable[Any]], keys: list[str], arguments: list[Any]) -> Any:
        return await script(keys=keys, args=arguments)

    def _key(self, kind: str, name: str = "") -> str:
        return f"{self._prefix}:{kind}:{name}" if name else f"{self._prefix}:{kind}"
