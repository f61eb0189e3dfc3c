"""What must hold between pre-aggregations once all cubes are built, and the last of their SQL."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from cuboid.catalog.cube_sources import fill_statement
from cuboid.catalog.declare import DeclaredCube
from cuboid.catalog.model import Cube
from cuboid.catalog.pieces import Template
from cuboid.catalog.rollup_keys import unjoined
from cuboid.catalog.rollups import RefreshKey, Rollup


def check_rollups(cubes: Mapping[str, Cube], declared: Mapping[str, DeclaredCube]) -> None:
    """Joins and lambdas combine pre-aggregations that fit."""
    for cube in cubes.values():
        for rollup in cube.rollups.values():
            if rollup.type not in ("rollup_join", "rollup_lambda"):
                continue
            named = [_find(name, cubes) for name in rollup.rollups]
            parts = [each for each in named if each is not None]
            mistake = _mistake(rollup, parts) if len(parts) == len(named) else None
            if mistake is None and rollup.type == "rollup_join" and len(parts) == len(named):
                unusable = unjoined(rollup, parts, cubes)
                if unusable is not None:  # no answer is wrong for it
                    declared[cube.name].problems.warn(rollup.place, *unusable)
            if mistake is not None:
                declared[cube.name].problems.error(rollup.place, *mistake)


def _find(name: str, cubes: Mapping[str, Cube]) -> Rollup | None:
    cube, _, short = name.partition(".")
    return cubes[cube].rollups.get(short) if cube in cubes else None


def _mistake(rollup: Rollup, parts: list[Rollup]) -> tuple[str, str] | None:
    allowed = ("rollup",) if rollup.type == "rollup_join" else ("rollup", "rollup_join")
    for part in parts:
        if part.type not in allowed:
            return (
                f"'{part.full_name}' is of type {part.type}",
                f"A {rollup.type} combines {' and '.join(allowed)}.",
            )
    if rollup.type == "rollup_join":
        if len(parts) == 1:
            return "a rollup_join joins two pre-aggregations or more", "List them in 'rollups'."
        return None
    wanted = _members(rollup) if rollup.measures or rollup.dimensions else None
    for part in parts:
        stored = _members(part)
        wanted = stored if wanted is None else wanted
        if stored != wanted:
            different = ", ".join(f"'{name}'" for name in sorted(stored ^ wanted))
            return (
                f"the pre-aggregations of a lambda have equal members; {different} is not in all of them",
                f"Look at '{part.full_name}'.",
            )
    return None


def _members(rollup: Rollup) -> set[str]:
    """Short names: the parts of a lambda may lie on different cubes."""
    members = [each.member for each in (*rollup.measures, *rollup.dimensions, *rollup.segments)]
    times = [each.member for each in rollup.time_dimensions]
    return {name.partition(".")[2] for name in (*members, *times)}


def fill_rollups(cube: Cube, cubes: Mapping[str, Cube]) -> Cube:
    """The cube with ``{cube.sql()}`` replaced in its refresh keys and build ranges."""

    def filled(template: Template | None) -> Template | None:
        return None if template is None else fill_statement(template, cubes)

    def key(refresh_key: RefreshKey | None) -> RefreshKey | None:
        return None if refresh_key is None else replace(refresh_key, sql=filled(refresh_key.sql))

    if not cube.rollups and cube.refresh_key is None:
        return cube
    rollups = {
        name: replace(
            rollup,
            refresh_key=key(rollup.refresh_key),
            build_range=(filled(rollup.build_range[0]), filled(rollup.build_range[1])),
        )
        for name, rollup in cube.rollups.items()
    }
    return replace(cube, refresh_key=key(cube.refresh_key), rollups=MappingProxyType(rollups))
