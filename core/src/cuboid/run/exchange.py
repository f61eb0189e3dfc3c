"""The contract of an exchange: what the processes of a project tell each other, and keep for each other.

One process is enough without any. Where several serve, an exchange holds answers for all of them, says who finds an
answer out while others wait for it, which data has changed, and who may run a statement in a data source now.

Core does the rest (:mod:`cuboid.run.link`): it bounds how long it waits for an exchange, and goes on alone while one
cannot be reached. So an exchange is a thin client: each method is one question, and what is said to be one step is one
against all processes. Times are in seconds. Every method may raise :class:`cuboid.DriverError` or be cancelled.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class ExchangeSettings:
    """What an exchange is told by the project.

    :param url: where it is; may hold a password.
    :param prefix: of all names it uses: processes with one prefix are one deployment.
    :param process: the name of this process, unlike any other's.
    :param lease: how long a process that is not heard of any more counts as alive.
    """

    url: str = field(repr=False)
    prefix: str
    process: str
    lease: float = 5.0


Counts = Mapping[str, int]
"""What has been said of data: a number for each cube, which is another and greater one after each time."""


@dataclass(frozen=True, slots=True)
class Claim:
    """Who finds something out.

    :param holder: who does, as they named themselves.
    :param wanted: whether another process waits for it.
    """

    holder: str
    wanted: bool = False


@dataclass(frozen=True, slots=True)
class Turn:
    """The statement of a process that would run next: the one of the highest ``priority``, of equals that of the tenant
    whose statement began longest ago, then the one that has waited longest.

    :param waiting: another text for another statement.
    """

    priority: int
    tenant: str
    waiting: str


@dataclass(frozen=True, slots=True)
class Share:
    """What one process has of a data source's places, its running statements included.

    :param processes: that are alive, this one included.
    """

    places: int
    processes: int


class Exchange(ABC):
    """``name`` names it in messages; ``schemes`` are those of the URLs that it takes, in lower case."""

    name: ClassVar[str]
    schemes: ClassVar[Collection[str]]

    @abstractmethod
    def __init__(self, settings: ExchangeSettings) -> None:
        """Keeps the settings, touches no network. Raises :class:`cuboid.ConfigError` for a URL that cannot be read,
        without repeating it."""

    @abstractmethod
    async def close(self) -> None:
        """Hangs up. What the process held is free at once. Harmless when nothing was opened."""

    @abstractmethod
    async def listen(self, heard: Callable[[str], None]) -> None:
        """Calls ``heard`` with each topic that a method of any process has announced, until it is cancelled.

        A topic may be lost, and may be heard by the process that announced it.
        """

    @abstractmethod
    async def announce(self, topic: str) -> None:
        """Announces the topic to all that listen."""

    # ------------------------------------------------------------ what all know

    @abstractmethod
    async def beat(self) -> tuple[int, Counts]:
        """This process lives, for another ``lease``: how many do, and what has been said of data. An exchange may
        forget that: whoever knows says it again."""

    @abstractmethod
    async def changed(self, cubes: Collection[str]) -> None:
        """The data of these cubes has changed: their numbers become greater than all that there were, though the
        exchange may have forgotten them. The Unix clock in microseconds does, or one more than the last number."""

    # ------------------------------------------------------------ answers

    @abstractmethod
    async def get(self, name: str) -> bytes | None:
        """What was put under the name, whole or not at all."""

    @abstractmethod
    async def put(self, name: str, value: bytes, seconds: float) -> None:
        """Keeps the value for so long, or less where memory is short, in place of what was there."""

    @abstractmethod
    async def claim(self, name: str, holder: str, seconds: float) -> Claim:
        """``holder`` finds this out from now on, for so long, unless another holder does. In one step."""

    @abstractmethod
    async def want(self, name: str, seconds: float) -> None:
        """Another process than the holder waits for this, for so long at least. Announces ``wanted <name>`` if nobody
        did."""

    @abstractmethod
    async def release(self, name: str, holder: str) -> None:
        """The holder has done, or given it up. Announces ``released <name>``. Nothing happens to another's claim."""

    # ------------------------------------------------------------ places

    @abstractmethod
    async def share(self, source: str, limit: int, running: int, turn: Turn | None) -> Share:
        """This process runs so many statements in the data source, and would run the one of ``turn``: its part of the
        ``limit`` from now on, which is at least ``running`` and at most one more. In one step.

        A place is given to the processes whose turn is first, as :class:`Turn` says. A process that is not alive any
        more has neither place nor turn. Announces ``places <source>`` if there are places free that others wait for.
        """
