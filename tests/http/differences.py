"""What of our answers differs from recorded ones, where, and why: the table of the page on the REST API, row by row."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Difference:
    """A row of the page: ``recording``, what ``cube`` has, what is ``here``, and ``because``.

    :param names: the recordings in which it is found, as a regular expression.
    :param places: the keys that differ, as a regular expression; ``[]`` for what an array has, ``status`` for the
        answer's.
    """

    recording: str
    cube: str
    here: str
    because: str
    names: str
    places: str

    def covers(self, name: str, place: str) -> bool:
        """Whether the row tells of a difference at ``place`` in the recording."""
        return re.fullmatch(self.names, name) is not None and re.fullmatch(self.places, place) is not None

    @property
    def row(self) -> str:
        """It as the page has it."""
        return f"| {self.recording} | {self.cube} | {self.here} | {self.because} |"


RESULT = r"(results\[\]\.)?"

DIFFERENCES = (
    Difference(
        "all of `load`",
        "rows and a total of a stub, its `dbType` and times",
        "those of the database",
        "Cube was recorded without one",
        "load_.*",
        RESULT + r"(lastRefreshTime|dbType|total|data(\[\].*)?)",
    ),
    Difference(
        "`load_td_nogran`",
        "the day of the recording",
        "today",
        "it asks for today",
        "load_td_nogran",
        r"(results\[\]\.query|pivotQuery)\.timeDimensions\[\]\.dateRange\[\]",
    ),
    Difference(
        "`load` of comparisons and arrays",
        "`pivotQuery` is the first query",
        "has the dimension `compareDateRange`; all measures over `time`",
        "the recorder did not make it; Cube's clients read what is here",
        "load_(compare|blending)",
        r"pivotQuery\.(dimensions|measures|timeDimensions\[\]\.dimension)",
    ),
    Difference(
        "`sql`",
        "its SQL text",
        "ours",
        "every planner has its own; keys, `memberNames`, `aliasNameToMember` and `canUseTransformedQuery` are equal",
        "sql_.*",
        r"sql\.sql(\[\])+",
    ),
    Difference(
        "`sql`",
        "`order` by member, `cacheKeyQueries` as a list; a new key every 10 seconds",
        "`[{id, desc}]`, `{queries, renewalThreshold}`; as the data source is set",
        "Cube's documents have these shapes",
        "sql_.*",
        r"sql\.(order|cacheKeyQueries)",
    ),
    Difference(
        "`sql`, `dry-run`",
        "`granularityHierarchies` is left out of the recording",
        "is there",
        "it is long, and Cube sends it",
        "(sql|dryrun)_.*",
        r"(sql\.canUseTransformedQuery|transformedQueries\[\])\.granularityHierarchies",
    ),
    Difference(
        "`meta`",
        "members have no `aliasName`",
        "they have",
        "older clients and Cube's documents have it",
        "meta.*",
        r"cubes\[\]\.(measures|dimensions)\[\]\.aliasName",
    ),
    Difference(
        "errors",
        "`error`, of three with `type`",
        "also `hint`, `path`, `suggestions`",
        "errors say what to do",
        "err_.*",
        "hint|path|suggestions",
    ),
    Difference(
        "`dry-run`, filters, `aliasNameToMember`",
        "its own order of keys",
        "ours; within a filter, that of the request",
        "no client reads it",
        "dryrun_.*|load_filters|sql_td",
        r"(normalizedQueries\[\]|pivotQuery|.*filters\[\]\.or\[\]|sql\.aliasNameToMember): order of keys",
    ),
    Difference(
        "`err_limit`", "500", "400, the same words", "bad input is never a 5xx", "err_limit", "status"
    ),
    Difference(
        "`err_json`",
        "the words of JavaScript's parser",
        "the same beginning, our parser's words",
        "no client reads them",
        "err_json",
        "error",
    ),
    Difference(
        "`err_renewquery`",
        "400: `renewQuery` is not allowed",
        "200; it means `must-revalidate`",
        "older clients and Cube's documents send it",
        "err_renewquery",
        ".*",
    ),
)


def differing(ours: Any, theirs: Any, place: str = "") -> Iterator[str]:
    """The places at which two JSON values differ, in what they have or which keys they have in which order."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        common = [key for key in theirs if key in ours]
        if common != [key for key in ours if key in theirs]:
            yield f"{place}: order of keys"
        for key in {**theirs, **ours}:
            inner = f"{place}.{key}" if place else key
            if key in common:
                yield from differing(ours[key], theirs[key], inner)
            else:
                yield inner
    elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        for mine, other in zip(ours, theirs, strict=True):
            yield from differing(mine, other, f"{place}[]")
    elif ours != theirs or type(ours) is not type(theirs):
        yield place
