"""Several statements that make one answer: all results, or Pending with what is there kept for the next ask.

Without keeping, the parts of a slow answer could chase each other for ever: one is fetched and forgotten while
the other still runs, and must run again when that one is done.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from cuboid.run.asker import NOBODY, Asker
from cuboid.run.data_source import DataSource, statement_key
from cuboid.types import Pending, Result, Statement

KEPT_SECONDS = 120.0
"""How long a part waits for its siblings; as long as a run waits for somebody to ask for it."""


class Together:
    """Runs groups of statements; parts of unfinished groups are kept for :data:`KEPT_SECONDS`."""

    def __init__(self) -> None:
        self._parts: dict[tuple[str, ...], dict[str, Result]] = {}

    async def submit(
        self, parts: Sequence[tuple[DataSource, Statement]], *, wait: float, asker: Asker = NOBODY
    ) -> list[Result] | Pending:
        """All results in order, or :class:`Pending` if one is not there after ``wait`` seconds.

        Raises the first part's error, after all parts have ended or are pending.
        """
        if len(parts) == 1:
            source, statement = parts[0]
            only = await source.submit(statement, wait=wait, asker=asker)
            return only if isinstance(only, Pending) else [only]
        keys = [f"{source.name}:{statement_key(statement)}" for source, statement in parts]
        group = tuple(sorted(keys))
        results = dict(self._parts.pop(group, {}))
        missing = [index for index, key in enumerate(keys) if key not in results]
        outcomes = await asyncio.gather(
            *(parts[index][0].submit(parts[index][1], wait=wait, asker=asker) for index in missing),
            return_exceptions=True,
        )
        pending: Pending | None = None
        for index, outcome in zip(missing, outcomes, strict=True):
            if isinstance(outcome, BaseException):
                raise outcome
            if isinstance(outcome, Pending):
                pending = outcome
            else:
                results[keys[index]] = outcome
        if pending is None:
            return [results[key] for key in keys]
        if results:
            self._keep(group, results)
        return pending

    def _keep(self, group: tuple[str, ...], results: dict[str, Result]) -> None:
        known = self._parts.setdefault(group, results)
        known.update(results)
        asyncio.get_running_loop().call_later(KEPT_SECONDS, self._drop, group, known)

    def _drop(self, group: tuple[str, ...], results: dict[str, Result]) -> None:
        if self._parts.get(group) is results:
            del self._parts[group]
