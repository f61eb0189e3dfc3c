"""What is stored of a rollup: the statements that yield its rows, and those that tell which parts it has and whether
they are up to date."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from zoneinfo import ZoneInfo

from sqlglot import exp

from cuboid.catalog.cube_sources import fill_statement
from cuboid.catalog.model import Catalog
from cuboid.catalog.naming import member_alias
from cuboid.catalog.pieces import Place, Template
from cuboid.catalog.rollups import RefreshKey, Rollup
from cuboid.plan.build import Builder
from cuboid.plan.layouts import ORDERED, Layout, all_rows, extreme_part, rest
from cuboid.plan.rewrite import rewrite
from cuboid.query.dates import bound
from cuboid.query.model import Predicate, Shape, Slot, Values
from cuboid.run.stored import BEGINNING, Bounds, StoredRollup
from cuboid.sql.binding import Prepared
from cuboid.sql.dialect import Dialect
from cuboid.sql.freshness import refresh_key_statement, written_statement
from cuboid.sql.names import Names
from cuboid.sql.render import Renderer
from cuboid.types import Column, Statement

NAME_BYTES = 63
"""Names in the store fit every engine."""

LIVE = RefreshKey(Place("", 0, 0), every="10 seconds")
"""How old rows may be that are to be live, where the cube does not say: as an answer over the tables (model contract
5.1)."""

ZONE = "UTC"
"""Rows as a cube's SQL has them are the same in all zones; by this one they are cut into parts."""


class RollupStatements:
    """Describes the rollups of one catalog.

    :param catalog: as rollups store it, and ``builder`` over it.
    :param layout: of a rollup, by name.
    :param originals: what is stored of the SQL of cubes, by cube.
    :param dialect: gives the dialect of a data source by its name, and ``identity`` what tells its database apart.
    """

    def __init__(
        self,
        catalog: Catalog,
        builder: Callable[[], Builder],
        layout: Callable[[str], Layout],
        originals: Callable[[], Mapping[str, Layout]],
        dialect: Callable[[str], Dialect],
        identity: Callable[[str], str],
    ) -> None:
        self._catalog = catalog
        self._builder = builder
        self._layout = layout
        self._originals = originals
        self._dialect = dialect
        self._identity = identity
        self._known: dict[tuple[str, str], StoredRollup] = {}

    def stored(self, rollup: str, zone: str) -> StoredRollup:
        """What is stored of the rollup in that zone. Raises :class:`CuboidError` if it cannot be."""
        layout = self._layout(rollup)
        key = (rollup, ZONE if layout.original else zone)
        found = self._known.get(key)
        if found is None:
            describe = self._describe if layout.follows is None else self._describe_newest
            found = self._known[key] = describe(layout, key[1])
        return found

    def over_originals(self, catalog: Catalog) -> Catalog:
        """The catalog with the stored rows of cubes in the place of their SQL, where these are stored."""
        cubes = dict(catalog.cubes)
        for name, layout in self._originals().items():
            table = self.stored(layout.rollup, ZONE).table
            quoted = exp.to_identifier(table, quoted=True)
            text = quoted.sql(dialect=self._dialect(cubes[name].data_source).sqlglot)
            cubes[name] = replace(cubes[name], sql=None, sql_table=Template((text,), cubes[name].place))
        return replace(catalog, cubes=cubes)

    @cached_property
    def _over_originals(self) -> Catalog:
        return self.over_originals(self._catalog)

    def _describe(self, layout: Layout, zone: str) -> StoredRollup:
        rows = self._rows(layout, layout.shape, zone)
        every = self._rows(layout, all_rows(layout.shape), zone)
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
        reads = self._reads(layout)
        made_of = [*(["inside"] if inside else []), *(each.definition for each in reads)]
        made_by = _Definition(rows.parts, columns, zone, layout.parts, source, *made_of)
        stored = StoredRollup(
            layout.rollup,
            zone,
            self._table(cube, name, made_by),
            columns,
            rows.data_source,
            select,
            refresh_key=rollup.refresh_key or self._catalog.cubes[cube].refresh_key,
            keys=self._keys(rollup, rows),
            cubes=tuple(sorted(rows.cubes)),
            order=_indexed(rollup, layout, columns),
            scheduled=rollup.scheduled_refresh is not False,
            compared=() if inside else tuple(self._compared(layout)),
            given=tuple(column.name for column in rows.columns),
            inside=inside,
            original=layout.original,
            reads=reads,
            folds=None if inside else self._folds(layout.shape, columns, rows.data_source),
            definition=made_by.whole,
        )
        if layout.time is None:
            return stored
        time = None if layout.original else columns[layout.keys.index(layout.time)].name
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
            rest=self._rows(layout, rest(layout.shape), zone).bind(Values()),
            order=tuple(dict.fromkeys((*stored.order, *([time] if time else [])))),
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
        between = None if layout.between is None else self._describe(layout.between, zone)
        if layout.between is not None:
            rows = _both(self._statement(layout.between.shape, zone), rows)

        def select(bounds: Bounds | None) -> Statement:
            assert kind is not None
            moments = ((BEGINNING, BEGINNING) if bounds is None else bounds)[: 1 if between is None else 2]
            values = (bound(each, ZoneInfo(zone), kind) for each in moments)
            return rows.bind(Values(values, dict(enumerate(moments))))

        cube, _, name = layout.rollup.partition(".")
        of_cube, _, of_name = layout.newest_of.partition(".")
        newest = self._catalog.cubes[of_cube].rollups[of_name]
        key = self._catalog.cubes[of_cube].refresh_key
        if layout.live:
            newest, key = replace(newest, refresh_key=None), key or LIVE
        source = (rows.data_source, self._identity(rows.data_source))
        made_by = _Definition(base.table, base.definition, rows.parts, source, layout.live)
        return replace(
            base,
            name=layout.rollup,
            table=self._table(cube, name, made_by),
            data_source=rows.data_source,
            select=select,
            refresh_key=newest.refresh_key or key,
            keys=self._keys(newest, rows),
            cubes=tuple(sorted({*base.cubes, *rows.cubes})),
            follows=base,
            given=tuple(column.name for column in rows.columns),
            reads=(),
            folds=None if base.inside else self._folds_of_newest(layout, base.columns, rows.data_source),
            between=between,
            definition=made_by.whole,
        )

    def _table(self, cube: str, rollup: str, made_by: _Definition) -> str:
        """The name in the store."""
        return (
            Names(NAME_BYTES - 13).take(f"{self._catalog.cubes[cube].alias}_{rollup}") + f"_{made_by.short}"
        )

    def _compared(self, layout: Layout) -> Iterator[tuple[str, int]]:
        """The measures, and the places of their columns, of which the least or greatest is found again."""
        for index, leaf in enumerate(layout.columns):
            if leaf in layout.additive and self._catalog.measure(leaf).type in ORDERED:
                yield leaf, index

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

    def _rows(self, layout: Layout, shape: Shape, zone: str) -> Prepared:
        """The statement that yields what is stored."""
        catalog = self._over_originals if self._reads(layout) else self._catalog
        return self._statement(shape, zone, catalog, whole_rows=layout.original)

    def _folds_of_newest(
        self, layout: Layout, columns: Sequence[Column], data_source: str
    ) -> Statement | None:
        assert layout.newest is not None
        newest = self._folds(layout.newest, columns, data_source)
        if layout.between is None or newest is None:
            return newest
        others = self._folds(layout.between.shape, columns, data_source)
        return newest if others is None else Statement(f"{others.sql} UNION ALL {newest.sql}")

    def _folds(self, shape: Shape, columns: Sequence[Column], data_source: str) -> Statement | None:
        """What asks for the texts among the dimensions, which are the first columns, whether their database takes
        different ones for one."""
        dialect = self._dialect(data_source)
        texts = [
            (member, column.name)
            for member, column in zip(shape.dimensions, columns, strict=False)
            if self._catalog.dimension(member).type == "string"
        ]
        if not texts:
            return None
        shape = replace(
            all_rows(shape),
            measures=(),
            dimensions=tuple(name for name, _ in texts),
            time_groupings=(),
            limit=Slot(0, "integer"),
            ungrouped=True,
        )
        some = self._statement(shape, ZONE)
        asked = [
            exp.alias_(folds, name, quoted=True)
            for given, (_, name) in zip(some.columns, texts, strict=True)
            if (folds := dialect.folds(exp.column(given.name, table="texts", quoted=True))) is not None
        ]
        if not asked:
            return None
        select = exp.select(*asked).sql(dialect=dialect.sqlglot)
        statement = some.bind(Values((1,)))
        # A table without rows has its columns too, and may have rows by the time they are read.
        always = f"(SELECT 1 AS one) AS one LEFT JOIN ({statement.sql}) AS texts ON 1 = 1"
        return Statement(f"{select} FROM {always}", statement.parameters)

    def _reads(self, layout: Layout) -> tuple[StoredRollup, ...]:
        """What must be stored before, as the rows are made of it."""
        cube, _, name = layout.rollup.partition(".")
        if not self._catalog.cubes[cube].rollups[name].use_original_sql:
            return ()
        originals = self._originals()
        read = [originals[each] for each in layout.tree.cubes if each in originals]
        return tuple(self.stored(each.rollup, ZONE) for each in read)

    def _statement(
        self, shape: Shape, zone: str, catalog: Catalog | None = None, *, whole_rows: bool = False
    ) -> Prepared:
        catalog = catalog or self._catalog
        plan = rewrite(self._builder().build(replace(shape, timezone=zone)), catalog)
        return Renderer(catalog, self._dialect(plan.data_source)).render(plan, whole_rows=whole_rows)

    def _names(self, layout: Layout) -> list[str]:
        """The names of the columns: those of an answer, whatever the source's engine makes of them."""
        names = Names(NAME_BYTES)
        members = ((key.member, key.granularity) for key in layout.keys)
        values = ((leaf, None) for leaf in layout.leaves)
        return [names.take(self._alias(member, granularity)) for member, granularity in (*members, *values)]

    def _alias(self, member: str, granularity: str | None) -> str:
        cube, _, name = member.partition(".")
        return member_alias(self._catalog.cubes[cube].alias, name, granularity)


def _indexed(rollup: Rollup, layout: Layout, columns: Sequence[Column]) -> tuple[str, ...]:
    """The columns of the first index: by these the rows are ordered. A time is named as it is or by its granularity."""
    if not rollup.indexes:
        return ()
    known = {column.name: column.name for column in columns}
    for key, column in zip(layout.keys, columns, strict=False):
        known.setdefault(key.member, column.name)
    return tuple(known[name] for name in rollup.indexes[0].columns if name in known)


def _both(first: Prepared, second: Prepared) -> Prepared:
    """The rows of both, which have the same columns and slots."""
    parts = (
        "SELECT * FROM (",
        *first.parts,
        ") AS older UNION ALL SELECT * FROM (",
        *second.parts,
        ") AS newer",
    )
    cubes = tuple(sorted({*first.cubes, *second.cubes}))
    return replace(second, parts=parts, columns=first.columns, cubes=cubes)


class _Definition:
    """Digests of all that makes rows what they are: a short one, for names, and one that differs wherever that does."""

    def __init__(self, *what: object) -> None:
        text = repr(what).encode()
        self.short = hashlib.blake2b(text, digest_size=6).hexdigest()
        self.whole = hashlib.sha256(text).hexdigest()
