"""A project's data sources: those of its configuration, and others while there is a catalog that uses them."""

from __future__ import annotations

import asyncio
import threading
import weakref
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from cuboid.catalog.model import Catalog
from cuboid.run.data_source import DataSource


class DataSources(Mapping[str, DataSource]):
    """By name. Any thread may add some; they are closed on the event loop that used them.

    :param configured: those that stay.
    """

    def __init__(self, configured: Mapping[str, DataSource]) -> None:
        self._all = dict(configured)  # never changed, but replaced: it is read while others are added
        self._users: Counter[str] = Counter()
        self._left: set[DataSource] = set()
        self._changing = threading.RLock()

    def __getitem__(self, name: str) -> DataSource:
        return self._all[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all)

    def __len__(self) -> int:
        return len(self._all)

    def add(self, source: DataSource) -> None:
        """Takes the data source in, in place of one of its name: what that is running ends in peace."""
        with self._changing:
            before = self._all.get(source.name)
            self._all = {**self._all, source.name: source}
            if before is not None:
                self._leave(before)

    def hold(self, names: Iterable[str]) -> None:
        """Added ones of these names stay, until they are let go as often."""
        with self._changing:
            self._users.update(names)

    def let_go(self, names: Iterable[str]) -> None:
        """Those that nobody holds any more go."""
        with self._changing:
            for name in names:
                self._users[name] -= 1
                if self._users[name] <= 0:
                    del self._users[name]
                    if name in self._all:
                        self._leave(self._all[name])
                    self._all = {key: each for key, each in self._all.items() if key != name}

    def tie(self, names: Sequence[str], catalog: Catalog) -> None:
        """What is held is let go when nobody has the catalog any more."""
        weakref.finalize(catalog, self.let_go, names).atexit = False

    async def close(self) -> None:
        """Closes all, those that have gone at once."""
        await asyncio.gather(*(source.close() for source in (*self._all.values(), *self._left)))

    def _leave(self, source: DataSource) -> None:
        self._left.add(source)
        source.retire(self._left.discard)
