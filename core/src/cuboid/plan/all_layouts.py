"""The layouts of all rollups of a catalog: those that are stored, and those that are made of others."""

from __future__ import annotations

from cuboid.catalog.model import Catalog
from cuboid.catalog.rollups import Rollup
from cuboid.plan.build import Builder
from cuboid.plan.joined import joined_of
from cuboid.plan.lambdas import lambda_of
from cuboid.plan.layouts import Layout, Unusable, layout_of
from cuboid.plan.members import Members
from cuboid.plan.originals import original_of


def layouts(catalog: Catalog, builder: Builder, members: Members) -> tuple[Layout | Unusable, ...]:
    """In order of declaration."""
    rollups = {
        rollup.full_name: rollup for cube in catalog.cubes.values() for rollup in cube.rollups.values()
    }

    def stored(rollup: Rollup) -> Layout | Unusable:
        if rollup.type == "original_sql":
            return original_of(rollup, catalog, builder)
        return layout_of(rollup, catalog, builder, members)

    made = {"rollup_lambda": lambda_of, "rollup_join": joined_of}
    return tuple(
        made[rollup.type](rollup, rollups, catalog, stored) if rollup.type in made else stored(rollup)
        for rollup in rollups.values()
    )
