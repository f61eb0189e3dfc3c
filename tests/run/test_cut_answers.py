"""A connection that breaks in the middle of an answer costs that answer, and never gives another one."""

from __future__ import annotations

import pytest
from tests.engines.relay import relayed
from tests.run.killing import LIBRARIES, opened

from cuboid.errors import ConnectionFailed

# From before the first byte to beyond the longest answer to SELECT 1: an HTTP head and a block of 20 bytes.
CUTS = range(0, 900, 25)


@pytest.mark.parametrize(
    ("engine", "driver"),
    [pytest.param(engine, driver, marks=pytest.mark.engine(engine)) for engine, driver in LIBRARIES],
)
async def test_an_answer_that_was_cut_is_an_error_or_right(
    request: pytest.FixtureRequest, engine: str, driver: str
) -> None:
    server = request.getfixturevalue(f"{engine}_server")
    failed = 0
    async with relayed(server) as (relay, address), opened(address, driver) as shop:
        for cut in CUTS:
            relay.cut_after = None
            await shop.ask()  # which may have to connect anew
            relay.cut_after = cut
            try:
                await shop.ask()  # asserts that the answer is right
            except ConnectionFailed:
                failed += 1
    assert failed > 0
