"""How much a request presses: clients may say that theirs can wait, and no more than that."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from cuboid.errors import InvalidQuery
from cuboid.run.asker import INTERACTIVE

LOWEST = -10_000

HEADER = "x-priority"
"""For clients that set headers more easily than parameters; the parameter wins."""

_WHOLE = re.compile(r"-?[0-9]{1,5}\Z")


def read_priority(parameters: Mapping[str, Any], headers: Mapping[str, str]) -> int:
    """The priority of a request, :data:`INTERACTIVE` unless it says less. Raises :class:`InvalidQuery`.

    :param headers: by names in small letters.
    """
    given = parameters.get("priority")
    if given is None:
        given = headers.get(HEADER) or None
    if given is None:
        return INTERACTIVE
    if isinstance(given, str) and _WHOLE.match(given):
        given = int(given)
    if isinstance(given, bool) or not isinstance(given, int) or not LOWEST <= given <= INTERACTIVE:
        raise InvalidQuery(
            f'Invalid query format: "priority" must be a whole number from {LOWEST} to {INTERACTIVE}',
            path="priority",
        )
    return given
