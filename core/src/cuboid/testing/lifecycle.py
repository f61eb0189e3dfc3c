"""Opening and closing: what cannot be reached is said in time, and nothing is left behind."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from cuboid.errors import ConnectionFailed, DriverError
from cuboid.run.data_source import DataSource
from cuboid.run.queue import QueueSettings
from cuboid.sql.dialect import number
from cuboid.testing.compose import Composer, select
from cuboid.testing.live import Open, job, on_loop
from cuboid.testing.registration import SECRET
from cuboid.testing.subject import Subject, listening


class Lifecycle(Subject):
    """``open``, ``close``, and targets that are wrong."""

    @on_loop
    async def test_a_driver_opens_answers_and_closes(self) -> None:
        driver = self.make_driver()
        await driver.open()
        assert await Open(driver, self.dialect).one() == 1
        await driver.close()

    @on_loop
    async def test_closing_is_harmless_when_not_open_and_when_closed(self) -> None:
        driver = self.make_driver()
        await driver.close()
        await driver.open()
        await driver.close()
        await driver.close()

    @on_loop
    async def test_a_closed_driver_says_so_and_opens_again(self) -> None:
        driver = self.make_driver()
        await driver.open()
        await driver.close()
        with pytest.raises(ConnectionFailed):
            await Open(driver, self.dialect).one()
        await driver.open()
        assert await Open(driver, self.dialect).one() == 1
        await driver.close()

    @on_loop
    async def test_two_drivers_of_the_same_settings_are_independent(self) -> None:
        first, second = self.make_driver(), self.make_driver()
        await first.open()
        await second.open()
        await first.close()
        assert await Open(second, self.dialect).one() == 1
        await second.close()

    @on_loop
    async def test_closing_stops_what_runs(self) -> None:
        driver = self.make_driver()
        await driver.open()
        running = asyncio.ensure_future(driver.execute(job(self.slow_statement())))
        await asyncio.sleep(0.2)
        assert not running.done(), "the slow statement is not slow: see slow_places"
        await driver.close()
        with pytest.raises(DriverError):
            await running

    @on_loop
    async def test_nothing_is_left_after_closing(self) -> None:
        before = set(threading.enumerate())
        driver = self.make_driver()
        await driver.open()
        source = Open(driver, self.dialect)
        await asyncio.gather(*(source.one() for _ in range(8)))
        await driver.close()
        left = {thread for thread in threading.enumerate() if thread not in before}
        for thread in left - {threading.current_thread()}:
            await asyncio.to_thread(thread.join, self.deadline)
        alive = [thread.name for thread in left if thread.is_alive() and not _the_loops(thread)]
        assert alive == []

    # ------------------------------------------------------------ wrong targets

    def test_making_a_driver_reaches_for_nothing(self) -> None:
        self.make_driver(self.unreachable())

    @on_loop
    async def test_what_cannot_be_reached_is_a_clear_error_each_time(self) -> None:
        driver = self.make_driver(self.unreachable())
        for _ in range(2):
            await _failure(driver)
        await driver.close()

    @on_loop
    async def test_errors_hold_no_secret(self) -> None:
        hidden = [
            name
            for name, field in self.driver_class.Config.model_fields.items()
            if "SecretStr" in str(field.annotation)
        ]
        for target in (self.unreachable(), self.config()):
            driver = self.make_driver({**target, **dict.fromkeys(hidden, SECRET)})
            try:
                await driver.open()
            except ConnectionFailed as error:
                _holds_no_secret(error)
            finally:
                await driver.close()

    @pytest.mark.parametrize(
        "answer", [None, b"", b"\x00\xff kit \r\n\r\n"], ids=["silence", "hang up", "noise"]
    )
    @on_loop
    async def test_a_server_that_makes_no_sense_is_a_clear_error_and_the_loop_goes_on(
        self, answer: bytes | None
    ) -> None:
        if not self.has_settings("host", "port"):
            return  # nothing to connect to: a file is right or wrong at once
        with listening(answer) as address:
            driver = self.make_driver({**self.config(), **address})
            opening = asyncio.ensure_future(_failure(driver))
            if answer is None:
                await _beats(opening)
            await opening
            await driver.close()

    @on_loop
    async def test_a_data_source_names_itself_in_the_error_and_recovers(self) -> None:
        """What the server does: opening on first use, through the queue."""
        statement = Composer(self.dialect).statement(select(one=number(1)), ("one", "number"))
        for config, name in ((self.unreachable(), "elsewhere"), (self.config(), "here")):
            driver = self.make_driver(config)
            source = DataSource(name, driver, self.dialect, driver.queue(driver, QueueSettings()))
            if name == "here":
                await source.ping(self.deadline)
                await source.submit(statement, wait=self.deadline)
            else:
                with pytest.raises(ConnectionFailed, match="elsewhere"):
                    await source.submit(statement, wait=self.deadline)
            await source.close()


async def _failure(driver: Any) -> ConnectionFailed:
    with pytest.raises(ConnectionFailed) as caught:
        await driver.open()
    assert caught.value.message.strip()
    return caught.value


async def _beats(waiting: asyncio.Future[Any]) -> None:
    """The loop goes on while something slow is waited for: were it blocked, that would be over by now."""
    for _ in range(10):
        await asyncio.sleep(0.01)
    assert not waiting.done(), "the event loop was blocked, or the slow thing was not slow"


def _holds_no_secret(error: BaseException) -> None:
    seen: BaseException | None = error
    while seen is not None:
        hint = getattr(seen, "hint", None)
        for shown in (str(seen), repr(seen), str(hint)):
            assert SECRET not in shown
        # What is hidden by `raise … from None` is not written to any log.
        seen = seen.__cause__ or (None if seen.__suppress_context__ else seen.__context__)


def _the_loops(thread: threading.Thread) -> bool:
    """Threads of asyncio's own pool end with the loop."""
    return thread.name.startswith("asyncio_")
