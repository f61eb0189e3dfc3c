"""Results that a client library hands out in blocks of columns, read by rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

Block = Sequence[Sequence[Any]]
"""Some rows as columns of equal length."""


class BlockCursor:
    """A cursor, as far as core asks for one, over blocks that are taken one at a time.

    ``complete`` is whether the last row was read.
    """

    def __init__(self, blocks: Iterator[Block], description: Sequence[tuple[Any, ...]]) -> None:
        self.description = description
        self.complete = False
        self._blocks = blocks
        self._block: Block = ()
        self._position = 0

    def fetchmany(self, size: int = 5000, /) -> list[Any]:
        """Up to ``size`` rows of the current block; none at the end."""
        while not self._block or self._position >= len(self._block[0]):
            block = next(self._blocks, None)
            if block is None:
                self.complete = True
                return []
            self._block, self._position = block, 0
        start, self._position = self._position, self._position + size
        return list(zip(*(column[start : start + size] for column in self._block), strict=True))

    def close(self) -> None:
        """Lets go of the blocks that are left."""
