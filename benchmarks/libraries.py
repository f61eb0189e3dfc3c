"""Would another client library be faster? The same rows as Python values, read by each that is installed.

Beside the driver (``execute``, through its queue's contract) other libraries, or other ways of the same one, read all
rows and make what a driver has to deliver: integers, texts and exact decimals. Each figure is the median of three
processes; the rows are those of ``benchmarks/drivers.py``. Libraries that are not installed are named and left out:

    pip install asyncpg adbc-driver-postgresql mysqlclient pyarrow
    python benchmarks/libraries.py [--rows 300000] [engine ...]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]

from drivers import ROWS, through_driver  # noqa: E402 - after the path

Rows = Sequence[tuple[Any, ...]]
TIMES = 3
NAMES = ("host", "port", "user", "password", "database")


def in_columns(table: Any) -> Rows:
    """An Arrow table as rows."""
    return list(zip(*(column.to_pylist() for column in table.columns), strict=True))


def postgres_asyncpg(settings: Mapping[str, Any], sql: str) -> Rows:
    import asyncpg

    async def read() -> Rows:
        connection = await asyncpg.connect(**settings)
        rows = [tuple(row) for row in await connection.fetch(sql)]
        await connection.close()
        return rows

    return asyncio.run(read())


def postgres_adbc(settings: Mapping[str, Any], sql: str) -> Rows:
    from adbc_driver_postgresql import dbapi

    address = "postgresql://{user}:{password}@{host}:{port}/{database}".format(**settings)
    with dbapi.connect(address) as connection, connection.cursor() as cursor:
        cursor.execute(sql)
        rows = in_columns(cursor.fetch_arrow_table())
    return [(id, name, Decimal(amount)) for id, name, amount in rows]  # numeric arrives as text


def mysql_asyncmy(settings: Mapping[str, Any], sql: str) -> Rows:
    import asyncmy

    async def read() -> Rows:
        names = {"db" if name == "database" else name: value for name, value in settings.items()}
        async with asyncmy.connect(**names) as connection, connection.cursor() as cursor:
            await cursor.execute(sql)
            return await cursor.fetchall()  # type: ignore[no-any-return]

    return asyncio.run(read())


def mysql_mysqlclient(settings: Mapping[str, Any], sql: str) -> Rows:
    import MySQLdb

    connection = MySQLdb.connect(**settings)
    cursor = connection.cursor()
    cursor.execute(sql)
    return cursor.fetchall()  # type: ignore[no-any-return]


def clickhouse_arrow(settings: Mapping[str, Any], sql: str) -> Rows:
    import clickhouse_connect
    import pyarrow  # noqa: F401 - query_arrow needs it

    names = {name: value for name, value in settings.items() if name != "user"}
    return in_columns(clickhouse_connect.get_client(username=settings["user"], **names).query_arrow(sql))


def clickhouse_rows(settings: Mapping[str, Any], sql: str) -> Rows:
    import clickhouse_connect

    names = {name: value for name, value in settings.items() if name != "user"}
    return clickhouse_connect.get_client(username=settings["user"], **names).query(sql).result_rows


def duckdb_fetchall(settings: Mapping[str, Any], sql: str) -> Rows:
    import duckdb

    return duckdb.connect().execute(sql).fetchall()


def duckdb_arrow(settings: Mapping[str, Any], sql: str) -> Rows:
    import duckdb
    import pyarrow  # noqa: F401 - the table is its

    return in_columns(duckdb.connect().sql(sql).to_arrow_table())


def duckdb_numpy(settings: Mapping[str, Any], sql: str) -> Rows:
    import duckdb
    import numpy  # noqa: F401 - the columns are its

    columns = duckdb.connect().execute(sql).fetchnumpy()
    return list(zip(*(column.tolist() for column in columns.values()), strict=True))


MYSQL = {"driver: asyncmy": None, "asyncmy": mysql_asyncmy, "mysqlclient": mysql_mysqlclient}
OTHERS: Mapping[str, Mapping[str, Callable[[Mapping[str, Any], str], Rows] | None]] = {
    "duckdb": {"fetchall": duckdb_fetchall, "Arrow": duckdb_arrow, "fetchnumpy": duckdb_numpy},
    "postgres": {"asyncpg": postgres_asyncpg, "ADBC": postgres_adbc},
    "mysql": MYSQL,
    "mariadb": MYSQL,
    "clickhouse": {"result_rows": clickhouse_rows, "query_arrow": clickhouse_arrow},
}


def measure(engine: str, way: str, settings: Mapping[str, Any], sql: str) -> dict[str, Any]:
    """Seconds, by the clock and of this process's own work, or why there are none; importing and connecting are counted
    for all but the drivers."""
    said = ""
    try:
        if way.startswith("driver"):
            driver = way.partition(": ")[2]
            _, seconds, cpu = asyncio.run(through_driver(engine, settings, sql, "execute", driver))
        else:
            read = OTHERS[engine][way]
            assert read is not None, "a driver"
            start, worked = time.perf_counter(), time.process_time()
            rows = read(settings, sql)
            seconds, cpu = time.perf_counter() - start, time.process_time() - worked
            kinds = [type(cell) for cell in rows[0]]
            said = (
                "" if kinds == [int, str, Decimal] else "not exact: " + ", ".join(k.__name__ for k in kinds)
            )
    except ImportError as error:
        return {"seconds": None, "said": f"not installed ({error.name or error})"}
    return {"seconds": seconds, "cpu": cpu, "said": said}


def in_a_process(*asked: Any) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, __file__, "--child"],
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def report(engine: str, settings: Mapping[str, Any], rows: int) -> None:
    sql = ROWS[engine].format(rows=rows)
    usual: dict[str, float] = {}
    for way in ("driver", *OTHERS[engine]):
        found = [in_a_process(engine, way, dict(settings), sql) for _ in range(TIMES)]
        if found[0]["seconds"] is None:
            print(f"{engine:10} {way:15} {found[0]['said']}", flush=True)
            continue
        took = {name: statistics.median(each[name] for each in found) for name in ("seconds", "cpu")}
        usual = usual or took
        clock, cpu = (f"{rows / took[name] / 1000:6.0f}" for name in took)
        ratios = " and ".join(f"{usual[name] / took[name]:.1f}" for name in took)
        rates = f"{clock} k rows a second, {cpu} a CPU second: {ratios} x driver"
        print(f"{engine:10} {way:15} {rates}  {found[0]['said']}".rstrip(), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description="Compare client libraries.")
    parser.add_argument("--rows", type=int, default=300_000)
    parser.add_argument("engines", nargs="*", default=list(ROWS))
    arguments = parser.parse_args()
    from tests.engines.server import ask, keeper, start

    control = ""
    for engine in arguments.engines:
        settings: dict[str, Any] = {}
        if engine != "duckdb":
            control = control or keeper(Path(tempfile.mkdtemp(prefix="cuboid-engines-")), os.getpid())
            server = start(control, engine, engine)
            settings = {name: getattr(server, name) for name in NAMES}
        report(engine, settings, arguments.rows)
    if control:
        ask(control, "end")


if __name__ == "__main__":
    if sys.argv[1:] == ["--child"]:
        print(json.dumps(measure(*json.load(sys.stdin))))
    else:
        main()
