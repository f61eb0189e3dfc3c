"""Which rollup answers a question: from a shape to a statement over stored rows, once per shape and alignment.

What of a question's values decides about serving (where its ranges begin and end) is part of the key by which plans
are kept; the rest are parameters as always.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Container, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from cuboid.catalog.model import Catalog
from cuboid.errors import CuboidError
from cuboid.plan.alignment import Aligned, Alignment
from cuboid.plan.all_layouts import layouts
from cuboid.plan.build import Builder
from cuboid.plan.joined import across
from cuboid.plan.layouts import Layout, Unusable, as_stored
from cuboid.plan.members import Members
from cuboid.plan.nodes import Plan, Relation, StoredAggregate
from cuboid.plan.portable import unportable
from cuboid.plan.rewrite import rewrite
from cuboid.plan.rollups import Rollups
from cuboid.plan.tree import walk
from cuboid.query.model import Question, Shape, Slot
from cuboid.rollup_statements import RollupStatements
from cuboid.run.stored import StoredRollup
from cuboid.served import Served
from cuboid.sql.dialect import Dialect
from cuboid.sql.render import Renderer
from cuboid.sql.stored import StoredTable, joined

KEPT_SHAPES = 2000
"""Shapes of which it is known how they are served, or that they are not."""


@dataclass(frozen=True, slots=True)
class Match:
    """How a rollup matches a question.

    :param used: it answers.
    :param serves: it would answer, were it the only one.
    :param reason: why it does not serve, or why another one does, or of one that is used what may keep it from that
        when the question is asked; in words.
    """

    rollup: str
    used: bool
    serves: bool
    reason: str | None


class RollupPlanner:
    """Serves questions over one catalog from its rollups.

    :param store: the data source where rollups lie.
    :param dialect: gives the dialect of a data source by its name, and ``identity`` what tells its database apart.
    """

    def __init__(
        self,
        catalog: Catalog,
        store: str,
        dialect: Callable[[str], Dialect],
        identity: Callable[[str], str] = str,
    ) -> None:
        self._asked = catalog
        self._catalog = as_stored(catalog)
        self._store = store
        self._dialect = dialect
        self._identity = identity
        self._members = Members(self._catalog)
        self._statements = RollupStatements(
            self._catalog,
            lambda: self._builder_of_stored,
            self._layout,
            lambda: self._originals,
            dialect,
            identity,
        )
        self._served: dict[tuple[Shape, Aligned], Served | None] = {}
        self._renderers: dict[str, Renderer] = {}
        self._keeping = threading.Lock()

    @cached_property
    def layouts(self) -> tuple[Layout | Unusable, ...]:
        """What the catalog's rollups store."""
        return layouts(self._catalog, self._builder_of_stored, self._members)

    @cached_property
    def _builder(self) -> Builder:
        """Plans what is asked; made when there is something to serve, as a model without rollups needs none."""
        return Builder(across(self._asked))

    @cached_property
    def _builder_of_stored(self) -> Builder:
        """Plans what is stored."""
        return Builder(self._catalog)

    @cached_property
    def _usable(self) -> tuple[Layout, ...]:
        return tuple(each for each in self.layouts if isinstance(each, Layout) and not each.original)

    @cached_property
    def _originals(self) -> Mapping[str, Layout]:
        """What is stored of the SQL of cubes, by cube."""
        found = (each for each in self.layouts if isinstance(each, Layout) and each.original)
        return {each.tree.root: each for each in found}

    @cached_property
    def _over_originals(self) -> Catalog:
        """What is asked, with stored rows in the place of the SQL of cubes."""
        return self._statements.over_originals(self._asked)

    @cached_property
    def _kept(self) -> tuple[tuple[str | None, Rollups], ...]:
        """The rollups by where they are kept: in the store (None), or in the database of a data source."""
        places = dict.fromkeys([None, *(each.inside for each in self._usable)])
        return tuple(
            (
                place,
                Rollups(
                    self._catalog, self._members, [each for each in self._usable if each.inside == place]
                ),
            )
            for place in places
        )

    @cached_property
    def _alignment(self) -> Alignment:
        return Alignment(self._catalog, self._members, self._usable)

    def _renderer(self, place: str) -> Renderer:
        renderer = self._renderers.get(place)
        if renderer is None:
            renderer = self._renderers[place] = Renderer(self._catalog, self._dialect(place))
        return renderer

    def serve(self, question: Question) -> Served | None:
        """How the question is answered from rollups; None if it is not. Raises what building raises."""
        if not self._usable and not self._originals:
            return None
        shape = question.shape
        key = (shape, self._alignment.of(shape, question.values))
        if key in self._served:
            return self._served[key]
        served = self._plan(*key)
        with self._keeping:
            self._served[key] = served
            if len(self._served) > KEPT_SHAPES:
                del self._served[next(iter(self._served))]
        return served

    def why(self, question: Question) -> list[Match]:
        """How each rollup of the catalog matches the question. Raises what building raises."""
        if not self.layouts:
            return []
        plan = self._builder.build(question.shape)
        aligned = self._alignment.of(question.shape, question.values)
        foreign = self._unportable(plan, question.shape)
        served = self.serve(question)
        used = frozenset[str]() if served is None else served.rollups
        found: list[Match] = []
        for each in self.layouts:
            if isinstance(each, Unusable):
                found.append(Match(each.rollup, False, False, each.reason))
            elif each.rollup in used:
                found.append(Match(each.rollup, True, True, self._limit(each) or _texts_limit(each, served)))
            elif each.original:
                reason = "rollups answer" if used else f"the query does not read '{each.tree.root}'"
                found.append(Match(each.rollup, False, False, reason))
            else:
                missing = foreign if each.inside is None else None
                missing = missing or self._kept[0][1].why_not(plan, aligned, each)
                reason = missing or self._instead(each, served)
                found.append(Match(each.rollup, False, missing is None, reason))
        return found

    def table(self, rollup: str, zone: str) -> str | None:
        """The name of the table where the rollup's rows lie; None if it has no rows of its own."""
        layout = next((each for each in self.layouts if each.rollup == rollup), None)
        if not isinstance(layout, Layout) or layout.first is not None:
            return None
        return self.stored(rollup, zone).table

    def _instead(self, layout: Layout, served: Served | None) -> str:
        """Why one that serves is not used."""
        used = frozenset[str]() if served is None else served.rollups
        for each in self._usable:
            if each.rollup in used and each.follows == layout.rollup:
                return f"'{each.rollup}' has newer rows"
        if layout.inside is not None and served is not None and not served.inside:
            return "one in the store is taken before those in a source's own schema"
        return "another one is smaller"

    def _limit(self, layout: Layout) -> str | None:
        """What the source answers after all."""
        for name in layout.made_of or (layout.rollup,):
            cube, _, own = name.partition(".")
            start, end = self._catalog.cubes[cube].rollups[own].build_range
            if start is not None or (end is not None and layout.follows is None):
                return f"unless rows are needed that the build range of '{name}' leaves out: then the source answers"
        return None

    def stored(self, rollup: str, zone: str) -> StoredRollup:
        """What is stored of the rollup in that zone. Raises :class:`CuboidError` if it cannot be."""
        return self._statements.stored(rollup, zone)

    # ------------------------------------------------------------ planning

    def _plan(self, shape: Shape, aligned: Aligned) -> Served | None:
        built = self._builder.build(shape)
        for place, rollups in self._kept:
            plan = rollups.serve(built, aligned)
            if plan is not None and (place is not None or not self._unportable(built, shape)):
                return self._over(plan, shape, place)
        return self._over_rows(shape) if self._originals else None

    def _over_rows(self, shape: Shape) -> Served | None:
        """The statement over the tables, with stored rows in the place of the SQL of cubes; None if it reads none."""
        plan = rewrite(Builder(self._asked).build(shape), self._over_originals)
        cubes = {cube for node in walk(plan) if isinstance(node, Relation) for cube in node.tree.cubes}
        reads = [layout.rollup for cube, layout in self._originals.items() if cube in cubes]
        if not reads:
            return None
        renderer = Renderer(self._over_originals, self._dialect(plan.data_source))
        return Served(
            plan,
            renderer.render(plan),
            tuple((self.stored(each, shape.timezone), None, frozenset[str]()) for each in reads),
            frozenset(reads),
            inside=True,
            live=tuple(sorted(cubes - self._originals.keys())),
        )

    def _over(self, plan: Plan, shape: Shape, place: str | None) -> Served:
        """The statement over stored rows of one place."""
        parts = [node for node in walk(plan) if isinstance(node, StoredAggregate)]
        reads = dict.fromkeys(read for node in parts for read in self._reads(node, shape.timezone))
        tables = {node.rollup: self._table(node.rollup, shape.timezone) for node in parts}
        where = self._store if place is None else place
        rewritten = replace(rewrite(plan, self._catalog), data_source=where)
        prepared = self._renderer(where).render(rewritten, tables)
        read = tuple((self.stored(name, shape.timezone), bounds, texts) for name, bounds, texts in reads)
        return Served(rewritten, prepared, read, frozenset(tables), place is not None)

    def _reads(
        self, node: StoredAggregate, zone: str
    ) -> Iterator[tuple[str, tuple[Slot, Slot] | None, frozenset[str]]]:
        """The rollups that are stored of what the node reads, with their texts that it compares: a joined one as a
        whole."""
        layout = self._layout(node.rollup)
        compared = {source.name for _, source in node.sources}
        if layout.first is None:
            yield layout.rollup, node.bounds, self._texts(layout, zone, compared)
            return
        yield layout.first, node.bounds, self._texts(self._layout(layout.first), zone)
        for each in layout.attached:
            yield each.rollup, None, self._texts(self._layout(each.rollup), zone)

    def _texts(self, layout: Layout, zone: str, keys: Container[str] | None = None) -> frozenset[str]:
        """The columns of the keys that are texts, all by default."""
        return frozenset(
            column.name
            for key, column in zip(layout.keys, self.stored(layout.rollup, zone).columns, strict=False)
            if self._catalog.dimension(key.member).type == "string" and (keys is None or key.name in keys)
        )

    def _unportable(self, plan: Plan, shape: Shape) -> str | None:
        """Why the store cannot compute what is made of stored measures; None where it speaks the SQL of all sources."""
        cubes = {cube for node in walk(plan) if isinstance(node, Relation) for cube in node.tree.cubes}
        sources = {self._asked.cubes[cube].data_source for cube in cubes}
        if {self._dialect(name).name for name in sources} <= {self._dialect(self._store).name}:
            return None
        return unportable(shape, self._asked)

    # ------------------------------------------------------------ tables

    def _layout(self, rollup: str) -> Layout:
        """Raises :class:`CuboidError` if there is none."""
        layout = next((each for each in self.layouts if each.rollup == rollup), None)
        if not isinstance(layout, Layout):
            reason = "there is no such rollup" if layout is None else layout.reason
            raise CuboidError(f"The rollup '{rollup}' cannot be built: {reason}.")
        return layout

    def _table(self, rollup: str, zone: str) -> StoredTable:
        layout = self._layout(rollup)
        if layout.first is not None:
            others = [(self._table(each.rollup, zone), each.on) for each in layout.attached]
            return joined(self._table(layout.first, zone), others)
        stored = self.stored(rollup, zone)
        names = (column.name for column in stored.columns)
        columns = dict(zip(layout.columns, names, strict=True))
        return StoredTable(stored.table, columns, named=stored.inside)


def _texts_limit(layout: Layout, served: Served | None) -> str | None:
    """That the source may answer after all, as it compares texts."""
    for stored, _, texts in () if served is None else served.reads:
        if stored.name in (layout.rollup, *layout.made_of) and texts and stored.folds is not None:
            return (
                f"unless its database takes different texts for one in {', '.join(sorted(texts))}: then the source"
                " answers"
            )
    return None
