"""What a driver costs: rows a second and memory of ``execute`` and ``stream``, beside the bare client library.

Each figure is of a process of its own, so that the memory is its peak over that of an idle one that has loaded the
same libraries. The rows are made by the server: an integer, a text of ten letters and a decimal.

    python benchmarks/drivers.py [--rows 1000000] [engine ...]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

_SERIES = (
    "SELECT n AS id, CONCAT('row ', LPAD(n, 6, '0')) AS name, CAST(n / 100 AS DECIMAL(18, 2)) AS amount FROM "
    "(WITH RECURSIVE d(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM d WHERE i < 99) "
    "SELECT a.i + 100 * b.i + 10000 * c.i AS n FROM d a, d b, d c) s LIMIT {rows}"
)
ROWS: Mapping[str, str] = {
    "duckdb": "SELECT i AS id, 'row ' || lpad(i::VARCHAR, 6, '0') AS name, (i / 100)::DECIMAL(18, 2) AS amount "
    "FROM range({rows}) r(i)",
    "postgres": "SELECT i AS id, 'row ' || lpad(i::text, 6, '0') AS name, (i / 100.0)::numeric(18, 2) AS amount "
    "FROM generate_series(0, {rows} - 1) s(i)",
    "mysql": _SERIES,
    "mariadb": _SERIES,
    "clickhouse": "SELECT number AS id, concat('row ', leftPad(toString(number), 6, '0')) AS name, "
    "toDecimal64(number / 100, 2) AS amount FROM numbers({rows})",
}
DRIVERS = {"mariadb": "mysql"}
WAYS = ("nothing", "bare", "execute", "stream")


# ---------------------------------------------------------------- in a process of its own


def bare_duckdb(settings: Mapping[str, Any], sql: str) -> int:
    import duckdb

    return len(duckdb.connect().execute(sql).fetchall())


def bare_postgres(settings: Mapping[str, Any], sql: str) -> int:
    import psycopg

    names = {"dbname": settings["database"]} | {k: settings[k] for k in ("host", "port", "user", "password")}
    with psycopg.connect(**names) as connection:
        return len(connection.execute(sql).fetchall())


def bare_mysql(settings: Mapping[str, Any], sql: str) -> int:
    import mysql.connector

    with mysql.connector.connect(**settings) as connection, connection.cursor() as cursor:
        cursor.execute(sql)
        return len(cursor.fetchall())


def bare_clickhouse(settings: Mapping[str, Any], sql: str) -> int:
    import clickhouse_connect

    names = {name: value for name, value in settings.items() if name != "user"}
    return len(clickhouse_connect.get_client(username=settings["user"], **names).query(sql).result_rows)


BARE: Mapping[str, Callable[[Mapping[str, Any], str], int]] = {
    "duckdb": bare_duckdb,
    "postgres": bare_postgres,
    "mysql": bare_mysql,
    "mariadb": bare_mysql,
    "clickhouse": bare_clickhouse,
}


async def through_driver(
    engine: str, settings: Mapping[str, Any], sql: str, way: str, driver: str = ""
) -> tuple[int, float, float]:
    """The rows that came and the seconds that took, by the clock and of this process's own work; opening the driver is
    not counted.

    :param driver: not the engine's usual one.
    """
    from cuboid.plugins import Registry
    from cuboid.types import Column, Job, Statement

    driver_class = Registry.load().driver(driver or DRIVERS.get(engine, engine))
    opened = driver_class(driver_class.Config.model_validate(settings))
    await opened.open()
    columns = (Column("id", "number"), Column("name", "string"), Column("amount", "number"))
    job = Job("bench", sql, Statement(sql, columns=columns))
    start, worked = time.perf_counter(), time.process_time()
    count = 0
    if way == "execute":
        count = len((await opened.execute(job)).rows)
    elif way == "stream":
        async for batch in opened.stream(job):
            count += len(batch)
    seconds, cpu = time.perf_counter() - start, time.process_time() - worked
    await opened.close()
    return count, seconds, cpu


def measure(engine: str, settings: Mapping[str, Any], sql: str, way: str) -> dict[str, float]:
    """One way of reading the rows, here and now: rows, seconds and the peak of this process in MiB."""
    if way == "bare":
        start = time.perf_counter()
        count = BARE[engine](settings, sql)
        seconds = time.perf_counter() - start
    else:
        count, seconds, _ = asyncio.run(through_driver(engine, settings, sql, way))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"rows": count, "seconds": seconds, "peak": peak}


# ---------------------------------------------------------------- side by side


def in_a_process(engine: str, settings: Mapping[str, Any], sql: str, way: str) -> dict[str, float]:
    asked = json.dumps([engine, dict(settings), sql, way])
    done = subprocess.run(
        [sys.executable, __file__, "--child"], input=asked, capture_output=True, text=True, check=True
    )
    found: dict[str, float] = json.loads(done.stdout)
    return found


def report(engine: str, settings: Mapping[str, Any], rows: int) -> None:
    sql = ROWS[engine].format(rows=rows)
    found = {way: in_a_process(engine, settings, sql, way) for way in WAYS}
    idle = found["nothing"]["peak"]
    bare = found["bare"]["seconds"]
    for way in WAYS[1:]:
        one = found[way]
        if one["rows"] != rows:
            raise SystemExit(f"{engine}: {way} gave {one['rows']:.0f} rows instead of {rows}")
        rate = one["rows"] / one["seconds"] / 1000
        print(
            f"{engine:10} {way:8} {rate:8.0f} k rows/s {one['seconds'] / bare:6.2f} x bare "
            f"{one['peak'] - idle:7.0f} MiB over idle",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the drivers.")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("engines", nargs="*", default=list(ROWS))
    arguments = parser.parse_args()
    from tests.engines.server import ask, keeper, start

    control = ""
    for engine in arguments.engines:
        settings: dict[str, Any] = {}
        if engine != "duckdb":
            control = control or keeper(Path(tempfile.mkdtemp(prefix="cuboid-engines-")), os.getpid())
            server = start(control, engine, engine)
            settings = {
                name: getattr(server, name) for name in ("host", "port", "user", "password", "database")
            }
        report(engine, settings, arguments.rows)
    if control:
        ask(control, "end")


if __name__ == "__main__":
    if sys.argv[1:] == ["--child"]:
        print(json.dumps(measure(*json.load(sys.stdin))))
    else:
        main()
