"""A folder becomes a service; and the notebook's way into it."""

import asyncio
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import cuboid
from cuboid.errors import ConfigError, CuboidError, InvalidQuery, PluginError, UnknownMember
from cuboid.project import Project

MODEL = """
cubes:
  - name: cities
    sql: >
      SELECT 1 AS id, 'Oslo' AS city, 2.5 AS area, TIMESTAMP '2024-01-05' AS seen
      UNION ALL SELECT 2, 'Bonn', 4, TIMESTAMP '2024-02-05'
      UNION ALL SELECT 3, 'Bonn', 1, TIMESTAMP '2024-02-29 23:59:59'
    measures:
      - {name: count, type: count}
      - {name: area, type: sum, sql: area}
    dimensions:
      - {name: id, type: number, sql: id, primary_key: true}
      - {name: city, type: string, sql: city}
      - {name: seen, type: time, sql: seen}
  - name: slow
    sql: SELECT 1 AS id FROM range(100000000) a(x), range(1000) b(y) WHERE x * y % 7 = 8
    measures:
      - {name: count, type: count}
    dimensions:
      - {name: id, type: number, sql: id, primary_key: true}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "cities.yml").write_text(MODEL)
    (tmp_path / "cuboid.yml").write_text("data_sources:\n  default: {driver: duckdb}\n")
    return tmp_path


@pytest.fixture
def opened(folder: Path) -> Iterator[cuboid.EmbeddedProject]:
    with cuboid.open(folder) as project:
        yield project


BY_CITY = {"measures": ["cities.count", "cities.area"], "dimensions": ["cities.city"]}
ROWS = [
    {"cities.city": "Bonn", "cities.count": "2", "cities.area": "5.0"},
    {"cities.city": "Oslo", "cities.count": "1", "cities.area": "2.5"},
]


def test_load_gives_the_rows_as_on_the_wire(opened: cuboid.EmbeddedProject) -> None:
    assert opened.load(BY_CITY) == ROWS


def test_load_takes_json_text(opened: cuboid.EmbeddedProject) -> None:
    assert opened.load('{"measures": ["cities.count"]}') == [{"cities.count": "3"}]


def test_rows_of_several_ranges_or_queries_follow_each_other(opened: cuboid.EmbeddedProject) -> None:
    january, february = ["2024-01-01", "2024-01-31"], ["2024-02-01", "2024-02-29"]
    seen = {"dimension": "cities.seen", "compareDateRange": [january, february]}
    compared = opened.load({"measures": ["cities.count"], "timeDimensions": [seen]})
    assert [row["cities.count"] for row in compared] == ["1", "2"]
    by_month = [
        {
            "measures": ["cities.count"],
            "timeDimensions": [{"dimension": "cities.seen", "granularity": "month", "dateRange": dates}],
        }
        for dates in (february, january)
    ]
    assert [row["cities.count"] for row in opened.load(by_month)] == ["2", "1"]


def test_sql_gives_text_and_parameters_and_runs_nothing(opened: cuboid.EmbeddedProject) -> None:
    query = {**BY_CITY, "filters": [{"member": "cities.city", "operator": "equals", "values": ["Bonn"]}]}
    text, parameters = opened.sql(query)
    assert text.startswith("SELECT")
    assert "Bonn" in parameters
    opened.sql({"measures": ["slow.count"]})


def test_meta_describes_the_model(opened: cuboid.EmbeddedProject) -> None:
    assert [cube["name"] for cube in opened.meta()["cubes"]] == ["cities", "slow"]


def test_it_works_inside_a_running_loop_as_in_jupyter(opened: cuboid.EmbeddedProject) -> None:
    async def cell() -> object:
        return opened.load(BY_CITY)

    assert asyncio.run(cell()) == ROWS


def test_threads_may_share_it(opened: cuboid.EmbeddedProject) -> None:
    answers: list[object] = []
    threads = [threading.Thread(target=lambda: answers.append(opened.load(BY_CITY))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [ROWS] * 8


def test_it_waits_through_continue_wait(folder: Path) -> None:
    """The wait of one request is far shorter than the statement, so several are needed."""
    heavy = "SELECT count(*) AS id FROM range(40000000) a(x) WHERE x % 7 = 1"
    (folder / "model" / "heavy.yml").write_text(
        f"cubes:\n  - name: heavy\n    sql: {heavy}\n    measures: [{{name: top, type: max, sql: id}}]\n"
    )
    with cuboid.open(folder, continue_wait_timeout="1ms") as project:
        assert project.load({"measures": ["heavy.top"]}) == [{"heavy.top": "5714286"}]


def test_errors_are_cuboids_own(opened: cuboid.EmbeddedProject) -> None:
    with pytest.raises(UnknownMember) as caught:
        opened.load({"measures": ["cities.cuont"]})
    assert "cities.count" in caught.value.suggestions
    with pytest.raises(InvalidQuery, match="responseFormat"):
        opened.load({**BY_CITY, "responseFormat": "compact"})


def test_closing_stops_what_runs_and_ends_the_thread(folder: Path) -> None:
    others = set(threading.enumerate())
    project = cuboid.open(folder)
    raised: list[BaseException] = []

    def ask() -> None:
        try:
            project.load({"measures": ["slow.count"]})
        except BaseException as error:
            raised.append(error)

    asking = threading.Thread(target=ask)
    asking.start()
    queue = project.project.data_sources["default"].queue
    while not queue.snapshot().running:  # type: ignore[attr-defined]
        time.sleep(0.01)
    project.close()
    asking.join(50)
    assert not asking.is_alive()
    assert [type(error) for error in raised] == [cuboid.QueryCancelled]
    assert [
        thread for thread in threading.enumerate() if thread.name == "cuboid" and thread not in others
    ] == []
    project.close()
    with pytest.raises(CuboidError, match="closed"):
        project.load(BY_CITY)


def test_the_security_context_reaches_the_projects_plugin(folder: Path) -> None:
    (folder / "cuboid_plugin.py").write_text(
        "import cuboid\n\n@cuboid.hookimpl\ndef rewrite_query(query, principal):\n"
        "    only = {'member': 'cities.city', 'operator': 'equals', 'values': [principal.claims['city']]}\n"
        "    return {**query, 'filters': [*query.get('filters', []), only]}\n"
    )
    with cuboid.open(folder) as project:
        assert project.load(BY_CITY, {"city": "Oslo"}) == ROWS[1:]


def test_flags_win(folder: Path) -> None:
    with cuboid.open(folder, query_default_limit=1) as project:
        assert project.load(BY_CITY) == ROWS[:1]
    with pytest.raises(ConfigError, match="There is no setting 'prot'"):
        cuboid.open(folder, prot=1)


def test_a_broken_cube_leaves_the_others(folder: Path) -> None:
    (folder / "model" / "broken.yml").write_text("cubes:\n  - name: broken\n    sqltable: x\n")
    with cuboid.open(folder) as project:
        assert project.load(BY_CITY) == ROWS
        assert set(project.project.catalog.broken) == {"broken"}


def test_without_a_data_source_both_ways_to_write_one_are_shown(folder: Path) -> None:
    (folder / "cuboid.yml").unlink()
    with pytest.raises(ConfigError, match="No data source is configured") as caught:
        Project.open(folder, environ={}).data_sources  # noqa: B018
    hint = str(caught.value.hint)
    assert "data_sources:" in hint
    assert "CUBEJS_DB_TYPE=" in hint


def test_a_cube_project_runs_as_it_is(folder: Path) -> None:
    (folder / "cuboid.yml").unlink()
    (folder / "model").rename(folder / "schema")
    (folder / ".env").write_text(
        "CUBEJS_DB_TYPE=duckdb\nCUBEJS_API_SECRET=x\nCUBEJS_DEV_MODE=true\nCUBEJS_TELEMETRY=false\n"
    )
    project = Project.open(folder, environ={})
    assert set(project.data_sources) == {"default"}
    assert set(project.catalog.cubes) == {"cities", "slow"}
    assert project.settings.dev_mode


def test_a_driver_that_is_not_installed_names_its_package(folder: Path) -> None:
    project = Project.open(folder, environ={"CUBEJS_DB_TYPE": "nosuchdb"})
    with pytest.raises(PluginError) as caught:
        project.data_sources  # noqa: B018
    assert "pip install cuboid-nosuchdb" in str(caught.value.hint)


def test_an_unknown_variable_of_ours_stops_the_start(folder: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        Project.open(folder, environ={"CUBOID_DB_DUCKDB_DATABSE_PATH": "x"})
    assert "CUBOID_DB_DUCKDB_DATABASE_PATH" in str(caught.value.hint)


def test_limits_of_a_data_source_reach_its_queue(folder: Path) -> None:
    (folder / "cuboid.yml").write_text(
        "query_timeout: 7m\ndata_sources:\n"
        "  default: {driver: duckdb}\n  other: {driver: duckdb, query_timeout: 5s}\n"
    )
    sources = Project.open(folder, environ={}).data_sources
    assert {name: source.timeout for name, source in sources.items()} == {"default": 420.0, "other": 5.0}


def test_checking_the_model_needs_no_data_source(folder: Path) -> None:
    (folder / "cuboid.yml").unlink()
    assert set(Project.open(folder, environ={}).catalog.cubes) == {"cities", "slow"}
