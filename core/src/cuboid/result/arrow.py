"""Arrow's IPC stream. pyarrow is an extra: ``pip install cuboid[arrow]``.

Types: texts are ``utf8``, truth values ``bool``, times ``timestamp[us]`` without zone, in the query's; arrays and
objects are JSON in ``utf8``. What kind of number a column holds is told by its first values: ``int64``, ``decimal128``
or, where the database itself is approximate, ``float64``. A later number that does not fit exactly cuts the answer off:
digits are never lost without a word. ``castNumerics`` asks for ``float64`` instead of decimals, and so for rounding.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from decimal import ROUND_DOWN, Decimal
from typing import Any

import orjson

from cuboid.errors import QueryFailed, UnsupportedFeature
from cuboid.result.cells import wire_time_text
from cuboid.result.format import Format
from cuboid.types import Column, Value

AWAITED_ROWS = 50_000
"""Rows in which the first number of a column may be; where all are NULL until then, the column is ``float64``."""

DIGITS = 38
"""Of a decimal128."""


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
        values = {cell for cell in cells if cell is not None}
        if not values or any(isinstance(value, float) for value in values):
            return arrow.float64()
        if all(isinstance(value, int) and -(2**63) <= value < 2**63 for value in values):
            return arrow.int64()
        if self.cast_numerics:
            return arrow.float64()
        return arrow.decimal128(DIGITS, _scale(values))

    def _array(self, column: Column, cells: Sequence[Value], type: Any) -> Any:
        arrow = self._arrow
        if column.type == "time":
            values: Sequence[Any] = [_time(cell) for cell in cells]
        elif arrow.types.is_float64(type):
            values = [_float(cell, column.name, rounds=self.cast_numerics) for cell in cells]
        elif arrow.types.is_decimal(type):
            values = [Decimal(cell) if isinstance(cell, int) else _finite(cell) for cell in cells]
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
    """Digits after the point: as many as any of ``values`` has, as far as the largest leaves room for them."""
    decimals = [Decimal(value) for value in values if not isinstance(value, Decimal) or value.is_finite()]
    scale = max((-int(value.as_tuple().exponent) for value in decimals), default=0)
    whole = max((len(str(abs(value).to_integral_value(ROUND_DOWN))) for value in decimals), default=0)
    return max(0, min(scale, DIGITS - whole))


def _finite(cell: Any) -> Any:
    return None if isinstance(cell, Decimal) and not cell.is_finite() else cell


def _whole(cell: Any, name: str) -> int | None:
    # Arrow would cut the fraction off.
    if cell is None or isinstance(cell, int):
        return cell
    raise _unfit(name, "int64", cell)


def _unfit(name: str, type: object, what: object) -> QueryFailed:
    return QueryFailed(
        f"A value of '{name}' does not fit its Arrow type {type}: {what}",
        hint="castNumerics=true asks for float64; text/csv and application/x-ndjson hold every digit.",
    )


def _float(cell: Any, name: str, *, rounds: bool) -> float | None:
    if cell is None or isinstance(cell, float):
        return cell
    value = float(cell)
    if not rounds and Decimal(repr(value)) != Decimal(cell):
        raise _unfit(name, "double", cell)
    return value


def _time(cell: Any) -> datetime | None:
    if isinstance(cell, str):
        return datetime.fromisoformat(wire_time_text(cell))
    if isinstance(cell, date) and not isinstance(cell, datetime):
        return datetime(cell.year, cell.month, cell.day)
    return None if cell is None else cell.replace(tzinfo=None)


def _json(cell: Value) -> str:
    return orjson.dumps(cell, default=str).decode()
