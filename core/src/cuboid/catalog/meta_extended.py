"""What ``/v1/meta?extended`` adds: where a cube is written, its SQL, its joins; and what is off, and why.

SQL is the source text in back-ticks with ``${...}`` around references, as Cube gives it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cuboid.catalog.model import Catalog, Cube, Dimension, Measure, Member, Segment
from cuboid.catalog.naming import camelize
from cuboid.catalog.pieces import CubeReference, MemberReference, Template
from cuboid.catalog.rollups import RefreshKey, Rollup
from cuboid.errors import ModelError

_SECTIONS = ("measures", "dimensions", "segments")


def extended(body: Mapping[str, Any], catalog: Catalog) -> dict[str, Any]:
    """The body of ``/v1/meta`` with what ``extended`` asks for beside it."""
    found = {**body, "cubes": [_cube(entry, catalog) for entry in body["cubes"]]}
    if catalog.errors:
        found["errors"] = [_error(error, catalog) for error in catalog.errors]
    return found


def _cube(entry: Mapping[str, Any], catalog: Catalog) -> dict[str, Any]:
    cube = catalog.cubes[entry["name"]]
    members = {
        section: [{**each, **_member(catalog.member(each["name"]), cube)} for each in entry[section]]
        for section in _SECTIONS
    }
    return _given(
        **{**entry, **members},
        sql=source_text(cube.sql, cube.name),
        sqlTable=source_text(cube.sql_table, cube.name),
        extends=cube.extends,
        fileName=cube.place.file,
        refreshKey=_refresh_key(cube.refresh_key, cube.name) if cube.refresh_key else None,
        joins=[
            {
                "name": join.target,
                "relationship": camelize(join.relationship),
                "sql": source_text(join.sql, cube.name),
            }
            for join in cube.joins
        ]
        or None,
        preAggregations=[_rollup(each) for each in cube.rollups.values()] or None,
    )


def _member(member: Member | None, cube: Cube) -> dict[str, Any]:
    match member:
        case Measure():
            filters = [{"sql": source_text(each, cube.name)} for each in member.filters]
            return _given(sql=source_text(member.sql, cube.name), filters=filters or None)
        case Dimension():
            case = _case(member, cube.name)
            location = member.location or ()
            coordinates = [{"sql": source_text(part, cube.name)} for part in location]
            return _given(
                sql=source_text(member.sql, cube.name),
                case=case,
                **dict(zip(("latitude", "longitude"), coordinates, strict=False)),
            )
        case Segment():
            return _given(sql=source_text(member.sql, cube.name))
    return {}


def _case(dimension: Dimension, cube: str) -> dict[str, Any] | None:
    case = dimension.case
    if case is None:
        return None
    branches = [
        {"sql": source_text(branch.when, cube), "label": _label(branch.label, cube)}
        for branch in case.branches
    ]
    if case.otherwise is None:
        return {"when": branches}
    return {"when": branches, "else": {"label": _label(case.otherwise, cube)}}


def _label(label: str | Template, cube: str) -> Any:
    return label if isinstance(label, str) else {"sql": source_text(label, cube)}


def _refresh_key(key: RefreshKey, cube: str) -> dict[str, Any]:
    return _given(
        sql=source_text(key.sql, cube),
        every=key.every,
        timezone=key.timezone,
        immutable=key.immutable or None,
        incremental=key.incremental or None,
        updateWindow=key.update_window,
    )


def _rollup(rollup: Rollup) -> dict[str, Any]:
    times = rollup.time_dimensions
    return _given(
        name=rollup.name,
        type=camelize(rollup.type),
        measureReferences=_references([each.member for each in rollup.measures]),
        dimensionReferences=_references([each.member for each in rollup.dimensions]),
        segmentReferences=_references([each.member for each in rollup.segments]),
        timeDimensionReference=times[0].member if len(times) == 1 else None,
        timeDimensionReferences=[
            _given(dimension=each.member, granularity=each.granularity) for each in times
        ]
        if len(times) > 1
        else None,
        granularity=times[0].granularity if len(times) == 1 else None,
        rollupReferences=_references(rollup.rollups),
        partitionGranularity=rollup.partition_granularity,
        refreshKey=_refresh_key(rollup.refresh_key, rollup.cube) if rollup.refresh_key else None,
        external=rollup.external,
        scheduledRefresh=rollup.scheduled_refresh,
        sqlAlias=rollup.sql_alias,
    )


def _references(names: Any) -> str | None:
    return f"[{', '.join(names)}]" if names else None


def source_text(template: Template | None, cube: str) -> str | None:
    """The template as text in back-ticks; slots that only a query fills are ``${...}``."""
    if template is None:
        return None
    parts = []
    for part in template.parts:
        match part:
            case str():
                parts.append(part)
            case CubeReference():
                parts.append("${CUBE}" if part.path == (cube,) else f"${{{'.'.join(part.path)}}}")
            case MemberReference():
                words = [
                    *part.path,
                    part.member.partition(".")[2],
                    *([part.granularity] if part.granularity else []),
                ]
                if part.path == (cube,):
                    words[0] = "CUBE"
                parts.append(f"${{{'.'.join(words)}}}")
            case _:
                parts.append("${...}")
    return f"`{''.join(parts)}`"


def _error(error: ModelError, catalog: Catalog) -> dict[str, Any]:
    off = sorted(name for name, reasons in catalog.broken.items() if error in reasons)
    return _given(
        file=error.file,
        line=error.line,
        column=error.column,
        message=error.message,
        hint=error.hint,
        off=off,
    )


def _given(**entries: Any) -> dict[str, Any]:
    return {key: value for key, value in entries.items() if value is not None}
