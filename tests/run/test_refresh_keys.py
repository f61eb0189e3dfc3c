"""Refresh keys of the clock: which interval the wall clock of a zone is in. Expected values are counted by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from cuboid.run.data_source import DataSource
from cuboid.run.queue import QueueSettings
from cuboid.run.refresh_keys import Clock, TimedKey, read_every
from cuboid_duckdb.dialect import DuckDBDialect
from cuboid_duckdb.driver import DuckDBConfig, DuckDBDriver
from cuboid_duckdb.queue import DuckDBQueue

DAY = 86400
DRIVER = DuckDBDriver(DuckDBConfig())
SOURCE = DataSource("default", DRIVER, DuckDBDialect(), DuckDBQueue(DRIVER, QueueSettings()))
"""Nothing is asked of it."""


@pytest.mark.parametrize(
    ("every", "clock"),
    [
        ("1 second", Clock(1)),
        ("10 minutes", Clock(600)),
        ("2 hours", Clock(7200)),
        ("1 day", Clock(DAY)),
        ("2 weeks", Clock(14 * DAY)),
        ("* * * * * *", Clock(1)),
        ("* * * * *", Clock(60)),
        ("30 * * * * *", Clock(60, 30)),
        ("15 * * * *", Clock(3600, 900)),
        ("30 5 * * *", Clock(DAY, 5 * 3600 + 1800)),
        # 1970-01-01 was a Thursday: the first Monday is four days later, the first Sunday three, as 0 and as 7.
        ("0 6 * * 1", Clock(7 * DAY, 4 * DAY + 6 * 3600)),
        ("0 0 * * 0", Clock(7 * DAY, 3 * DAY)),
        ("0 0 * * 7", Clock(7 * DAY, 3 * DAY)),
        ("0 0 * * 4", Clock(7 * DAY, 0)),
    ],
)
def test_intervals_and_cron_expressions_are_clocks(every: str, clock: Clock) -> None:
    assert read_every(every) == clock


@pytest.mark.parametrize(
    ("every", "zone", "before", "after"),
    [
        ("10 minutes", "UTC", "2024-03-05T10:19:59+00:00", "2024-03-05T10:20:00+00:00"),
        # Midnight in Tokyo is 15:00 UTC.
        ("1 day", "Asia/Tokyo", "2024-03-05T14:59:59+00:00", "2024-03-05T15:00:00+00:00"),
        # Half past five in India is midnight UTC.
        ("30 5 * * *", "Asia/Kolkata", "2024-03-04T23:59:59+00:00", "2024-03-05T00:00:00+00:00"),
        # 2024-03-04 is a Monday; Berlin is an hour ahead in winter, two in summer.
        ("0 6 * * 1", "Europe/Berlin", "2024-03-04T04:59:59+00:00", "2024-03-04T05:00:00+00:00"),
        ("0 6 * * 1", "Europe/Berlin", "2024-07-01T03:59:59+00:00", "2024-07-01T04:00:00+00:00"),
        # The hour from two to three is skipped on 2024-03-31: what is due within it is due at its end.
        ("30 2 * * *", "Europe/Berlin", "2024-03-31T00:59:59+00:00", "2024-03-31T01:00:00+00:00"),
    ],
)
def test_a_key_changes_with_the_wall_clock_of_its_zone(
    every: str, zone: str, before: str, after: str
) -> None:
    key = TimedKey(read_every(every), zone, SOURCE, 1)
    last, first = datetime.fromisoformat(before), datetime.fromisoformat(after)
    assert key.value(last) != key.value(first)
    civil = last.astimezone(ZoneInfo(zone)).replace(second=0)
    assert key.value(last) == key.value(civil)


def test_the_number_is_the_one_that_the_shown_sql_computes() -> None:
    moment = datetime(2024, 3, 5, 10, 20, tzinfo=UTC)
    assert TimedKey(Clock(600), "UTC", SOURCE, 1).value(moment) == b'[{"refresh_key":"%d"}]' % (
        moment.timestamp() // 600
    )


@pytest.mark.parametrize("zone", ["America/New_York", "Australia/Lord_Howe", "Europe/Berlin"])
@pytest.mark.parametrize("every", ["10 minutes", "20 minutes", "30 minutes", "1 hour", "15 * * * *"])
def test_no_value_lasts_longer_than_its_interval_where_the_clock_is_put_back(every: str, zone: str) -> None:
    clock = read_every(every)
    begun: dict[bytes, datetime] = {}
    for month in (
        4,
        10,
        11,
    ):  # Lord Howe's is put back in April by half an hour, the others' in autumn by a whole one
        first = datetime(2024, month, 1, tzinfo=UTC)
        for minute in range(0, 31 * 24 * 60, 5):
            moment = first + timedelta(minutes=minute)
            value = TimedKey(clock, zone, SOURCE, 1).value(moment)
            assert moment - begun.setdefault(value, moment) < timedelta(seconds=clock.seconds), moment
        begun.clear()
