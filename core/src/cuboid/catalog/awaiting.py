"""Calling a project's functions, which may be async, from code that is not."""

from __future__ import annotations

import asyncio
import inspect
import threading
from typing import Any


def settle(result: Any) -> Any:
    """What an async function gives. It runs on a loop of its own: this thread's loop may be running."""
    if not inspect.isawaitable(result):
        return result
    outcome: list[Any] = []

    async def wait() -> Any:
        return await result

    def run() -> None:
        try:
            outcome.append((True, asyncio.run(wait())))
        except BaseException as error:
            outcome.append((False, error))

    thread = threading.Thread(target=run, name="cuboid-async")
    thread.start()
    thread.join()
    succeeded, value = outcome[0]
    if not succeeded:
        raise value
    return value
