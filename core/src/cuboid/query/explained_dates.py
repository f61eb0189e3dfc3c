"""How dates of a question were computed: words to civil times, civil times to the bounds that SQL compares with."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from cuboid.catalog.model import Catalog
from cuboid.query.model import Predicate, Question, predicates
from cuboid.types import Scalar

_KINDS = {
    "instant": "an instant, compared with instants",
    "utc": "a zoneless time in UTC, compared with times in UTC",
    "date": "a date, which no zone moves",
}


def explain_dates(question: Question, catalog: Catalog) -> dict[str, Any]:
    """The zone, the ranges and other conditions on times, and the groups by time."""
    return {
        "timezone": question.shape.timezone,
        "ranges": list(_ranges(question, catalog)),
        "groups": [
            {
                "member": each.member,
                "granularity": each.granularity,
                "how": _floored(each.member, each.granularity, question, catalog),
            }
            for each in question.shape.time_groupings
        ],
    }


def _ranges(question: Question, catalog: Catalog) -> Iterator[dict[str, Any]]:
    """Ranges of time dimensions come first among the conditions, in their order; what follows is from filters."""
    given = [
        (entry, echoed)
        for entry, echoed in zip(question.query.time_dimensions, question.echo["timeDimensions"], strict=True)
        if entry.date_range is not None
    ]
    for position, condition in enumerate(question.shape.row_conditions):
        for predicate in predicates(condition):
            slots = [slot for slot in predicate.slots if slot.type in _KINDS]
            if not slots:
                continue
            found: dict[str, Any] = {"member": predicate.member}
            if position < len(given):
                entry, echoed = given[position]
                written = entry.date_range
                found["written"] = written if isinstance(written, str) else list(written or ())
                found["civil"] = echoed["dateRange"]
            found["column"] = _KINDS[catalog.dimension(predicate.member).time_kind]
            found["compared"] = _compared(predicate, [question.values[slot.index] for slot in slots])
            yield found


def _compared(predicate: Predicate, values: list[Scalar]) -> str:
    texts = [_text(value) for value in values]
    match predicate.operator:
        case "in_range":
            return f"{texts[0]} <= x < {texts[1]}"
        case "not_in_range":
            return f"x < {texts[0]} or x >= {texts[1]}"
        case "gt" | "gte" | "lt" | "lte" as operator:
            return f"x {'>' if operator[0] == 'g' else '<'}{'=' if operator.endswith('e') else ''} {texts[0]}"
        case "not_in":
            return f"x is none of {', '.join(texts)}"
    return f"x = {' or '.join(texts)}"


def _text(value: Scalar) -> str:
    return value.isoformat().replace("+00:00", "Z") if isinstance(value, datetime) else str(value)


def _floored(member: str, granularity: str, question: Question, catalog: Catalog) -> str:
    dimension = catalog.dimension(member)
    zone = question.shape.timezone
    moved = "taken as it is" if dimension.time_kind == "date" else f"shown on the wall clock of {zone}"
    custom = dimension.granularities.get(granularity)
    if custom is None:
        return f"{moved}, then floored to the {granularity}"
    if custom.interval is None:
        return f"{moved}, then the bin that the calendar says"
    return f"{moved}, then the beginning of its bin, counted from {custom.origin.isoformat()}"
