"""Compiling without the garbage collector, which would look through a growing model again and again."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without_collection() -> Iterator[None]:
    """Pauses the collection of reference cycles in this process; all else is freed as ever.

    For work that makes much that stays and hardly a cycle: of 1,000 cubes compiling takes 2.6 s of CPU instead of 3.7
    to 5 (``benchmarks/compiling.py``). Nested or in several threads, the first to end goes back to collecting.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        # What was made counts as old, where the next collection would look through all of it at once.
        gc.freeze()
        gc.unfreeze()
        gc.enable()
