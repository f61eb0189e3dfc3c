"""Arrow's IPC stream. pyarrow is an extra: ``pip install cuboid[arrow]``.

Types: texts are ``utf8``, truth values ``bool``, times ``timestamp[us]`` without zone, in the query's; arrays and
objects are JSON in ``utf8``. Counts are ``int64``. What other numbers are is told by the first values: ``int64`` if all
are whole, ``float64`` where the database itself is approximate, else ``decimal128`` with 18 digits behind the point, or
as many as the first values have; what later values have beyond that is rounded. ``castNumerics`` asks for ``float64``
instead of decimals. What fits in no such column cuts the answer off: a fraction or more than 64 bits after whole
numbers only, or some 20 digits before the point.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Any

import orjson

from cuboid.errors import QueryFailed, UnsupportedFeature
from cuboid.result.cells import wire_time_text
from cuboid.result.format import Format
from cuboid.types import Column, Value

AWAITED_ROWS = 50_000
"""Rows in which the first number of a column may be; where all are NULL until then, the column is of decimals."""

DIGITS = 38
"""Of a decimal128."""

FRACTION = 18
"""Digits behind the point. There are databases that have some 16 in an average, and not as many in each."""

WIDE = Context(prec=100)
"""Room for every number that any database has, while it is rounded."""

SPARE = 4
"""Digits before the point that later values may have more than the first ones."""

LARGE = 2**62
"""Whole numbers from which others of the column may well be beyond 64 bits, as hashes without sign are."""


class ArrowFormat(Format):
    """A record batch for each batch of rows."""

    media_type = "application/vnd.apache.arrow.stream"
    content_type = media_type

    def __init__(self, columns: Sequence[Column], *, cast_numerics: bool) -> None:
        super().__init__(columns, cast_numerics=cast_numerics)
        try:
            import pyarrow  # type: ignore[import-untyped]
        except ImportError:
            raise UnsupportedFeature(
                "This server writes no Arrow: pyarrow is not installed.", hint="pip install cuboid[arrow]"
            ) from None
        self._arrow: Any = pyarrow
        self._sink = _Sink()
        self._writer: Any = None
        self._held: list[Sequence[tuple[Value, ...]]] = []

    def rows(self, rows: Sequence[tuple[Value, ...]]) -> bytes:
        self._held.append(rows)
        if self._writer is None and not self._told() and sum(map(len, self._held)) < AWAITED_ROWS:
            return b""
        return self._write()

    def end(self) -> bytes:
        written = self._write()
        self._writer.close()
        return written + self._sink.take()

    def _told(self) -> bool:
        """Whether every column of numbers has shown one."""
        return all(
            any(row[index] is not None for rows in self._held for row in rows)
            for index, column in enumerate(self.columns)
            if column.type == "number"
        )

    def _write(self) -> bytes:
        arrow = self._arrow
        if self._writer is None:
            seen = [row for held in self._held for row in held]
            fields = [
                (column.name, self._type(column, [row[index] for row in seen]))
                for index, column in enumerate(self.columns)
            ]
            self._schema = arrow.schema(fields)
            self._writer = arrow.ipc.new_stream(self._sink, self._schema)
        for rows in self._held:
            arrays = [
                self._array(column, cells, field.type)
                for column, cells, field in zip(
                    self.columns, zip(*rows, strict=True), self._schema, strict=True
                )
            ]
            self._writer.write_batch(arrow.record_batch(arrays, schema=self._schema))
        self._held = []
        return self._sink.take()

    def _type(self, column: Column, cells: Sequence[Any]) -> Any:
        arrow = self._arrow
        if column.type == "boolean":
            return arrow.bool_()
        if column.type == "time":
            return arrow.timestamp("us")
        if column.type != "number":
            return arrow.string()
        if column.counted:
            return arrow.int64()
        values = {cell for cell in cells if cell is not None}
        if any(isinstance(value, float) for value in values):
            return arrow.float64()
        whole = bool(values) and all(isinstance(value, int) for value in values)
        if whole and all(-LARGE < value < LARGE for value in values):
            return arrow.int64()
        if self.cast_numerics:
            return arrow.float64()
        return arrow.decimal128(DIGITS, 0 if whole else _scale(values))

    def _array(self, column: Column, cells: Sequence[Value], type: Any) -> Any:
        arrow = self._arrow
        if column.type == "time":
            values: Sequence[Any] = [_time(cell) for cell in cells]
        elif arrow.types.is_float64(type):
            values = [None if cell is None else float(cell) for cell in cells]  # type: ignore[arg-type]
        elif arrow.types.is_decimal(type):
            values = _rounded(cells, type.scale)
        elif arrow.types.is_int64(type):
            values = [_whole(cell, column.name) for cell in cells]
        elif column.type == "string":
            values = [cell if cell is None or isinstance(cell, str) else _json(cell) for cell in cells]
        else:
            values = cells
        try:
            return arrow.array(values, type)
        except (arrow.ArrowInvalid, arrow.ArrowTypeError, OverflowError) as error:
            raise _unfit(column.name, type, error) from None


class _Sink:
    """A file that is emptied now and then."""

    closed = False

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def write(self, data: Any) -> int:
        self._parts.append(bytes(data))
        return len(self._parts[-1])

    def flush(self) -> None:
        pass

    def take(self) -> bytes:
        parts, self._parts = self._parts, []
        return b"".join(parts)


def _scale(values: set[Any]) -> int:
    """Digits behind the point: :data:`FRACTION` or as many as any of ``values`` has, as far as the largest leaves room
    for them."""
    decimals = [Decimal(value) for value in values if not isinstance(value, Decimal) or value.is_finite()]
    scale = max((-int(value.as_tuple().exponent) for value in decimals), default=0)
    whole = max((value.adjusted() + 1 for value in decimals), default=0)
    return max(0, min(max(scale, FRACTION), DIGITS - whole - SPARE), min(scale, DIGITS - whole))


def _rounded(cells: Sequence[Any], scale: int) -> list[Decimal | None]:
    """Decimals of at most ``scale`` digits behind the point; NULL for what is no number."""
    smallest = Decimal(1).scaleb(-scale)
    rounded: list[Decimal | None] = []
    for cell in cells:
        value = cell if cell is None or isinstance(cell, Decimal) else Decimal(repr(cell))
        if value is None or not value.is_finite():
            rounded.append(None)
        elif -int(value.as_tuple().exponent) > scale:
            rounded.append(value.quantize(smallest, ROUND_HALF_EVEN, WIDE))
        else:
            rounded.append(value)
    return rounded


def _whole(cell: Any, name: str) -> int | None:
    # Arrow would cut a fraction off. Sums of counts are decimals in some databases.
    if cell is None or isinstance(cell, int):
        return cell
    if isinstance(cell, Decimal | float) and cell == int(cell):
        return int(cell)
    raise _unfit(name, "int64", cell)


def _unfit(name: str, type: object, what: object) -> QueryFailed:
    return QueryFailed(
        f"A value of '{name}' does not fit its Arrow type {type}: {what}",
        hint="castNumerics=true asks for float64; text/csv and application/x-ndjson hold every digit.",
    )


def _time(cell: Any) -> datetime | None:
    if isinstance(cell, str):
        return datetime.fromisoformat(wire_time_text(cell))
    if isinstance(cell, date) and not isinstance(cell, datetime):
        return datetime(cell.year, cell.month, cell.day)
    return None if cell is None else cell.replace(tzinfo=None)


def _json(cell: Value) -> str:
    return orjson.dumps(cell, default=str).decode()
