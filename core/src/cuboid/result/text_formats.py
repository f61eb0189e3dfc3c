"""CSV and newline-delimited JSON: cells as on the wire, a row a line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec
import orjson

from cuboid.result.cells import WireValue, number_column, wire_column
from cuboid.result.format import Format
from cuboid.result.rows import row_class
from cuboid.types import Value


class CsvFormat(Format):
    """RFC 4180 in UTF-8, with the names of the columns in the first line. NULL is nothing, an empty text is ``""``."""

    media_type = "text/csv"
    content_type = "text/csv; charset=utf-8; header=present"

    def begin(self) -> bytes:
        return _line(column.name for column in self.columns)

    def rows(self, rows: Sequence[tuple[Value, ...]]) -> bytes:
        cells = zip(*rows, strict=True)
        columns = [
            wire_column(each, column.type, column.name)
            for each, column in zip(cells, self.columns, strict=True)
        ]
        return b"".join(map(_line, zip(*columns, strict=True)))


class JsonLinesFormat(Format):
    """One JSON object a line, with the keys and values of ``/v1/load``."""

    media_type = "application/x-ndjson"
    content_type = "application/x-ndjson"

    def rows(self, rows: Sequence[tuple[Value, ...]]) -> bytes:
        columns: list[Sequence[WireValue]] = []
        for cells, column in zip(zip(*rows, strict=True), self.columns, strict=True):
            write = number_column if self.cast_numerics and column.type == "number" else wire_column
            columns.append(write(cells, column.type, column.name))
        objects = map(row_class(tuple(column.name for column in self.columns)), *columns)
        return msgspec.json.Encoder().encode_lines(list(objects))


def _line(cells: Iterator[WireValue] | Sequence[WireValue]) -> bytes:
    line = ",".join(map(_cell, cells))
    # A NULL that is alone would be an empty line, which readers pass over.
    return ((line or '""') + "\r\n").encode("utf-8", "replace")


def _cell(value: WireValue) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case str():
            text = value
        case _:
            text = orjson.dumps(value).decode()
    if text == "" or any(mark in text for mark in ',"\r\n') or text != text.strip():
        return '"' + text.replace('"', '""') + '"'
    return text
