"""The contract of a format: how the rows of a streamed answer are written."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar

from cuboid.types import Column, Value


class Format(ABC):
    """One answer in the making. The methods are called in a thread, one after the other, and may take their time.

    ``media_type`` is what clients name in ``Accept``; ``content_type`` what the answer is called.
    """

    media_type: ClassVar[str]
    content_type: ClassVar[str]

    def __init__(self, columns: Sequence[Column], *, cast_numerics: bool) -> None:
        """Raises :class:`cuboid.UnsupportedFeature` if it cannot be written here.

        :param columns: names as in the answer's rows (``orders.created_at.day``), and what the columns mean.
        :param cast_numerics: the client asks for numbers where the format would write exact texts.
        """
        self.columns = tuple(columns)
        self.cast_numerics = cast_numerics

    def begin(self) -> bytes:
        """What stands before the first row."""
        return b""

    @abstractmethod
    def rows(self, rows: Sequence[tuple[Value, ...]]) -> bytes:
        """Some rows, at least one. What it raises cuts the answer off."""

    def end(self) -> bytes:
        """What stands after the last row."""
        return b""
