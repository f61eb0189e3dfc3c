"""Functions for SQL that SQLite lacks: zones, truncation, bins, and matching without regard to case."""

import re
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from zoneinfo import ZoneInfo


def written(moment):
    """A time as text; without a fraction if it has none, so that texts sort as times do."""
    if moment.tzinfo is not None:
        moment = moment.astimezone(UTC).replace(tzinfo=None)
    return moment.isoformat(" ", "microseconds" if moment.microsecond else "seconds")


def read(text):
    """A time of any ISO form, in UTC and zoneless."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo is None else moment.astimezone(UTC).replace(tzinfo=None)


def civil(text, zone):
    moment = read(text).replace(tzinfo=UTC).astimezone(ZoneInfo(zone))
    return written(moment.replace(tzinfo=None))


def day(text):
    """Midnight without its time: ``2024-01-01`` is not less, as text, than the start of its own day."""
    return text.removesuffix(" 00:00:00")


def floor(text, granularity):
    moment = read(text)
    if granularity in ("second", "minute", "hour"):
        zeros = {"microsecond": 0, "second": 0, "minute": 0}
        kept = ("second", "minute", "hour").index(granularity) + 1
        return written(moment.replace(**dict(list(zeros.items())[:kept])))
    day = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    if granularity == "week":
        return written(day - timedelta(days=day.weekday()))
    months = {"day": 0, "month": 1, "quarter": 3, "year": 12}[granularity]
    return written(day.replace(day=1, month=day.month - (day.month - 1) % months) if months else day)


def shifted(moment, months, seconds):
    year, month = divmod(moment.year * 12 + moment.month - 1 + months, 12)
    following = datetime(year + month // 11, (month + 1) % 12 + 1, 1)
    last = (following - timedelta(days=1)).day
    return moment.replace(year=year, month=month + 1, day=min(moment.day, last)) + timedelta(seconds=seconds)


def shift(text, count, unit):
    return written(shifted(read(text), *((count, 0) if unit == "month" else (0, count))))


def binned(text, months, seconds, origin):
    moment, start = read(text), read(origin)
    if seconds:
        return written(start + (moment - start) // timedelta(seconds=seconds) * timedelta(seconds=seconds))
    passed = (moment.year - start.year) * 12 + moment.month - start.month
    passed -= shifted(start, passed, 0) > moment
    return written(shifted(start, passed // months * months, 0))


@lru_cache(1000)
def _expression(pattern):
    parts = re.findall(r"\\.|[%_]|[^\\%_]+|\\", pattern.lower(), re.DOTALL)
    texts = {"%": ".*", "_": "."}
    return re.compile(
        "".join(texts.get(part) or re.escape(part[1:] if part[0] == "\\" else part) for part in parts),
        re.DOTALL,
    )


def like(value, pattern):
    return _expression(pattern).fullmatch(str(value).lower()) is not None


@cache
def strict(function):
    """NULL for NULL, as SQL's own functions."""
    return lambda *arguments: None if None in arguments else function(*arguments)


FUNCTIONS = {
    "cuboid_civil": (2, civil),
    "cuboid_day": (1, day),
    "cuboid_floor": (2, floor),
    "cuboid_shift": (3, shift),
    "cuboid_bin": (4, binned),
    "cuboid_like": (2, like),
}


def register(connection):
    for name, (arguments, function) in FUNCTIONS.items():
        connection.create_function(name, arguments, strict(function), deterministic=True)
