"""Requests that are repeated count their relative dates from when they began."""

from __future__ import annotations

from datetime import UTC, datetime

from cuboid.run.asker import Asker
from cuboid.run.polls import KEPT_SECONDS, MOST, Polls

MINE = Asker("me", "a")
QUERY = '{"measures": ["orders.count"]}'


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_repetition_began_when_the_first_one_did() -> None:
    polls = Polls()
    first = polls.poll(MINE, QUERY)
    assert datetime.now(UTC) >= first.began
    for _ in range(3):
        polls.goes_on(first)
        assert polls.poll(MINE, QUERY) == first


def test_an_answer_ends_it() -> None:
    polls = Polls()
    first = polls.poll(MINE, QUERY)
    polls.goes_on(first)
    polls.ends(first)
    assert polls.poll(MINE, QUERY).began > first.began


def test_another_principal_request_or_query_began_by_itself() -> None:
    polls = Polls()
    first = polls.poll(MINE, QUERY)
    polls.goes_on(first)
    others = (
        (Asker("you", "a"), QUERY),
        (Asker("me", "b"), QUERY),
        (MINE, QUERY + " "),
        (MINE, {"measures": []}),
    )
    for asker, raw in others:
        assert polls.poll(asker, raw).began > first.began


def test_a_query_object_is_known_again() -> None:
    polls = Polls()
    first = polls.poll(MINE, {"limit": 1, "dimensions": ["a.b"]})
    polls.goes_on(first)
    assert polls.poll(MINE, {"limit": 1, "dimensions": ["a.b"]}) == first


def test_without_an_id_nothing_is_remembered() -> None:
    polls = Polls()
    first = polls.poll(Asker("me"), QUERY)
    polls.goes_on(first)
    assert polls.poll(Asker("me"), QUERY).began > first.began


def test_who_comes_back_too_late_begins_anew() -> None:
    clock = Clock()
    polls = Polls(clock)
    first = polls.poll(MINE, QUERY)
    polls.goes_on(first)
    clock.now = KEPT_SECONDS
    assert polls.poll(MINE, QUERY) == first
    clock.now = KEPT_SECONDS + 1
    assert polls.poll(MINE, QUERY).began > first.began


def test_the_oldest_is_forgotten_first() -> None:
    polls = Polls()
    first, second = polls.poll(MINE, QUERY), polls.poll(Asker("me", "b"), QUERY)
    polls.goes_on(first)
    polls.goes_on(second)
    for number in range(MOST - 1):
        polls.goes_on(polls.poll(Asker("me", str(number)), QUERY))
    assert polls.poll(MINE, QUERY).began > first.began
    assert polls.poll(Asker("me", "b"), QUERY) == second
