"""The values that cross the plugin line: what drivers, dialects and queues receive and return.

All are frozen. Nothing here does any work, and nothing here imports the rest of Cuboid.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Literal

Nested = list[Any] | dict[str, Any]
"""A JSON column's array or object, of plain JSON values only."""

Scalar = None | bool | int | float | Decimal | str | date | datetime
"""What a statement's parameters may hold."""

Value = Scalar | Nested
"""What a result's cells may hold. Datetimes in results are zoneless."""

SemanticType = Literal["string", "number", "boolean", "time"]
"""What a column means on the wire, whatever the database calls its type."""

TimeKind = Literal["instant", "utc", "date"]
"""What a time column holds: a point on the UTC line with its zone (``instant``), a zoneless wall
time that is UTC (``utc``, the default), or a calendar date that no zone moves (``date``)."""

GRANULARITIES = ("second", "minute", "hour", "day", "week", "month", "quarter", "year")
"""The built-in granularities, finest first; weeks begin on Monday."""

ParameterType = Literal["string", "number", "boolean", "instant", "utc", "date", "integer"]
"""How a bound value is typed in SQL. For ``instant`` the value is an aware UTC datetime, for ``utc`` a
naive datetime in UTC, for ``date`` a naive civil datetime. ``integer`` is for LIMIT and OFFSET."""

Capability = Literal[
    "stream",  # results arrive in batches with bounded memory
    "interrupt",  # a running statement is really stopped in the database
    "introspect",  # tables, columns and keys can be listed
    "approx_count_distinct",  # the dialect has an approximate distinct count
    "exact_decimals",  # decimals of up to 38 digits go in and come out exactly
    "zones_before_1970",  # instants before 1970 have the wall time of their zone
]
"""Optional behaviour that a driver declares. What is not declared raises, so that it is never a wrong number:
``UnsupportedFeature`` where Cuboid can tell, :class:`QueryFailed` where only the database or the driver can."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A length of civil time in whole calendar months and whole seconds: a quarter is 3 months, a day 86400 seconds."""

    months: int = 0
    seconds: int = 0


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a statement's result: its SQL alias and what it means.

    :param counted: a number that counts something: whole, and never beyond 64 bits.
    """

    name: str
    type: SemanticType
    counted: bool = False


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL text with placeholders in the dialect's style, and its parameters in order of appearance.

    :param epoch: statements of different epochs are different questions, though they read the same: somebody has said
        in between that the data changed.
    """

    sql: str
    parameters: tuple[Scalar, ...] = ()
    columns: tuple[Column, ...] = ()
    epoch: int = 0


@dataclass(frozen=True, slots=True)
class Job:
    """A statement in a queue.

    :param id: names this one run; two runs of one key have different ids.
    :param key: equal keys ask the same thing and share one run.
    :param priority: higher first, -10000 to 10000; interactive requests use 10.
    :param timeout: seconds the statement may run.
    :param owner: whoever asks, as an opaque text that is the same for all requests of one principal; empty for nobody
        in particular.
    :param request: the part of the request's id that stays the same while its client polls; empty if it has none.
    :param tenant: whose owner it is, as the hook ``tenant`` says; empty for none. Tenants of equal priority take turns,
        and in a tenant its owners.
    :param stream: somebody else reads the rows while they arrive, at their own speed.
    """

    id: str
    key: str
    statement: Statement
    priority: int = 10
    timeout: float = 600.0
    owner: str = ""
    request: str = ""
    tenant: str = ""
    stream: bool = False


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """A job that a request no longer waits for. Times are aware; ``started_at`` is None if it was still queued.

    :param job: as that request asked for it, whoever began the run.
    :param stopped: False if the run goes on, since others wait for it too.
    """

    job: Job
    added_at: datetime
    started_at: datetime | None
    stopped: bool


@dataclass(frozen=True, slots=True)
class Result:
    """What came back: cells are in the order of ``columns``, already in semantic types."""

    columns: tuple[str, ...]
    rows: Sequence[tuple[Value, ...]]
    finished_at: datetime


@dataclass(frozen=True, slots=True)
class Pending:
    """Not there yet: on the wire "Continue wait".

    :param stage: ``Executing query`` or ``#N in queue``.
    :param elapsed: seconds since the run began, 0 while queued.
    """

    stage: str
    elapsed: float = 0.0

    @property
    def position(self) -> int | None:
        """The place in the queue, 1 for who is next; None for what is not queued."""
        number, _, rest = self.stage.partition(" ")
        return int(number[1:]) if rest == "in queue" and number[1:].isdigit() else None


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks.

    :param claims: the verified token's whole payload (``securityContext`` on the wire), empty for nobody in dev mode.
    :param model_claims: what the model's SQL and policies read of it; None: the claims as they are.
    :param context: what plugins add about the request (hook ``extend_context``); no claims, nobody has verified it.
    """

    claims: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    model_claims: Mapping[str, Any] | None = None
    context: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """The outside of a request, for plugins that decide by it; of a WebSocket, its handshake.

    :param headers: names in lower case; values of a repeated header are joined by commas.
    :param address: of the client, or of the proxy in front.
    """

    method: str
    path: str
    headers: Mapping[str, str] = field(repr=False)
    address: str = ""


@dataclass(frozen=True, slots=True)
class ColumnInfo:
    """A column as a driver's ``introspect`` reports it."""

    name: str
    type: SemanticType
    native_type: str
    primary_key: bool = False


@dataclass(frozen=True, slots=True)
class ForeignKeyInfo:
    """``columns`` of this table refer to ``target_columns`` of ``target_table``, in order."""

    columns: tuple[str, ...]
    target_table: str
    target_columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TableInfo:
    """A table or view as a driver's ``introspect`` reports it."""

    schema: str
    name: str
    columns: tuple[ColumnInfo, ...]
    foreign_keys: tuple[ForeignKeyInfo, ...] = ()
