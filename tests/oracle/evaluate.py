"""The oracle: what a query over a world must answer, row by row.

It shares no code with Cuboid and knows no SQL. The rules are those of docs/explanation/semantics.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

from tests.oracle import switches, times, views
from tests.oracle.access import NEVER, Access
from tests.oracle.evaluation import Evaluation
from tests.oracle.expressions import Value
from tests.oracle.filters import RefusedError
from tests.oracle.joins import NoPathError
from tests.oracle.measure_filters import passing, spelled_out
from tests.oracle.policies import NOBODY, Principal
from tests.oracle.question import GroupColumn, Question, Share, finest, read
from tests.oracle.state import Group, Groups
from tests.oracle.world import World

Row = tuple[Group, dict[str, Value]]


@dataclass(frozen=True, slots=True)
class Answer:
    """All rows, before limit and offset, keyed as on the wire; times are wire texts.

    ``ordered``: the order of ``rows`` is binding; else only ``order`` (which may be empty) is.
    """

    rows: tuple[dict[str, Value], ...]
    ordered: bool
    order: tuple[tuple[str, bool], ...]
    limit: int
    offset: int

    @property
    def total(self) -> int:
        return len(self.rows)


def answer(world: World, query: Mapping[str, Any], principal: Principal = NOBODY) -> Answer:
    """The answer to a JSON query. Raises NoPathError, and RefusedError where a measure has no grain."""
    whole, asked, paths = views.in_cubes(world, query)
    whole, spelled = spelled_out(whole, asked)
    question = read(whole, spelled, passing(paths))
    access = Access(whole, question, principal, views.named(world, query))
    if access.denied:
        question = replace(question, conditions=(*question.conditions, NEVER))
    rows = _rows(whole, question, access)
    keyed = [_columns_by_key(question, group, measures) for group, measures in rows]
    keys = [column.key for column in question.columns]
    tail = [(key, False) for key in keys if key not in dict(question.order)]
    for key, descending in reversed((*question.order, *tail)):
        present = [row for row in keyed if row[key] is not None]
        present.sort(key=lambda row: row[key], reverse=descending)
        keyed = present + [row for row in keyed if row[key] is None]
    shown = views.Shown(world, query)
    return Answer(
        rows=tuple(shown.row(_on_the_wire(question, row)) for row in keyed),
        ordered=bool(question.order) and not question.ungrouped,
        order=tuple((shown.key(key), descending) for key, descending in question.order),
        limit=question.limit,
        offset=question.offset,
    )


def answers(world: World, query: Mapping[str, Any], principal: Principal = NOBODY) -> tuple[Answer, ...]:
    """The answers to a query: one for each range of a ``compareDateRange``, of which each row tells its own."""
    entries = list(query.get("timeDimensions", ()))
    at = next((at for at, entry in enumerate(entries) if "compareDateRange" in entry), None)
    if at is None:
        return (answer(world, query, principal),)
    rest = {key: value for key, value in entries[at].items() if key != "compareDateRange"}
    return tuple(
        _of_range(written, answer(world, {**query, "timeDimensions": ranged}, principal))
        for written in entries[at]["compareDateRange"]
        for ranged in [[*entries[:at], {**rest, "dateRange": written}, *entries[at + 1 :]]]
    )


def _of_range(written: str | list[str], found: Answer) -> Answer:
    first, last = (written, written) if isinstance(written, str) else (written[0], written[-1])
    ends = (times.read_civil(first, end=False), times.read_civil(last, end=True))
    told = " - ".join(each.isoformat(timespec="milliseconds") for each in ends)
    return replace(found, rows=tuple({**row, "compareDateRange": told} for row in found.rows))


def _rows(world: World, question: Question, access: Access) -> list[Row]:
    """The groups, or the rows, with their measures and shares; for each value of the switches that are grouped by."""
    outer, left = switches.pinned(world, question)
    grouped = [c.member for c in question.columns if switches.is_switch(world, c.member)]
    if grouped and (question.ungrouped or not (len(question.columns) > len(grouped) or question.measures)):
        raise RefusedError(f"{grouped[0]} is on no row")
    if not all(left.values()):
        outer = replace(outer, conditions=(*outer.conditions, NEVER))
    inner = replace(outer, columns=tuple(c for c in question.columns if c.member not in grouped))
    found: list[Row] = []
    some = {name: switches.remaining(world, left, name) or ("",) for name in grouped}
    for values in product(*some.values()):
        by_switch = dict(zip(grouped, values, strict=True))
        pins = left | {name: (value,) for name, value in by_switch.items()}
        evaluation = Evaluation(world, inner, access, pins=pins)
        rows = evaluation.raw_rows() if question.ungrouped else evaluation.groups()
        totals = [(share, _totals(world, inner, access, left, share, by_switch)) for share in question.shares]
        for group, measures in rows if all(left.get(name, "some") for name in grouped) else ():
            plain = dict(zip(inner.columns, group, strict=True))
            of = {c: by_switch.get(c.member, plain.get(c)) for c in question.columns}
            for share, table in totals:
                within = tuple(value for column, value in plain.items() if column in share.within)
                measures[share.key] = _share(access, share, measures, table.get(within))
            found.append((tuple(of.values()), measures))
    return found


def _totals(
    world: World,
    inner: Question,
    access: Access,
    left: switches.Pins,
    share: Share,
    by_switch: Mapping[str, str],
) -> Groups:
    """What the values are divided by, at the share's own keys: a switch that is not among these is not set."""
    keys = tuple(column for column in inner.columns if column in share.within)
    own = {name: (value,) for name, value in by_switch.items() if GroupColumn(name) in share.within}
    return Evaluation(world, inner, access, pins={**left, **own}).totals(replace(share, within=keys))


def _share(access: Access, share: Share, measures: Mapping[str, Value], total: Value) -> Value:
    """Rules 12.1 and 12.2."""
    value = measures[share.measure]
    if access.mask(share.measure) is not None or value is None or not total:
        return None
    return float(value) / float(total)  # type: ignore[arg-type]


def _columns_by_key(question: Question, group: Group, measures: Mapping[str, Value]) -> dict[str, Value]:
    row = dict(zip((column.key for column in question.columns), group, strict=True))
    names = (*question.measures, *(share.key for share in question.shares))
    return row | {name: measures[name] for name in names}


def _on_the_wire(question: Question, row: Mapping[str, Value]) -> dict[str, Value]:
    """The row with times as texts, and with the duplicate key of each floored time dimension."""
    shown = {k: times.wire(v) if isinstance(v, times.datetime) else v for k, v in row.items()}
    for column in question.columns:
        alone = finest(question.columns, column.member)
        assert alone is not None
        shown.setdefault(column.member, shown[alone.key])
    return shown


__all__ = ["Answer", "NoPathError", "RefusedError", "answer", "answers"]
