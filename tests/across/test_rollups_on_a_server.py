"""Rollups that are kept on a ClickHouse server (``rollup_store`` names its data source), of each engine's tables."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.across.beside import ENGINES, Place, build, place
from tests.across.shop import connection
from tests.across.test_texts_of_rollups import BY_CITY, FOLDING, FREE_OF_TEXTS, NAMED, fold
from tests.engines.admin import admin, new_database
from tests.engines.clickhouse import READER
from tests.engines.server import Server

import cuboid
from cuboid.errors import UnsupportedFeature

__all__ = ["place"]

SOURCES = ["duckdb", *(pytest.param(name, marks=pytest.mark.engine(name)) for name in ENGINES[1:])]
SOURCES += [pytest.param("clickhouse", marks=pytest.mark.engine("clickhouse"))]
MEASURES = ["orders.count", "orders.total", "orders.mean"]
QUERIES: list[dict[str, Any]] = [
    {"measures": MEASURES},
    {"measures": MEASURES, "dimensions": ["orders.paid"], "order": {"orders.paid": "desc"}},
    {"measures": MEASURES, "segments": ["orders.large"]},
    {
        "measures": MEASURES,
        "timeDimensions": [
            {"dimension": "orders.placed", "granularity": "month", "dateRange": ["2024-02-01", "2024-03-31"]}
        ],
    },
    {
        "measures": MEASURES,
        "timeDimensions": [{"dimension": "orders.placed", "granularity": "week"}],
        "timezone": "America/New_York",
    },
    {
        "measures": MEASURES,
        "timeDimensions": [{"dimension": "orders.placed", "dateRange": ["2030-01-01", "2030-12-31"]}],
    },
]
BY_MONTH: dict[str, Any] = {
    "measures": ["orders.count"],
    "timeDimensions": [{"dimension": "orders.placed", "granularity": "month"}],
}


@pytest.fixture
def kept(place: Place, clickhouse_server: Server) -> Iterator[Server]:
    """The store's server, of which the project of ``place`` knows."""
    with new_database(clickhouse_server) as server:
        place.write(external=None, measures=["count", "total"])
        configure(place.project, server)
        yield server


def configure(project: Path, server: Server, **changed: Any) -> None:
    settings = yaml.safe_load((project / "cuboid.yml").read_text())
    settings["data_sources"]["kept"] = {"driver": "clickhouse", **connection(server), **changed}
    settings["rollup_store"] = "kept"
    (project / "cuboid.yml").write_text(yaml.safe_dump(settings))


@pytest.mark.parametrize("place", SOURCES, indirect=True)
def test_what_is_kept_on_the_server_answers_as_the_tables_do(place: Place, kept: Server) -> None:
    with place.open(rollup_store="none") as opened:
        expected = [opened.load(each) for each in QUERIES]
    with place.open() as opened:
        for query, rows in zip(QUERIES, expected, strict=True):
            (result,) = opened.results(query)
            assert result["usedPreAggregations"], query
            assert result["data"] == rows, query
    with admin(kept) as account:
        tables = {name for (name,) in account.run("SHOW TABLES")}
    assert {"cuboid_builds", "cuboid_leases", "cuboid_used"} < tables


@pytest.mark.parametrize("place", ["duckdb"], indirect=True)
def test_parts_are_built_once_for_all_who_read_them_and_again_when_they_are_out_of_date(
    place: Place, kept: Server
) -> None:
    assert "4 parts" in build(place)
    with place.open(pre_aggregations_builder=False) as opened:
        (result,) = opened.results(BY_MONTH)
    assert result["usedPreAggregations"]
    assert [row["orders.count"] for row in result["data"]] == ["1", "2", "2", "1"]
    place.rows("INSERT INTO orders VALUES (7, 'Rome', '2024-03-11 00:00:00', 1, true)")
    build(place, "--force")
    with place.open(pre_aggregations_builder=False) as opened:
        (result,) = opened.results(BY_MONTH)
    assert [row["orders.count"] for row in result["data"]] == ["1", "2", "3", "1"]


@pytest.mark.parametrize("place", ["duckdb"], indirect=True)
def test_whoever_only_reads_may_have_an_account_that_only_reads(place: Place, kept: Server) -> None:
    build(place)
    configure(place.project, kept, user=READER)
    with place.open(pre_aggregations_builder=False) as opened:
        (result,) = opened.results(BY_MONTH)
    assert result["usedPreAggregations"]
    with place.open() as opened, pytest.raises(cuboid.CuboidError, match="readonly"):
        opened.load({**BY_MONTH, "timezone": "Europe/Berlin"})


@pytest.mark.parametrize("place", ["duckdb"], indirect=True)
def test_an_account_that_only_reads_is_told_what_it_lacks(place: Place, kept: Server) -> None:
    configure(place.project, kept, user=READER)
    with place.open() as opened, pytest.raises(cuboid.CuboidError, match="may not keep rollups") as caught:
        opened.load(BY_MONTH)
    assert "CREATE TABLE" in str(caught.value.hint)


@pytest.mark.parametrize(
    "place",
    [pytest.param(name, marks=pytest.mark.engine(name)) for name in ("postgres", "mysql")],
    indirect=True,
)
def test_texts_that_are_one_in_the_database_are_compared_there(place: Place, kept: Server) -> None:
    fold(place, FOLDING)
    with place.open(rollup_store="none") as opened:
        expected = opened.load(FREE_OF_TEXTS)
    with place.open() as opened:
        (named,) = opened.results(NAMED)
        (by_city,) = opened.results(BY_CITY)
        (free,) = opened.results(FREE_OF_TEXTS)
    assert named["data"] == [{"orders.count": "2"}]  # Rome and rome
    assert "usedPreAggregations" not in named
    assert "usedPreAggregations" not in by_city
    assert free["data"] == expected
    assert "usedPreAggregations" in free


@pytest.mark.parametrize("place", ["duckdb"], indirect=True)
def test_what_cannot_be_kept_is_answered_by_the_source(place: Place, kept: Server) -> None:
    place.write(external=None, measures=["count"], partition_granularity=None)
    place.rows("INSERT INTO orders VALUES (7, 'Rome', '1066-10-14 00:00:00', 1, true)")
    with place.open() as opened:
        (result,) = opened.results(BY_MONTH)
    assert "usedPreAggregations" not in result
    assert (result["data"][0]["orders.placed.month"], len(result["data"])) == ("1066-10-01T00:00:00.000", 5)


@pytest.mark.parametrize("place", ["duckdb"], indirect=True)
def test_a_server_that_is_away_is_told_without_its_password(place: Place, kept: Server) -> None:
    configure(place.project, kept, port=1, password="not-to-be-told")
    with place.open() as opened, pytest.raises(cuboid.CuboidError) as caught:
        opened.load(BY_MONTH)
    assert "not-to-be-told" not in str(caught.value)


@pytest.mark.parametrize("place", ["duckdb"], indirect=True)
def test_a_data_source_whose_driver_has_no_store_is_refused(place: Place) -> None:
    place.write(external=None)
    with (
        place.open(rollup_store="default") as opened,
        pytest.raises(UnsupportedFeature, match="duckdb driver cannot keep the rollups"),
    ):
        opened.load(BY_MONTH)
