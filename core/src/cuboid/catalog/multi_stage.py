"""``multi_stage`` and all that it brings: over which groups, under which filters and at which time the inner values
are evaluated."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

from cuboid.catalog import keys
from cuboid.catalog.fields import Fields, read_entries
from cuboid.catalog.named import named_dimensions, named_members
from cuboid.catalog.nodes import Node
from cuboid.catalog.scope import Scope, Use
from cuboid.catalog.stages import FilterDirective, MultiStage, RankOrder
from cuboid.catalog.stated_filters import read_filters
from cuboid.catalog.windows import read_time_shifts

_ORDER = Use("the order of a rank", measures=True)
_MODES: Mapping[str, Literal["relative", "fixed"]] = MappingProxyType(
    {"relative": "relative", "fixed": "fixed"}
)
_DIRECTIONS: Mapping[str, bool] = MappingProxyType({"asc": False, "desc": True})

_GRAIN = (("keep_only", "group_by"), ("exclude", "reduce_by"), ("include", "add_group_by"))
"""Keys of ``grain`` and what they are called beside ``multi_stage``."""

_ONLY_MULTI_STAGE = ("group_by", "reduce_by", "add_group_by", "grain", "filter", "time_shift", "order_by")

_ANY_STAGE = frozenset({"multi_stage", *_ONLY_MULTI_STAGE})


def read_multi_stage(fields: Fields, scope: Scope, *, dimension: bool = False) -> MultiStage | None:
    """What ``multi_stage: true`` says; None if the member has no such key, or false.

    :param dimension: of a dimension, whose ``time_shift`` means something else.
    """
    if not fields.has_any(_ANY_STAGE):
        return None
    if not fields.flag("multi_stage"):
        for key in _ONLY_MULTI_STAGE:
            if fields.has(key) and not (dimension and key == "time_shift"):
                fields.problems.error(
                    fields.place_of(key),
                    f"'{key}' belongs to members that are evaluated in stages",
                    "Add 'multi_stage: true'.",
                )
        return None
    grain = _grain(fields, scope)
    return MultiStage(
        group_by=grain.get("group_by"),
        reduce_by=grain.get("reduce_by", ()),
        add_group_by=grain.get("add_group_by", ()),
        filter=_filter(fields, scope),
        time_shifts=() if dimension else read_time_shifts(fields, scope),
        order_by=tuple(
            order for node in fields.items("order_by") if (order := _order(node, scope)) is not None
        ),
    )


def _grain(fields: Fields, scope: Scope) -> dict[str, tuple[str, ...]]:
    """The lists of dimensions by their names outside of ``grain``; the keys that are not there are absent."""
    found: dict[str, tuple[str, ...]] = {}
    node = fields.node("grain")
    grain = read_entries(node, keys.GRAIN, scope.problems) if node is not None else None
    for inside, outside in _GRAIN:
        if fields.has(outside):
            found[outside] = named_dimensions(fields, outside, scope)
        if grain is None or not grain.has(inside):
            continue
        if outside in found:
            scope.problems.error(
                grain.place_of(inside),
                f"'{inside}' of grain and '{outside}' are the same",
                "Keep one of them.",
            )
        found[outside] = named_dimensions(grain, inside, scope)
    return found


def _filter(fields: Fields, scope: Scope) -> FilterDirective | None:
    node = fields.node("filter")
    directive = read_entries(node, keys.FILTER_DIRECTIVE, scope.problems) if node is not None else None
    if directive is None:
        return None
    if directive.has("exclude") and directive.has("keep_only"):
        scope.problems.error(
            directive.place_of("keep_only"),
            "a filter has either 'exclude' or 'keep_only', not both",
            "Remove one of them.",
        )
        return None
    return FilterDirective(
        mode=directive.choice("mode", _MODES, default="relative") or "relative",
        exclude=named_members(directive, "exclude", scope),
        keep_only=named_members(directive, "keep_only", scope) if directive.has("keep_only") else None,
        include=read_filters(directive.items("include"), scope),
    )


def _order(node: Node, scope: Scope) -> RankOrder | None:
    fields = read_entries(node, keys.RANK_ORDER, scope.problems)
    if fields is None:
        return None
    sql = scope.required_sql(fields, _ORDER)
    descending = fields.choice("dir", _DIRECTIONS, default=False)
    return None if sql is None or descending is None else RankOrder(sql, descending)
