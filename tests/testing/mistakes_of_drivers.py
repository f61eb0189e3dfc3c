"""Mistakes beside SQL: settings, values, errors, interrupts, streams, life cycle."""

from __future__ import annotations

import asyncio
import threading
from datetime import UTC, date, datetime
from decimal import Decimal

import duckdb
from pydantic import ConfigDict, Field, SecretStr
from tests.testing.seeding import Mistake

import cuboid
from cuboid.errors import ConnectionFailed, QueryFailed
from cuboid.types import Job, Statement
from cuboid_duckdb.driver import DuckDBConfig, DuckDBDriver


class AnyKey(DuckDBConfig):
    model_config = ConfigDict(extra="ignore", frozen=True)


class Changeable(DuckDBConfig):
    model_config = ConfigDict(extra="forbid", frozen=False)


class Hidden(DuckDBConfig):
    password: SecretStr = Field(default=SecretStr(""), description="The password.")


class Plain(DuckDBConfig):
    password: str = Field(default="", description="The password.")


def bound(change):
    """A driver that changes each parameter on its way in."""

    def start(self, connection, statement, *, streaming):
        changed = Statement(statement.sql, tuple(map(change, statement.parameters)), statement.columns)
        return DuckDBDriver.start(self, connection, changed, streaming=streaming)

    return {"start": start}


def fetched(change):
    """A driver that changes each cell on its way out."""

    def convert(self, rows, converters):
        return [tuple(map(change, row)) for row in DuckDBDriver.convert(self, rows, converters)]

    return {"convert": convert}


def of(type_, change):
    return lambda value: change(value) if type(value) is type_ else value


def interpolated(self, connection, statement, *, streaming):
    sql = statement.sql
    for value in statement.parameters:
        sql = sql.replace("?", f"'{value}'" if isinstance(value, str) else str(value), 1)
    return connection.execute(sql)


def percent_style(self, connection, statement, *, streaming):
    return connection.execute(statement.sql.replace("%s", "?"), list(statement.parameters))


def percent_when_bound(self, connection, statement, *, streaming):
    """As client libraries do that read placeholders only if there are parameters."""
    if not statement.parameters:
        return connection.execute(statement.sql)
    sql = statement.sql.replace("%s", "?").replace("%%", "%")
    return connection.execute(sql, list(statement.parameters))


def other_zone(self):
    instance = duckdb.connect(self.config.database)
    instance.execute("SET GLOBAL timezone = 'America/New_York'")
    return instance


def leak(self, error):
    raise error


async def blocking(self, job: Job):
    connection = self.connect()
    try:
        cursor = DuckDBDriver.start(self, connection, job.statement, streaming=False)
        rows = self.convert(cursor.fetchall(), {})
        return cuboid.Result(tuple(each[0] for each in cursor.description), rows, datetime.now(UTC))
    except duckdb.Error as error:
        raise QueryFailed(str(error)) from None
    finally:
        connection.close()


async def renamed(self, job: Job):
    result = await DuckDBDriver.execute(self, job)
    return cuboid.Result(tuple(name.lower()[:40] for name in result.columns), result.rows, result.finished_at)


async def nothing(self, *arguments):
    pass


async def interrupt_all(self, job: Job):
    await asyncio.gather(*(DuckDBDriver.interrupt(self, run.job) for run in list(self._runs.values())))


async def interrupt_later(self, job: Job):
    """The cancel is remembered by the connection, and hits whatever runs there next."""
    if job.id in self._runs:
        await DuckDBDriver.interrupt(self, job)
    else:
        self.poisoned = True


def poisoned_start(self, connection, statement, *, streaming):
    if getattr(self, "poisoned", False):
        self.poisoned = False
        raise duckdb.InterruptException("interrupted")
    return DuckDBDriver.start(self, connection, statement, streaming=streaming)


async def interrupt_once(self, job: Job):
    """Without asking again: lost if the statement has not begun."""
    run = self._runs.get(job.id)
    if run is not None and run.live is not None:
        self.cancel(run.live)


async def leave_running(self, job: Job):
    running = asyncio.ensure_future(DuckDBDriver.execute(self, job))
    running.add_done_callback(lambda task: task.exception())  # and nobody hears of it
    return await asyncio.shield(running)


async def stream_at_once(self, job: Job, batch_rows: int = 5000):
    rows = (await DuckDBDriver.execute(self, job)).rows
    for first in range(0, len(rows), batch_rows):
        yield rows[first : first + batch_rows]


async def stream_of_own_size(self, job: Job, batch_rows: int = 5000):
    async for batch in DuckDBDriver.stream(self, job, 20_000):
        yield batch


async def stream_without_rest(self, job: Job, batch_rows: int = 5000):
    async for batch in DuckDBDriver.stream(self, job, batch_rows):
        if len(batch) == batch_rows:
            yield batch


async def stream_raw(self, job: Job, batch_rows: int = 5000):
    connection = await asyncio.to_thread(self.connect)
    cursor = await asyncio.to_thread(connection.execute, job.statement.sql, list(job.statement.parameters))
    while rows := await asyncio.to_thread(cursor.fetchmany, batch_rows):
        yield rows


async def told_password(self):
    raise ConnectionFailed(f"login with '{self.config.password.get_secret_value()}' failed")


async def closed_badly(self):
    await DuckDBDriver.close(self)
    if getattr(self, "was_closed", False):
        raise RuntimeError("already closed")
    self.was_closed = True


async def thread_left(self):
    await DuckDBDriver.open(self)
    threading.Thread(target=threading.Event().wait, args=(60,), name="keepalive", daemon=True).start()


async def open_query_failed(self):
    try:
        await DuckDBDriver.open(self)
    except ConnectionFailed as error:
        raise QueryFailed(error.message) from None


def less(*capabilities):
    return {"capabilities": DuckDBDriver.capabilities - set(capabilities)}


IN = (
    "test_texts",
    "decimals",
    "integers",
    "none_is_null",
    "times_come",
    "compared_to",
    "percent",
    "cells_have",
)
BROKEN = ("broken_statement",)

MISTAKES = [
    Mistake("unknown settings are accepted", ("unknown_settings",), config=AnyKey),
    Mistake("settings can be changed", ("settings_never",), config=Changeable),
    Mistake("the password is no secret", ("secrets_are",), config=Plain),
    Mistake("the password is in the message", ("no_secret",), config=Hidden, driver={"open": told_password}),
    Mistake("the driver has another name than its plugin", ("registry",), driver={"name": "duck"}),
    Mistake("the dialect is not registered", ("registry",), driver={"dialect": "duck"}),
    # ------------------------------------------------------------ values
    Mistake("None is bound as text", IN, driver=bound(of(type(None), str))),
    Mistake("backslashes are doubled", IN, driver=bound(of(str, lambda text: text.replace("\\", "\\\\")))),
    Mistake("quotes are doubled", IN, driver=bound(of(str, lambda text: text.replace("'", "''")))),
    Mistake("empty text is NULL", IN, driver=bound(of(str, lambda text: text or None))),
    Mistake("texts are stripped", IN, driver=bound(of(str, str.strip))),
    Mistake(
        "texts lose what is not Latin",
        IN,
        driver=bound(of(str, lambda t: t.encode("latin1", "replace").decode("latin1"))),
    ),
    Mistake("decimals are bound as floats", IN, driver=bound(of(Decimal, float))),
    Mistake("integers are bound as floats", IN, driver=bound(of(int, float))),
    Mistake(
        "times are bound in whole seconds",
        IN,
        driver=bound(of(datetime, lambda time: time.replace(microsecond=0))),
    ),
    Mistake("values are written into the statement", IN, driver={"start": interpolated}),
    Mistake("% is not halved again", IN, dialect={"placeholders": "format"}, driver={"start": percent_style}),
    Mistake(
        "% is halved only with parameters",
        IN,
        dialect={"placeholders": "format"},
        driver={"start": percent_when_bound},
    ),
    Mistake(
        "the session has the zone of its machine",
        ("times_come", "right_to_the_second"),
        driver={"_open_instance": other_zone},
    ),
    Mistake("decimals arrive as floats", IN, driver=fetched(of(Decimal, float))),
    Mistake("truth values arrive as numbers", IN, driver=fetched(of(bool, int))),
    Mistake(
        "dates arrive as dates",
        IN,
        driver=fetched(
            of(datetime, lambda t: date(t.year, t.month, t.day) if t.hour == t.minute == 0 else t)
        ),
    ),
    Mistake(
        "times arrive with a zone", IN, driver=fetched(of(datetime, lambda time: time.replace(tzinfo=UTC)))
    ),
    Mistake("times arrive as text", IN, driver=fetched(of(datetime, datetime.isoformat))),
    Mistake("integers arrive as text", IN, driver=fetched(of(int, str))),
    Mistake("NULL arrives as empty text", ("every_type_has",), driver=fetched(of(type(None), lambda _: ""))),
    Mistake("column names change", ("names",), driver={"execute": renamed}),
    # ------------------------------------------------------------ errors
    Mistake("the client library's exceptions leak", BROKEN, driver={"translate": leak}),
    Mistake(
        "every error is a lost connection",
        BROKEN,
        driver={"translate": lambda self, error: ConnectionFailed(str(error))},
    ),
    Mistake("errors have no message", BROKEN, driver={"translate": lambda self, error: QueryFailed("")}),
    Mistake(
        "what cannot be reached is a failed query", ("cannot_be_reached",), driver={"open": open_query_failed}
    ),
    Mistake("opening checks nothing", ("cannot_be_reached",), driver={"open": nothing}),
    # ------------------------------------------------------------ running
    Mistake("the event loop is blocked", ("event_loop",), driver={"execute": blocking}),
    Mistake(
        "cancelling does nothing", ("interrupt_stops",), driver={"cancel": lambda self, connection: None}
    ),
    Mistake("interrupting does nothing", ("interrupt_stops",), driver={"interrupt": nothing}),
    Mistake("an interrupt stops every statement", ("interrupt_stops",), driver={"interrupt": interrupt_all}),
    Mistake("an early interrupt is lost", ("never_too_early",), driver={"interrupt": interrupt_once}),
    Mistake(
        "a late interrupt hits the next statement",
        ("comes_late",),
        driver={"interrupt": interrupt_later, "start": poisoned_start},
    ),
    Mistake(
        "what nobody waits for runs on",
        ("caller_that_leaves_stops_its",),
        slow_places=10,
        driver={"execute": leave_running},
    ),
    Mistake("a stream is read at once", ("is_left",), driver={"stream": stream_at_once}),
    Mistake(
        "a stream has batches of its own size", ("every_row_once",), driver={"stream": stream_of_own_size}
    ),
    Mistake("a stream loses its rest", ("every_row_once",), driver={"stream": stream_without_rest}),
    Mistake("a stream leaks the client library's exceptions", ("fails_like",), driver={"stream": stream_raw}),
    Mistake("closing leaves everything open", ("closed_driver", "after_closing"), driver={"close": nothing}),
    Mistake("closing twice fails", ("closing_is_harmless",), driver={"close": closed_badly}),
    Mistake("a thread is left behind", ("nothing_is_left",), driver={"open": thread_left}),
    # ------------------------------------------------------------ capabilities
    Mistake(
        "streams work and are not declared", ("capabilities_that", "not_declared"), driver=less("stream")
    ),
    Mistake(
        "interrupts work and are not declared",
        ("capabilities_that", "not_declared"),
        driver=less("interrupt"),
    ),
    Mistake("exact decimals work and are not declared", ("38_digits",), driver=less("exact_decimals")),
    Mistake(
        "zones before 1970 work and are not declared", ("before_1970",), driver=less("zones_before_1970")
    ),
    Mistake(
        "introspection is declared and missing",
        ("capabilities_that", "tables_are"),
        driver={"introspection": None},
    ),
]
