"""Whether a rollup that somebody designs would answer a query, of which only the transformed form is known: Cube's
``can-use``.

The transformed form (:mod:`cuboid.plan.transformed`) says less than the query: not which of its dimensions are selected
and which are filtered, nor by what. From it questions are made that a rollup answers all only if it answers the query,
so that a yes is certain, but for join hints and shares, of which the form says nothing; a no may be too careful.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cuboid.catalog.model import Catalog, Segment
from cuboid.errors import InvalidQuery
from cuboid.query.model import Question
from cuboid.request import RequestContext, RequestReader
from cuboid.trials import Candidate

RANGES = {
    "second": ("2024-01-03T04:05:06.000", "2024-01-03T04:05:06.999"),
    "minute": ("2024-01-03T04:05:00.000", "2024-01-03T04:05:59.999"),
    "hour": ("2024-01-03T04:00:00.000", "2024-01-03T04:59:59.999"),
    "day": ("2024-01-03", "2024-01-03"),
    "week": ("2024-01-08", "2024-01-14"),
    "month": ("2024-02-01", "2024-02-29"),
    "quarter": ("2024-04-01", "2024-06-30"),
    "year": ("2024-01-01", "2024-12-31"),
}
"""For each granularity a range that begins and ends with it, and with none that is coarser."""


@dataclass(frozen=True, slots=True)
class Design:
    """What is asked: questions that stand for the query, and the rollup; None for one of nothing."""

    questions: tuple[Question, ...]
    candidate: Candidate | None


def read_design(parameters: Mapping[str, Any], reader: RequestReader, context: RequestContext) -> Design:
    """The ``transformedQuery`` and the ``references`` of a request: names that whoever asks may ask for. Raises
    :class:`UserError`."""
    form = _object(parameters, "transformedQuery", "")
    references = _object(parameters, "references", "")
    questions = (_question(each, reader, context) for each in _queries(form, reader.catalog))
    return Design(tuple(questions), _candidate(references, reader, context))


def _question(query: Mapping[str, Any], reader: RequestReader, context: RequestContext) -> Question:
    return reader.read(query, context, as_sent=True).questions[0]


# ---------------------------------------------------------------- the query


def _queries(form: Mapping[str, Any], catalog: Catalog) -> Iterator[dict[str, Any]]:
    """What the query asks at most: the groups of all that it selects and filters. And where not all of these are its
    groups, or one value each, what it asks at least: one group, which takes values that can be added up."""
    where = "transformedQuery"
    times = _pairs(form, "timeDimensions", where)
    ranges = _pairs(form, "sortedTimeDimensions", where)
    if [name for name, _ in times] != [name for name, _ in ranges]:
        raise _wrong(f"{where}.sortedTimeDimensions", "must name what timeDimensions names")
    pairs = list(zip(times, ranges, strict=True))
    common = {
        "measures": _names(form, "measures", where),
        **_split(_names(form, "sortedDimensions", where), catalog),
        **({"ungrouped": True} if form.get("ungrouped") is True else {}),
    }
    yield common | {"timeDimensions": [_time(name, unit, bounds) for (name, unit), (_, bounds) in pairs]}
    grouped = form.get("allFiltersWithinSelectedDimensions") is True or (
        isinstance(form.get("filterDimensionsSingleValueEqual"), dict) and any(unit for _, unit in times)
    )
    if not grouped and common["measures"]:
        bare = [_time(name, None, bounds) for _, (name, bounds) in pairs if bounds in RANGES]
        yield common | {"dimensions": [], "timeDimensions": bare}


def _time(name: str, granularity: str | None, bounds: str | None) -> dict[str, Any]:
    found: dict[str, Any] = {"dimension": name}
    if granularity is not None:
        found["granularity"] = granularity
    if bounds in RANGES:
        found["dateRange"] = list(RANGES[bounds])
    elif bounds not in (None, granularity):
        raise _wrong("transformedQuery.sortedTimeDimensions", f"has no range by '{bounds}'")
    return found


def _split(names: list[str], catalog: Catalog) -> dict[str, list[str]]:
    """Dimensions and segments, which Cube lists together."""
    segments = [name for name in names if isinstance(catalog.member(name), Segment)]
    return {"dimensions": [name for name in names if name not in segments], "segments": segments}


# ---------------------------------------------------------------- the rollup


def _candidate(
    references: Mapping[str, Any], reader: RequestReader, context: RequestContext
) -> Candidate | None:
    where = "references"
    catalog = reader.catalog
    times = [_reference(each) for each in _list(references, "timeDimensions", where)]
    query = {
        "measures": _names(references, "measures", where),
        **_split(_names(references, "dimensions", where), catalog),
        "timeDimensions": [{"dimension": name, "granularity": unit} for name, unit in times],
    }
    if not any(query.values()):
        return None
    shape = _question(query, reader, context).shape
    found = {
        name: [catalog.origin(each) for each in members]
        for name, members in (
            ("measures", shape.measures),
            ("dimensions", shape.dimensions),
            ("segments", shape.segments),
            ("times", [each.member for each in shape.time_groupings]),
        )
    }
    first = next(name for names in found.values() for name in names)
    units = [each.granularity for each in shape.time_groupings]
    return Candidate(
        first.partition(".")[0],
        frozenset(found["measures"]),
        frozenset(found["dimensions"]),
        frozenset(found["segments"]),
        tuple(zip(found["times"], units, strict=True)),
    )


def _reference(given: Any) -> tuple[str, str]:
    """A time dimension and its granularity."""
    match given:
        case {"dimension": str() as dimension, "granularity": str() as granularity}:
            return dimension, granularity
    raise _wrong("references.timeDimensions", "must have a dimension and a granularity each")


# ---------------------------------------------------------------- form


def _object(parameters: Mapping[str, Any], name: str, where: str) -> Mapping[str, Any]:
    value = parameters.get(name)
    if not isinstance(value, dict):
        raise _wrong(_at(where, name), "must be an object")
    return value


def _list(given: Mapping[str, Any], name: str, where: str) -> list[Any]:
    value = given.get(name)
    if value is None:
        return []
    if not isinstance(value, list):
        raise _wrong(_at(where, name), "must be an array")
    return value


def _names(given: Mapping[str, Any], name: str, where: str) -> list[str]:
    found = _list(given, name, where)
    if not all(isinstance(each, str) for each in found):
        raise _wrong(_at(where, name), "must be an array of names")
    return found


def _pairs(given: Mapping[str, Any], name: str, where: str) -> list[tuple[str, str | None]]:
    """Time dimensions with their granularities, or None for none."""
    found: list[tuple[str, str | None]] = []
    for each in _list(given, name, where):
        match each:
            case [str() as member, (str() | None) as granularity]:
                found.append((member, granularity))
            case _:
                raise _wrong(_at(where, name), "must be an array of pairs [time dimension, granularity]")
    return found


def _at(where: str, name: str) -> str:
    return f"{where}.{name}" if where else name


def _wrong(path: str, problem: str) -> InvalidQuery:
    return InvalidQuery(
        f'Invalid query format: "{path}" {problem}',
        path=path,
        hint="Send the canUseTransformedQuery of /v1/sql, and references {measures, dimensions, timeDimensions}.",
    )
