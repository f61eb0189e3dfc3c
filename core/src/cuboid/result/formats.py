"""The formats that core has, and which of all formats a client asks for."""

from __future__ import annotations

from collections.abc import Mapping

from cuboid.result.arrow import ArrowFormat
from cuboid.result.format import Format
from cuboid.result.text_formats import CsvFormat, JsonLinesFormat

__all__ = ["FORMATS", "Format", "wanted_format"]

FORMATS: tuple[type[Format], ...] = (ArrowFormat, CsvFormat, JsonLinesFormat)

JSON = ("application/json", "application/*", "*/*")


def wanted_format(accept: str, formats: Mapping[str, type[Format]]) -> type[Format] | None:
    """The format that an ``Accept`` header prefers among ``formats``; None for the JSON that Cube's clients read.

    That is what everybody gets who does not name a format: Cube looks at no ``Accept``.
    """
    if accept in ("", "*/*"):
        return None
    for media_type in _preferred(accept):
        if media_type in formats:
            return formats[media_type]
        if media_type in JSON:
            return None
    return None


def _preferred(accept: str) -> list[str]:
    """The media types that are not refused, the most wanted first."""
    found: list[tuple[float, str]] = []
    for part in accept.split(",")[:50]:
        media_type, *parameters = (each.strip().lower() for each in part.split(";"))
        weight = 1.0
        for parameter in parameters:
            name, _, value = parameter.partition("=")
            if name.strip() == "q":
                try:
                    weight = float(value)
                except ValueError:
                    weight = 0.0
        if weight > 0:
            found.append((weight, media_type))
    return [media_type for _, media_type in sorted(found, key=lambda each: -each[0])]
