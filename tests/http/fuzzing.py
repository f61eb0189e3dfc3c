"""How much is fuzzed, and how often what was answered.

``make test`` draws the same few examples each time; ``--fuzz=N`` N times as many, drawn afresh (``--hypothesis-seed``
draws them again).
"""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

from hypothesis import HealthCheck, Phase, settings

TIMES = [1.0]
"""What ``--fuzz`` says."""

ANSWERS: Counter[tuple[str, int]] = Counter()
"""How many requests each test made, by what it is about and the status of the answer."""


def fuzz(examples: int, **others: Any) -> settings:
    """Hypothesis' settings for a test that usually draws that many examples."""
    times = TIMES[0]
    return settings(
        max_examples=math.ceil(examples * times),
        deadline=None,
        derandomize=times == 1,
        database=None,
        suppress_health_check=list(HealthCheck),
        **others,
    )


def without_shrinking(examples: int) -> settings:
    """For examples so large that making them smaller takes longer than a test may."""
    return fuzz(examples, phases=[Phase.explicit, Phase.generate])


def is_an_answer(answer: Any, about: str = "hand-made questions") -> bool:
    """A result, or an error with a text and a status that says whose mistake it was; counted."""
    ANSWERS[about, answer.status] += 1
    if answer.status == 200:
        return isinstance(answer.body, dict | list)
    assert answer.status in (400, 403), (answer.status, answer.raw)
    return isinstance(answer.body["error"], str) and bool(answer.body["error"])


def summary() -> list[str]:
    """A line for each kind of request."""
    kinds = dict.fromkeys(about for about, _ in ANSWERS)
    return [
        f"{about}: {sum(n for (kind, _), n in ANSWERS.items() if kind == about):,} requests, "
        + ", ".join(f"{status}: {n:,}" for (kind, status), n in sorted(ANSWERS.items()) if kind == about)
        for about in kinds
    ]
