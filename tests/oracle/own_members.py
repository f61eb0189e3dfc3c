"""Strategies for a view's own members: formulas over what it takes from cubes, and questions that ask for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from hypothesis import strategies as st
from tests.oracle.cells import LITERAL_TEXTS
from tests.oracle.expressions import (
    Arithmetic,
    Case,
    Coalesce,
    Compare,
    Concat,
    Constant,
    Expression,
    IsNull,
    Ratio,
    Reference,
)
from tests.oracle.questions import JsonQuery
from tests.oracle.world import Dimension, Measure, Segment, View, World


def with_own_members(draw: st.DrawFn, world: World, view: View) -> View:
    """With one to three members of its own, in half of the views."""
    if draw(st.booleans()):
        return view
    drawn = [_own(draw, world, view, number) for number in range(draw(st.sampled_from((2, 1, 3))))]
    return replace(view, own=tuple(each for each in drawn if each is not None))


def _own(draw: st.DrawFn, world: World, view: View, number: int) -> Dimension | Measure | Segment | None:
    texts, numbers = (_dimensions(world, view, type) for type in ("string", "number"))
    measures = [
        Reference(view.name, name.partition(".")[2])
        for name, origin in view.taken.items()
        if (measure := world.measure(origin)) is not None
        and measure.type == "count"  # on a row (5.4) what is counted once may be a text
        and measure.stage is measure.window is measure.semi is None
    ]
    kind = draw(st.sampled_from(("measure", "measure", "text", "number", "flag", "segment")))
    if kind == "measure" and measures:
        return Measure(f"own{number}", "number", _composed(draw, measures))
    if kind == "text" and texts:
        return Dimension(f"own{number}", "string", _text(draw, texts))
    if kind == "number" and numbers:
        return Dimension(f"own{number}", "number", _number(draw, numbers))
    if kind == "flag" and numbers:
        return Dimension(f"own{number}", "boolean", _condition(draw, [*numbers, *texts], numbers))
    if kind == "segment" and numbers:
        return Segment(f"own{number}", _condition(draw, [*numbers, *texts], numbers))
    return None


def _dimensions(world: World, view: View, type: str) -> list[Reference]:
    """The view's dimensions of a type, without such as are made of measures."""
    return [
        Reference(view.name, name.partition(".")[2])
        for name, origin in view.taken.items()
        if (dimension := world.dimension(origin)) is not None
        and dimension.type == type
        and not world.measured(origin)
    ]


def _composed(draw: st.DrawFn, measures: Sequence[Expression]) -> Expression:
    left, right = (draw(st.sampled_from(measures)) for _ in range(2))
    form = draw(st.sampled_from(("ratio", "difference", "alone")))
    if form == "ratio":
        return Ratio(left, right)
    return Arithmetic("-", left, Coalesce((right, Constant(0)))) if form == "difference" else left


def _text(draw: st.DrawFn, texts: Sequence[Expression]) -> Expression:
    left, right = (draw(st.sampled_from(texts)) for _ in range(2))
    constant = Constant(draw(st.sampled_from(LITERAL_TEXTS)))
    return Concat((left, constant, right)) if draw(st.booleans()) else Coalesce((left, constant))


def _number(draw: st.DrawFn, numbers: Sequence[Expression]) -> Expression:
    left, right = (draw(st.sampled_from(numbers)) for _ in range(2))
    if draw(st.booleans()):
        return Arithmetic(draw(st.sampled_from(("+", "-"))), left, right)
    return Case(((Compare(">", left, Constant(1)), right),), Constant(0))


def _condition(draw: st.DrawFn, items: Sequence[Expression], numbers: Sequence[Expression]) -> Expression:
    if draw(st.booleans()):
        return IsNull(draw(st.sampled_from(items)), draw(st.booleans()))
    return Compare(draw(st.sampled_from((">", "<="))), draw(st.sampled_from(numbers)), Constant(1))


def asking_for_own(draw: st.DrawFn, view: View, query: JsonQuery) -> JsonQuery:
    """The query with own members of the view too, in half of the queries through it."""
    if not view.own or draw(st.booleans()):
        return query
    asked: dict[str, Any] = {**query}
    for own in draw(st.lists(st.sampled_from(view.own), min_size=1, max_size=2, unique=True)):
        name = f"{view.name}.{own.name}"
        if isinstance(own, Measure):
            asked["measures"] = [*asked.get("measures", ()), name]
        elif isinstance(own, Segment):
            asked["segments"] = [*asked.get("segments", ()), name]
        elif draw(st.booleans()):
            asked["dimensions"] = [*asked["dimensions"], name]
        else:
            asked["filters"] = [*asked["filters"], _filter(draw, name, own)]
    return asked


def _filter(draw: st.DrawFn, name: str, own: Dimension) -> JsonQuery:
    forms: dict[str, tuple[JsonQuery, ...]] = {
        "string": (
            {"operator": "notEquals", "values": ["n"]},
            {"operator": "contains", "values": ["a", None]},
        ),
        "number": ({"operator": "gte", "values": ["1"]}, {"operator": "lt", "values": ["3"]}),
        "boolean": ({"operator": "equals", "values": ["true"]},),
    }
    return {"member": name} | draw(st.sampled_from((*forms[own.type], {"operator": "set"})))


__all__ = ["asking_for_own", "with_own_members"]
