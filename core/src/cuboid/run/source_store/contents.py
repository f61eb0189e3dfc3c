"""What one table of a store in the source's database holds: its parts, and the database's table of each."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType
from typing import Any

from cuboid.run.store import BuiltPart, BuiltTable, check_same
from cuboid.run.stored import Bounds, StoredRollup
from cuboid.types import Column

NO_PARTS: Mapping[str, tuple[BuiltPart, str]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Contents:
    """``parts`` are what was built and the name of the table that holds it, by label. ``empty`` is the table of a part
    that was there when there are none any more: for its columns."""

    rollup: str
    zone: str
    columns: tuple[Column, ...]
    parts: Mapping[str, tuple[BuiltPart, str]] = field(default_factory=lambda: NO_PARTS)
    dropped_at: datetime | None = None
    empty: str | None = None
    definition: str | None = None

    @classmethod
    def of(cls, stored: StoredRollup) -> Contents:
        """Nothing yet."""
        return cls(stored.name, stored.zone, stored.columns, definition=stored.definition)

    @classmethod
    def read(cls, text: str) -> Contents:
        """What :meth:`written` has written."""
        found: dict[str, Any] = json.loads(text)
        return cls(
            found["rollup"],
            found["zone"],
            tuple(Column(name, type) for name, type in found["columns"]),
            {each["label"]: (_part(each), each["build"]) for each in found["parts"]},
            _moment(found["dropped_at"]),
            found["empty"],
            found.get("definition"),
        )

    def written(self) -> str:
        """As text, in ASCII."""
        parts = [
            {
                "label": part.label,
                "version": part.version,
                "rows": part.rows,
                "built_at": str(part.built_at),
                "seconds": part.seconds,
                "range": _texts(part.range),
                "bounds": _texts(part.bounds),
                "tail": part.tail,
                "build": build,
            }
            for part, build in self.parts.values()
        ]
        told = {
            "rollup": self.rollup,
            "zone": self.zone,
            "columns": [[column.name, column.type] for column in self.columns],
            "parts": parts,
            "dropped_at": self.dropped_at and str(self.dropped_at),
            "empty": self.empty,
            "definition": self.definition,
        }
        return json.dumps(told)

    @property
    def builds(self) -> frozenset[str]:
        """The tables that it needs."""
        return frozenset(build for _, build in self.parts.values()) | ({self.empty} if self.empty else set())

    def put(self, stored: StoredRollup, part: BuiltPart, build: str) -> Contents:
        """With that part of the rollup in the place of the one of its label. Raises :class:`NotStored` if the rows are
        another rollup's."""
        check_same(stored, self.definition)
        parts = {**self.parts, part.label: (part, build)}
        return replace(self, parts=parts, empty=None, definition=stored.definition)

    def without(self, labels: Iterable[str], now: datetime) -> Contents:
        """Without these parts; of the last one the table is kept, as one that shows the columns."""
        gone = set(labels)
        left = {label: each for label, each in self.parts.items() if label not in gone}
        return replace(self, parts=left, dropped_at=now, empty=None if left else self.sample)

    @property
    def sample(self) -> str | None:
        """One of the tables, which has the columns."""
        return next((build for _, build in self.parts.values()), self.empty)

    def built(self, name: str, used_at: datetime) -> BuiltTable:
        """As core sees it."""
        parts = {label: part for label, (part, _) in sorted(self.parts.items())}
        told = (parts, self.dropped_at, self.definition)
        return BuiltTable(name, self.rollup, self.zone, self.columns, used_at, *told)

    def shown(self, name: str) -> Iterator[tuple[str, tuple[str, ...]]]:
        """The tables that a reader sees and of what they consist: its own, and those of its tails."""
        parts = [(part, build) for part, build in self.parts.values() if part.tail is None]
        yield name, tuple(build for _, build in parts)
        for tail, build in self.parts.values():
            if tail.tail is not None:
                before = (own for part, own in parts if _ends_before(part, tail))
                yield tail.tail, (*before, build)


def _ends_before(part: BuiltPart, tail: BuiltPart) -> bool:
    return part.bounds is None or tail.bounds is None or part.bounds[1] <= tail.bounds[0]


def _part(found: Mapping[str, Any]) -> BuiltPart:
    built_at = datetime.fromisoformat(found["built_at"])
    range, bounds = _bounds(found["range"]), _bounds(found["bounds"])
    return BuiltPart(
        found["label"],
        found["version"],
        found["rows"],
        0,  # databases do not tell this alike
        built_at,
        found["seconds"],
        range,
        bounds,
        found["tail"],
    )


def _texts(bounds: Bounds | None) -> list[str] | None:
    return None if bounds is None else [str(each) for each in bounds]


def _bounds(texts: list[str] | None) -> Bounds | None:
    return None if texts is None else (datetime.fromisoformat(texts[0]), datetime.fromisoformat(texts[1]))


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
