"""Files, locks, hardening, interruption and streams, on real databases."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import textwrap
import threading
import time

import duckdb
import pytest
from pydantic import ValidationError

from cuboid.errors import ConnectionFailed, QueryCancelled, QueryFailed, QueryTimeout
from cuboid.run.data_source import DataSource, statement_key
from cuboid.run.queue import QueueSettings
from cuboid.types import ColumnInfo, ForeignKeyInfo, Pending, Result, Statement, TableInfo
from cuboid_duckdb.dialect import DuckDBDialect
from cuboid_duckdb.driver import DuckDBConfig, DuckDBDriver

ENDLESS = "SELECT count(*) FROM range(1000000000000) t(i) WHERE i % 7 = 3"


def on(path, **settings):
    return DuckDBDriver(DuckDBConfig(database=str(path), **settings))


def source_of(driver, timeout=600.0, **settings):
    queue = driver.queue(driver, QueueSettings(**settings))
    return DataSource("shop", driver, DuckDBDialect(), queue, timeout=timeout)


async def failure(driver):
    with pytest.raises(ConnectionFailed) as caught:
        await driver.open()
    await driver.close()
    return caught.value


# ---------------------------------------------------------------- settings


def test_a_relative_path_starts_at_the_project(tmp_path):
    def database(value):
        return DuckDBConfig.model_validate({"database": value}, context={"project": tmp_path}).database

    assert database("data/shop.duckdb") == str(tmp_path / "data/shop.duckdb")
    assert database("/srv/shop.duckdb") == "/srv/shop.duckdb"
    assert database(":memory:") == ":memory:"
    assert DuckDBConfig(database="shop.duckdb").database == "shop.duckdb"


@pytest.mark.parametrize(
    "settings",
    [
        {"databse": "x"},
        {"database": ""},
        {"threads": 0},
        {"memory_limit": "much"},
        {"read_only": True},
        {"database": "x", "read_only": True, "create": True},
    ],
    ids=str,
)
def test_bad_settings_are_refused(settings):
    with pytest.raises(ValidationError):
        DuckDBConfig.model_validate(settings)


async def test_memory_limit_and_threads_reach_the_engine(job):
    driver = DuckDBDriver(DuckDBConfig(memory_limit="100MiB", threads=1))
    sql = "SELECT current_setting('memory_limit') AS m, current_setting('threads') AS t"
    assert (await driver.execute(job(sql))).rows == [("100.0 MiB", 1)]
    await driver.close()


# ---------------------------------------------------------------- files


async def test_a_file_that_exists_is_read(database, job):
    driver = on(database)
    await driver.open()
    result = await driver.execute(job("SELECT id FROM orders"))
    assert result.rows == [(1,)]
    await driver.close()


async def test_two_drivers_of_one_process_share_a_file(database, job):
    first, second = on(database), on(database)
    for driver in (first, second, first):
        assert (await driver.execute(job("SELECT current_setting('TimeZone')"))).rows == [("UTC",)]
    await first.close()
    await second.close()


async def test_drivers_of_one_process_may_open_a_file_at_the_same_moment(database):
    for _ in range(20):
        drivers = [on(database, read_only=False) for _ in range(4)]
        await asyncio.gather(*(driver.open() for driver in drivers))
        await asyncio.gather(*(driver.close() for driver in drivers))


async def test_a_missing_file_is_an_error_that_names_it_and_is_not_created(tmp_path, caplog):
    path = tmp_path / "nowhere.duckdb"
    error = await failure(on(path))
    assert str(error) == "The database file nowhere.duckdb does not exist."
    assert str(path) in caplog.text
    assert "create: true" in error.hint
    assert not path.exists()
    assert "does not exist" in str(await failure(on(path, read_only=False)))


async def test_a_file_that_is_deleted_is_missing_once_it_is_opened_again(database):
    source = source_of(on(database))
    await source.ping()
    database.unlink()
    assert isinstance(await source.submit(Statement("SELECT id FROM orders"), wait=50), Result)  # still open
    await source.close()
    with pytest.raises(
        ConnectionFailed, match=r"^Data source 'shop': The database file \S+ does not exist\.$"
    ):
        await source_of(on(database)).submit(Statement("SELECT id FROM orders"), wait=50)
    assert not database.exists()


async def test_create_makes_the_file(tmp_path, job):
    driver = on(tmp_path / "new.duckdb", create=True)
    await driver.execute(job("CREATE TABLE t (a INT)"))
    await driver.close()
    assert (tmp_path / "new.duckdb").exists()


@pytest.mark.parametrize("content", [b"", b"not a database\n" * 1000], ids=["empty", "text"])
async def test_a_file_that_is_no_database_is_an_error_and_stays_as_it_is(tmp_path, content):
    path = tmp_path / "notes.txt"
    path.write_bytes(content)
    for settings in ({}, {"read_only": False}):
        assert "not a valid DuckDB database file" in str(await failure(on(path, **settings)))
    assert path.read_bytes() == content


async def test_a_folder_is_an_error(tmp_path):
    assert "Is a directory" in str(await failure(on(tmp_path)))


async def test_the_next_request_after_the_file_is_repaired_succeeds(tmp_path, database):
    path = tmp_path / "late.duckdb"
    source = source_of(on(path))
    with pytest.raises(ConnectionFailed, match="Data source 'shop': The database file"):
        await source.submit(Statement("SELECT id FROM orders"), wait=50)
    database.rename(path)
    result = await source.submit(Statement("SELECT id FROM orders"), wait=50)
    assert result.rows == [(1,)]
    await source.close()


async def test_close_releases_the_file(database, job):
    driver = on(database, read_only=False)
    await asyncio.gather(*(driver.execute(job("SELECT 1")) for _ in range(3)))
    await driver.close()
    script = f"import duckdb; duckdb.connect({str(database)!r}).execute('CREATE TABLE mine (a INT)')"
    done = await asyncio.to_thread(subprocess.run, [sys.executable, "-c", script], capture_output=True)
    assert done.returncode == 0, done.stderr


# ---------------------------------------------------------------- other processes


async def test_a_file_of_something_else_is_named_without_its_folder(tmp_path, caplog):
    path = tmp_path / "notes.duckdb"
    path.write_text("this is no database " * 1000)
    (tmp_path / "link.duckdb").symlink_to(path)
    for opened in (path, tmp_path / "link.duckdb"):
        error = await failure(on(opened))
        assert ".duckdb" in str(error)
        assert str(tmp_path) not in str(error)
    assert str(tmp_path) in caplog.text


@pytest.fixture
def holding(database):
    """Another process that holds the file until its input is closed."""
    processes = []

    def hold(*, read_only):
        script = textwrap.dedent(f"""
            import duckdb, sys
            connection = duckdb.connect({str(database)!r}, read_only={read_only})
            print("held", flush=True)
            sys.stdin.read()
        """)
        process = subprocess.Popen(
            [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        processes.append(process)
        assert process.stdout.readline() == "held\n"
        return process

    yield hold
    for process in processes:
        process.communicate()


async def test_a_file_that_another_process_writes_is_a_clear_error_until_it_is_let_go(
    database, holding, caplog
):
    writer = holding(read_only=False)
    source = source_of(on(database))
    with pytest.raises(ConnectionFailed, match=r"Data source 'shop': .*lock") as caught:
        await source.submit(Statement("SELECT id FROM orders"), wait=50)
    assert "read_only" in caught.value.hint
    assert database.name in caught.value.message
    assert "/" not in caught.value.message.partition(" See also ")[0], "a path on the server"
    assert str(database) in caplog.text
    writer.communicate()
    assert isinstance(await source.submit(Statement("SELECT id FROM orders"), wait=50), Result)
    await source.close()


async def test_processes_that_only_read_share_a_file(database, holding, job):
    holding(read_only=True)
    driver = on(database)
    assert (await driver.execute(job("SELECT id FROM orders"))).rows == [(1,)]
    await driver.close()


# ---------------------------------------------------------------- hardening


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM read_blob('/etc/passwd')",
        "ATTACH '/tmp/other.duckdb'",
        "COPY (SELECT 1) TO '/tmp/stolen.csv'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET timezone = 'Europe/Berlin'",
        "SET enable_external_access = true",
        "SELECT * FROM job",
    ],
)
async def test_sql_cannot_leave_the_database(driver, job, sql):
    with pytest.raises(QueryFailed):
        await driver.execute(job(sql))
    await driver.close()


async def test_sql_may_read_files_where_the_setting_allows_it(tmp_path, job):
    (tmp_path / "a.csv").write_text("x\n1\n2\n")
    driver = DuckDBDriver(DuckDBConfig(external_access=True))
    result = await driver.execute(job(f"SELECT sum(x) AS s FROM read_csv('{tmp_path}/a.csv')"))
    assert result.rows == [(3,)]
    await driver.close()


async def test_a_file_is_opened_for_reading_only(database, job):
    driver = on(database)
    with pytest.raises(QueryFailed, match="read-only"):
        await driver.execute(job("DELETE FROM orders"))
    await driver.close()


# ---------------------------------------------------------------- failing statements


async def test_a_missing_table_fails_with_the_words_of_the_database(driver, job):
    with pytest.raises(QueryFailed, match="Table with name nothing_here does not exist"):
        await driver.execute(job("SELECT * FROM nothing_here"))
    assert (await driver.execute(job("SELECT 1 AS a"))).rows == [(1,)]
    await driver.close()


async def test_an_error_in_the_middle_of_the_rows_fails_the_query(driver, job):
    with pytest.raises(QueryFailed, match="Could not convert"):
        await driver.execute(
            job("SELECT CASE WHEN i = 50000 THEN 'x' ELSE '1' END::INT AS a FROM range(60000) t(i)")
        )
    await driver.close()


async def test_out_of_memory_fails_one_statement(job):
    driver = DuckDBDriver(DuckDBConfig(memory_limit="30MB", threads=1))
    hungry = "SELECT list(i) AS l FROM range(20000000) t(i)"
    with pytest.raises(QueryFailed, match="Out of Memory"):
        await driver.execute(job(hungry))
    assert (await driver.execute(job("SELECT 1 AS a"))).rows == [(1,)]
    await driver.close()


async def test_a_full_disk_fails_one_statement(tmp_path, job):
    """A limit on the size of files stands for the disk: it takes a process of its own."""
    script = textwrap.dedent("""
        import asyncio, resource, signal, sys
        from cuboid.errors import DriverError
        from cuboid.run.data_source import DataSource
        from cuboid.run.queue import QueueSettings
        from cuboid.types import Statement
        from cuboid_duckdb.driver import DuckDBConfig, DuckDBDriver

        async def main():
            driver = DuckDBDriver(DuckDBConfig(database=sys.argv[1], create=True))
            source = DataSource("shop", driver, None, driver.queue(driver, QueueSettings()))

            async def ask(sql):
                return (await source.submit(Statement(sql), wait=90)).rows

            await ask("CREATE TABLE small AS SELECT 7 AS a")
            await ask("CHECKPOINT")
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, resource.RLIM_INFINITY))
            big = "CREATE TABLE big AS SELECT i, md5(i::VARCHAR) AS h FROM range(2000000) t(i)"
            try:
                await ask(big)
            except DriverError as error:
                print(error.message.splitlines()[0])
            resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
            for _ in range(2):
                try:
                    print(await ask("SELECT a FROM small"))
                    break
                except DriverError as error:
                    print("again:", type(error).__name__)
            await source.close()

        asyncio.run(main())
    """)
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", script, str(tmp_path / "full.duckdb")],
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr
    first, *_, last = done.stdout.splitlines()
    assert first.startswith("Data source 'shop': ")
    assert "could not write" in first.lower() or "file too large" in first.lower(), first
    assert last == "[(7,)]"


# ---------------------------------------------------------------- interrupting


async def until(condition):
    """Waits for what the engine's threads do, which tell nobody."""
    async with asyncio.timeout(50):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def until_computing():
    """Once this process has computed for a while: a statement runs in it."""
    before = time.process_time()
    await until(lambda: time.process_time() > before + 0.05)


async def until_idle():
    """Once this process computes next to nothing."""
    async with asyncio.timeout(50):
        spent = 1.0
        while spent > 0.03:
            before = time.process_time()
            await asyncio.sleep(0.3)
            spent = time.process_time() - before


async def test_interrupt_really_stops_the_statement(driver, job):
    endless = job(ENDLESS)
    running = asyncio.ensure_future(driver.execute(endless))
    await until_computing()
    await driver.interrupt(endless)
    with pytest.raises(QueryFailed, match="interrupted"):
        await running
    await until_idle()
    await driver.close()


async def test_interrupt_stops_that_statement_only(driver, job):
    first, second = job(ENDLESS), job(ENDLESS)
    running = [asyncio.ensure_future(driver.execute(each)) for each in (first, second)]
    await asyncio.sleep(0.1)
    await driver.interrupt(first)
    with pytest.raises(QueryFailed):
        await running[0]
    assert not running[1].done()
    await driver.interrupt(second)
    with pytest.raises(QueryFailed):
        await running[1]
    await driver.close()


async def test_interrupt_before_the_statement_has_begun_is_not_lost(driver, job):
    for _ in range(20):
        endless = job(ENDLESS)
        running = asyncio.ensure_future(driver.execute(endless))
        await asyncio.sleep(0)
        await driver.interrupt(endless)
        with pytest.raises(QueryFailed):
            await running
    await driver.close()


async def test_the_loop_runs_while_a_statement_does(driver, job):
    endless = job(ENDLESS)
    running = asyncio.ensure_future(driver.execute(endless))
    for _ in range(10):
        await asyncio.sleep(0.01)
    assert not running.done()
    await driver.interrupt(endless)
    await asyncio.gather(running, return_exceptions=True)
    await driver.close()


def test_a_process_that_exits_in_the_middle_of_a_statement_exits_in_order():
    script = textwrap.dedent(f"""
        import asyncio
        from cuboid.types import Job, Statement
        from cuboid_duckdb.driver import DuckDBConfig, DuckDBDriver

        async def main():
            driver = DuckDBDriver(DuckDBConfig())
            await driver.open()
            asyncio.ensure_future(driver.execute(Job("1", "k", Statement({ENDLESS!r}))))
            await asyncio.sleep(0.3)

        loop = asyncio.new_event_loop()
        loop.run_until_complete(main())
    """)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr


# ---------------------------------------------------------------- the queue, live


async def test_ten_callers_one_run_and_waiting(driver):
    source = source_of(driver)
    await source.ping()
    slow = Statement("SELECT count(*) AS n FROM range(200000000) t(i) WHERE i % 7 = 3")
    callers = [source.submit(slow, wait=0.01) for _ in range(10)]
    outcomes = await asyncio.gather(*callers)
    assert all(isinstance(outcome, Pending) for outcome in outcomes)
    assert source.queue.snapshot().running == 1
    expected = len(range(3, 200_000_000, 7))
    results = await asyncio.gather(*(source.submit(slow, wait=60) for _ in range(10)))
    assert [result.rows for result in results] == [[(expected,)]] * 10
    assert all(result is results[0] for result in results)
    await source.close()


@pytest.mark.parametrize("how", ["timeout", "cancel", "orphan", "leave", "close"])
async def test_every_way_to_stop_a_run_stops_it_in_the_database(driver, how):
    source = source_of(driver, timeout=0.3 if how == "timeout" else 600.0, orphaned_after=0.2)
    await source.ping()
    caller = asyncio.ensure_future(source.submit(Statement(ENDLESS), wait=0.1 if how == "orphan" else 60))
    if how in ("cancel", "leave", "close"):
        await until(lambda: source.queue.snapshot().running == 1)
        await until_computing()
    if how == "timeout":
        with pytest.raises(QueryTimeout):
            await caller
    elif how == "cancel":
        assert await source.queue.cancel(statement_key(Statement(ENDLESS)))
        with pytest.raises(QueryCancelled):
            await caller
    elif how == "orphan":
        assert isinstance(await caller, Pending)
    elif how == "leave":
        caller.cancel()
        await asyncio.wait({caller})
    else:
        await source.close()
        with pytest.raises(QueryCancelled):
            await caller
    await until(lambda: source.queue.snapshot().running == 0)  # the engine's thread ends on its own
    await until_idle()
    assert source.queue.snapshot().abandoned == 0
    await source.close()


async def test_cancel_and_ask_again_runs_again(driver):
    source = source_of(driver)
    await source.ping()
    statement = Statement(ENDLESS)
    for _ in range(5):
        first = asyncio.ensure_future(source.submit(statement, wait=60))
        await asyncio.sleep(0.05)
        assert await source.queue.cancel(statement_key(statement))
        assert isinstance(await source.submit(statement, wait=0), Pending)
        with pytest.raises(QueryCancelled):
            await first
        assert await source.queue.cancel(statement_key(statement))
    await source.close()


async def test_close_leaves_no_threads(driver):
    before = set(threading.enumerate())
    source = source_of(driver)
    await asyncio.gather(*(source.submit(Statement("SELECT ? AS a", (n,)), wait=50) for n in range(20)))
    await source.close()
    for thread in set(threading.enumerate()) - before:
        thread.join(50)
    assert set(threading.enumerate()) <= before


# ---------------------------------------------------------------- streams


async def test_a_stream_whose_consumer_stops_frees_its_thread(driver, job):
    stream = driver.stream(job("SELECT i FROM range(1000000000000) t(i)"), batch_rows=100)
    async for batch in stream:
        assert batch[:2] == [(0,), (1,)]
        break
    await stream.aclose()
    await until_idle()
    await driver.close()


# ---------------------------------------------------------------- introspection


async def test_tables_views_columns_and_keys(tmp_path):
    path = tmp_path / "keys.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("""
            CREATE TABLE orders (region VARCHAR, number INT, PRIMARY KEY (region, number));
            CREATE TABLE lines (
                id BIGINT PRIMARY KEY, region VARCHAR, number INT, price DECIMAL(10, 2), paid BOOLEAN,
                "at" TIMESTAMPTZ, day DATE, tags VARCHAR[], prices DECIMAL(4, 2)[], raw JSON, code UUID,
                FOREIGN KEY (region, number) REFERENCES orders (region, number)
            );
            CREATE VIEW totals AS SELECT sum(price) AS total FROM lines;
            CREATE SCHEMA "odd one"; CREATE TABLE "odd one"."a table" ("the column" DOUBLE);
        """)
    driver = on(path)
    orders = TableInfo(
        "main",
        "orders",
        (ColumnInfo("region", "string", "VARCHAR", True), ColumnInfo("number", "number", "INTEGER", True)),
    )
    lines = TableInfo(
        "main",
        "lines",
        (
            ColumnInfo("id", "number", "BIGINT", True),
            ColumnInfo("region", "string", "VARCHAR"),
            ColumnInfo("number", "number", "INTEGER"),
            ColumnInfo("price", "number", "DECIMAL(10,2)"),
            ColumnInfo("paid", "boolean", "BOOLEAN"),
            ColumnInfo("at", "time", "TIMESTAMP WITH TIME ZONE"),
            ColumnInfo("day", "time", "DATE"),
            ColumnInfo("tags", "string", "VARCHAR[]"),
            ColumnInfo("prices", "string", "DECIMAL(4,2)[]"),
            ColumnInfo("raw", "string", "JSON"),
            ColumnInfo("code", "string", "UUID"),
        ),
        (ForeignKeyInfo(("region", "number"), "orders", ("region", "number")),),
    )
    totals = TableInfo("main", "totals", (ColumnInfo("total", "number", "DECIMAL(38,2)"),))
    odd = TableInfo("odd one", "a table", (ColumnInfo("the column", "number", "DOUBLE"),))
    assert await driver.introspect() == (lines, orders, totals, odd)
    await driver.close()
