"""What an exchange must do, between processes that are several connections here."""

from __future__ import annotations

import asyncio
import itertools
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, ClassVar

import pytest

from cuboid.errors import ConfigError
from cuboid.plugins import Plugin, Registry
from cuboid.run.exchange import Exchange, ExchangeSettings, Turn
from cuboid.testing.live import on_loop
from cuboid.testing.statements import until

SHORT = 0.3
"""Seconds after which something is over that shall be."""

LONG = 60.0

SECRET = "kit-secret-4711"  # noqa: S105 - it is there to be looked for


class ExchangeConformance:
    """Exchanges against each other.

    ``plugin`` is the plugin's module. ``deadline``: seconds that one test may take. Names in the exchange begin with a
    prefix that no other test has, and expire or are small.
    """

    plugin: ClassVar[Any]
    deadline: ClassVar[float] = 60.0

    def url(self) -> str:
        """Where an exchange that works is."""
        raise NotImplementedError("return the URL of an exchange that works")

    @pytest.fixture(autouse=True)
    def fixtures(self, request: pytest.FixtureRequest) -> None:
        """``self.request`` for authors: ``self.request.getfixturevalue("example_server")`` in ``url``."""
        self.request = request
        self._prefix = f"kit-{uuid.uuid4().hex}"
        self._numbers = itertools.count()

    @property
    def exchange_class(self) -> type[Exchange]:
        """The exchange as a project finds it."""
        registry = Registry()
        registry.add(Plugin("under-test", "under-test"), lambda: self.plugin)
        registry.require()
        return registry.exchange(self.url().partition(":")[0].lower())

    def make(self, *, lease: float = LONG, prefix: str | None = None) -> Exchange:
        """One process's end."""
        name = f"process-{next(self._numbers)}"
        return self.exchange_class(ExchangeSettings(self.url(), prefix or self._prefix, name, lease))

    @asynccontextmanager
    async def ends(self, count: int = 2, **settings: Any) -> AsyncIterator[list[Exchange]]:
        """So many processes' ends."""
        made = [self.make(**settings) for _ in range(count)]
        try:
            yield made
        finally:
            for each in made:
                await each.close()

    # ------------------------------------------------------------ settings

    def test_an_exchange_is_made_without_a_network(self) -> None:
        self.make()

    def test_a_url_that_cannot_be_read_is_refused_and_not_repeated(self) -> None:
        url = f"{self.url().partition(':')[0]}://user:{SECRET}@host:no-port/?what"
        with pytest.raises(ConfigError) as refused:
            self.exchange_class(ExchangeSettings(url, self._prefix, "p"))
        assert SECRET not in f"{refused.value} {refused.value.hint} {refused.value.__cause__}"

    # ------------------------------------------------------------ what all know

    @on_loop
    async def test_what_one_says_of_data_all_hear_as_greater_numbers(self) -> None:
        async with self.ends() as (one, other):
            _, before = await other.beat()
            assert before == {}
            await one.changed({"orders", "users"})
            _, first = await other.beat()
            await other.changed({"orders"})
            _, second = await one.beat()
            assert set(first) == set(second) == {"orders", "users"}
            assert min(first.values()) > 0
            assert second["orders"] > first["orders"]
            assert second["users"] == first["users"]

    @on_loop
    async def test_numbers_are_greater_than_those_that_were_forgotten(self) -> None:
        """By the clock: where all was lost, others may still know the number from before."""
        async with self.ends() as (one, _):
            began = time.time()
            await one.changed({"orders"})
            _, counts = await one.beat()
            assert abs(counts["orders"] / 1e6 - began) < 3600

    @on_loop
    async def test_who_lives_is_counted_until_its_lease_is_over(self) -> None:
        async with self.ends(lease=LONG) as (one, other), self.ends(1, lease=SHORT) as (brief,):
            assert (await one.beat())[0] == 1
            assert (await other.beat())[0] == 2
            assert (await brief.beat())[0] == 3

            async def gone() -> bool:
                return (await one.beat())[0] == 2

            await until(gone)
            await other.close()
            assert (await one.beat())[0] == 1

    @on_loop
    async def test_prefixes_keep_deployments_apart(self) -> None:
        async with self.ends(1) as (one,), self.ends(1, prefix=f"{self._prefix}-other") as (other,):
            await one.changed({"orders"})
            await one.put("answer", b"1", LONG)
            assert await other.beat() == (1, {})
            assert await other.get("answer") is None
            assert (await one.claim("it", "one", LONG)).holder == "one"
            assert (await other.claim("it", "other", LONG)).holder == "other"
            assert (await one.share("source", 1, 1, None)).places == 1
            assert (await other.share("source", 1, 0, Turn(10, "", "a"))).places == 1

    @on_loop
    async def test_all_hear_what_one_announces(self) -> None:
        async with self.ends(3) as ends:
            heard: list[str] = []
            listening = [asyncio.create_task(each.listen(heard.append)) for each in ends]
            for each in ends:
                await self._listens(each, heard)
            await ends[0].announce('anything ["ü", 1]')
            await self._hears(heard, 'anything ["ü", 1]', 3)
            await _end(*listening)

    # ------------------------------------------------------------ answers

    @on_loop
    async def test_values_are_kept_whole_replaced_and_forgotten_in_time(self) -> None:
        async with self.ends() as (one, other):
            assert await other.get("a") is None
            value = bytes(range(256)) * 10_000
            await one.put("a", value, LONG)
            await one.put("b", b"b", SHORT)
            assert await other.get("a") == value
            await other.put("a", b"", LONG)
            assert await one.get("a") == b""

            async def gone() -> bool:
                return await other.get("b") is None

            await until(gone)

    @on_loop
    async def test_one_holds_a_claim_until_it_is_released_or_over(self) -> None:
        async with self.ends() as (one, other):
            assert (await one.claim("it", "x", LONG)).holder == "x"
            assert (await other.claim("it", "y", LONG)).holder == "x"
            await other.release("it", "y")
            assert (await other.claim("it", "y", LONG)).holder == "x"
            await one.release("it", "x")
            assert (await other.claim("it", "y", SHORT)).holder == "y"
            assert (await other.claim("it", "y", SHORT)).holder == "y"

            async def taken_over() -> bool:
                return (await one.claim("it", "x", LONG)).holder == "x"

            await until(taken_over)

    @on_loop
    async def test_of_many_who_claim_at_once_one_gets_it(self) -> None:
        async with self.ends(5) as ends:
            for name in map(str, range(10)):
                claims = [each.claim(name, str(number), LONG) for number, each in enumerate(ends)]
                assert len({claim.holder for claim in await asyncio.gather(*claims)}) == 1

    @on_loop
    async def test_a_holder_learns_that_others_wait_and_they_that_it_is_over(self) -> None:
        async with self.ends() as (one, other):
            heard: list[str] = []
            listening = [asyncio.create_task(each.listen(heard.append)) for each in (one, other)]
            await self._listens(other, heard)
            assert not (await one.claim("it", "x", LONG)).wanted
            await other.want("it", SHORT)
            await other.want("it", SHORT)
            assert (await one.claim("it", "x", LONG)).wanted
            await self._hears(heard, "wanted it", 2)  # each once

            async def unwanted() -> bool:
                return not (await one.claim("it", "x", LONG)).wanted

            await until(unwanted)
            await one.release("it", "x")
            await self._hears(heard, "released it", 2)
            await _end(*listening)

    # ------------------------------------------------------------ places

    @on_loop
    async def test_all_together_have_no_more_places_than_the_limit(self) -> None:
        async with self.ends(3) as ends:
            running = [0, 0, 0]
            for step in range(30):
                number = step % 3
                share = await ends[number].share("s", 4, running[number], Turn(10, "", f"{step}"))
                assert running[number] <= share.places <= running[number] + 1
                running[number] = share.places
                assert sum(running) <= 4
            assert sum(running) == 4
            await ends[0].share("s", 4, 0, None)
            assert (await ends[0].share("other", 1, 0, Turn(10, "", "a"))).places == 1
            assert (await ends[0].share("s", 4, 0, None)).processes == 3

    @on_loop
    async def test_the_most_urgent_is_first_and_who_is_not_first_waits(self) -> None:
        async with self.ends(3) as (one, low, high):
            assert (await one.share("s", 1, 0, Turn(10, "", "a"))).places == 1
            assert (await low.share("s", 1, 0, Turn(5, "", "b"))).places == 0
            assert (await high.share("s", 1, 0, Turn(20, "", "c"))).places == 0
            await one.share("s", 1, 0, None)
            assert (await low.share("s", 1, 0, Turn(5, "", "b"))).places == 0
            assert (await high.share("s", 1, 0, Turn(20, "", "c"))).places == 1
            await high.share("s", 1, 0, None)
            assert (await low.share("s", 1, 0, Turn(5, "", "b"))).places == 1

    @on_loop
    async def test_tenants_of_equal_priority_take_turns_and_of_one_the_first_is_first(self) -> None:
        async with self.ends(4) as (holder, busy, again, rare):
            assert (await holder.share("s", 1, 0, Turn(10, "A", "0"))).places == 1
            for each, tenant in ((again, "A"), (busy, "A"), (rare, "B")):
                assert (await each.share("s", 1, 0, Turn(10, tenant, "1"))).places == 0
            await holder.share("s", 1, 0, None)
            for each, tenant in ((busy, "A"), (again, "A")):
                assert (await each.share("s", 1, 0, Turn(10, tenant, "1"))).places == 0
            assert (await rare.share("s", 1, 0, Turn(10, "B", "1"))).places == 1
            await rare.share("s", 1, 0, None)
            assert (await busy.share("s", 1, 0, Turn(10, "A", "1"))).places == 0
            assert (await again.share("s", 1, 0, Turn(10, "A", "1"))).places == 1

    @on_loop
    async def test_who_is_dead_has_neither_place_nor_turn(self) -> None:
        async with self.ends() as (one, other), self.ends(2, lease=SHORT) as (dead, first):
            assert (await dead.share("s", 1, 0, Turn(10, "", "a"))).places == 1
            assert (await first.share("s", 1, 0, Turn(99, "", "b"))).places == 0
            assert (await other.share("s", 1, 0, Turn(10, "", "c"))).places == 0

            async def free() -> bool:
                return (await other.share("s", 1, 0, Turn(10, "", "c"))).places == 1

            await until(free)
            assert (await one.beat())[0] == 2

    @on_loop
    async def test_those_who_wait_hear_of_a_free_place(self) -> None:
        async with self.ends() as (one, other):
            heard: list[str] = []
            listening = asyncio.create_task(other.listen(heard.append))
            await self._listens(other, heard)
            await one.share("s", 1, 0, Turn(10, "", "a"))
            await other.share("s", 1, 0, Turn(10, "", "b"))
            assert heard == []
            await one.share("s", 1, 0, None)
            await self._hears(heard, "places s", 1)
            await _end(listening)

    # ------------------------------------------------------------ what they share

    async def _listens(self, end: Exchange, heard: list[str]) -> None:
        """Until announcements arrive; ``heard`` is empty again then."""

        async def arrives() -> bool:
            await end.announce("here")
            await asyncio.sleep(0.02)
            return bool(heard)

        await until(arrives)
        await asyncio.sleep(0.1)
        heard.clear()

    async def _hears(self, heard: list[str], topic: str, times: int) -> None:
        async def there() -> bool:
            return heard.count(topic) >= times

        await until(there)
        await asyncio.sleep(0.02)
        assert heard.count(topic) == times


async def _end(*tasks: asyncio.Task[None]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
