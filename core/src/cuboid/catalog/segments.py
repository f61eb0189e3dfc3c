"""Declared segments to catalog segments."""

from __future__ import annotations

from cuboid.catalog.declare import DeclaredMember
from cuboid.catalog.display import read_shown
from cuboid.catalog.model import Segment
from cuboid.catalog.scope import Scope, Use

_SEGMENT = Use("a segment", foreign_columns=True)


def build_segment(declared: DeclaredMember, scope: Scope, cube_title: str, public: bool) -> Segment | None:
    """The segment; None if its SQL is wrong (reported). ``public``: whether the cube is."""
    fields = declared.fields
    sql = scope.required_sql(fields, _SEGMENT)
    shown = read_shown(fields, declared.name, cube_title)
    if sql is None:
        return None
    return Segment(
        cube=scope.cube.name,
        name=declared.name,
        sql=sql,
        place=fields.place,
        title=shown.title,
        short_title=shown.short_title,
        description=shown.description,
        public=public and shown.visible is not False,
        meta=shown.meta,
    )
