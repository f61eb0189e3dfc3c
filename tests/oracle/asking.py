"""Who asks what: a query with shares and first values, and a principal; mostly so that there is an answer.

An answer without rows tells little, so of most questions that have none the part is taken away that leaves none.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st
from tests.oracle.cells import TEXTS
from tests.oracle.evaluate import NoPathError, RefusedError, answers
from tests.oracle.paths import through_view, with_hints
from tests.oracle.permits import principals
from tests.oracle.policies import Principal
from tests.oracle.questions import SHORT, JsonQuery, queries, rolls
from tests.oracle.views import in_cubes
from tests.oracle.world import World

PERIODS = (
    ["2023-01-01", "2024-01-01"],
    ["1969-12-31", "2024-06-30"],
    ["2023-01-02T10:00:00.000", "2023-12-31"],
    "2023-03-26",
)
RANGES = ("dateRange", "compareDateRange")

Asked = tuple[JsonQuery, Principal]


@st.composite
def asked(draw: st.DrawFn, world: World, zone: str) -> Asked:
    """A query and who asks it."""
    query = draw(queries(world, zone))
    if "ungrouped" not in query:
        _with_share(draw, world, query)
        _with_top(draw, world, query)
    _with_comparison(draw, world, query)
    with_hints(draw, world, query)
    question = through_view(draw, world, query), draw(principals(world))
    if shows_rows(world, *question) is not False or draw(st.integers(0, 8)) == 4:
        return question
    for other in easier(draw, world, question):
        if shows_rows(world, *other) is True:
            return other
    return question


def shows_rows(world: World, query: JsonQuery, who: Principal) -> bool | None:
    """Whether the page has a row; None if there is no answer."""
    try:
        found = answers(world, query, who)
    except (NoPathError, RefusedError):
        return None
    return any(each.limit > 0 and each.total > each.offset for each in found)


def easier(draw: st.DrawFn, world: World, question: Asked) -> Iterator[Asked]:
    """The question without one of its narrowing parts; by others; without several of them."""
    query, who = question
    whole, in_members, _ = in_cubes(world, query)
    rolling = any(rolls(whole, name) for name in in_members.get("measures", ()))
    parts = list(narrower(query, rolling=rolling))
    others = [draw(principals(world)) for _ in range(3)]
    if shows_rows(world, parts[-1], who) is not True:
        yield from ((query, other) for other in others)
    yield from ((each, who) for each in parts)
    yield from ((each, other) for other in others for each in parts)


def narrower(query: JsonQuery, *, rolling: bool) -> Iterator[JsonQuery]:
    """The query without a page, without each of its conditions, and without all of these; but windows over hours keep
    their range, without which there are a million of them."""
    whole = {key: value for key, value in query.items() if key not in ("limit", "offset")}
    yield whole
    filters = query["filters"]
    for position in range(len(filters)):
        yield {**query, "filters": filters[:position] + filters[position + 1 :]}
    # An entry with nothing but its dimension names it (policies must grant it) and asks nothing: none is left.
    grouped = [entry for entry in query["timeDimensions"] if "granularity" in entry]
    bare = [
        entry
        if rolling and entry["granularity"] in SHORT
        else {k: v for k, v in entry.items() if k not in RANGES}
        for entry in grouped
    ]
    if "segments" in query:
        yield {key: value for key, value in query.items() if key != "segments"}
    yield {**query, "timeDimensions": bare}
    without = {key: value for key, value in whole.items() if key != "segments"}
    yield {**without, "filters": [], "timeDimensions": bare}


# ---------------------------------------------------------------- shares, first values, comparisons


def _with_share(draw: st.DrawFn, world: World, query: JsonQuery) -> None:
    """``percentOfTotal`` of a measure, now and then."""
    columns = [
        *query["dimensions"],
        *(f"{e['dimension']}.{e['granularity']}" for e in query["timeDimensions"] if "granularity" in e),
    ]
    if not query.get("measures") or draw(st.integers(0, 6)) != 3:
        return
    within = draw(st.lists(st.sampled_from(columns), max_size=2, unique=True)) if columns else []
    measure = draw(st.sampled_from(query["measures"]))
    query["percentOfTotal"] = [{"measure": measure, "within": within}]
    added = world.measure(measure)
    assert added is not None
    if added.type in ("count", "sum") and draw(st.booleans()):
        # What a condition on the measure leaves is not what the total is of.
        limit = draw(st.sampled_from(("1", "2", "0.5", "3")))
        query["filters"].append(
            {"member": measure, "operator": draw(st.sampled_from(("gt", "gte", "lt"))), "values": [limit]}
        )


def _with_comparison(draw: st.DrawFn, world: World, query: JsonQuery) -> None:
    """``compareDateRange`` in place of a date range, now and then; no windows over decades of hours."""
    ranged = [entry for entry in query["timeDimensions"] if "dateRange" in entry]
    rolling = any(rolls(world, name) for name in query.get("measures", ()))
    if not ranged or rolling or draw(st.integers(0, 4)) != 3:
        return
    entry = draw(st.sampled_from(ranged))
    own = entry.pop("dateRange")
    others = draw(st.lists(st.sampled_from(PERIODS), min_size=1, max_size=2))
    entry["compareDateRange"] = draw(st.permutations([own, *others]))


def _with_top(draw: st.DrawFn, world: World, query: JsonQuery) -> None:
    """``top`` of a dimension, now and then."""
    plain = [n for n in query["dimensions"] if n.count(".") == 1 and _type(world, n) != "switch"]
    if not plain or draw(st.integers(0, 6)) != 3:
        return
    name = draw(st.sampled_from(plain))
    own = world.cube(name.partition(".")[0])
    measures = [*query.get("measures", ()), *(f"{own.name}.{m.name}" for m in own.measures if not m.window)]
    by = [measure for measure in measures if exact(world, measure)]
    if not by:
        return
    top: dict[str, Any] = {"dimension": name, "by": draw(st.sampled_from(by))}
    top["limit"] = draw(st.sampled_from((1, 2, 5, 3, 1, 2)))
    others = (
        ("others", draw(st.sampled_from(TEXTS)), None, False)
        if _type(world, name) == "string"
        else (None, False)
    )
    if draw(st.integers(0, 4)) != 2:
        top["others"] = draw(st.sampled_from(others))
    query["top"] = top


def _type(world: World, name: str) -> str:
    dimension = world.dimension(name)
    assert dimension is not None
    return dimension.type


def exact(world: World, name: str) -> bool:
    """Whether equal values are equal everywhere, so that it is settled which are first."""
    measure = world.measure(name)
    assert measure is not None
    if measure.conversion is not None:
        return measure.conversion.value == "count"
    if measure.semi is not None and measure.semi.take == "average":
        return False
    return measure.type in ("count", "sum", "min", "max", "count_distinct") and measure.stage is None


__all__ = ["Asked", "asked"]
