"""The kit bites: each planted mistake fails a test, and without one the same plugin passes.

``python scripts/seeded_mistakes.py`` runs the whole kit on each and prints what fails.
"""

from __future__ import annotations

import pytest
from tests.testing import mistakes_of_dialects, mistakes_of_drivers, mistakes_of_queues
from tests.testing.seeding import Mistake, failures

ALL = [*mistakes_of_dialects.MISTAKES, *mistakes_of_drivers.MISTAKES, *mistakes_of_queues.MISTAKES]


def test_there_are_many_mistakes_with_names_of_their_own() -> None:
    assert len({mistake.title for mistake in ALL}) == len(ALL) >= 25


# Seen by the growth of the process's memory, which is none where an earlier test of this process has used and freed as
# much: the script, whose process is fresh, has it.
BY_MEMORY = "a stream is read at once"
HERE = [mistake for mistake in ALL if mistake.title != BY_MEMORY]


# A mistake may leave a task or a connection behind, which is what it is there for.
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("mistake", HERE, ids=lambda mistake: mistake.title)
def test_a_mistake_is_caught(mistake: Mistake) -> None:
    # Twice, because some show only if a slow statement is still running when it is to be stopped.
    assert failures(mistake, mistake.caught_by) or failures(mistake, mistake.caught_by)


def test_without_a_mistake_those_tests_pass() -> None:
    """Else every mistake would be caught by a test that always fails."""
    words = {word for mistake in ALL for word in mistake.caught_by}
    assert failures(Mistake("none", (), slow_places=10), sorted(words), all=True) == {}
