"""The optimizers that the driver turns off, each with the statement that shows why.

A test fails when the engine no longer errs: then its optimizer belongs taken off the driver's list.
"""

import duckdb
import pytest

from cuboid_duckdb.driver import BROKEN_OPTIMIZERS

SETUP = {
    "statistics_propagation": "CREATE TABLE orders AS SELECT range * 10 AS amount FROM range(10)",
    "common_subplan": """
        CREATE TABLE people (a INT, b VARCHAR, n INT, m INT);
        INSERT INTO people VALUES (2, '3', 10, 20);
        CREATE TABLE trips (note VARCHAR, guest_a INT, guest_b VARCHAR, driver_a INT, driver_b VARCHAR);
        INSERT INTO trips VALUES ('o', 1, '1', 2, '3')""",
}
TRIPS = """
    FROM people AS d
    LEFT JOIN trips AS t ON t.driver_a = d.a AND t.driver_b = d.b
    LEFT JOIN people AS g ON t.guest_a = g.a AND t.guest_b = g.b
    GROUP BY 1, 2, 3"""
STATEMENTS = {
    "statistics_propagation": (
        "SELECT count(*) FROM orders WHERE CASE WHEN amount < 0 THEN 'refund' END <> 'x'",
        [(0,)],
    ),
    # The trip of driver 2 has a guest who does not exist: no guests, one driver.
    "common_subplan": (
        f"""
        WITH guests AS (
            SELECT t.note, d.n, g.m, count(CASE WHEN g.a IS NOT NULL OR g.b IS NOT NULL THEN 1 END) AS number {TRIPS}
        ), drivers AS (
            SELECT t.note, d.n, g.m, count(CASE WHEN d.a IS NOT NULL OR d.b IS NOT NULL THEN 1 END) AS number {TRIPS}
        )
        SELECT note, n, m, max(guests), max(drivers) FROM (
            SELECT note, n, m, number AS guests, NULL AS drivers FROM guests
            UNION ALL
            SELECT note, n, m, NULL, number FROM drivers
        ) GROUP BY 1, 2, 3""",
        [("o", 10, None, 0, 1)],
    ),
}


def answer(optimizer: str, *, off: bool) -> list[tuple[object, ...]] | None:
    with duckdb.connect() as connection:
        connection.execute(SETUP[optimizer])
        if off:
            connection.execute(f"SET disabled_optimizers = '{optimizer}'")
        try:
            return connection.execute(STATEMENTS[optimizer][0]).fetchall()
        except duckdb.Error:
            return None


@pytest.mark.parametrize("optimizer", BROKEN_OPTIMIZERS)
def test_without_the_optimizer_the_answer_is_right(optimizer: str) -> None:
    assert answer(optimizer, off=True) == STATEMENTS[optimizer][1]


@pytest.mark.parametrize("optimizer", BROKEN_OPTIMIZERS)
def test_with_the_optimizer_it_is_not(optimizer: str) -> None:
    assert answer(optimizer, off=False) != STATEMENTS[optimizer][1]
