"""Cells: what client libraries return, as semantic values, the same for every engine.

Conversion goes by the Python type that the client library chose, column by column: a column that holds plain
values only (the usual case) costs one ``set(map(type, column))`` and is left as it is.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from types import MappingProxyType, NoneType
from typing import Any

from cuboid.types import Value

Converter = Callable[[Any], Value]

PLAIN: frozenset[type] = frozenset({NoneType, bool, int, float, Decimal, str})
"""Types that are semantic values already."""


def as_it_is(cell: Any) -> Value:
    """The converter of a column whose cells are semantic values as the client library gives them."""
    return cell  # type: ignore[no-any-return]


def semantic_rows(
    rows: Sequence[tuple[Any, ...]], converters: Mapping[int, Converter] = MappingProxyType({})
) -> Sequence[tuple[Value, ...]]:
    """``rows`` with every cell in a semantic type.

    :param converters: by column index, for columns whose cells need more than :func:`semantic_cell`; they are
        not called for NULL.
    """
    if not rows or all(converters.get(index) is as_it_is for index in range(len(rows[0]))):
        return rows
    columns: list[Sequence[Any]] = list(zip(*rows, strict=True))
    converted = [semantic_column(column, converters.get(index)) for index, column in enumerate(columns)]
    changed = any(new is not old for new, old in zip(converted, columns, strict=True))
    return list(zip(*converted, strict=True)) if changed else rows


def semantic_column(cells: Sequence[Any], convert: Converter | None = None) -> Sequence[Value]:
    """The cells of one column in a semantic type, for client libraries that hand out columns; ``cells`` itself if
    they all are already.

    :param convert: instead of :func:`semantic_cell`; not called for NULL.
    """
    if convert is as_it_is:
        return cells
    if convert is not None:
        return [None if cell is None else convert(cell) for cell in cells]
    if PLAIN.issuperset(map(type, cells)):
        return cells
    return [semantic_cell(cell) for cell in cells]


def semantic_cell(cell: Any) -> Value:
    """One value: times become zoneless (UTC), dates their midnight, bytes ``0x…``, nested values plain JSON,
    anything else its text (``uuid.UUID``, ``time``, ``timedelta``)."""
    if type(cell) in PLAIN:
        return cell  # type: ignore[no-any-return]
    if isinstance(cell, datetime):
        return cell if cell.tzinfo is None else cell.astimezone(UTC).replace(tzinfo=None)
    if isinstance(cell, date):
        return datetime(cell.year, cell.month, cell.day)
    if isinstance(cell, (bytes, bytearray, memoryview)):
        return "0x" + cell.hex()
    if isinstance(cell, (list, tuple, set, frozenset, Mapping)):
        return _nested(cell)  # type: ignore[no-any-return]
    return str(cell)


def _nested(value: Any) -> Any:
    """``value`` as JSON has it: decimals as text (JSON readers would round them), NaN and infinity as null."""
    if isinstance(value, Mapping):
        return {str(semantic_cell(key)): _nested(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_nested(item) for item in value]
    plain = semantic_cell(value)
    if isinstance(plain, float):
        return plain if math.isfinite(plain) else None
    if isinstance(plain, Decimal):
        return str(plain)
    return plain.isoformat() if isinstance(plain, date) else plain
