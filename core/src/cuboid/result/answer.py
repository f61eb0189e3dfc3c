"""Results to the body of ``/v1/load``: bare for one question, in an envelope where the client asked for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cuboid.catalog.model import Catalog
from cuboid.query.decode import QueryType
from cuboid.query.model import Question
from cuboid.result.envelope import multi, single
from cuboid.types import Result


@dataclass(frozen=True, slots=True)
class Answer:
    """A question, which data source and driver answered it, and the results: of its statement and, if the total
    was asked for, of the one that counts.

    :param transformed: the question as :func:`cuboid.plan.transformed.transformed_query` has it, in dev mode only.
    """

    question: Question
    data_source: str
    driver: str
    results: Sequence[Result]
    transformed: Mapping[str, Any] | None = None


def encode_answers(
    query_type: QueryType,
    answers: Sequence[Answer],
    catalog: Catalog,
    *,
    envelope: bool,
    request_id: str | None,
    cast_numerics: bool = False,
) -> bytes:
    """The body. Without ``envelope`` it is the first answer alone, as Cube has it.

    :param request_id: shown in dev mode only: None elsewhere.
    :param cast_numerics: the client asks for numbers where the wire has texts.
    """
    blended = query_type == "blendingQuery"
    singles = [
        single(
            answer.question,
            answer.results[0],
            catalog,
            data_source=answer.data_source,
            db_type=answer.driver,
            total=int(answer.results[1].rows[0][0]) if len(answer.results) > 1 else None,  # type: ignore[arg-type]  # COUNT(*)
            transformed=answer.transformed,
            request_id=request_id,
            cast_numerics=cast_numerics,
            blending_granularity=answer.question.query.time_dimensions[0].granularity if blended else None,
        )
        for answer in answers
    ]
    return multi(query_type, singles, [answer.question for answer in answers]) if envelope else singles[0]
