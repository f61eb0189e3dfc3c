"""Queries of a form that was read before: what does not depend on their values is taken from the first of it.

The form of a query is the query without the values of its filters and without its date ranges. What these say is read
each time, by the same code; if that gives the same conditions with other values, all else is the same: the columns, the
order, who may see what.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

from cuboid.catalog.model import Catalog
from cuboid.query.conditions import Scope
from cuboid.query.echo import echo
from cuboid.query.model import Condition, Filter, FilterGroup, Query, Question, TimeDimension, Values
from cuboid.query.newest import Newest
from cuboid.query.present import Present
from cuboid.query.stated import read_stated
from cuboid.query.values import Slots

MOST = 2000
"""Forms that are known of one catalog; one is some kilobytes."""

MOST_VALUES = 500
"""Values of a question from which its form is not kept: it hardly comes again."""

SOME_RANGE = ""
"""Stands in a form for any date range."""


@dataclass(frozen=True, slots=True)
class _Known:
    """The first question of a form, the conditions that its query states, and how many of its values are theirs."""

    question: Question
    conditions: tuple[Condition, ...]
    values: int


class Forms:
    """Reads queries over one catalog. Threads may share it."""

    def __init__(self, catalog: Catalog, default_timezone: str) -> None:
        self._catalog = catalog
        self._default_timezone = default_timezone
        self._known: Newest[Hashable, _Known] = Newest(MOST)

    def __len__(self) -> int:
        """How many forms are known."""
        return len(self._known)

    def questions(
        self, query: Query, asker: Hashable, now: Present, read: Callable[[], tuple[Question, ...]]
    ) -> tuple[Question, ...]:
        """What ``query`` asks.

        :param asker: all that the questions depend on beside the query and the present.
        :param read: reads it whole.

        Raises what ``read`` raises.
        """
        if any(entry.compare_date_range is not None for entry in query.time_dimensions):
            return read()
        form = asker, form_of(query)
        known = self._known.get(form)
        if known is None:
            questions = read()
            if not now.asked:
                self._keep(form, questions[0], now)
            return questions
        question = self._again(query, known, now)
        return read() if question is None else (question,)

    def _keep(self, form: Hashable, question: Question, now: Present) -> None:
        """A query that tests switches is read whole each time: its values say what is computed."""
        if len(question.values) > MOST_VALUES or question.shape.pins:
            return
        scope = self._scope(question.query, now)
        stated = read_stated(question.query, scope)
        self._known.keep(form, _Known(question, stated.conditions, len(scope.slots.values)))

    def _again(self, query: Query, known: _Known, now: Present) -> Question | None:
        """The question like the known one with this query's values; None if more than values differs."""
        scope = self._scope(query, now)
        stated = read_stated(query, scope)
        if stated.conditions != known.conditions:
            return None
        first = known.question
        rest = {index: civil for index, civil in first.values.civil.items() if index >= known.values}
        return replace(
            first,
            query=query,
            values=Values(
                (*scope.slots.values, *first.values[known.values :]), {**scope.slots.civil, **rest}
            ),
            echo=echo(query, stated.ranges, stated.filters, first.echo["limit"], first.shape.timezone),
        )

    def _scope(self, query: Query, now: Present) -> Scope:
        return Scope(self._catalog, ZoneInfo(query.timezone or self._default_timezone), now, Slots())


def form_of(query: Query) -> Query:
    """The query without values of filters and date ranges."""
    return replace(
        query,
        filters=tuple(map(_without_values, query.filters)),
        time_dimensions=tuple(map(_without_range, query.time_dimensions)),
    )


def _without_values(tree: Filter | FilterGroup) -> Filter | FilterGroup:
    if isinstance(tree, FilterGroup):
        return replace(tree, items=tuple(map(_without_values, tree.items)))
    return replace(tree, values=None)


def _without_range(entry: TimeDimension) -> TimeDimension:
    return entry if entry.date_range is None else replace(entry, date_range=SOME_RANGE)
