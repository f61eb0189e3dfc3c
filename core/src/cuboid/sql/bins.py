"""Where a series of bins begins and ends: numbers in a statement's text that follow from the bounds of a range."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlglot import exp

from cuboid.catalog.timing import Bins
from cuboid.errors import InvalidDateRange
from cuboid.query.model import Slot, Values
from cuboid.types import Interval, Scalar

MOST_BINS = 500_000
"""Five days in seconds, half a century in hours. More nobody looks at, and each is a row that is joined."""

_MICROSECOND = timedelta(microseconds=1)
_EPOCH = datetime(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class BinUse:
    """One place of an offset in the text: how many months or seconds after the bins' origin the first or the last bin
    begins that meets the range between two slots.

    Of an empty range the last bin is before the first.
    """

    start: int
    end: int
    last: bool
    bins: Bins

    def offset(self, values: Sequence[Scalar]) -> int:
        """The number. Raises :class:`InvalidDateRange` where there would be more than :data:`MOST_BINS`."""
        assert isinstance(values, Values)
        start, end = values.civil[self.start], values.civil[self.end]
        first = self.bins.offset(start)
        if not self.last:
            return first
        if end <= start:
            return first - self.bins.step
        last = self.bins.offset(end - _MICROSECOND)
        number = (last - first) // self.bins.step + 1
        if number > MOST_BINS:
            raise InvalidDateRange(
                f"The date range has {number:,} buckets of its granularity; at most {MOST_BINS:,} can be computed.",
                hint="Choose a shorter range or a longer granularity.",
            )
        return last


def bin_mark(start: Slot, end: Slot, bins: Bins, *, last: bool) -> exp.Expr:
    """What stands for a :class:`BinUse` in a tree."""
    origin = (bins.origin - _EPOCH) // _MICROSECOND
    numbers = (start.index, end.index, int(last), bins.interval.months, bins.interval.seconds, origin)
    return exp.var(f"__cuboid_bin_{'_'.join(map(str, numbers)).replace('-', 'n')}__")


def read_bin(written: str) -> BinUse:
    """What a mark says between its frame."""
    start, end, last, months, seconds, origin = (int(each.replace("n", "-")) for each in written.split("_"))
    return BinUse(start, end, bool(last), Bins(Interval(months, seconds), _EPOCH + origin * _MICROSECOND))
