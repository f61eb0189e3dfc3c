"""A question's results to the result object in the body of ``/v1/load``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cuboid.catalog.model import Catalog
from cuboid.query.model import Question
from cuboid.result.envelope import Body, UsedRollup, single
from cuboid.types import Result


@dataclass(frozen=True, slots=True)
class Answer:
    """A question, which data source and driver answered it, and the results: of its statement and, if the total
    was asked for, of the one that counts.

    :param blended: it is one of several queries that are shown along one time axis.
    :param cast_numerics: the client asks for numbers where the wire has texts.
    :param transformed: the question as :func:`cuboid.plan.transformed.transformed_query` has it, in dev mode only.
    :param refresh_keys: the values by which it is kept fresh, in dev mode only.
    :param rollups: the tables of rollups that it was read from, and when each was refreshed as far as that is known.
    """

    question: Question
    data_source: str
    driver: str
    results: Sequence[Result]
    blended: bool = False
    cast_numerics: bool = False
    transformed: Mapping[str, Any] | None = None
    refresh_keys: Sequence[bytes] | None = None
    rollups: Sequence[UsedRollup] = ()

    def encode(self, catalog: Catalog) -> Body:
        """The result object."""
        return single(
            self.question,
            self.results[0],
            catalog,
            data_source=self.data_source,
            db_type=self.driver,
            total=int(self.results[1].rows[0][0]) if len(self.results) > 1 else None,  # type: ignore[arg-type]  # COUNT(*)
            transformed=self.transformed,
            refresh_keys=self.refresh_keys,
            rollups=self.rollups,
            cast_numerics=self.cast_numerics,
            blending_granularity=self.question.query.time_dimensions[0].granularity if self.blended else None,
        )
