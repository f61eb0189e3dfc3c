"""Rollups of type ``original_sql``: the rows of a cube's own SQL, as they are.

They take the place of that SQL wherever the cube is read, in the database that they come from: so whatever the model
says of them goes on to mean the same.
"""

from __future__ import annotations

from cuboid.catalog.model import Catalog
from cuboid.catalog.rollups import Rollup
from cuboid.errors import CuboidError
from cuboid.plan.build import Builder
from cuboid.plan.layouts import Layout, Unusable, all_visible, filled
from cuboid.plan.nodes import Key, Rows
from cuboid.query.model import Predicate, Shape, Slot


def original_of(rollup: Rollup, catalog: Catalog, builder: Builder) -> Layout | Unusable:
    """The layout of a cube's rows, or why they cannot be stored."""
    name = rollup.full_name
    cube = catalog.cubes[rollup.cube]
    first = next(each for each in cube.rollups.values() if each.type == "original_sql")
    if first is not rollup:
        return Unusable(name, f"the rows of '{cube.name}' are stored by '{first.full_name}' already")
    if rollup.external:
        return Unusable(
            name,
            "the rows of a cube's SQL are kept in the database of its source, whose words its members are written in:"
            " leave 'external: true' out",
        )
    read = rollup.time_dimensions[0].member if rollup.partition_granularity else _some_column(rollup, catalog)
    if read is None:
        return Unusable(name, f"'{cube.name}' has no dimensions")
    shape = _shape(rollup, read, catalog)
    try:
        plan = builder.build(shape)
    except CuboidError as error:
        return Unusable(name, error.message)
    rows = plan.source
    if not isinstance(rows, Rows) or rows.relation.tree.joins or rows.relation.sub_queries:
        return Unusable(
            name, f"'{read}' is no column of '{cube.name}' alone, so that rows cannot be cut by it"
        )
    if reason := filled(rows.relation.tree, [read], catalog):
        return Unusable(name, f"{reason} differs from query to query (SECURITY_CONTEXT, FILTER_PARAMS)")
    parts = rollup.partition_granularity
    return Layout(
        name,
        shape,
        rows.relation.tree,
        (),
        (),
        frozenset(),
        Key(read, parts) if parts else None,
        parts,
        inside=plan.data_source,
        original=True,
    )


def _some_column(rollup: Rollup, catalog: Catalog) -> str | None:
    cube = catalog.cubes[rollup.cube]
    dimensions = [*cube.primary_key, *(each for each in cube.dimensions.values() if each.sql is not None)]
    return dimensions[0].full_name if dimensions else None


def _shape(rollup: Rollup, read: str, catalog: Catalog) -> Shape:
    """The rows, of a part if there are parts. ``read`` is a dimension, as a question has some."""
    conditions: tuple[Predicate, ...] = ()
    if rollup.partition_granularity:
        kind = catalog.dimension(read).time_kind
        conditions = (Predicate(read, "in_range", (Slot(0, kind), Slot(1, kind))),)
    return Shape(
        dimensions=(read,),
        row_conditions=conditions,
        ungrouped=True,
        access=all_visible(catalog),
        date_ranges=conditions,
    )
