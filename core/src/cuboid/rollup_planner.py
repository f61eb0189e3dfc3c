"""Which rollup answers a question: from a shape to a statement over stored rows, once per shape and alignment.

What of a question's values decides about serving (where its ranges begin and end) is part of the key by which plans
are kept; the rest are parameters as always.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from cuboid.catalog.cube_sources import fill_statement
from cuboid.catalog.model import Catalog
from cuboid.catalog.naming import member_alias
from cuboid.catalog.pieces import Place
from cuboid.catalog.rollups import RefreshKey, Rollup
from cuboid.errors import CuboidError
from cuboid.plan.alignment import Aligned, Alignment
from cuboid.plan.all_layouts import layouts
from cuboid.plan.build import Builder
from cuboid.plan.joined import across
from cuboid.plan.layouts import ORDERED, Layout, Unusable, all_rows, as_stored, extreme_part, rest
from cuboid.plan.members import Members
from cuboid.plan.nodes import Plan, Relation, StoredAggregate
from cuboid.plan.portable import unportable
from cuboid.plan.rewrite import rewrite
from cuboid.plan.rollups import Rollups
from cuboid.plan.tree import walk
from cuboid.query.dates import bound
from cuboid.query.model import Predicate, Question, Shape, Slot, Values
from cuboid.run.stored import BEGINNING, Bounds, StoredRollup
from cuboid.served import Served
from cuboid.sql.binding import Prepared
from cuboid.sql.dialect import Dialect
from cuboid.sql.freshness import refresh_key_statement, written_statement
from cuboid.sql.names import Names
from cuboid.sql.render import Renderer
from cuboid.sql.stored import StoredTable, joined
from cuboid.types import Column, Statement

NAME_BYTES = 63
"""Names in the store fit every engine."""

LIVE = RefreshKey(Place("", 0, 0), every="10 seconds")
"""How old rows may be that are to be live, where the cube does not say: as an answer over the tables (model contract
5.1)."""

KEPT_SHAPES = 2000
"""Shapes of which it is known how they are served, or that they are not."""


def _indexed(rollup: Rollup, layout: Layout, columns: Sequence[Column]) -> tuple[str, ...]:
    """The columns of the first index: by these the rows are ordered. A time is named as it is or by its granularity."""
    if not rollup.indexes:
        return ()
    known = {column.name: column.name for column in columns}
    for key, column in zip(layout.keys, columns, strict=False):
        known.setdefault(key.member, column.name)
    return tuple(known[name] for name in rollup.indexes[0].columns if name in known)


def _digest(*what: object) -> str:
    return hashlib.blake2b(repr(what).encode(), digest_size=6).hexdigest()


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
        self._stored: dict[tuple[str, str], StoredRollup] = {}
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
        return tuple(each for each in self.layouts if isinstance(each, Layout))

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
        if not self._usable:
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

    def why(self, question: Question) -> list[dict[str, Any]]:
        """``rollup``, ``used`` and ``reason`` for each rollup of the catalog: the reason says in words why it does not
        serve the question, or why another one does, or of one that serves what may keep it from that when the question
        is asked. Raises what building raises."""
        plan = self._builder.build(question.shape)
        aligned = self._alignment.of(question.shape, question.values)
        foreign = self._unportable(plan, question.shape)
        served = self.serve(question)
        used = frozenset[str]() if served is None else served.rollups
        found: list[dict[str, Any]] = []
        for each in self.layouts:
            if isinstance(each, Unusable):
                reason: str | None = each.reason
            elif each.rollup in used:
                reason = self._limit(each)
            else:
                reason = foreign if each.inside is None else None
                reason = reason or self._kept[0][1].why_not(plan, aligned, each)
                reason = reason or self._instead(each, served)
            found.append({"rollup": each.rollup, "used": each.rollup in used, "reason": reason})
        return found

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
        key = (rollup, zone)
        found = self._stored.get(key)
        if found is None:
            layout = self._layout(rollup)
            describe = self._describe if layout.follows is None else self._describe_newest
            found = self._stored[key] = describe(layout, zone)
        return found

    # ------------------------------------------------------------ planning

    def _plan(self, shape: Shape, aligned: Aligned) -> Served | None:
        built = self._builder.build(shape)
        for place, rollups in self._kept:
            plan = rollups.serve(built, aligned)
            if plan is not None and (place is not None or not self._unportable(built, shape)):
                return self._over(plan, shape, place)
        return None

    def _over(self, plan: Plan, shape: Shape, place: str | None) -> Served:
        """The statement over stored rows of one place."""
        parts = [node for node in walk(plan) if isinstance(node, StoredAggregate)]
        reads = dict.fromkeys(read for node in parts for read in self._reads(node))
        tables = {node.rollup: self._table(node.rollup, shape.timezone) for node in parts}
        where = self._store if place is None else place
        rewritten = replace(rewrite(plan, self._catalog), data_source=where)
        prepared = self._renderer(where).render(rewritten, tables)
        read = tuple((self.stored(name, shape.timezone), bounds) for name, bounds in reads)
        return Served(rewritten, prepared, read, frozenset(tables), place is not None)

    def _reads(self, node: StoredAggregate) -> Iterator[tuple[str, tuple[Slot, Slot] | None]]:
        """The rollups that are stored of what the node reads: a joined one as a whole."""
        layout = self._layout(node.rollup)
        yield layout.first or layout.rollup, node.bounds
        yield from ((each.rollup, None) for each in layout.attached)

    def _unportable(self, plan: Plan, shape: Shape) -> str | None:
        """Why the store cannot compute what is made of stored measures; None where it speaks the SQL of all sources."""
        cubes = {cube for node in walk(plan) if isinstance(node, Relation) for cube in node.tree.cubes}
        sources = {self._asked.cubes[cube].data_source for cube in cubes}
        if {self._dialect(name).name for name in sources} <= {self._dialect(self._store).name}:
            return None
        return unportable(shape, self._asked)

    # ------------------------------------------------------------ what is stored

    def _describe(self, layout: Layout, zone: str) -> StoredRollup:
        rows = self._statement(layout.shape, zone)
        every = self._statement(all_rows(layout.shape), zone)
        kinds = [slot.type for each in layout.shape.date_ranges for slot in each.slots]
        columns = tuple(
            Column(name, column.type) for name, column in zip(self._names(layout), rows.columns, strict=True)
        )

        def select(bounds: Bounds | None) -> Statement:
            if bounds is None or layout.time is None:
                return every.bind(Values())
            values = (bound(civil, ZoneInfo(zone), kind) for civil, kind in zip(bounds, kinds, strict=True))  # type: ignore[arg-type]  # times
            return rows.bind(Values(values, dict(enumerate(bounds))))

        cube, _, name = layout.rollup.partition(".")
        rollup = self._catalog.cubes[cube].rollups[name]
        # Rows are shared by equal models only as long as they come from one database.
        source = (rows.data_source, self._identity(rows.data_source))
        inside = layout.inside is not None
        digest = _digest(rows.parts, columns, zone, layout.parts, source, *(["inside"] if inside else []))
        stored = StoredRollup(
            layout.rollup,
            zone,
            Names(NAME_BYTES - 13).take(f"{self._catalog.cubes[cube].alias}_{name}") + f"_{digest}",
            columns,
            rows.data_source,
            select,
            refresh_key=rollup.refresh_key or self._catalog.cubes[cube].refresh_key,
            keys=self._keys(rollup, rows),
            cubes=tuple(sorted(rows.cubes)),
            order=_indexed(rollup, layout, columns),
            scheduled=rollup.scheduled_refresh is not False,
            compared=tuple(
                (leaf, index)
                for index, leaf in enumerate(layout.columns)
                if leaf in layout.additive and self._catalog.measure(leaf).type in ORDERED and not inside
            ),
            given=tuple(column.name for column in rows.columns),
            inside=inside,
        )
        if layout.time is None:
            return stored
        time = columns[layout.keys.index(layout.time)].name
        first, last = (
            self._statement(extreme_part(layout, last=each), zone).bind(Values((1,)))
            for each in (False, True)
        )
        return replace(
            stored,
            time=time,
            parts=layout.parts,
            range=(first, last),
            built=(self._bound(rollup, 0, rows), self._bound(rollup, 1, rows)),
            rest=self._statement(rest(layout.shape), zone).bind(Values()),
            order=tuple(dict.fromkeys((*stored.order, time))),
        )

    def _describe_newest(self, layout: Layout, zone: str) -> StoredRollup:
        """A rollup with newer rows after those of another one."""
        assert layout.follows is not None
        assert layout.newest is not None
        assert layout.newest_of is not None
        base = self.stored(layout.follows, zone)
        (condition,) = layout.newest.row_conditions
        assert isinstance(condition, Predicate)
        kind = condition.slots[0].time_kind
        rows = self._statement(layout.newest, zone)

        def select(bounds: Bounds | None) -> Statement:
            assert kind is not None
            start = BEGINNING if bounds is None else bounds[0]
            return rows.bind(Values((bound(start, ZoneInfo(zone), kind),), {0: start}))

        cube, _, name = layout.rollup.partition(".")
        of_cube, _, of_name = layout.newest_of.partition(".")
        newest = self._catalog.cubes[of_cube].rollups[of_name]
        key = self._catalog.cubes[of_cube].refresh_key
        if layout.live:
            newest, key = replace(newest, refresh_key=None), key or LIVE
        source = (rows.data_source, self._identity(rows.data_source))
        digest = _digest(base.table, rows.parts, source, layout.live)
        return replace(
            base,
            name=layout.rollup,
            table=Names(NAME_BYTES - 13).take(f"{self._catalog.cubes[cube].alias}_{name}") + f"_{digest}",
            data_source=rows.data_source,
            select=select,
            refresh_key=newest.refresh_key or key,
            keys=self._keys(newest, rows),
            cubes=tuple(sorted({*base.cubes, *rows.cubes})),
            follows=base,
        )

    def _bound(self, rollup: Rollup, index: int, rows: Prepared) -> Statement | None:
        """What asks for the first moment that is to be stored, or the last one."""
        template = rollup.build_range[index]
        if template is None:
            return None
        what = f"build_range_{('start', 'end')[index]} of the pre-aggregation '{rollup.full_name}'"
        return written_statement(template, self._dialect(rows.data_source), what, rows.data_source)

    def _keys(self, rollup: Rollup, rows: Prepared) -> tuple[Statement, ...]:
        """What is asked whether rows are out of date: the rollup's own key in SQL, or if it has no key at all those of
        all its cubes (model contract 5.2)."""
        cubes = sorted(rows.cubes) if rollup.refresh_key is None else ()
        keys = [(name, self._catalog.cubes[name].refresh_key) for name in cubes] or [
            (rollup.full_name, rollup.refresh_key)
        ]
        dialect = self._dialect(rows.data_source)
        return tuple(
            refresh_key_statement(
                fill_statement(key.sql, self._catalog.cubes), dialect, name, rows.data_source
            )
            for name, key in keys
            if key is not None and key.sql is not None
        )

    def _statement(self, shape: Shape, zone: str) -> Prepared:
        plan = rewrite(self._builder_of_stored.build(replace(shape, timezone=zone)), self._catalog)
        return Renderer(self._catalog, self._dialect(plan.data_source)).render(plan)

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

    def _names(self, layout: Layout) -> list[str]:
        """The names of the columns: those of an answer, whatever the source's engine makes of them."""
        names = Names(NAME_BYTES)
        members = ((key.member, key.granularity) for key in layout.keys)
        values = ((leaf, None) for leaf in layout.leaves)
        return [names.take(self._alias(member, granularity)) for member, granularity in (*members, *values)]

    def _alias(self, member: str, granularity: str | None) -> str:
        cube, _, name = member.partition(".")
        return member_alias(self._catalog.cubes[cube].alias, name, granularity)
