"""Tokens of ordered builds. One says itself what was ordered, and when: so any process that serves the project can tell
how far it is, by what is stored."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from cuboid.run.rollups.parts import Part
from cuboid.run.stored import Bounds


@dataclass(frozen=True, slots=True)
class OrderedPart:
    """A part of a rollup in one zone, as it was ordered.

    :param rollup: ``cube.rollup``.
    :param table: under which name the store shows its rows.
    :param context: the claims whose model has the rollup.
    :param at: when it was ordered (aware).
    """

    rollup: str
    zone: str
    table: str
    part: Part
    context: Mapping[str, Any]
    at: datetime

    @property
    def token(self) -> str:
        """What stands for it, in letters that a URL may have."""
        bounds = self.part.bounds and [each.isoformat() for each in self.part.bounds]
        told = [
            self.rollup,
            self.zone,
            self.table,
            self.part.label,
            bounds,
            self.context,
            self.at.isoformat(),
        ]
        return base64.urlsafe_b64encode(orjson.dumps(told)).decode().rstrip("=")


def read_token(token: str) -> OrderedPart | None:
    """What the token stands for; None if it is none. Whoever may ask may order too: nothing has to be proven."""
    try:
        text = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        rollup, zone, table, label, bounds, context, at = orjson.loads(text)
        moment = datetime.fromisoformat(at).astimezone(UTC)
        part = Part(label, None if bounds is None else _bounds(*bounds))
    except (binascii.Error, ValueError, TypeError, OverflowError):
        return None
    texts = (rollup, zone, table, label)
    if not all(isinstance(each, str) for each in texts) or not isinstance(context, dict):
        return None
    found = OrderedPart(rollup, zone, table, part, context, moment)
    return found if found.token == token else None


def _bounds(start: str, end: str) -> Bounds:
    bounds = datetime.fromisoformat(start), datetime.fromisoformat(end)
    if any(each.tzinfo is not None for each in bounds):
        raise ValueError
    return bounds
