"""Rollups are built when they are needed, kept fresh, shared and cleaned up; truth is what the source gives."""

from __future__ import annotations

import asyncio
import json
import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from tests.run.rollups.shelves import COLUMNS, FEBRUARY, ORDERED, monthly, shelf, whole, with_orders

from cuboid.catalog.pieces import Place
from cuboid.catalog.rollups import RefreshKey
from cuboid.errors import NotStored, QueryFailed
from cuboid.run.rollups import RollupSettings
from cuboid.run.stored import RollupUse, StoredRollup
from cuboid.types import Pending, Statement

PLACE = Place("model.yml", 1, 1)
ENDLESS = "SELECT 'x', TIMESTAMP '2024-01-01', count(*) FROM range(1000000000000) t(i) WHERE i % 7 = 3"


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts are looked at with each question."""
    monkeypatch.setattr("cuboid.run.rollups.table.CHECK_SECONDS", 0.0)


async def until(condition: Any) -> None:
    async with asyncio.timeout(50):
        while not await condition():  # noqa: ASYNC110 - other processes do it too
            await asyncio.sleep(0.02)


# ---------------------------------------------------------------- building


async def test_what_is_missing_is_built_and_holds_what_the_source_gives(tmp_path):
    async with shelf(tmp_path) as opened:
        await with_orders(opened)
        before = datetime.now(UTC)
        refreshed = await opened.ready(whole())
        assert before <= refreshed["orders_whole"].at <= datetime.now(UTC)
        rows = await opened.rows(whole())
        assert rows == await opened.truth()
        assert len(rows) == 5
        assert opened.rollups.counts.built == 1


async def test_of_parts_only_those_are_built_that_a_query_reads(tmp_path):
    async with shelf(tmp_path) as opened:
        await with_orders(opened)
        await opened.ready(monthly(), FEBRUARY)
        assert await opened.labels(monthly()) == {"20240201": 2}
        await opened.ready(monthly())
        assert await opened.labels(monthly()) == {
            "20240101": 1,
            "20240201": 2,
            "20240301": 0,
            "20240401": 1,
            "rest": 1,
        }
        assert await opened.rows(monthly()) == await opened.truth()
        assert opened.rollups.counts.built == 5


@pytest.mark.parametrize("stored", [whole(), monthly()], ids=["whole", "monthly"])
async def test_a_source_without_rows_makes_a_table_without_rows(tmp_path, stored):
    async with shelf(tmp_path) as opened:
        await opened.do("CREATE TABLE orders (city VARCHAR, placed TIMESTAMP, amount DECIMAL(12, 2))")
        await opened.ready(stored)
        assert await opened.rows(stored) == []
        await opened.ready(stored)
        assert opened.rollups.counts.built == 1


async def test_bounds_without_any_part_read_a_table_that_is_there(tmp_path):
    async with shelf(tmp_path) as opened:
        await with_orders(opened)
        await opened.ready(monthly(), (datetime(2030, 1, 1), datetime(2031, 1, 1)))
        assert [placed for _, placed, _ in await opened.rows(monthly())] == [None]
        await opened.ready(monthly())
        assert await opened.rows(monthly()) == await opened.truth()


async def test_one_build_serves_all_who_wait(tmp_path):
    async with shelf(tmp_path) as opened:
        await with_orders(opened)
        await asyncio.gather(*(opened.ready(monthly()) for _ in range(20)))
        assert opened.rollups.counts.built == 5


async def test_two_processes_build_a_part_once(tmp_path):
    async with shelf(tmp_path) as one, shelf(tmp_path) as other:
        await with_orders(one)
        await asyncio.gather(*(each.ready(monthly()) for each in (one, other, one, other)))
        assert one.rollups.counts.built + other.rollups.counts.built == 5
        assert await one.rows(monthly()) == await other.rows(monthly()) == await one.truth()


async def test_whoever_waits_is_told_how_far_the_build_is(tmp_path):
    def slow(bounds: Any) -> Statement:
        return Statement(ENDLESS if bounds == FEBRUARY else "SELECT 'x', TIMESTAMP '2024-01-01', 1")

    async with shelf(tmp_path) as opened:
        await with_orders(opened)
        stored = monthly()
        stored = StoredRollup(
            stored.name, "UTC", "t", stored.columns, "default", slow, "placed", "month", range=stored.range
        )

        async def others_are_there() -> bool:
            outcome = await opened.rollups.ready([RollupUse(stored)], wait=0.05)
            assert isinstance(outcome, Pending)
            if outcome.stage == "Asking for the range of pre-aggregation orders.monthly":
                return False
            assert outcome.stage.startswith("Building pre-aggregation orders.monthly ")
            assert outcome.elapsed > 0
            assert outcome.position is None
            return outcome.stage.endswith(" 3/4")

        await until(others_are_there)
        assert list(opened.rollups.progress(stored)) == ["20240201"]
        # Those that are there are served meanwhile.
        await opened.ready(stored, (datetime(2024, 1, 1), datetime(2024, 2, 1)))


async def test_a_build_does_not_keep_requests_from_the_source(tmp_path):
    """Four statements at once: two builds leave room, and a request goes before a third."""

    def endless(bounds: Any) -> Statement:
        return Statement(ENDLESS)

    async with shelf(tmp_path) as opened:
        await with_orders(opened)
        for number in range(6):
            stored = StoredRollup("orders.slow", "UTC", f"t{number}", whole().columns, "default", endless)
            assert isinstance(await opened.rollups.ready([RollupUse(stored)], wait=0.05), Pending)
        result = await opened.source.submit(Statement("SELECT count(*) FROM orders"), wait=50)
        assert result.rows == [(6,)]
        assert opened.rollups.counts.running == 2


async def test_a_build_that_fails_names_the_rollup_and_is_left_alone_for_a_while(tmp_path, monkeypatch):
    async with shelf(tmp_path) as opened:
        for _ in range(3):
            with pytest.raises(
                QueryFailed, match=r"pre-aggregation orders\.whole could not be built: .*orders"
            ):
                await opened.ready(whole())
        assert opened.rollups.counts.failed == 1
        await with_orders(opened)
        with pytest.raises(QueryFailed, match=r"orders\.whole could not be built") as caught:
            await opened.ready(whole())
        assert "again after 30 s" in caught.value.hint
    monkeypatch.setattr("cuboid.run.rollups.builds.FIRST_PAUSE", 0.0)
    async with shelf(tmp_path) as opened:
        await opened.do("ALTER TABLE orders RENAME TO elsewhere")
        with pytest.raises(QueryFailed, match=r"orders\.whole"):
            await opened.ready(whole())
        await opened.do("ALTER TABLE elsewhere RENAME TO orders")
        await opened.ready(whole())
        assert await opened.rows(whole()) == await opened.truth()


async def test_a_process_that_builds_nothing_serves_what_others_have_built(tmp_path):
    async with shelf(tmp_path) as worker, shelf(tmp_path, settings=RollupSettings(builds=False)) as server:
        await with_orders(worker)
        with pytest.raises(
            QueryFailed, match=r"No parts of the pre-aggregation orders\.whole were built yet"
        ):
            await server.ready(whole())
        await worker.rollups.refresh(whole())
        await server.ready(whole())
        assert await server.rows(whole()) == await worker.truth()


# ---------------------------------------------------------------- freshness


async def test_what_is_out_of_date_is_served_and_refreshed_behind(tmp_path, at_once):
    async with shelf(tmp_path) as opened:
        await with_orders(opened)
        await opened.ready(monthly())
        old = await opened.rows(monthly())
        await opened.do("INSERT INTO orders VALUES ('Rome', '2024-02-10', 5)")
        opened.versions.now["20240201"] = "2"
        await opened.ready(monthly())

        async def is_new() -> bool:
            await opened.ready(monthly())
            rows = await opened.rows(monthly())
            assert rows in (old, await opened.truth())
            return rows != old

        await until(is_new)
        assert opened.rollups.counts.built == 6


async def test_whoever_wants_the_newest_rows_waits_for_them(tmp_path):
    async with shelf(tmp_path) as opened:
        await with_orders(opened)
        await opened.ready(whole())
        await opened.do("INSERT INTO orders VALUES ('Rome', '2024-02-10', 5)")
        await opened.ready(whole(), renew=True)  # its version says that it is up to date
        assert len(await opened.rows(whole())) == 5
        opened.versions.now[""] = "2"
        await opened.ready(whole(), renew=True)
        assert await opened.rows(whole()) == await opened.truth()
        assert opened.rollups.counts.built == 2


async def test_a_refresh_that_fails_leaves_the_old_rows_to_those_who_take_them(tmp_path, at_once):
    async with shelf(tmp_path) as opened:
        await with_orders(opened)
        await opened.ready(whole())
        old = await opened.rows(whole())
        await opened.do("ALTER TABLE orders RENAME TO elsewhere")
        opened.versions.now[""] = "2"
        with pytest.raises(QueryFailed, match=r"orders\.whole could not be built"):
            await opened.ready(whole(), renew=True)
        await opened.ready(whole())
        assert await opened.rows(whole()) == old


async def test_new_times_in_the_source_become_new_parts(tmp_path, monkeypatch):
    monkeypatch.setattr("cuboid.run.rollups.ranges.RANGE_SECONDS", 0.0)
    async with shelf(tmp_path) as opened:
        await with_orders(opened)
        await opened.ready(monthly())
        await opened.do("INSERT INTO orders VALUES ('Rome', '2024-06-10', 5), ('Rome', '2023-12-31', 5)")

        async def has_june() -> bool:
            await opened.ready(monthly())
            return "20240601" in await opened.labels(monthly())

        await until(has_june)
        assert await opened.rows(monthly()) == await opened.truth()


async def test_a_refresh_builds_what_is_due_and_removes_parts_whose_times_are_gone(tmp_path, monkeypatch):
    async with shelf(tmp_path) as opened:
        await with_orders(opened)
        assert len(await opened.rollups.refresh(monthly())) == 5
        await opened.do("DELETE FROM orders WHERE placed >= '2024-03-01' OR placed IS NULL")
        opened.versions.now["20240101"] = "2"
        monkeypatch.setattr("cuboid.run.rollups.table.CHECK_SECONDS", -1.0)
        await opened.rollups.refresh(monthly())
        assert await opened.labels(monthly()) == {"20240101": 1, "20240201": 2, "rest": 1}
        await opened.rollups.refresh(monthly(), since=datetime.now(UTC))
        assert opened.rollups.counts.built == 5 + 1 + 3
        assert await opened.labels(monthly()) == {"20240101": 1, "20240201": 2, "rest": 0}


async def test_parts_whose_times_are_gone_are_not_read_once_the_source_has_said_so(tmp_path, monkeypatch):
    monkeypatch.setattr("cuboid.run.rollups.table.CHECK_SECONDS", -1.0)
    async with shelf(tmp_path) as opened:
        await with_orders(opened)
        await opened.ready(monthly())
        await opened.do("DELETE FROM orders WHERE placed < '2024-02-01' OR placed >= '2024-03-01'")
        await opened.ready(monthly(), renew=True)
        assert await opened.rows(monthly()) == await opened.truth()
        await opened.do("DELETE FROM orders WHERE placed IS NOT NULL")
        await opened.ready(monthly(), FEBRUARY, renew=True)
        assert await opened.rows(monthly()) == await opened.truth()
    async with shelf(tmp_path) as later:  # a range that is supposed
        await later.do("INSERT INTO orders VALUES ('Rome', '2024-02-10', 5)")
        await later.ready(monthly(), renew=True)
        assert await later.rows(monthly()) == await later.truth()


async def test_a_refresh_key_that_the_model_says_anew_is_followed(tmp_path):
    async with shelf(tmp_path) as opened:
        await with_orders(opened)
        opened.rollups._version = opened.rollups._versions
        await opened.ready(monthly(refresh_key=RefreshKey(PLACE, immutable=True)))
        await opened.do("INSERT INTO orders VALUES ('Rome', '2024-02-10', 5)")
        await opened.ready(monthly(refresh_key=RefreshKey(PLACE, immutable=True)), renew=True)
        assert opened.rollups.counts.built == 5
        await opened.ready(monthly(refresh_key=RefreshKey(PLACE, every="1 second")), renew=True)
        assert await opened.rows(monthly()) == await opened.truth()


async def test_the_version_of_a_part_is_the_one_from_before_its_rows_were_read(tmp_path):
    """What changes in the source while it is read is seen by the next refresh."""
    async with shelf(tmp_path) as opened:
        await with_orders(opened)

        async def version(stored: StoredRollup, part: Any) -> str:
            (row,) = await opened.do("SELECT count(*) FROM orders")
            await opened.do("INSERT INTO orders VALUES ('late', '2024-01-01', 1)")
            return str(row[0])

        opened.rollups._version = version
        await opened.ready(whole())
        table = await opened.rollups.table(whole())
        assert table.parts["all"].version == "6"
        assert ("late", datetime(2024, 1, 1), 1) in await opened.rows(whole())


async def test_keys_in_sql_are_asked_of_the_source_and_their_answers_are_versions(tmp_path, monkeypatch):
    monkeypatch.setattr("cuboid.run.rollups.versions.ASKED_EVERY", 0.0)
    async with shelf(tmp_path) as opened:
        await with_orders(opened)
        opened.rollups._version = opened.rollups._versions
        stored = whole(keys=(Statement("SELECT max(amount) FROM orders"), Statement("SELECT 1")))
        await opened.ready(stored, renew=True)
        await opened.do("INSERT INTO orders VALUES ('Rome', '2024-02-10', 5)")
        await opened.ready(stored, renew=True)
        assert opened.rollups.counts.built == 1
        await opened.do("INSERT INTO orders VALUES ('Rome', '2024-02-10', 5000)")
        await opened.ready(stored, renew=True)
        assert opened.rollups.counts.built == 2
        assert await opened.rows(stored) == await opened.truth()


async def test_what_somebody_says_has_changed_is_out_of_date_whatever_its_version(tmp_path, at_once):
    async with shelf(tmp_path) as opened:
        await with_orders(opened)
        stored, other = whole(cubes=("orders", "users")), whole("other", cubes=("products",))
        for each in (stored, other):
            await opened.ready(each)
        opened.rollups.invalidate({"orders": datetime.now(UTC)})
        await opened.ready(stored, renew=True)
        await opened.ready(stored, renew=True)
        await opened.ready(other, renew=True)
        assert opened.rollups.counts.built == 3


async def test_other_rows_are_told_after_each_change_of_what_is_read_and_of_nothing_else(
    tmp_path, monkeypatch
):
    """Whoever keeps answers keeps them while the rows are the same."""
    monkeypatch.setattr("cuboid.run.rollups.table.CHECK_SECONDS", -1.0)
    async with shelf(tmp_path) as opened:
        await with_orders(opened)
        found = [(await opened.ready(monthly()))["orders_monthly"]]
        february = await opened.ready(monthly(), FEBRUARY)
        assert await opened.ready(monthly()) == {"orders_monthly": found[0]}
        for label in ("20240101", "20240401", "rest"):
            opened.versions.now[label] = "2"
            found.append((await opened.ready(monthly(), renew=True))["orders_monthly"])
        assert await opened.ready(monthly(), FEBRUARY) == february
        await opened.do("DELETE FROM orders WHERE placed >= '2024-03-01'")
        await opened.rollups.refresh(monthly())
        found.append((await opened.ready(monthly()))["orders_monthly"])
        assert len({each.rows for each in found}) == 5
        assert [each.at for each in found] == sorted(each.at for each in found)


async def test_other_rows_are_told_of_a_build_that_began_earlier_and_ends_later(tmp_path, monkeypatch):
    async with shelf(tmp_path) as opened:
        await with_orders(opened)
        uses = [RollupUse(monthly(), FEBRUARY), RollupUse(monthly())]

        async def told() -> Any:
            return (await opened.rollups.ready(uses, wait=50))["orders_monthly"]

        await opened.ready(monthly())
        store, go_on, held = opened.rollups._store, asyncio.Event(), asyncio.Event()
        write = store.write

        async def slowly(stored: StoredRollup, part: Any, batches: Any) -> Any:
            async def rows() -> Any:
                if part.label == "20240101":
                    held.set()
                    await go_on.wait()
                async for batch in batches:
                    yield batch

            return await write(stored, part, rows())

        monkeypatch.setattr(store, "write", slowly)
        january = datetime(2024, 1, 1), datetime(2024, 2, 1)
        slow = asyncio.create_task(opened.rollups.refresh(monthly(), january, since=datetime.now(UTC)))
        await held.wait()
        await opened.rollups.refresh(monthly(), FEBRUARY, since=datetime.now(UTC))
        before = await told()
        go_on.set()
        await slow
        after = await told()
        assert after.at == before.at
        assert after.rows != before.rows


async def test_what_is_ordered_while_it_is_built_for_another_is_built_once_more(tmp_path, monkeypatch):
    async with shelf(tmp_path) as opened:
        await with_orders(opened)
        store, go_on, held = opened.rollups._store, asyncio.Event(), asyncio.Event()
        write = store.write

        async def slowly(stored: StoredRollup, part: Any, batches: Any) -> Any:
            built = await write(stored, part, batches)
            held.set()
            await go_on.wait()
            return built

        monkeypatch.setattr(store, "write", slowly)
        january = datetime(2024, 1, 1), datetime(2024, 2, 1)
        first = asyncio.create_task(opened.rollups.refresh(monthly(), january))
        await held.wait()
        ordered_at = datetime.now(UTC)
        second = asyncio.create_task(opened.rollups.refresh(monthly(), january, since=ordered_at))
        await asyncio.sleep(0.2)  # the order meets the build that goes on
        go_on.set()
        await asyncio.gather(first, second)
        table = await opened.rollups.table(monthly())
        assert table.parts["20240101"].built_at >= ordered_at


async def test_rows_under_the_same_name_are_not_those_of_another_definition(tmp_path):
    async with shelf(tmp_path) as one, shelf(tmp_path) as other:
        await with_orders(one)
        stored = replace(whole(), definition="one")
        await one.ready(stored)
        for opened in (one, other):
            with pytest.raises(NotStored):
                await opened.ready(replace(stored, definition="other"))
            with pytest.raises(NotStored):
                await opened.rollups.refresh(replace(stored, definition="other"), since=datetime.now(UTC))
        assert await one.rows(stored) == await one.truth()
        assert (await one.rollups.table(stored)).definition == "one"


# ---------------------------------------------------------------- cleaning up


def used_ago(folder: Path, table: str, seconds: float) -> None:
    (marker,) = folder.glob(f"store/{table}-*/used")
    moment = marker.stat().st_mtime - seconds
    os.utime(marker, (moment, moment))


async def test_tables_that_nobody_reads_are_dropped_in_time(tmp_path):
    async with shelf(tmp_path, settings=RollupSettings(kept=86400.0)) as opened:
        await with_orders(opened)
        for table in ("read", "unread"):
            await opened.ready(whole(table))
        assert await opened.rollups.sweep() == ()
        used_ago(tmp_path, "read", 3000)
        used_ago(tmp_path, "unread", 90_000)
        assert await opened.rollups.sweep() == ("unread",)
        assert [table.name for table in await opened.rollups.tables()] == ["read"]
        await opened.ready(whole("unread"))
        assert await opened.rows(whole("unread")) == await opened.truth()


async def test_whoever_builds_drops_them_though_there_is_no_worker(tmp_path, monkeypatch):
    monkeypatch.setattr("cuboid.run.rollups.rollups.SWEEP_SECONDS", 0.0)
    async with shelf(tmp_path, settings=RollupSettings(kept=86400.0)) as opened:
        await with_orders(opened)
        await opened.ready(whole("unread"))
        used_ago(tmp_path, "unread", 90_000)
        await opened.ready(whole("read"))
        if opened.rollups._sweeping is not None:  # it may be over
            await opened.rollups._sweeping
        assert [table.name for table in await opened.rollups.tables()] == ["read"]


async def test_the_table_of_a_definition_that_was_changed_goes_after_an_hour(tmp_path):
    async with shelf(tmp_path) as opened:
        await with_orders(opened)
        for table in ("before", "after"):
            await opened.ready(whole(table))
        used_ago(tmp_path, "before", 3000)
        assert await opened.rollups.sweep() == ()
        used_ago(tmp_path, "before", 1000)
        assert await opened.rollups.sweep() == ("before",)


async def test_a_tail_that_nobody_reads_any_more_is_removed(tmp_path, at_once):
    async with shelf(tmp_path) as opened:
        await with_orders(opened)
        stored = monthly()
        live = replace(stored, name="orders.live", table="orders_live_1", select=_from, follows=stored)
        await opened.ready(live)
        assert set(await opened.labels(stored)) == {"rest", "20240101", "20240201", "20240301", "tail-1"}
        assert await opened.rows(live) == await opened.truth()
        path = next((tmp_path / "store").glob("*/table.json"))
        written = json.loads(path.read_text())
        for part in written["parts"]:
            if part["label"] == "tail-1":
                built = datetime.fromisoformat(part["built_at"]) - timedelta(days=2)
                part["built_at"] = built.isoformat()
        path.write_text(json.dumps(written))
        await opened.rollups.refresh(stored)
        assert "tail-1" not in await opened.labels(stored)
        await opened.ready(live)
        assert await opened.rows(live) == await opened.truth()


def _from(bounds):
    where = "" if bounds is None else " WHERE placed >= ?"
    return Statement(f"{ORDERED}{where} GROUP BY 1, 2", bounds[:1] if bounds else (), COLUMNS)


async def test_no_row_is_read_twice_or_not_at_all_while_the_tail_moves_on(tmp_path, at_once):
    """Two processes' worth of readers over one store, and a source that begins a month with each row."""
    stored = monthly()
    live = replace(stored, name="orders.live", table="orders_live_1", select=_from, follows=stored)
    rows = 0
    async with shelf(tmp_path) as one, shelf(tmp_path) as other:
        await one.do("CREATE TABLE orders (city VARCHAR, placed TIMESTAMP, amount DECIMAL(12, 2))")
        for month in range(2):
            await one.do(
                f"INSERT INTO orders VALUES ('Rome', TIMESTAMP '2024-01-15' + INTERVAL {month} MONTH, 1)"
            )
            rows += 1
        seen = [0, 0]

        async def write() -> None:
            nonlocal rows
            for month in range(2, 24):
                await one.do(
                    f"INSERT INTO orders VALUES ('Rome', TIMESTAMP '2024-01-15' + INTERVAL {month} MONTH, 1)"
                )
                rows += 1
                was = sum(seen)
                await until(partial(read_since, was))

        async def read_since(was: int) -> bool:
            return sum(seen) > was

        async def read(number, opened) -> None:
            while rows < 24:
                before = rows
                opened.versions.now["tail-1"] = str(before)
                await opened.ready(live, renew=True)
                found = sum(amount for _, _, amount in await opened.rows(live))
                assert before <= found <= rows + 1  # a row is there a moment before it is counted
                seen[number] += 1

        await asyncio.gather(write(), read(0, one), read(1, other))
