"""Rollups that would have answered what was asked: proposed from the query log, and tried on the model.

For each question of the log there is a rollup that has just what it needs; two that lie on one cube and along one time
may be one, by the members of both and the finer of their granularities. Which questions a rollup answers is what the
matching of questions with rollups says, never a guess. Those are proposed first that would have spared the most time.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cuboid.catalog.model import Catalog, Dimension, Segment
from cuboid.errors import CuboidError
from cuboid.planning import Planning
from cuboid.query.model import Question
from cuboid.query.normalize import normalize
from cuboid.query.parse import parse
from cuboid.trials import Candidate, Trials
from cuboid.types import GRANULARITIES

log = logging.getLogger(__name__)

MOST_SHAPES = 60
"""Kinds of questions that are looked at: those that took the most time."""

MOST_RANGES = 3
"""Date ranges of one kind of question that a rollup must answer all."""

WITHOUT_GRANULARITY = ("day", "hour", "minute", "second")
"""Granularities that a date range may be along, the longest that it is."""

STAND_INS = {"number": "1", "string": "a", "boolean": "true", "time": "2024-01-01"}
"""Values for filters whose own are not in the log, by type."""


@dataclass(slots=True)
class Asked:
    """Questions that differ in values only: how many, and how long the data source took over them all."""

    queries: list[dict[str, Any]]
    count: int = 0
    milliseconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A rollup that would have answered some of the questions.

    :param share: of all questions; ``milliseconds`` that the data sources took over them.
    :param text: it as YAML, for the cube's ``pre_aggregations``.
    """

    cube: str
    text: str
    questions: int
    share: float
    milliseconds: float


def read_log(files: Iterable[Path]) -> tuple[list[Asked], int]:
    """The kinds of questions in the files, and how many questions there are; lines that are none are passed over."""
    found: dict[str, Asked] = {}
    total = 0
    for file in files:
        with file.open(encoding="utf-8", errors="replace") as lines:
            for line in lines:
                try:
                    entry = json.loads(line)
                    query, answered = dict(entry["query"]), entry["answered"]
                    milliseconds = float(entry["ms"])
                    key = json.dumps(_without_ranges(query), sort_keys=True)
                except (ValueError, KeyError, TypeError):
                    continue
                total += 1
                asked = found.setdefault(key, Asked([]))
                asked.count += 1
                asked.milliseconds += milliseconds if answered == "database" else 0.0
                if query not in asked.queries and len(asked.queries) < MOST_RANGES:
                    asked.queries.append(query)
    return sorted(found.values(), key=lambda asked: -asked.milliseconds), total


def _without_ranges(query: Mapping[str, Any]) -> dict[str, Any]:
    times = [{**each, "dateRange": bool(each.get("dateRange"))} for each in query.get("timeDimensions", ())]
    return {**query, "timeDimensions": times}


class Suggester:
    """Proposes rollups for one catalog.

    :param planning: has the data sources and their dialects.
    """

    def __init__(self, catalog: Catalog, planning: Planning) -> None:
        self._trials = Trials(catalog, planning)
        self._catalog = self._trials.catalog
        self._planner = planning.trial(self._catalog)

    def suggest(self, asked: Sequence[Asked], total: int, most: int) -> list[Suggestion]:
        """At most so many rollups, the one that spares the most time first."""
        known = [(each, found) for each in asked[:MOST_SHAPES] if (found := self._questions(each))]
        candidates = {candidate for _, found in known for candidate in self._candidates(found)}
        candidates |= set(_merged(candidates))
        answers = {
            candidate: {
                index for index, (_, found) in enumerate(known) if self._trials.answers(candidate, found)
            }
            for candidate in sorted(candidates, key=_order)
        }
        suggestions: list[Suggestion] = []
        left = set(range(len(known)))
        while left and len(suggestions) < most:
            best = max(answers, key=lambda each: self._worth(answers[each] & left, known, each), default=None)
            served = answers[best] & left if best is not None else set()
            spared = sum(known[index][0].milliseconds for index in served)
            if best is None or not served or spared == 0:
                break
            count = sum(known[index][0].count for index in served)
            name = f"suggested_{len(suggestions) + 1}"
            suggestions.append(
                Suggestion(best.cube, self._yaml(best, name), count, count / max(total, 1), spared)
            )
            left -= served
        return suggestions

    def _worth(
        self, served: set[int], known: Sequence[tuple[Asked, Any]], candidate: Candidate
    ) -> tuple[float, ...]:
        return sum(known[index][0].milliseconds for index in served), -candidate.width

    # ------------------------------------------------------------ questions

    def _questions(self, asked: Asked) -> list[Question]:
        """The questions as the model has them today; none if it cannot answer them."""
        found: list[Question] = []
        for query in asked.queries:
            try:
                given = {**query, "filters": [self._condition(each) for each in query.get("filters", ())]}
                found += normalize(parse(given), self._catalog, now=datetime.now(UTC), dev=True)
                self._planner.prepare(found[-1].shape)
            except (
                CuboidError,
                AttributeError,
                KeyError,
                TypeError,
                ValueError,
            ) as error:  # others write, too
                log.info("a question of the log is passed over: %s", error)
                return []
        return found

    def _condition(self, given: Mapping[str, Any]) -> dict[str, Any]:
        for key in ("or", "and"):
            if key in given:
                return {key: [self._condition(each) for each in given[key]]}
        member = self._catalog.member(str(given["member"]))
        type = member.type if isinstance(member, Dimension) else "number"
        stand_in = STAND_INS.get(type, "a")
        return {**given, "values": [stand_in] * int(given.get("values") or 0)}

    # ------------------------------------------------------------ candidates

    def _candidates(self, questions: Sequence[Question]) -> Iterator[Candidate]:
        """What answers these questions and no more, by each granularity that may do."""
        told = self._planner.transformed(questions[0])
        measures = frozenset(told["leafMeasures"])
        named = set(told["sortedDimensions"])
        segments = {name for name in named if isinstance(self._catalog.member(name), Segment)}
        origins = {self._catalog.origin(name) for name in named - segments}
        cubes = [
            self._catalog.origin(name).partition(".")[0] for name in (*told["leafMeasures"], *sorted(origins))
        ]
        if not cubes:
            return
        pairs = [
            (self._catalog.origin(member), granularity)
            for member, granularity in told["sortedTimeDimensions"]
        ]
        choices = [
            (granularity,) if granularity is not None else WITHOUT_GRANULARITY for _, granularity in pairs
        ]
        for index in range(max(map(len, choices), default=1)):
            times = tuple(
                (member, choice[min(index, len(choice) - 1)])
                for (member, _), choice in zip(pairs, choices, strict=True)
            )
            yield Candidate(
                cubes[0],
                frozenset(map(self._catalog.origin, measures)),
                frozenset(origins - {member for member, _ in times}),
                frozenset(map(self._catalog.origin, segments)),
                tuple(sorted(set(times))),
            )

    def _yaml(self, candidate: Candidate, name: str) -> str:
        """The rollup as it is written into the model."""

        def reference(member: str) -> str:
            path = self._trials.path(candidate.cube, member)
            return ".".join((*path[1:], member.partition(".")[2]))

        lines = [f"- name: {name}"]
        for key, names in (
            ("measures", candidate.measures),
            ("dimensions", candidate.dimensions),
            ("segments", candidate.segments),
        ):
            if names:
                lines.append(f"  {key}: [{', '.join(sorted(map(reference, names)))}]")
        if len(candidate.times) == 1:
            ((member, granularity),) = candidate.times
            lines += [f"  time_dimension: {reference(member)}", f"  granularity: {granularity}"]
        elif candidate.times:
            lines.append("  time_dimensions:")
            lines += [f"    - {{dimension: {reference(m)}, granularity: {g}}}" for m, g in candidate.times]
        return "\n".join(lines)


def _order(candidate: Candidate) -> tuple[object, ...]:
    return candidate.cube, sorted(candidate.measures), sorted(candidate.dimensions), candidate.times


def _merged(candidates: Iterable[Candidate]) -> Iterator[Candidate]:
    """Two that lie on one cube and along the same times, as one; and all of those together."""
    together: dict[object, list[Candidate]] = {}
    for each in candidates:
        together.setdefault((each.cube, tuple(member for member, _ in each.times)), []).append(each)
    for group in together.values():
        group = sorted(group, key=_order)[:30]
        for index, one in enumerate(group):
            for other in group[index + 1 :]:
                yield _both(one, other)
        whole = group[0]
        for other in group[1:]:
            whole = _both(whole, other)
        yield whole


def _both(one: Candidate, other: Candidate) -> Candidate:
    finer = tuple(
        (member, min((first, second), key=_length))
        for (member, first), (_, second) in zip(one.times, other.times, strict=True)
    )
    return Candidate(
        one.cube,
        one.measures | other.measures,
        one.dimensions | other.dimensions,
        one.segments | other.segments,
        finer,
    )


def _length(granularity: str) -> int:
    """Longer granularities have greater ones; those of a model's own are taken for the longest."""
    return GRANULARITIES.index(granularity) if granularity in GRANULARITIES else len(GRANULARITIES)
