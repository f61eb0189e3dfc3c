"""Civil time to the UTC line, against the definition, for every zone."""

import itertools
import zoneinfo
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from cuboid.query.zones import canonical, to_utc

STEP = timedelta(days=4)  # no zone of these years changes its clock twice within four days
SPANS = [
    (datetime(1899, 12, 20), datetime(1912, 1, 1)),  # offsets of local mean time have seconds
    (datetime(2011, 12, 1), datetime(2012, 1, 15)),  # Pacific/Apia skips 2011-12-30
    (datetime(2015, 1, 1), datetime(2031, 1, 1)),
]
Segment = tuple[datetime, timedelta]  # UTC begin, offset from then on


def offset_at(instant: datetime, zone: ZoneInfo) -> timedelta:
    offset = instant.replace(tzinfo=UTC).astimezone(zone).utcoffset()
    assert offset is not None
    return offset


def segments(zone: ZoneInfo, begin: datetime, end: datetime) -> list[Segment]:
    """Spans of constant offset, found by looking every few days and bisecting to the second."""
    found = [(begin, offset_at(begin, zone))]
    day = begin
    while day < end:
        low, high = day, day + STEP
        if offset_at(low, zone) != offset_at(high, zone):
            while high - low > timedelta(seconds=1):
                middle = low + timedelta(seconds=(high - low) // timedelta(seconds=2))
                if offset_at(middle, zone) == offset_at(day, zone):
                    low = middle
                else:
                    high = middle
            found.append((high, offset_at(high, zone)))
        day += STEP
    return found


def earliest(civil: datetime, spans: list[Segment]) -> datetime:
    """The definition: of all instants whose wall clock is at or after ``civil``, the first."""
    for (begin, offset), (end, _) in zip(spans, [*spans[1:], (datetime.max, timedelta())], strict=True):
        instant = max(begin, civil - offset)
        if instant < end:
            return instant
    raise AssertionError(civil)


def around(change: datetime, before: timedelta, after: timedelta) -> list[datetime]:
    """Civil times at and near both edges of a gap or fold, and within it."""
    first, last = change + min(before, after), change + max(before, after)
    edges = [first, last, first + (last - first) / 2]
    nudges = [timedelta(), timedelta(milliseconds=1), timedelta(minutes=29), timedelta(hours=5)]
    return [edge + sign * nudge for edge in edges for nudge in nudges for sign in (1, -1)]


@pytest.mark.parametrize("initial", sorted({name[0] for name in zoneinfo.available_timezones()} - {"l"}))
def test_every_clock_change_of_every_zone(initial: str) -> None:
    names = [name for name in zoneinfo.available_timezones() if name[0] == initial]
    for name in names:
        zone = ZoneInfo(name)
        for begin, end in SPANS:
            spans = segments(zone, begin, end)
            for (_, before), (change, after) in itertools.pairwise(spans):
                for civil in around(change, before, after):
                    assert to_utc(civil, zone).replace(tzinfo=None) == earliest(civil, spans), (name, civil)


def test_the_definition_holds_second_by_second() -> None:
    zone = ZoneInfo(
        "Australia/Lord_Howe"
    )  # half an hour forth on 2024-10-05T15:30Z, back on 2024-04-06T15:00Z
    for start in (datetime(2024, 10, 5, 15), datetime(2024, 4, 6, 14)):
        instants = [start + timedelta(seconds=second) for second in range(2 * 3600)]
        walls = [(instant + offset_at(instant, zone), instant) for instant in instants]
        for civil in {wall for wall, _ in walls[600:-600:60]} | {
            walls[0][0] + timedelta(minutes=45, seconds=7)
        }:
            expected = next(instant for wall, instant in walls if wall >= civil)
            assert to_utc(civil, zone) == expected.replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("civil", "zone", "utc"),
    [
        (datetime(2024, 1, 1), "America/Los_Angeles", datetime(2024, 1, 1, 8)),
        (datetime(2024, 3, 10, 2, 30), "America/Los_Angeles", datetime(2024, 3, 10, 10)),  # skipped
        (
            datetime(2024, 11, 3, 1, 30),
            "America/Los_Angeles",
            datetime(2024, 11, 3, 8, 30),
        ),  # the first of two
        (datetime(2011, 12, 30, 12), "Pacific/Apia", datetime(2011, 12, 30, 10)),  # no such day
        (datetime(2018, 11, 4), "America/Sao_Paulo", datetime(2018, 11, 4, 3)),  # midnight is skipped
        (datetime(1900, 1, 1), "Europe/Amsterdam", datetime(1899, 12, 31, 23, 40, 28)),
        (datetime(1, 1, 1), "Asia/Tokyo", datetime.min),
        (datetime.max, "America/Los_Angeles", datetime.max),
    ],
)
def test_known_times(civil: datetime, zone: str, utc: datetime) -> None:
    if zone == "Europe/Amsterdam":  # a link to Brussels (UTC+0:17:30) in some builds of the zone data
        offset = ZoneInfo(zone).utcoffset(civil)
        assert offset is not None
        assert offset.seconds % 60
        utc = civil - offset
    assert to_utc(civil, ZoneInfo(zone)) == utc.replace(tzinfo=UTC)


def test_names_are_looked_up_and_never_opened() -> None:
    assert canonical("EUROPE/berlin") == "Europe/Berlin"
    for name in (
        "../Europe/Berlin",
        "/etc/passwd",
        "Europe",
        "Factory",
        "localtime",
        "",
        "ß",
        "Europe/Berlin\0",
    ):
        assert canonical(name) is None
