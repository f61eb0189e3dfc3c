"""Live tests: a coroutine with an open driver, on a loop and a thread of its own, within a deadline."""

from __future__ import annotations

import asyncio
import functools
import inspect
import sys
import threading
import traceback
import uuid
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec

import pytest
from sqlglot import exp

from cuboid.run.data_source import statement_key
from cuboid.run.driver import Driver
from cuboid.sql.dialect import Dialect
from cuboid.testing.compose import Composer
from cuboid.types import Job, Result, SemanticType, Statement, Value

if TYPE_CHECKING:
    from cuboid.testing.subject import Subject

P = ParamSpec("P")

GRACE = 5.0
"""Seconds that a test may take beyond its deadline to clean up before it is left behind."""


class Open:
    """An open driver, as tests use it."""

    def __init__(self, driver: Driver, dialect: Dialect) -> None:
        self.driver = driver
        self.dialect = dialect

    def composer(self) -> Composer:
        """For one statement of this dialect."""
        return Composer(self.dialect)

    async def run(self, statement: Statement) -> Result:
        """Executes the statement."""
        return await self.driver.execute(job(statement))

    async def rows(
        self, composer: Composer, tree: exp.Expr, *columns: tuple[str, SemanticType]
    ) -> list[tuple[Value, ...]]:
        """The rows of a tree whose parameters the composer has."""
        return list((await self.run(composer.statement(tree, *columns))).rows)

    async def one(self) -> Value:
        """What ``SELECT 1`` gives: whether the driver still works."""
        composer = self.composer()
        return (await self.rows(composer, exp.select("1 AS one"), ("one", "number")))[0][0]


def job(statement: Statement, **fields: Any) -> Job:
    """A job of the statement, with an id of its own."""
    fields = {"id": uuid.uuid4().hex, "key": statement_key(statement)} | fields
    return Job(statement=statement, **fields)


def live(
    test: Callable[Concatenate[Any, Open, P], Awaitable[None]],
) -> Callable[Concatenate[Any, P], None]:
    """The coroutine as a test: its first argument is the open driver, which is closed after it."""

    async def opened(self: Subject, *args: P.args, **kwargs: P.kwargs) -> None:
        driver = self.make_driver()
        await driver.open()
        try:
            await test(self, Open(driver, self.dialect), *args, **kwargs)
        finally:
            await driver.close()

    return _as_test(test, opened, drop=2)  # type: ignore[no-any-return]


def on_loop(test: Callable[Concatenate[Any, P], Awaitable[None]]) -> Callable[Concatenate[Any, P], None]:
    """The coroutine as a test, without a driver."""
    return _as_test(test, test, drop=1)  # type: ignore[no-any-return]


def _as_test(test: Any, coroutine: Any, drop: int) -> Any:
    @functools.wraps(test)
    def in_time(self: Subject, /, *args: Any, **kwargs: Any) -> None:
        within(self.deadline, functools.partial(coroutine, self, *args, **kwargs))

    signature = inspect.signature(test)
    parameters = list(signature.parameters.values())
    del in_time.__wrapped__  # pytest would look for fixtures in the coroutine's signature
    in_time.__signature__ = signature.replace(  # type: ignore[attr-defined]
        parameters=[parameters[0], *parameters[drop:]], return_annotation=None
    )
    return in_time


def within(seconds: float, test: Callable[[], Awaitable[None]]) -> None:
    """Runs the coroutine to its end or fails; a driver that blocks its thread for ever is left behind in it.

    The coroutine must leave its loop without tasks and without errors that nobody has seen.
    """
    outcome: list[BaseException] = []

    def work() -> None:
        try:
            asyncio.run(_clean(seconds, test))
        except BaseException as error:  # told by the thread that asked; a skip is a BaseException too
            outcome.append(error)

    thread = threading.Thread(target=work, name="cuboid-kit", daemon=True)
    thread.start()
    thread.join(seconds + GRACE)
    if thread.is_alive():
        frame = sys._current_frames().get(thread.ident or 0)
        stack = "".join(traceback.format_stack(frame)) if frame else ""
        pytest.fail(
            f"Not over after {seconds + GRACE:g} s: the event loop is blocked.\n{stack}", pytrace=False
        )
    if outcome:
        raise outcome[0]


async def _clean(seconds: float, test: Callable[[], Awaitable[None]]) -> None:
    complaints: list[str] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: complaints.append(str(context)))
    try:
        async with asyncio.timeout(seconds):
            await test()
    except TimeoutError:
        pytest.fail(f"Not over after {seconds:g} s.")
    own = asyncio.current_task()
    for _ in range(500):
        if asyncio.all_tasks() == {own}:
            break
        await asyncio.sleep(0.01)
    assert asyncio.all_tasks() == {own}, "the driver leaves tasks behind"
    assert complaints == [], "errors that nobody has seen"


def wrong_cells(
    found: Sequence[tuple[Value, ...]],
    expected: Sequence[tuple[Value, ...]],
    inputs: Sequence[object],
    names: Sequence[str] = ("value",),
) -> str:
    """What differs, one line per row, with the input that led to it; empty if nothing does."""
    if len(found) != len(expected):
        return f"{len(found)} rows, not {len(expected)}"
    wrong = []
    for given, got, due in zip(inputs, found, expected, strict=True):
        cells = zip(names, got, due, strict=True)
        if differing := [f"{name} is {_shown(a)}, not {_shown(b)}" for name, a, b in cells if a != b]:
            wrong.append(f"{_shown(given)}: {'; '.join(differing)}")
    return "\n".join([f"{len(wrong)} of {len(found)} are wrong", *wrong[:5]]) if wrong else ""


def _shown(value: object) -> str:
    return str(value) if isinstance(value, datetime) else repr(value)
