"""How many statements at once a data source runs is Cube's variable to say, seen from the database."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.across.serving import DEADLINE, load, serving
from tests.engines.admin import Admin, admin, new_database
from tests.engines.server import Server

LOCKS = {"default": 7, "other": 8}
LIMITS = {"default": 2, "other": 1}
QUESTIONS = range(6)
# A question waits, in the database, for a lock that the test holds.
CUBE = """
  - name: {source}_waits
    data_source: {source}
    sql: SELECT 1 AS id FROM (SELECT pg_advisory_lock_shared({lock})) AS waited
    dimensions: [{{name: id, sql: id, type: number, primary_key: true, public: true}}]
    measures: [{{name: count, type: count}}]
"""


def test_cubes_variable_limits_the_statements_that_run_at_once(
    postgres_server: Server, tmp_path: Path
) -> None:
    with new_database(postgres_server) as database, admin(database) as account:
        write_project(tmp_path, database)
        for lock in LOCKS.values():
            account.run(f"SELECT pg_advisory_lock({lock})")
        with serving(tmp_path) as url, ThreadPoolExecutor(len(LOCKS) * len(QUESTIONS)) as threads:
            answers = [threads.submit(load, url, question(source, n)) for source in LOCKS for n in QUESTIONS]
            try:
                until(lambda: waiting(account) == LIMITS)
                time.sleep(1)  # time for more, were there no limit: the driver's own is four
                assert waiting(account) == LIMITS
            finally:
                account.run("SELECT pg_advisory_unlock_all()")
            for answer in answers:
                status, body = answer.result(DEADLINE)
                assert status == 200, body
                assert [list(row.values()) for row in body["data"]] == [["1"]]


def write_project(folder: Path, database: Server) -> None:
    (folder / "model").mkdir()
    cubes = (CUBE.format(source=source, lock=lock) for source, lock in LOCKS.items())
    (folder / "model" / "waits.yml").write_text("cubes:" + "".join(cubes))
    names = {"TYPE": "postgres", "HOST": database.host, "PORT": database.port, "NAME": database.database}
    names |= {"USER": database.user, "PASS": database.password}
    lines = [f"CUBEJS_DB_{name}={value}" for name, value in names.items()]
    lines += [f"CUBEJS_DS_OTHER_DB_{name}={value}" for name, value in names.items()]
    lines += [
        "CUBEJS_DATASOURCES=default,other",
        f"CUBEJS_CONCURRENCY={LIMITS['default']}",
        f"CUBEJS_DS_OTHER_CONCURRENCY={LIMITS['other']}",
    ]
    (folder / ".env").write_text("\n".join(lines))


def question(source: str, number: int) -> dict[str, object]:
    """One that no other equals, so that each has a statement of its own."""
    other = {"member": f"{source}_waits.id", "operator": "notEquals", "values": [str(number + 2)]}
    return {"measures": [f"{source}_waits.count"], "filters": [other]}


def waiting(account: Admin) -> dict[str, int]:
    """How many statements of each data source the database runs: they wait for its lock."""
    rows = account.run(
        "SELECT objid, count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted "
        "AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) GROUP BY objid"
    )
    found = {int(lock): int(count) for lock, count in rows}
    return {source: found.get(lock, 0) for source, lock in LOCKS.items()}


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)
