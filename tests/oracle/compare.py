"""Whether an answer over the wire is the one that the oracle gives."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from tests.oracle.evaluate import Answer
from tests.oracle.expressions import Value
from tests.oracle.pipeline import Loaded


def difference(expected: Answer, loaded: Loaded, *, total: bool) -> str | None:
    """What differs, or None.

    Where the order is binding, rows are compared one by one; elsewhere as multisets, and a page need only be
    made of rows that exist, sorted as was asked.
    """
    if total and loaded.total != expected.total:
        return f"total is {loaded.total}, not {expected.total}"
    size = max(0, min(expected.limit, expected.total - expected.offset))
    if len(loaded.rows) != size:
        return f"{len(loaded.rows)} rows, not {size}"
    if expected.ordered:
        page = expected.rows[expected.offset : expected.offset + size]
        pairs = zip(page, loaded.rows, strict=True)
        wrong = next((pos for pos, (row, got) in enumerate(pairs) if not same_row(row, got)), None)
        return None if wrong is None else f"row {wrong} differs"
    remaining = list(expected.rows)
    for position, got in enumerate(loaded.rows):
        match = next((row for row in remaining if same_row(row, got)), None)
        if match is None:
            return f"row {position} is not among the expected ones"
        remaining.remove(match)
    return _disorder(expected, loaded.rows)


def _disorder(expected: Answer, rows: Sequence[Mapping[str, Any]]) -> str | None:
    """The order keys of the page must be those that the page has in the oracle's order."""
    page = expected.rows[expected.offset : expected.offset + len(rows)]
    for key, _ in expected.order:
        for position, (row, got) in enumerate(zip(page, rows, strict=True)):
            if not same_value(row[key], got[key]):
                return f"row {position} is out of order by {key}"
    return None


def same_row(row: Mapping[str, Value], got: Mapping[str, Any]) -> bool:
    """Equal keys and equal values."""
    return row.keys() == got.keys() and all(same_value(value, got[key]) for key, value in row.items())


def same_value(value: Value, got: Any) -> bool:
    """Whole numbers and decimals exactly, averages and ratios to nine digits; numbers are texts on the wire."""
    if isinstance(value, bool) or value is None:
        return got is value
    if isinstance(value, str):
        return isinstance(got, str) and got == value
    if not isinstance(got, str):
        return False
    try:
        number = Decimal(got)
    except InvalidOperation:
        return False
    if isinstance(value, float):
        return math.isclose(value, float(number), rel_tol=1e-9, abs_tol=1e-12)
    return number == value
