"""``refresh_key`` of cubes and pre-aggregations: what tells that answers are out of date."""

from __future__ import annotations

import re
from zoneinfo import available_timezones

from cuboid.catalog import keys
from cuboid.catalog.cube_sources import read_statement
from cuboid.catalog.fields import Fields, read_entries
from cuboid.catalog.nodes import Scalar
from cuboid.catalog.rollups import RefreshKey
from cuboid.catalog.scope import Scope

_EVERY = re.compile(r"[1-9]\d*\s+(second|minute|hour|day|week)s?")
_CRON = re.compile(r"(?:(?P<second>\*|\d+) )?(?P<minute>\*|\d+) (?P<hour>\*|\d+) \* \* (?P<day>\*|\d+)")
_LIMITS = {"second": 59, "minute": 59, "hour": 23, "day": 7}
_LENGTH = re.compile(r"[1-9]\d*\s+(second|minute|hour|day|week|month|quarter|year)s?")


def read_refresh_key(fields: Fields, scope: Scope, *, partitioned: bool | None = None) -> RefreshKey | None:
    """The ``refresh_key`` under that key; None if there is none or it is wrong (reported).

    :param partitioned: of a pre-aggregation, whether it has partitions; None for a cube.
    """
    node = fields.node("refresh_key")
    key = read_entries(node, keys.REFRESH_KEY, scope.problems) if node is not None else None
    if key is None:
        return None
    _check_forms(key)
    _check_partitions(key, partitioned)
    every = key.scalar("every")
    cron = every is not None and _check_every(every, key)
    timezone = key.scalar("timezone")
    if timezone is not None:
        if not cron:
            key.problems.error(
                timezone.place,
                "'timezone' belongs to a cron expression",
                "Write every: '0 6 * * 1', or remove it.",
            )
        elif timezone.text not in available_timezones():
            key.problems.error(
                timezone.place, f"there is no time zone '{timezone.text}'", "Write e.g. Europe/Berlin."
            )
    window = key.scalar("update_window")
    if window is not None and not _LENGTH.fullmatch(window.text.strip()):
        key.problems.error(window.place, f"'{window.text}' is no length of time", "Write e.g. 7 days.")
    return RefreshKey(
        key.place,
        sql=read_statement(key, "sql", scope),
        every=" ".join(every.text.split()) if every else None,
        timezone=timezone.text if timezone else None,
        immutable=key.flag("immutable") or False,
        incremental=key.flag("incremental") or False,
        update_window=" ".join(window.text.split()) if window else None,
    )


def _check_forms(key: Fields) -> None:
    if key.has("immutable"):
        for other in ("sql", "every"):
            if key.has(other):
                key.problems.error(
                    key.place_of(other),
                    f"a refresh key has either 'immutable' or '{other}', not both",
                    "Keep one.",
                )
    elif not key.has("sql") and not key.has("every"):
        key.missing("every", "e.g. 10 minutes; or 'sql': a SELECT whose answer tells; or 'immutable: true'")


def _check_partitions(key: Fields, partitioned: bool | None) -> None:
    for name in ("incremental", "update_window"):
        if not key.has(name):
            continue
        if partitioned is None:
            key.problems.error(
                key.place_of(name),
                f"'{name}' belongs to refresh keys of pre-aggregations",
                "Move it to the refresh_key of a pre-aggregation.",
            )
        elif name == "update_window" and not key.has("incremental"):
            key.problems.error(
                key.place_of(name), "'update_window' needs 'incremental: true'", "Set it beside 'every'."
            )
        elif name == "incremental" and not partitioned:
            key.problems.error(
                key.place_of(name),
                "'incremental' needs partitions",
                "Add 'partition_granularity', e.g. month.",
            )


def _check_every(every: Scalar, key: Fields) -> bool:
    """Whether it is a cron expression; an error if it is neither that nor a length of time."""
    text = " ".join(every.text.split())
    if _EVERY.fullmatch(text):
        return False
    if len(text.split(" ")) < 5:
        key.problems.error(
            every.place,
            f"'{every.text}' says no interval",
            "Write e.g. 10 minutes, 1 hour, 2 days, 1 week; or a cron expression.",
        )
        return False
    found = _CRON.fullmatch(text)
    units = [] if found is None else [each for each in found.groups() if each is not None]
    if found is None or ("*" in units and any(each != "*" for each in units[units.index("*") :])):
        key.problems.error(
            every.place,
            f"the firings of '{every.text}' are not equally far from each other",
            "Use numbers or * for minute, hour and day of the week, and * for day and month.",
        )
    elif any(value.isdigit() and int(value) > _LIMITS[unit] for unit, value in found.groupdict("*").items()):
        key.problems.error(
            every.place,
            f"'{every.text}' has a number that no clock shows",
            "Minutes go to 59, hours to 23, days of the week to 7.",
        )
    return True
