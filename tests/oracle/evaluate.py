"""The oracle: what a query over a world must answer, row by row.

It shares no code with Cuboid and knows no SQL. The rules are those of docs/explanation/semantics.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from tests.oracle import times
from tests.oracle.access import NEVER, Access
from tests.oracle.evaluation import Evaluation
from tests.oracle.expressions import Value
from tests.oracle.filters import RefusedError
from tests.oracle.joins import NoPathError
from tests.oracle.policies import NOBODY, Principal
from tests.oracle.question import Question, finest, read
from tests.oracle.state import Group
from tests.oracle.world import World


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
    question = read(world, query)
    access = Access(world, question, principal)
    if access.denied:
        question = replace(question, conditions=(*question.conditions, NEVER))
    evaluation = Evaluation(world, question, access)
    rows = evaluation.raw_rows() if question.ungrouped else evaluation.groups()
    keyed = [_columns_by_key(question, group, measures) for group, measures in rows]
    keys = [column.key for column in question.columns]
    tail = [(key, False) for key in keys if key not in dict(question.order)]
    for key, descending in reversed((*question.order, *tail)):
        present = [row for row in keyed if row[key] is not None]
        present.sort(key=lambda row: row[key], reverse=descending)
        keyed = present + [row for row in keyed if row[key] is None]
    return Answer(
        rows=tuple(_on_the_wire(question, row) for row in keyed),
        ordered=bool(question.order) and not question.ungrouped,
        order=question.order,
        limit=question.limit,
        offset=question.offset,
    )


def _columns_by_key(question: Question, group: Group, measures: Mapping[str, Value]) -> dict[str, Value]:
    row = dict(zip((column.key for column in question.columns), group, strict=True))
    return row | {name: measures[name] for name in question.measures}


def _on_the_wire(question: Question, row: Mapping[str, Value]) -> dict[str, Value]:
    """The row with times as texts, and with the duplicate key of each floored time dimension."""
    shown = {k: times.wire(v) if isinstance(v, times.datetime) else v for k, v in row.items()}
    for column in question.columns:
        alone = finest(question.columns, column.member)
        assert alone is not None
        shown.setdefault(column.member, shown[alone.key])
    return shown


__all__ = ["Answer", "NoPathError", "RefusedError", "answer"]
