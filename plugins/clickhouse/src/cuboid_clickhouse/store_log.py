"""The log of a store: what happened to its builds, line by line. Nothing in it is ever changed.

ClickHouse has neither transactions nor an UPDATE that compares, but an INSERT of one block is there or not. So what a
table holds is not written anywhere; it follows from the lines, for every reader alike:

- A build is ``begun``, ``alive`` from time to time, and ``built`` once its rows are counted; this line says what it
  holds.
- ``gone`` is a build that failed, was given up or is no longer needed. Its other lines count for nothing then, in
  whichever order they come: what its process still does, shows nothing.
- Of the builds of a part that are built and not gone, the one counts that began last, by the server's clock. So two
  processes that build one part need not know of each other, and a process that was stopped for an hour replaces
  nothing that is newer. If that one is ``dropped``, there is no such part.

Rows are removed only of builds that have been gone for longer than any statement takes, and a build is published by a
statement which sees to it that it is not gone and has all its rows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cuboid.errors import QueryFailed
from cuboid_clickhouse.store_contents import BUILD, Build, Contents, quoted
from cuboid_clickhouse.store_server import SECONDS, StoreServer

TABLES = {
    "cuboid_builds": "(name String, label String, build UInt64, began DateTime64(6, 'UTC'),"
    " event LowCardinality(String), at DateTime64(6, 'UTC') DEFAULT now64(6), contents String)"
    " ENGINE = MergeTree ORDER BY (name, build)",
    "cuboid_used": "(name String, at DateTime64(6, 'UTC') DEFAULT now64(6))"
    " ENGINE = ReplacingMergeTree(at) ORDER BY name",
    # Of INSERTs with one token the first one counts, as long as it is among the last thousand.
    "cuboid_leases": "(part String, number UInt64, holder String, until DateTime64(6, 'UTC'),"
    " at DateTime64(6, 'UTC') DEFAULT now64(6)) ENGINE = MergeTree ORDER BY (part, number)"
    " TTL toDateTime(at) + INTERVAL 1 DAY SETTINGS non_replicated_deduplication_window = 1000",
}
ROWS = "cuboid_rows_"
"""How the names of tables begin that have rows of builds."""

GONE_SECONDS = SECONDS + 30
"""No statement is on its way then that began before."""

EMPTY_SECONDS = 3600

_NEVER = datetime.fromtimestamp(0, UTC)

_LINES = "INSERT INTO cuboid_builds (name, label, build, began, event, contents)"
_OF_BUILD = "SELECT any(name), any(label), build, max(began)"


@dataclass(frozen=True, slots=True)
class State:
    """A build and when what happened to it; None for what did not. ``last`` is its last line."""

    name: str
    label: str
    number: int
    began: datetime
    built: datetime | None
    dropped: datetime | None
    gone: datetime | None
    last: datetime


class BuildLog:
    """The tables with lines, in the database of the server's account. All methods block.

    :param gone: seconds for which a build is gone before its rows are removed.
    :param empty: how old, in seconds, a table without rows is when it is removed.
    """

    def __init__(
        self, server: StoreServer, *, gone: float = GONE_SECONDS, empty: float = EMPTY_SECONDS
    ) -> None:
        self._server = server
        self._gone = gone
        self._empty = empty

    def is_there(self) -> bool:
        """Whether its tables were made."""
        ((found,),) = self._server.ask(
            f"SELECT count() FROM system.tables WHERE database = currentDatabase() AND name IN {tuple(TABLES)!r}"  # noqa: S608
        )
        return bool(found == len(TABLES))

    def make(self) -> None:
        """Makes its tables, as far as they are missing."""
        for name, described in TABLES.items():
            self._server.run(f"CREATE TABLE IF NOT EXISTS {name} {described}")

    # ------------------------------------------------------------ what is there

    def stamp(self, name: str) -> tuple[object, ...]:
        """Differs after each change of the table."""
        (found,) = self._server.ask(
            "SELECT count(), max(at) FROM cuboid_builds"
            " WHERE name = {name:String} AND event NOT IN ('begun', 'alive')",
            name=name,
        )
        return found

    def read(self, name: str) -> Contents | None:
        """What the table holds: rows of one rollup, should another have the same name."""
        found = self._server.ask(
            "SELECT build, anyIf(contents, event = 'built'), maxIf(at, event = 'dropped'), max(began)"
            " FROM cuboid_builds WHERE name = {name:String} GROUP BY label, build"
            " HAVING countIf(event = 'built') > 0 AND countIf(event = 'gone') = 0"
            " ORDER BY label, max(began) DESC, build DESC LIMIT 1 BY label",
            name=name,
        )
        if not found:
            return None
        began = [began for *_, began in found]
        every = [(Build.read(number, text), _aware(dropped)) for number, text, dropped, _ in found]
        first, _ = every[began.index(min(began))]
        builds = [each for each in every if each[0].definition == first.definition]
        dropped_at = max(dropped for _, dropped in builds)
        return Contents(
            name,
            first.rollup,
            first.zone,
            first.definition,
            first.columns,
            tuple(build for build, dropped in builds if dropped == _NEVER),
            None if dropped_at == _NEVER else dropped_at,
            next((shard.table for build, _ in builds for shard in build.shards if not shard.kinds), None),
        )

    def names(self) -> list[str]:
        """Of all tables that hold something."""
        found = self._server.ask(
            "SELECT DISTINCT name FROM cuboid_builds WHERE event = 'built' ORDER BY name"
        )
        return [name for (name,) in found]

    def use(self, name: str) -> None:
        """The table is read now."""
        self._server.run("INSERT INTO cuboid_used (name) VALUES ({name:String})", name=name)

    def used(self) -> dict[str, datetime]:
        """When each table was last read, or made."""
        found = self._server.ask(
            "SELECT name, max(at) FROM (SELECT name, at FROM cuboid_used UNION ALL"
            " SELECT name, at FROM cuboid_builds WHERE event = 'begun') GROUP BY name"
        )
        return {name: _aware(at) for name, at in found}

    # ------------------------------------------------------------ what happens to builds

    def begin(self, name: str, label: str, build: int) -> None:
        """A build begins to read its rows: after all others of the part, though the clock was put back."""
        self._server.run(
            f"{_LINES} SELECT {{name:String}}, {{label:String}}, {{build:UInt64}},"  # noqa: S608 - constants
            " greatest(now64(6), max(began) + toIntervalMicrosecond(1)), 'begun', ''"
            " FROM cuboid_builds WHERE name = {name:String} AND label = {label:String}",
            name=name,
            label=label,
            build=build,
        )

    def live(self, build: int) -> None:
        """Its process is there."""
        self._server.run(
            f"{_LINES} {_OF_BUILD}, 'alive', '' FROM cuboid_builds WHERE build = {{build:UInt64}} GROUP BY build",
            build=build,
        )

    def publish(self, build: Build) -> None:
        """Its rows are there for readers from now on. Raises :class:`QueryFailed` if it is gone or lacks rows."""
        counted = "".join(
            f" AND (SELECT count() FROM {quoted(shard.table)} WHERE {BUILD} = {{build:UInt64}}) = {shard.rows:d}"  # noqa: S608
            for shard in build.shards
        )
        self._server.run(
            f"{_LINES} {_OF_BUILD}, 'built', {{contents:String}} FROM cuboid_builds WHERE build = {{build:UInt64}}"
            f" GROUP BY build HAVING countIf(event = 'begun') > 0 AND countIf(event = 'gone') = 0{counted}",
            build=build.number,
            contents=build.written(),
        )
        ((built,),) = self._server.ask(
            "SELECT countIf(event = 'built') > 0 AND countIf(event = 'gone') = 0 FROM cuboid_builds"
            " WHERE build = {build:UInt64}",
            build=build.number,
        )
        if not built:
            raise QueryFailed(
                "The build was given up: it took too long to be noticed, or not all rows arrived."
            )

    def bytes_of(self, build: int) -> int:
        """What the rows take."""
        ((found,),) = self._server.ask(
            "SELECT sum(bytes_on_disk) FROM system.parts WHERE active AND database = currentDatabase()"
            " AND startsWith(table, {rows:String}) AND partition = {build:String}",
            rows=ROWS,
            build=str(build),
        )
        return int(found)

    def drop(self, builds: Iterable[int]) -> None:
        """The parts of these builds are taken out."""
        self._write("dropped", builds, "countIf(event = 'dropped') = 0")

    def leave(self, builds: Iterable[int]) -> None:
        """Nobody needs these builds any more."""
        self._write("gone", builds, "countIf(event = 'gone') = 0")

    def _write(self, event: str, builds: Iterable[int], having: str) -> None:
        among = ", ".join(map(str, builds))
        if among:
            self._server.run(
                f"{_LINES} {_OF_BUILD}, '{event}', '' FROM cuboid_builds WHERE build IN ({among})"
                f" GROUP BY build HAVING {having}"
            )

    # ------------------------------------------------------------ what is removed

    def sweep(self, replaced_for: float, lease: float) -> None:
        """Leaves builds that were replaced or dropped so many seconds ago, and those whose process has not been heard
        of for ``lease`` seconds; removes the rows of what has been gone for long enough, and then its lines."""
        states, now = self._states()
        self.leave(_replaced(states, now - timedelta(seconds=replaced_for)))
        self._write(
            "gone",
            [each.number for each in states if each.built is None and each.gone is None],
            "countIf(event IN ('gone', 'built')) = 0"  # in this very moment
            f" AND max(at) < now64(6) - toIntervalMillisecond({lease * 1000:.0f})",
        )
        self._remove_rows()
        self._remove_tables()

    def _remove_rows(self) -> None:
        rows = self._server.ask(
            "SELECT table, toUInt64(partition), toTimeZone(min(modification_time), 'UTC') FROM system.parts"
            " WHERE active AND database = currentDatabase() AND startsWith(table, {rows:String})"
            " GROUP BY table, partition",
            rows=ROWS,
        )
        states, now = self._states()  # after the rows: whoever has some has begun
        before = now - timedelta(seconds=self._gone)
        known = {each.number for each in states}
        gone = {each.number for each in states if each.gone is not None and each.gone < before}
        for table, build, at in rows:
            if build in gone or (build not in known and _aware(at) < before):
                self._server.run(f"ALTER TABLE {quoted(table)} DROP PARTITION {build:d}")
        if gone:
            among = ", ".join(map(str, gone))
            self._server.run(f"DELETE FROM cuboid_builds WHERE build IN ({among})")  # noqa: S608 - numbers

    def _remove_tables(self) -> None:
        """Those without rows. Somebody who puts some in at this moment finds the table gone, and fails."""
        found = self._server.ask(
            "SELECT name FROM system.tables WHERE database = currentDatabase() AND startsWith(name, {rows:String})"
            " AND total_rows = 0 AND metadata_modification_time < now() - {seconds:Int64}",
            rows=ROWS,
            seconds=round(self._empty),
        )
        for (table,) in found:
            self._server.run(f"DROP TABLE IF EMPTY {quoted(table)}")

    def forget(self, name: str) -> None:
        """Leaves all builds of a table."""
        states, _ = self._states(name)
        self.leave(each.number for each in states)
        self._server.run("DELETE FROM cuboid_used WHERE name = {name:String}", name=name)

    def _states(self, name: str | None = None) -> tuple[list[State], datetime]:
        """What happened to all builds, of that table or of all, and the server's time."""
        found = self._server.ask(
            "SELECT any(name), any(label), build, max(began), minIf(at, event = 'built'),"
            " minIf(at, event = 'dropped'), minIf(at, event = 'gone'), max(at) FROM cuboid_builds"
            " WHERE name = {name:String} OR {name:String} = '' GROUP BY build",
            name=name or "",
        )
        ((now,),) = self._server.ask("SELECT now64(6, 'UTC')")
        states = []
        for table, label, number, began, *events, last in found:
            built, dropped, gone = (None if _aware(at) == _NEVER else _aware(at) for at in events)
            states.append(State(table, label, number, _aware(began), built, dropped, gone, _aware(last)))
        return states, _aware(now)

    # ------------------------------------------------------------ the right to build

    def lease(self, part: str, holder: str, seconds: float) -> bool:
        """Whether the holder may build the part for so long: nobody else may."""
        found = self._leases(part)
        if found and found[0][2]:
            return False
        # Numbers never come again, though lines go after a day: nor do the tokens.
        ((first,),) = self._server.ask("SELECT toUnixTimestamp(today()) * 1000")
        number = max(first, found[0][0] if found else 0) + 1
        self._server.run(
            "INSERT INTO cuboid_leases (part, number, holder, until) VALUES ({part:String}, {number:UInt64},"
            " {holder:String}, now64(6) + toIntervalMillisecond({wait:UInt64}))",
            {"insert_deduplication_token": f"{part}/{number}"},
            part=part,
            number=number,
            holder=holder,
            wait=round(seconds * 1000),
        )
        return self._leases(part)[0][:2] == (number, holder)

    def prolong(self, part: str, holder: str, seconds: float) -> None:
        """The holder may build the part from now for so long; for no time gives the right back."""
        self._server.run(
            "INSERT INTO cuboid_leases (part, number, holder, until) SELECT part, number, holder,"
            " now64(6) + toIntervalMillisecond({wait:UInt64}) FROM cuboid_leases"
            " WHERE part = {part:String} AND holder = {holder:String} LIMIT 1",
            part=part,
            holder=holder,
            wait=round(seconds * 1000),
        )

    def leased(self, table: str) -> bool:
        """Whether a part of the table is being built."""
        found = self._server.ask(
            "SELECT DISTINCT part FROM cuboid_leases WHERE startsWith(part, {table:String})",
            table=f"{table}/",
        )
        return any(self._leases(part)[0][2] for (part,) in found)

    def _leases(self, part: str) -> list[tuple[int, str, bool]]:
        """The last lease of the part: its number, its holder and whether it still holds."""
        found = self._server.ask(
            "SELECT number, argMin(holder, at), argMax(until, at) > now64(6) FROM cuboid_leases"
            " WHERE part = {part:String} GROUP BY number ORDER BY number DESC LIMIT 1",
            part=part,
        )
        return [(int(number), str(holder), bool(holds)) for number, holder, holds in found]


def _replaced(states: Collection[State], before: datetime) -> list[int]:
    """The builds in whose place others have been, or that were dropped, since then."""
    parts: dict[tuple[str, str], list[State]] = defaultdict(list)
    for state in states:
        if state.built is not None and state.gone is None:
            parts[state.name, state.label].append(state)
    found = []
    for builds in parts.values():
        builds.sort(key=lambda each: (each.began, each.number), reverse=True)
        since: datetime | None = None
        for build in builds:
            over = [each for each in (since, build.dropped) if each is not None]
            if over and min(over) < before:
                found.append(build.number)
            if build.built is not None:
                since = build.built if since is None else min(since, build.built)
    return found


def _aware(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC)
