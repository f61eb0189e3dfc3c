"""The tables in which a store in the source's database keeps what it has: contents, rights to build, tables to drop.

Each step is one statement, so that it is done or not whenever a process is killed, with or without transactions. What a
table holds is replaced only if it is still what was read before. A database's own locks are not used: they go with a
connection, and connections come and go.

- ``cuboid_tables`` has the contents of each table, by its name, and how often they have changed.
- ``cuboid_leases`` has who may build a part, and until when unless that is put off again.
- ``cuboid_builds`` has each table that is being filled or no longer needed, before it is made, and after which moment
  it is dropped, unless some contents name it. A negative moment: that was decided then, and nobody may publish it now.

Moments are seconds since 1970 by the database's clock, whatever those of the processes say.
"""

from __future__ import annotations

import asyncio
import logging
import re
import uuid
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlglot import exp

from cuboid.errors import DriverError, QueryFailed
from cuboid.run.source_store.contents import Contents
from cuboid.types import Result, Scalar, Statement

log = logging.getLogger(__name__)

Run = Callable[[Statement, float], Awaitable[Result]]

TABLES = {
    "cuboid_tables": "name VARCHAR(80) PRIMARY KEY, changes BIGINT, writers VARCHAR(400), used_at DOUBLE PRECISION,"
    " contents {}",
    "cuboid_leases": "part VARCHAR(200) PRIMARY KEY, holder VARCHAR(40), until DOUBLE PRECISION",
    "cuboid_builds": "build VARCHAR(80) PRIMARY KEY, until DOUBLE PRECISION",
}
WRITERS = 8
"""How many of the last writers are remembered: one of them may ask whether it was one."""

TRIES = 20

_BUILD = re.compile(r"p_[0-9a-f]{12}_\w{1,12}_[0-9a-f]{10}")

STATEMENT_SECONDS = 60.0
"""How long a statement may take."""

DROP_SECONDS = 10.0
"""How long to wait for whoever reads a table that is to be dropped: the next sweep tries it again."""

DOOMED_SECONDS = 60.0
"""How long a build that is given up is kept: whoever was publishing it in that moment has done so or failed by then."""


@dataclass(frozen=True, slots=True)
class Known:
    """The contents of a table as they were read."""

    contents: Contents
    changes: int
    writers: str
    used_at: datetime


class Ledger:
    """The tables in one schema.

    :param run: runs a statement that may write, for so many seconds, never one that somebody else runs in that moment.
    :param now: SQL for the seconds since 1970.
    :param dialect: sqlglot's name of the SQL.
    :param style: of placeholders.
    """

    def __init__(self, schema: str, run: Run, now: str, dialect: str, style: str) -> None:
        self.schema = schema
        self._run = run
        self._now = now
        self._dialect = dialect
        self._style = style
        self._long = exp.DataType(this=exp.DataType.Type.LONGTEXT).sql(dialect=dialect)

    def named(self, table: str) -> str:
        """A table of the schema in SQL."""
        return ".".join(self.quoted(part) for part in (self.schema, table))

    def quoted(self, name: str) -> str:
        """A name in SQL."""
        return exp.to_identifier(name, quoted=True).sql(dialect=self._dialect)

    async def is_there(self) -> bool:
        """Whether it was made, and can be read."""
        try:
            for table in TABLES:
                await self._ask(f"SELECT COUNT(*) FROM {self.named(table)} WHERE 1 = 0")
        except DriverError:  # some take a schema that is missing for a connection that is
            return False
        return True

    async def make(self) -> None:
        """Makes the schema and the tables, as far as they are missing. Raises :class:`DriverError`."""
        refused: DriverError | None = None
        try:
            await self._ask(f"CREATE SCHEMA IF NOT EXISTS {self.quoted(self.schema)}")
        except DriverError as error:  # it may be there: an account need not be allowed to make another
            refused = error
        for table, columns in TABLES.items():
            try:
                await self._ask(
                    f"CREATE TABLE IF NOT EXISTS {self.named(table)} ({columns.format(self._long)})"
                )
            except DriverError as error:
                if not await self.is_there():  # two processes may make it in one moment
                    raise refused or error from None
                return

    # ------------------------------------------------------------ contents

    async def read(self, name: str) -> Known | None:
        """What the table holds."""
        found = await self._ask(
            f"SELECT contents, changes, writers, used_at FROM {self.named('cuboid_tables')} WHERE name = ?",
            name,
        )
        return _known(*found.rows[0]) if found.rows else None

    async def all(self) -> dict[str, Known]:
        """What all tables hold."""
        found = await self._ask(
            f"SELECT name, contents, changes, writers, used_at FROM {self.named('cuboid_tables')}"
        )
        return {str(name): _known(*rest) for name, *rest in found.rows}

    async def change(
        self,
        name: str,
        new: Contents,
        change: Callable[[Contents], Contents],
        kept: float,
        build: str | None = None,
    ) -> Known:
        """What the table holds after ``change``, which begins with ``new`` where there is none.

        :param kept: seconds after which is dropped what it needs no longer.
        :param build: the table that becomes part of it, which is no more to be dropped then.

        Raises :class:`QueryFailed` if that table was given up meanwhile.
        """
        me = uuid.uuid4().hex[:12]
        pause = 0.01
        for _ in range(TRIES):
            before = await self.read(name)
            after = change(new if before is None else before.contents)
            if before is not None:
                await self.drop_after(before.contents.builds - after.builds, kept)
            with suppress(QueryFailed):  # another has been quicker, or was so at the same time
                await (self._insert if before is None else self._update)(name, before, after, me, build)
            now = await self.read(name)
            if now is not None and me in now.writers:
                return now
            if build is not None and not await self._may_publish(build):
                raise QueryFailed("The build was given up: it took too long to be noticed.")
            await asyncio.sleep(pause)
            pause *= 1.5
        raise QueryFailed("What is stored could not be changed: others kept changing it.")

    async def _insert(
        self, name: str, before: Known | None, after: Contents, me: str, build: str | None
    ) -> None:
        """One of two that do so fails: names are unique."""
        if build is None or await self._may_publish(build):
            await self._ask(
                f"INSERT INTO {self.named('cuboid_tables')} (name, changes, writers, used_at, contents)"
                f" VALUES (?, 1, ?, {self._now}, ?)",
                name,
                me,
                after.written(),
            )

    async def _update(
        self, name: str, before: Known | None, after: Contents, me: str, build: str | None
    ) -> None:
        assert before is not None
        writers = " ".join([me, *before.writers.split()][:WRITERS])
        allowed: tuple[str, ...] = () if build is None else (build,)
        still = f" AND EXISTS (SELECT 1 FROM {self.named('cuboid_builds')} WHERE build = ? AND until > 0)"
        await self._ask(
            f"UPDATE {self.named('cuboid_tables')} SET changes = ?, writers = ?, contents = ?"
            f" WHERE name = ? AND changes = ?{still if allowed else ''}",
            before.changes + 1,
            writers,
            after.written(),
            name,
            before.changes,
            *allowed,
        )

    async def use(self, name: str) -> None:
        """The table is read now."""
        await self._ask(
            f"UPDATE {self.named('cuboid_tables')} SET used_at = {self._now} WHERE name = ?", name
        )

    async def remove(self, name: str, known: Known) -> bool:
        """Whether there is no such table any more: there still is if it is not as it is known, or being built."""
        await self._ask(
            f"DELETE FROM {self.named('cuboid_tables')} WHERE name = ? AND changes = ? AND NOT EXISTS"
            f" (SELECT 1 FROM {self.named('cuboid_leases')} WHERE part LIKE ? AND until >= {self._now})",
            name,
            known.changes,
            f"{name}/%",
        )
        return await self.read(name) is None

    # ------------------------------------------------------------ the right to build

    async def lease(self, part: str, holder: str, seconds: float) -> bool:
        """Whether the holder may build the part for so long: nobody else may."""
        leases = self.named("cuboid_leases")
        refused: QueryFailed | None = None
        for _ in range(TRIES):
            await self._ask(f"DELETE FROM {leases} WHERE part = ? AND until < {self._now}", part)
            try:
                await self._ask(
                    f"INSERT INTO {leases} (part, holder, until) VALUES (?, ?, {self._now} + ?)",
                    part,
                    holder,
                    seconds,
                )
                return True
            except QueryFailed as error:  # names are unique
                refused = error
            found = await self._ask(f"SELECT holder FROM {leases} WHERE part = ?", part)
            if found.rows:
                return False
        assert refused is not None
        raise refused

    async def leased(self, table: str) -> bool:
        """Whether a part of the table is being built."""
        found = await self._ask(f"SELECT part FROM {self.named('cuboid_leases')} WHERE until >= {self._now}")
        return any(str(part).rpartition("/")[0] == table for (part,) in found.rows)

    async def prolong(self, part: str, seconds: float) -> None:
        """Whoever builds the part may do so from now for so long."""
        await self._ask(
            f"UPDATE {self.named('cuboid_leases')} SET until = {self._now} + ? WHERE part = ?", seconds, part
        )

    async def release(self, holder: str) -> None:
        """The holder builds nothing."""
        await self._ask(f"DELETE FROM {self.named('cuboid_leases')} WHERE holder = ?", holder)

    # ------------------------------------------------------------ tables to drop

    async def drop_after(self, builds: Iterable[str], seconds: float) -> None:
        """These tables are dropped then, if nothing names them."""
        for build in builds:
            found = await self._ask(f"SELECT until FROM {self.named('cuboid_builds')} WHERE build = ?", build)
            builds = self.named("cuboid_builds")
            await self._ask(
                f"UPDATE {builds} SET until = {self._now} + ? WHERE build = ? AND until > 0"
                if found.rows
                else f"INSERT INTO {builds} (until, build) VALUES ({self._now} + ?, ?)",
                seconds,
                build,
            )

    async def keep(self, build: str) -> None:
        """The table is no more to be dropped."""
        await self._ask(f"DELETE FROM {self.named('cuboid_builds')} WHERE build = ?", build)

    async def sweep(self) -> None:
        """Drops the tables whose time has come. A server may finish one for a process that is gone when nobody knows
        of it any more: that one is found by its name."""
        now, builds = self._now, self.named("cuboid_builds")
        there = await self._ask(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = ?", self.schema
        )
        listed = {str(build) for (build,) in (await self._ask(f"SELECT build FROM {builds}")).rows}
        await self._ask(f"UPDATE {builds} SET until = -{now} WHERE until > 0 AND until < {now}")
        due = await self._ask(
            f"SELECT build FROM {builds} WHERE until < 0 AND until > ? - {now}", DOOMED_SECONDS
        )
        named = frozenset[str]().union(*(each.contents.builds for each in (await self.all()).values()))
        for (build,) in due.rows:
            if build in named or await self._is_dropped(str(build)):
                await self.keep(str(build))
        made = {str(name) for (name,) in there.rows if _BUILD.fullmatch(str(name))}
        await self.drop_after(made - listed - named, DOOMED_SECONDS)

    async def _is_dropped(self, build: str) -> bool:
        """Drops the table; False if it cannot be now, as it is being read, say."""
        try:
            await self._ask(f"DROP TABLE IF EXISTS {self.named(build)}", within=DROP_SECONDS)
        except QueryFailed as error:
            log.warning("the table %s, which is no longer needed, stays for now: %s", build, error)
            return False
        return True

    async def _may_publish(self, build: str) -> bool:
        found = await self._ask(
            f"SELECT until FROM {self.named('cuboid_builds')} WHERE build = ? AND until > 0", build
        )
        return bool(found.rows)

    async def _ask(self, text: str, *values: Scalar, within: float = STATEMENT_SECONDS) -> Result:
        pieces = text.split("?")
        marks = (
            {"dollar": f"${number}", "format": "%s"}.get(self._style, "?") for number in range(1, len(pieces))
        )
        sql = "".join(map("".join, zip(pieces, [*marks, ""], strict=True)))
        return await self._run(Statement(sql, values), within)


def build_name(table: str, label: str) -> str:
    """A name that no other build has, whatever the database's limit."""
    part = re.sub(r"\W", "_", label)[:12]
    return f"p_{table.rpartition('_')[2][:12]}_{part}_{uuid.uuid4().hex[:10]}"


def _known(contents: object, changes: object, writers: object, used_at: object) -> Known:
    moment = datetime.fromtimestamp(float(used_at), UTC)  # type: ignore[arg-type]  # a number, as declared
    return Known(Contents.read(str(contents)), int(changes), str(writers), moment)  # type: ignore[call-overload]
