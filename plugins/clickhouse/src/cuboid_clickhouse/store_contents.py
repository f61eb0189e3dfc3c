"""What the builds of a store hold, and what is shown of them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from cuboid.run.kinds import NOTHING, Kind
from cuboid.run.store import BuiltPart, BuiltTable
from cuboid.run.stored import Bounds
from cuboid.types import Column
from cuboid_clickhouse.store_types import kept_type, shown, shown_type

BUILD = "cuboid_build"
"""The column that tells whose rows they are, by which tables are partitioned."""


@dataclass(frozen=True, slots=True)
class Shard:
    """The rows of a build in one table of the server, which has the columns in the types of these kinds; without kinds
    it has them in the types of the source."""

    table: str
    kinds: tuple[Kind, ...]
    rows: int


@dataclass(frozen=True, slots=True)
class Build:
    """A part that was built: its rows never change."""

    number: int
    rollup: str
    zone: str
    definition: str
    columns: tuple[Column, ...]
    part: BuiltPart
    shards: tuple[Shard, ...]

    @classmethod
    def read(cls, number: int, text: str) -> Build:
        """What :meth:`written` has written."""
        found: dict[str, Any] = json.loads(text)
        part = found["part"]
        part["built_at"] = datetime.fromisoformat(part["built_at"])
        part |= {name: _bounds(part[name]) for name in ("range", "bounds")}
        part["folded"] = tuple(part["folded"])
        return cls(
            number,
            found["rollup"],
            found["zone"],
            found["definition"],
            tuple(Column(name, type) for name, type in found["columns"]),
            BuiltPart(**part),
            tuple(
                Shard(table, tuple(Kind(*kind) for kind in kinds), rows)
                for table, kinds, rows in found["shards"]
            ),
        )

    def written(self) -> str:
        """As text, in ASCII."""
        told = {
            "rollup": self.rollup,
            "zone": self.zone,
            "definition": self.definition,
            "columns": [[column.name, column.type] for column in self.columns],
            "part": asdict(self.part),
            "shards": [
                [each.table, [[kind.name, kind.digits, kind.scale] for kind in each.kinds], each.rows]
                for each in self.shards
            ],
        }
        return json.dumps(told, default=str)


@dataclass(frozen=True, slots=True)
class Contents:
    """What a table holds: of each part the build that counts. ``columns`` are known without any, too; ``sample`` is a
    table of the server which has them, if they are in the types of the source."""

    name: str
    rollup: str
    zone: str
    definition: str
    columns: tuple[Column, ...]
    builds: tuple[Build, ...]
    dropped_at: datetime | None
    sample: str | None = None

    def built(self, used_at: datetime) -> BuiltTable:
        """As core sees it."""
        parts = {build.part.label: build.part for build in self.builds}
        told = (parts, self.dropped_at, self.definition)
        return BuiltTable(self.name, self.rollup, self.zone, self.columns, used_at, *told)

    def views(self, schema: str | None = None) -> Iterator[tuple[str, str]]:
        """The tables that a reader sees, with what is read of each, as FROM has it: its own, and those of its tails.

        :param schema: where the server's tables are, if that is another database than the reader's.
        """
        within = "" if schema is None else f"{quoted(schema)}."
        own = [build for build in self.builds if build.part.tail is None]
        yield self.name, self._over(own, within)
        for tail in self.builds:
            if tail.part.tail is not None:
                before = (build for build in own if _is_before(build.part, tail.part))
                yield tail.part.tail, self._over([*before, tail], within)

    def _over(self, builds: Iterable[Build], within: str) -> str:
        """The rows of these builds, in the types that cover them all."""
        if self.sample is not None:
            return self._as_made(builds, self.sample, within)
        tables: dict[tuple[str, tuple[str, ...]], list[int]] = {}
        covering = [NOTHING] * len(self.columns)
        for build in builds:
            for shard in build.shards:
                covering = [one | other for one, other in zip(covering, shard.kinds, strict=True)]
                tables.setdefault((shard.table, self._types(shard.kinds)), []).append(build.number)
        wanted = [shown_type(kind, column.type) for kind, column in zip(covering, self.columns, strict=True)]
        names = [quoted(column.name) for column in self.columns]
        if not tables:
            nothing = (
                f"CAST(NULL AS Nullable({type})) AS {name}" for name, type in zip(names, wanted, strict=True)
            )
            return f"(SELECT {', '.join(nothing)} WHERE 1 = 0)"
        selects = []
        for (table, types), numbers in sorted(tables.items()):
            cells = ", ".join(map(shown, names, types, wanted))
            among = ", ".join(map(str, sorted(numbers)))
            selects.append(f"SELECT {cells} FROM {quoted(table)} WHERE {BUILD} IN ({among})")  # noqa: S608 - quoted
        return f"({' UNION ALL '.join(selects)})"

    def _as_made(self, builds: Iterable[Build], sample: str, within: str) -> str:
        """Of builds in the types of the source; without any, no rows of a table that has them."""
        tables: dict[str, list[int]] = {sample: [0]}  # which is no build
        for build in builds:
            for shard in build.shards:
                tables.setdefault(shard.table, []).append(build.number)
        if len(tables) > 1 and tables[sample] == [0]:
            del tables[sample]
        selects = (
            f"SELECT * EXCEPT ({BUILD}) FROM {within}{quoted(table)} WHERE {BUILD} IN ({', '.join(map(str, numbers))})"  # noqa: S608
            for table, numbers in sorted(tables.items())
        )
        return f"({' UNION ALL '.join(selects)})"

    def _types(self, kinds: Sequence[Kind]) -> tuple[str, ...]:
        return tuple(kept_type(kind, column.type) for kind, column in zip(kinds, self.columns, strict=True))


def quoted(name: str) -> str:
    """A name in SQL."""
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _is_before(part: BuiltPart, tail: BuiltPart) -> bool:
    return part.bounds is None or tail.bounds is None or part.bounds[1] <= tail.bounds[0]


def _bounds(written: list[str] | None) -> Bounds | None:
    return (
        None if written is None else (datetime.fromisoformat(written[0]), datetime.fromisoformat(written[1]))
    )
