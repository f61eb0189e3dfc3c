"""The queue contract: how a database orders, limits, shares and cancels work.

Core ships :class:`cuboid.run.bounded.BoundedQueue`; a plugin subclasses it with its number, its reason and
its engine's way of cancelling, or replaces it whole.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from cuboid.types import Job, Pending, Result, Withdrawn

if TYPE_CHECKING:
    from cuboid.run.places import SharedPlaces


@dataclass(frozen=True, slots=True)
class QueueSettings:
    """Times are in seconds.

    :param limit: statements at once; None for the queue's own number.
    :param sharing: processes that divide the limit among them; each has one at least.
    :param places: where all processes share the limit, in place of dividing it.
    :param waiting: how many may wait before :class:`QueueFull`; of one owner's or one tenant's half of them, so that
        nobody can fill the list alone.
    :param streams: streams at once, of the ``limit``; None for half of it, but one at least.
    :param orphaned_after: a run that nobody has asked for this long is cancelled and dropped.
    :param abandon_after: how long to wait for a cancelled run to end before its place is given away.
    """

    limit: int | None = None
    sharing: int = 1
    waiting: int = 1000
    streams: int | None = None
    orphaned_after: float = 120.0
    abandon_after: float = 5.0
    places: SharedPlaces | None = None


class Runs(Protocol):
    """What a queue needs of a driver: see :class:`cuboid.run.driver.Driver`."""

    @property
    def name(self) -> str: ...

    async def execute(self, job: Job) -> Result: ...

    async def interrupt(self, job: Job) -> None: ...


class QueryQueue(ABC):
    """The queue in front of one driver."""

    @abstractmethod
    def __init__(self, driver: Runs, settings: QueueSettings) -> None: ...

    @abstractmethod
    async def submit(self, job: Job, wait: float) -> Result | Pending:
        """The result of ``job``, or :class:`Pending` after ``wait`` seconds, while the run goes on.

        A job whose key is queued or running joins that run; one whose key has ended while its askers were told
        to wait gets that outcome (or error) at once. A caller that is cancelled never stops a run that others
        wait for; a run that nobody waits for any more is interrupted in the database. The highest priority is first;
        tenants of equal priority take turns, and in a tenant its owners. Raises the run's
        :class:`DriverError`, :class:`QueryTimeout`, :class:`QueryCancelled` or :class:`QueueFull`.
        """

    @abstractmethod
    async def cancel(self, key: str) -> bool:
        """Stops the queued or running job of that key; waiters get :class:`QueryCancelled`. False if there is none.
        Asking for the key again while the old run is still stopping starts a new run."""

    async def withdraw(self, owner: str, request: str) -> list[Withdrawn]:
        """That owner's request waits no longer: its callers get :class:`QueryCancelled`, and a run that nobody else
        waits for is stopped. What it was waiting for, oldest first; nothing for an empty ``request``.

        A queue that does not know who waits has nothing to withdraw.
        """
        return []

    @abstractmethod
    async def close(self) -> None:
        """Cancels everything and takes no more jobs."""
