"""Refresh keys: values that change when answers are out of date.

A key of the clock costs no statement: its value is the number of the interval that the wall clock is in (model
contract 5.1). A key in SQL is asked through its data source's queue, by one statement for all who want to know, and
is good for as long as it says.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import orjson

from cuboid.errors import CuboidError, DriverError, QueryTimeout
from cuboid.run.data_source import DataSource, statement_key
from cuboid.run.shared_values import SharedValues
from cuboid.types import Pending, Result, Statement, Value

SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "week": 604800}

KEPT = 10_000
"""Values of keys in SQL that are remembered."""

EPOCH = datetime(1970, 1, 1)
EPOCH_WEEKDAY = 4
"""1970 began on a Thursday; a cron's week begins on Sunday, which is 0."""

_EVERY = re.compile(r"(\d+) (second|minute|hour|day|week)s?")


@dataclass(frozen=True, slots=True)
class Clock:
    """An interval of the wall clock: ``seconds`` long, the first begins ``offset`` seconds after 1970."""

    seconds: float
    offset: int = 0

    def text(self, moment: datetime, zone: str) -> str:
        """Which interval an aware moment is in on the wall clock of a zone. With the offset from UTC, if there is one:
        an hour that the clock shows twice has its intervals twice, and the first is not taken for the second."""
        civil = moment.astimezone(ZoneInfo(zone))
        passed = (civil.replace(tzinfo=None) - EPOCH).total_seconds() - self.offset
        number = str(int(passed // self.seconds))
        return f"{number} {civil:%z}" if civil.utcoffset() and self.seconds < SECONDS["day"] else number


def read_every(every: str) -> Clock:
    """``10 minutes``, or a cron expression, as the catalog has checked them."""
    found = _EVERY.fullmatch(every)
    if found is not None:
        return Clock(int(found[1]) * SECONDS[found[2]])
    *second, minute, hour, _, _, weekday = every.split(" ")
    offset = int(second[0]) if second and second[0] != "*" else 0
    if second == ["*"]:
        return Clock(SECONDS["second"])
    if minute == "*":
        return Clock(SECONDS["minute"], offset)
    offset += int(minute) * SECONDS["minute"]
    if hour == "*":
        return Clock(SECONDS["hour"], offset)
    offset += int(hour) * SECONDS["hour"]
    if weekday == "*":
        return Clock(SECONDS["day"], offset)
    offset += (int(weekday) - EPOCH_WEEKDAY) % 7 * SECONDS["day"]
    return Clock(SECONDS["week"], offset)


@dataclass(frozen=True, slots=True)
class TimedKey:
    """A key that changes with the wall clock of a zone.

    :param source: whose clock would tell it in SQL.
    :param threshold: seconds for which a value that was asked of a database would be good.
    """

    clock: Clock
    zone: str
    source: DataSource
    threshold: float

    def value(self, now: datetime) -> bytes:
        """The value at an aware moment, as JSON rows."""
        return b'[{"refresh_key":"%s"}]' % self.clock.text(now, self.zone).encode()


@dataclass(frozen=True, slots=True)
class AskedKey:
    """A key that a statement tells.

    :param cube: whose key it is, for the error.
    :param threshold: seconds for which its value is good.
    """

    cube: str
    source: DataSource
    statement: Statement
    threshold: float


Key = TimedKey | AskedKey
Values = tuple[bytes, ...]
"""The value of each key, as JSON rows."""


class RefreshKeys:
    """The values of keys, each asked at most once in its threshold.

    :param wait: seconds until a statement that is not answered is asked for again.
    :param shared: what other processes have been told, if there are any.
    """

    def __init__(self, *, wait: float = 10.0, shared: SharedValues | None = None) -> None:
        self._wait = wait
        self._shared = shared
        self._known: OrderedDict[tuple[int, str], tuple[bytes, float]] = OrderedDict()
        self._asking: dict[tuple[int, str], asyncio.Task[bytes]] = {}

    async def values(self, keys: Sequence[Key], wait: float) -> Values | Pending:
        """The values now, or :class:`Pending` if one is not there after ``wait`` seconds; it is still asked for then.

        Raises :class:`DriverError` for a key that cannot be asked.
        """
        asked = [key for key in keys if isinstance(key, AskedKey)]
        if asked and any(self._value(key) is None for key in asked):
            tasks = {self._ask(key) for key in asked if self._value(key) is None}
            await asyncio.wait(tasks, timeout=max(wait, 0.0))
            for task in tasks:
                if task.done() and not task.cancelled() and (error := task.exception()) is not None:
                    raise error.with_traceback(None)
            if not all(task.done() for task in tasks):
                return Pending("Asking refresh keys")
        now = datetime.now(UTC)
        found = [key.value(now) if isinstance(key, TimedKey) else self._last(key) for key in keys]
        return tuple(found)

    def value_in_time(self, keys: Sequence[Key]) -> Values | None:
        """The values now, if nothing has to be asked for them."""
        now = datetime.now(UTC)
        found: list[bytes] = []
        for key in keys:
            value = key.value(now) if isinstance(key, TimedKey) else self._value(key)
            if value is None:
                return None
            found.append(value)
        return tuple(found)

    def forget(self) -> None:
        """Asks all keys anew, whoever wants to know."""
        self._known.clear()

    async def close(self) -> None:
        """Asks nothing any more."""
        tasks = list(self._asking.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def _value(self, key: AskedKey) -> bytes | None:
        value, asked_at = self._known.get(_name(key), (None, 0.0))
        return value if time.monotonic() - asked_at < key.threshold else None

    def _last(self, key: AskedKey) -> bytes:
        return self._known[_name(key)][0]

    def _ask(self, key: AskedKey) -> asyncio.Task[bytes]:
        """The one task that asks."""
        name = _name(key)
        task = self._asking.get(name)
        if task is None:
            task = self._asking[name] = asyncio.get_running_loop().create_task(self._fetch(key))
            task.add_done_callback(lambda done: self._asked(name, done))
        return task

    def _asked(self, name: tuple[int, str], task: asyncio.Task[bytes]) -> None:
        self._asking.pop(name, None)
        if not task.cancelled():
            task.exception()  # those who still wait raise it

    async def _fetch(self, key: AskedKey) -> bytes:
        if self._shared is None:
            return await self._fetch_here(key)
        shared = self._shared.named(_shared_name(key))
        known = await self._shared.get(shared)
        if known is not None and known[1] < key.threshold:
            self._keep(key, known[0], time.monotonic() - known[1])
            return known[0]
        began = time.monotonic()
        value = await self._fetch_here(key)
        age = time.monotonic() - began
        await self._shared.put(shared, value, age, max(key.threshold - age, 1.0))
        return value

    async def _fetch_here(self, key: AskedKey) -> bytes:
        source = key.source
        began = time.monotonic()
        try:
            outcome: Result | Pending = Pending("")
            while isinstance(outcome, Pending):
                if time.monotonic() - began > source.timeout:
                    raise QueryTimeout(f"No answer within {source.timeout:g} s.")
                outcome = await source.submit(key.statement, wait=self._wait)
        except CuboidError as error:
            kind = type(error) if isinstance(error, DriverError) else DriverError
            raise kind(f"The refresh_key of the cube '{key.cube}' cannot be asked: {error.message}") from None
        value = orjson.dumps(
            [dict(zip(outcome.columns, map(_shown, row), strict=True)) for row in outcome.rows]
        )
        self._keep(key, value, began)
        return value

    def _keep(self, key: AskedKey, value: bytes, asked_at: float) -> None:
        name = _name(key)
        self._known[name] = value, asked_at
        self._known.move_to_end(name)
        if len(self._known) > KEPT:
            self._known.popitem(last=False)


def _shared_name(key: AskedKey) -> str:
    """What tells the key from others, in whichever process."""
    return f"{key.source.name!r} {key.source.identity!r} {statement_key(key.statement)!r}"


def _name(key: AskedKey) -> tuple[int, str]:
    return key.source.serial, statement_key(key.statement)


def _shown(value: Value) -> Value:
    """Numbers and times as texts: of large ones JSON would not tell one from the next."""
    return value if value is None or isinstance(value, bool | str | list | dict) else str(value)
