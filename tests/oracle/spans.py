"""Lengths of time as a model writes them, added to civil time: months clip to the last day of a shorter month."""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import datetime, timedelta

MONTHS = {"month": 1, "quarter": 3, "year": 12}
LENGTHS = {
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(weeks=1),
}


@dataclass(frozen=True, slots=True)
class Span:
    """So many units; a negative number goes back."""

    number: int
    unit: str

    @property
    def text(self) -> str:
        """As in a model."""
        return f"{self.number} {self.unit}{'' if abs(self.number) == 1 else 's'}"

    @property
    def months(self) -> int:
        """Whole months, 0 for spans of days and less."""
        return self.number * MONTHS.get(self.unit, 0)

    def __neg__(self) -> Span:
        return Span(-self.number, self.unit)

    def after(self, civil: datetime) -> datetime:
        """``civil`` plus the span."""
        if self.unit in LENGTHS:
            return civil + self.number * LENGTHS[self.unit]
        return add_months(civil, self.months)

    def first_not_before(self, bound: datetime) -> datetime:
        """The earliest civil time that the span moves to ``bound`` or later; for months, ``bound`` is a midnight."""
        if self.unit in LENGTHS:
            return bound - self.number * LENGTHS[self.unit]
        day = (-self).after(bound) - timedelta(days=4)
        while self.after(day) < bound:
            day += timedelta(days=1)
        return day


def add_months(civil: datetime, months: int) -> datetime:
    """So many months later, on the same day or the last one of a shorter month."""
    year, month = divmod(civil.year * 12 + civil.month - 1 + months, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return civil.replace(year=year, month=month + 1, day=min(civil.day, last))
