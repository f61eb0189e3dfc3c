"""The moment from which relative dates are counted, and whether anybody counted from it."""

from __future__ import annotations

from datetime import datetime, tzinfo


class Present(datetime):
    """An aware moment. Whoever counts from it asks for its civil time in some zone first, as
    :mod:`cuboid.query.relative` does; a request that never did is the same request at any time."""

    asked: bool

    @classmethod
    def of(cls, moment: datetime) -> Present:
        """That moment; nobody has asked for it yet."""
        made = cls.combine(moment.date(), moment.timetz())
        made.asked = False
        return made

    def astimezone(self, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]  # the plain one
        self.asked = True
        return datetime.combine(self.date(), self.timetz()).astimezone(tz)
