"""Lengths of time as a model writes them: ``1 month``, ``-2 weeks``, ``1 year 3 months``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from cuboid.catalog.nodes import Scalar
from cuboid.catalog.problems import Problems
from cuboid.errors import closest, did_you_mean
from cuboid.types import GRANULARITIES, Interval

UNITS: Mapping[str, Interval] = MappingProxyType(
    {
        "second": Interval(seconds=1),
        "minute": Interval(seconds=60),
        "hour": Interval(seconds=3_600),
        "day": Interval(seconds=86_400),
        "week": Interval(seconds=604_800),
        "month": Interval(months=1),
        "quarter": Interval(months=3),
        "year": Interval(months=12),
    }
)
"""Each built-in granularity as a length."""

_LONGEST = 10_000
"""Years that one length may have: no calendar of Python's or a database's goes further."""

_PART = re.compile(r"([+-]?\d+)\s+([A-Za-z]+)")


@dataclass(frozen=True, slots=True)
class Length:
    """A length of time as parts: whole numbers of units, in the order written."""

    parts: tuple[tuple[int, str], ...]

    @property
    def interval(self) -> Interval:
        """All parts together."""
        return Interval(
            months=sum(number * UNITS[unit].months for number, unit in self.parts),
            seconds=sum(number * UNITS[unit].seconds for number, unit in self.parts),
        )


def read_length(written: Scalar, problems: Problems, *, compound: bool = False) -> Length | None:
    """The length that a text means; None and an error if it means none.

    :param compound: whether it may have several parts.
    """
    text = " ".join(written.text.split())
    found = _PART.findall(text)
    if not found or " ".join(f"{number} {unit}" for number, unit in found) != text:
        problems.error(
            written.place, f"'{written.text}' is no length of time", "Write a number and a unit: 3 months."
        )
        return None
    parts = []
    for number, unit in found:
        name = unit.lower().removesuffix("s")
        if name not in UNITS:
            hint = did_you_mean(closest(name, GRANULARITIES)) or f"Units are {', '.join(GRANULARITIES)}."
            problems.error(written.place, f"'{unit}' is no unit of time", hint)
            return None
        parts.append((int(number), name))
    if len(parts) > 1 and not compound:
        problems.error(
            written.place, f"'{written.text}' has several parts", "One number and one unit can stand here."
        )
        return None
    length = Length(tuple(parts))
    years = abs(length.interval.months) / 12 + abs(length.interval.seconds) / (366 * 86_400)
    if years > _LONGEST:
        problems.error(
            written.place,
            f"'{written.text}' is longer than any calendar",
            "Write a shorter one, e.g. 10 years.",
        )
        return None
    return length
