"""Answers as Python values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from typing import Any

Row = dict[str, Any]


@dataclass(frozen=True)
class Sql:
    """A statement and its parameters."""

    text: str
    parameters: tuple[Any, ...]


@dataclass(frozen=True)
class Result:
    """The answer to one query.

    :param raw: as the server sent it: ``query``, ``data``, ``annotation`` …
    """

    raw: Mapping[str, Any]

    @cached_property
    def rows(self) -> list[Row]:
        """The rows, in every response format: whole numbers as ``int``, others as ``Decimal``, times as ``datetime``
        without zone, in the query's."""
        types = self._types()
        return [{key: read(value, types.get(key)) for key, value in row.items()} for row in self._records()]

    @property
    def annotation(self) -> Mapping[str, Any]:
        """Titles and types of what was selected."""
        annotation: Mapping[str, Any] = self.raw["annotation"]
        return annotation

    @property
    def total(self) -> int | None:
        """The number of rows without limit, if the query asked for it."""
        total = self.raw.get("total")
        return None if total is None else int(total)

    def _records(self) -> list[Row]:
        data = self.raw["data"]
        if isinstance(data, list):
            return data
        rows = data["dataset"] if "dataset" in data else zip(*data["columns"], strict=True)
        return [dict(zip(data["members"], row, strict=True)) for row in rows]

    def _types(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for kind in ("measures", "dimensions", "timeDimensions"):
            for name, item in self.annotation.get(kind, {}).items():
                found[name] = item.get("type", "")
        for name in [each for each, type in found.items() if type == "time"]:
            granularity = self.annotation["timeDimensions"].get(name, {}).get("granularity")
            if granularity:  # the key of a blended query's time axis
                found[f"time.{granularity['name']}"] = "time"
        return found


def read(value: Any, type: str | None) -> Any:
    """A cell as the value that it means."""
    if not isinstance(value, str):
        return value
    if type == "number":
        return Decimal(value) if "." in value else int(value)
    return datetime.fromisoformat(value) if type == "time" else value
