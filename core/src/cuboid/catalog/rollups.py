"""Definitions of refresh keys and rollups (``pre_aggregations``), as written and checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from cuboid.catalog.pieces import Place, Template

RollupType = Literal["rollup", "original_sql", "rollup_join", "rollup_lambda"]


@dataclass(frozen=True, slots=True)
class RefreshKey:
    """When answers are out of date. Exactly one of ``sql``, ``every`` alone, and ``immutable`` says it.

    :param every: ``10 minutes``, or a cron expression; beside ``sql`` how often that is asked.
    :param timezone: of a cron expression.
    :param incremental: only partitions within ``update_window`` of their end are refreshed.
    """

    place: Place
    sql: Template | None = None
    every: str | None = None
    timezone: str | None = None
    immutable: bool = False
    incremental: bool = False
    update_window: str | None = None


@dataclass(frozen=True, slots=True)
class RollupTime:
    """A time dimension of a rollup, by full name; ``path`` are the cubes of the join path to it."""

    member: str
    path: tuple[str, ...]
    granularity: str | None


@dataclass(frozen=True, slots=True)
class RollupMember:
    """A member of a rollup by full name, with the join path by which it is reached."""

    member: str
    path: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RollupIndex:
    """``columns`` are full names of members or plain column names."""

    name: str
    columns: tuple[str, ...]
    type: Literal["regular", "aggregate"]


@dataclass(frozen=True, slots=True)
class Rollup:
    """A pre-aggregation of a cube.

    :param rollups: ``cube.name`` of the rollups that a join or lambda combines.
    :param build_range: SQL for the first and last moment to build.
    """

    cube: str
    name: str
    type: RollupType
    place: Place
    measures: tuple[RollupMember, ...] = ()
    dimensions: tuple[RollupMember, ...] = ()
    segments: tuple[RollupMember, ...] = ()
    time_dimensions: tuple[RollupTime, ...] = ()
    partition_granularity: str | None = None
    refresh_key: RefreshKey | None = None
    build_range: tuple[Template | None, Template | None] = (None, None)
    indexes: tuple[RollupIndex, ...] = ()
    rollups: tuple[str, ...] = ()
    external: bool | None = None
    scheduled_refresh: bool | None = None
    use_original_sql: bool = False
    union_with_source_data: bool = False
    allow_non_strict_date_range_match: bool = True
    sql_alias: str | None = None
    unique_key_columns: tuple[str, ...] = ()
    stream_offset: Literal["earliest", "latest"] | None = None
    read_only: bool = False
    output_column_types: tuple[tuple[str, str], ...] = ()

    @property
    def full_name(self) -> str:
        return f"{self.cube}.{self.name}"
