"""What was compared: how many queries on each engine used each feature, what came of them, why some were refused."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

OUTCOMES = ("answers", "empty answers", "without join path", "refused")


class Coverage:
    """Counts for each engine."""

    def __init__(self) -> None:
        self.worlds = 0
        self._queries: Counter[str] = Counter()
        self._used: Counter[tuple[str, str]] = Counter()
        self._outcomes: Counter[tuple[str, str]] = Counter()
        self._refusals: Counter[tuple[str, str]] = Counter()

    def add(self, engine: str, features: Iterable[str], outcome: str) -> None:
        """One query. ``outcome``: one of OUTCOMES, of a refusal with its reason: ``refused: reason``."""
        kind, _, reason = outcome.partition(": ")
        self._queries[engine] += 1
        self._outcomes[kind, engine] += 1
        self._used.update((feature, engine) for feature in features)
        if reason:
            self._refusals[reason, engine] += 1

    @property
    def engines(self) -> tuple[str, ...]:
        return tuple(self._queries)

    def summary(self) -> str:
        """One line of totals."""
        parts = [f"{self._queries.total()} queries"]
        for kind in OUTCOMES:
            parts.append(
                f"{sum(count for (each, _), count in self._outcomes.items() if each == kind)} {kind}"
            )
        on = ", ".join(f"{count} on {engine}" for engine, count in self._queries.items())
        return f"{', '.join(parts)}, {self.worlds} worlds ({on})"

    def lines(self) -> Iterator[str]:
        """The tables, in Markdown."""
        yield from self._table("Outcome", [(kind, self._outcomes) for kind in OUTCOMES])
        yield ""
        yield from self._table("Feature", [(name, self._used) for name in _names(self._used)])
        if self._refusals:
            yield ""
            yield from self._table(
                "Refused because", [(name, self._refusals) for name in _names(self._refusals)]
            )

    def _table(self, title: str, rows: Sequence[tuple[str, Counter[tuple[str, str]]]]) -> Iterator[str]:
        yield f"| {title} | {' | '.join(self.engines)} |"
        yield "|---|" + "---:|" * len(self.engines)
        for name, counts in rows:
            yield f"| {name} | {' | '.join(str(counts[name, engine]) for engine in self.engines)} |"


def _names(counts: Counter[tuple[str, str]]) -> list[str]:
    return sorted({name for name, _ in counts})


def without_names(reason: str, cubes: Iterable[str]) -> str:
    """A reason that does not speak of the members of one world."""
    names = "|".join(map(re.escape, cubes))
    return re.sub(r"\d+", "N", re.sub(rf"\b({names})(\.\w+)?\b", "…", reason))


PAGE = """# Coverage of the oracle

What the last `make oracle` compared: {summary}. `make oracle N=20000 ENGINES=duckdb,postgres` writes this page anew;
`make test` compares 5,000 queries on DuckDB and 500 on each server. A query uses several features. The rules are in
[semantics.md](semantics.md); what generated worlds avoid is at its end.

{tables}
"""


def page(coverage: Coverage) -> str:
    """The page of the documentation."""
    return PAGE.format(summary=coverage.summary(), tables="\n".join(coverage.lines()))
