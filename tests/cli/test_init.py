"""``cuboid init``: a project that works at once, from nothing or from a database's tables."""

import json
import stat
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from cuboid.cli.scaffold import write_model
from cuboid.types import ColumnInfo, ForeignKeyInfo, TableInfo

TABLES = """
CREATE TABLE users (id INTEGER PRIMARY KEY, city VARCHAR, signed_up TIMESTAMPTZ, born DATE);
CREATE TABLE orders (
    id INTEGER PRIMARY KEY,
    user_id INTEGER REFERENCES users (id),
    referrer_id INTEGER REFERENCES users (id),
    amount DECIMAL(10, 2),
    "order" VARCHAR,
    "count" INTEGER,
    paid BOOLEAN,
    "odd {name}" DOUBLE
);
CREATE TABLE lines (
    order_id INTEGER REFERENCES orders (id), line INTEGER, quantity INTEGER, PRIMARY KEY (order_id, line)
);
CREATE TABLE log (at_time TIMESTAMP, user_id INTEGER REFERENCES users (id));
INSERT INTO users VALUES (1, 'Oslo', now(), NULL), (2, 'Bonn', NULL, DATE '2000-01-01');
INSERT INTO orders VALUES (1, 1, 2, 10.5, 'a', 3, true, 0.5), (2, 1, NULL, 4.5, 'b', 1, false, NULL);
INSERT INTO lines VALUES (1, 1, 2), (1, 2, 5), (2, 1, 1);
"""


@pytest.fixture
def database(folder: Path) -> Path:
    path = folder / "shop.duckdb"
    with duckdb.connect(path) as connection:
        connection.execute(TABLES)
    return path


def model(folder: Path) -> dict[str, Any]:
    """The cubes written, by name."""
    files = sorted((folder / "model").glob("*.yml"))
    cubes = [cube for file in files for cube in yaml.safe_load(file.read_text())["cubes"]]
    return {cube["name"]: cube for cube in cubes}


def test_a_new_project_works_at_once(run: Any, folder: Path) -> None:
    done = run("init", "new", "--driver", "duckdb")
    assert (done.returncode, done.stderr) == (0, "")
    assert run("check", "new").returncode == 0
    answer = run("query", "-p", "new", "-m", "example.total_amount", "--output", "csv")
    assert answer.stdout == "example.total_amount\n40.0\n"
    assert stat.S_IMODE((folder / "new" / ".env").stat().st_mode) == 0o600
    assert len(run("token", "-p", "new").stdout.split(".")) == 3


def test_secrets_of_two_projects_differ(run: Any, folder: Path) -> None:
    for name in ("a", "b"):
        run("init", name, "--driver", "duckdb")
    assert (folder / "a" / ".env").read_text() != (folder / "b" / ".env").read_text()


@pytest.mark.usefixtures("database")
def test_tables_become_cubes_that_pass_check_and_answer(run: Any, folder: Path) -> None:
    done = run("init", "new", "--driver", "duckdb", "--database", "shop.duckdb")
    assert (done.returncode, done.stderr) == (0, "")
    checked = run("check", "new")
    assert "0 errors" in checked.stdout, checked.stdout
    # 15 by hand, not 15 + 10.5: the order with two lines counts once.
    query = '{"measures": ["orders.total_amount", "lines.total_quantity"], "dimensions": ["users.city"]}'
    assert json.loads(run("query", "-p", "new", query, "--output", "json").stdout) == [
        {"users.city": "Oslo", "orders.total_amount": "15.00", "lines.total_quantity": "8"}
    ]
    odd = run("query", "-p", "new", "-m", "orders.total_odd_name", "-d", "orders.order", "--output", "csv")
    assert sorted(odd.stdout.splitlines()[1:]) == ["a,0.5", "b,"]


@pytest.mark.usefixtures("database")
def test_what_a_cube_gets(run: Any, folder: Path) -> None:
    run("init", "new", "--driver", "duckdb", "--database", "shop.duckdb")
    cubes = model(folder / "new")
    assert {name: [m["name"] for m in cube["measures"]] for name, cube in cubes.items()} == {
        "lines": ["count", "total_quantity"],
        "log": ["count"],
        "orders": ["count", "total_amount", "total_count", "total_odd_name"],
        "users": ["count"],
    }
    assert {name: [j["name"] for j in cube.get("joins", [])] for name, cube in cubes.items()} == {
        "lines": ["orders"],
        "log": [],
        "orders": ["users"],
        "users": [],
    }
    keys = {
        name: [d["name"] for d in cube["dimensions"] if d.get("primary_key")] for name, cube in cubes.items()
    }
    assert keys == {"lines": ["order_id", "line"], "log": [], "orders": ["id"], "users": ["id"]}
    assert {d["name"]: d.get("time_kind") for d in cubes["users"]["dimensions"] if d["type"] == "time"} == {
        "signed_up": "instant",
        "born": "date",
    }
    text = (folder / "new" / "model" / "orders.yml").read_text()
    assert "# No join for (referrer_id): there is one to users already." in text


@pytest.mark.parametrize("name", ["model", "cuboid.yml", ".env", "README.md"])
def test_nothing_is_overwritten(run: Any, folder: Path, name: str) -> None:
    (folder / "new").mkdir()
    (folder / "new" / name).write_text("mine")
    done = run("init", "new")
    assert done.returncode == 1
    assert name in done.stderr
    assert [path.name for path in (folder / "new").iterdir()] == [name]
    assert (folder / "new" / name).read_text() == "mine"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--driver", "nosuchdb"], "pip install cuboid-nosuchdb"),
        (["--driver", "duckdb", "--database", "missing.duckdb"], "missing.duckdb"),
        (["--driver", "duckdb", "--set", "threds=2"], "Did you mean 'threads'?"),
    ],
)
def test_after_a_mistake_nothing_was_written(
    run: Any, folder: Path, arguments: list[str], message: str
) -> None:
    done = run("init", "new", *arguments)
    assert done.returncode == 1
    assert message in done.stderr
    assert not (folder / "new").exists()


def column(name: str, *, key: bool = False) -> ColumnInfo:
    return ColumnInfo(name, "number", "INTEGER", key)


def test_tables_of_one_name_in_two_schemas_are_two_cubes_and_joins_stay_in_theirs() -> None:
    def schema(name: str) -> list[TableInfo]:
        key = ForeignKeyInfo(("user_id",), "user", ("id",))
        return [
            TableInfo(name, "order", (column("id", key=True), column("user_id")), (key,)),
            TableInfo(name, "user", (column("id", key=True),)),
        ]

    files = write_model([*schema("a"), *schema("b")], quote=lambda name: f'"{name}"')
    assert set(files) == {"a_order.yml", "a_user.yml", "b_order.yml", "b_user.yml"}
    (cube,) = yaml.safe_load(files["b_order.yml"])["cubes"]
    assert cube["sql_table"] == '"b"."order"'
    assert cube["joins"] == [
        {"name": "b_user", "relationship": "many_to_one", "sql": '{CUBE}."user_id" = {b_user}."id"'}
    ]


def test_names_that_are_no_identifiers_become_ones_and_stay_distinct() -> None:
    columns = (column("1st", key=True), column("a-b_id"), column("a b_id"), column("日本_id"))
    files = write_model([TableInfo("", "my table", columns)], quote=lambda name: f"[{name}]")
    (cube,) = yaml.safe_load(files["my_table.yml"])["cubes"]
    assert cube["sql_table"] == "[my table]"
    assert [each["name"] for each in cube["dimensions"]] == ["_1st", "a_b_id", "a_b_id_2", "id"]


@pytest.mark.usefixtures("database")
def test_the_environment_says_which_database(run: Any, folder: Path) -> None:
    path = str(folder / "shop.duckdb")
    variables = {"CUBEJS_DB_TYPE": "duckdb", "CUBEJS_DB_DUCKDB_DATABASE_PATH": path}
    done = run("init", "new", **variables)
    assert (done.returncode, done.stderr) == (0, "")
    assert set(model(folder / "new")) == {"lines", "log", "orders", "users"}
    # The project works without the variables too.
    assert run("query", "-p", "new", "-m", "orders.count", "--output", "csv").stdout == "orders.count\n2\n"


@pytest.mark.usefixtures("database")
def test_flags_win_over_the_environment(run: Any, folder: Path) -> None:
    variables = {"CUBEJS_DB_TYPE": "nosuchdb", "CUBEJS_DB_NAME": "missing.duckdb"}
    assert "pip install cuboid-nosuchdb" in run("init", "new", **variables).stderr
    done = run("init", "new", "--driver", "duckdb", "--database", "shop.duckdb", **variables)
    assert (done.returncode, done.stderr) == (0, "")
    variables["CUBEJS_DB_TYPE"] = "duckdb"
    done = run("init", "other", "--database", "shop.duckdb", **variables)
    assert (done.returncode, done.stderr) == (0, "")
    assert "orders" in model(folder / "other")
