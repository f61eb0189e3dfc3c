"""The store in the source's own database: rollups that are made there, from its tables and beside them."""

from __future__ import annotations

from cuboid.run.source_store.reading import SourceReader
from cuboid.run.source_store.store import SourceStore

__all__ = ["SourceReader", "SourceStore"]
