"""Every command as a process: what it prints, where, and its exit status."""

import json
from pathlib import Path
from typing import Any

import jwt
import pytest

from cuboid.cli import COMMANDS

Run = Any


def test_help_names_every_command(run: Run) -> None:
    done = run("--help")
    assert done.returncode == 0
    for command in COMMANDS:
        assert f"\n  {command} " in done.stdout
    commands = done.stdout.partition("Commands:")[2]
    assert "..." not in commands, "a short help is cut off"


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(run: Run, command: str) -> None:
    done = run(command, "--help")
    assert done.returncode == 0
    assert done.stdout.startswith(f"Usage: cuboid {command}")


def test_query_prints_json_rows(run: Run) -> None:
    done = run("query", "-m", "cities.count", "-d", "cities.city", "-o", "cities.city", "--output", "json")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == [
        {"cities.city": "New York", "cities.count": "2"},
        {"cities.city": "Oslo", "cities.count": "1"},
        {"cities.city": None, "cities.count": "1"},
    ]


def test_query_takes_flags_for_everything(run: Run) -> None:
    """By hand: of the two cities, January has Oslo's 2.5 and February New York's 4 + NULL, which comes first."""
    flags = (
        *("query", "-m", "cities.area", "-t", "cities.seen:month", "--range", "2024-01-01,2024-12-31"),
        *("-f", 'cities.city equals "New York" Oslo', "-o", "cities.area:desc"),
        *("--timezone", "Europe/Oslo", "--output", "json"),
    )
    months = [(row["cities.seen.month"], float(row["cities.area"])) for row in json.loads(run(*flags).stdout)]
    assert months == [("2024-02-01T00:00:00.000", 4.0), ("2024-01-01T00:00:00.000", 2.5)]
    assert len(json.loads(run(*flags, "--limit", "1").stdout)) == 1
    (second,) = json.loads(run(*flags, "--limit", "1", "--offset", "1").stdout)
    assert float(second["cities.area"]) == 2.5
    (january,) = json.loads(run(*flags, "-f", "cities.city equals Oslo").stdout)
    assert january["cities.seen.month"] == "2024-01-01T00:00:00.000"


@pytest.mark.parametrize("as_argument", [True, False])
def test_query_takes_json_as_argument_or_from_standard_input(run: Run, as_argument: bool) -> None:
    query = '{"measures": ["cities.count"]}'
    done = run("query", query if as_argument else "-", "--output", "csv", stdin="" if as_argument else query)
    assert done.stdout == "cities.count\n4\n"


def test_query_prints_a_table_for_people(run: Run) -> None:
    done = run("query", "-m", "cities.area", "-d", "cities.city", "-o", "cities.city:asc")
    assert "cities.city" in done.stdout
    assert "∅" in done.stdout
    assert done.stdout.rstrip().endswith("3 rows")


def test_sql_prints_statement_and_parameters(run: Run) -> None:
    arguments = ("sql", "-m", "cities.count", "-f", "cities.city contains O'H%")
    done = run(*arguments)
    assert done.stdout.startswith("SELECT")
    assert "O'H" not in done.stdout.split("-- parameter")[0]
    assert "-- parameter 1: " in done.stdout
    as_json = json.loads(run(*arguments, "--output", "json").stdout)
    assert set(as_json) == {"sql", "parameters"}


def test_explain_tells_it_in_words_or_as_json(run: Run) -> None:
    arguments = ("explain", "-m", "cities.count", "-f", "cities.city contains O'H%")
    words = run(*arguments).stdout
    assert "1. rows of cities: the only cube that is needed" in words
    assert "cities.count, over 1: no join repeats its rows" in words
    assert "   where cities.city contains a value" in words
    body = json.loads(run(*arguments, "--json").stdout)
    assert [each["root"] for each in body["explanations"][0]["relations"]] == ["cities"]


def test_check_counts_what_is_right(run: Run) -> None:
    done = run("check")
    assert done.returncode == 0
    assert done.stdout == "1 cube, 5 members, 0 errors, 0 warnings in 1 file\n"


def test_check_shows_a_mistake_at_its_place_and_fails(run: Run, folder: Path) -> None:
    (folder / "model" / "bad.yml").write_text("cubes:\n  - name: bad\n    sql_tabel: x\n")
    done = run("check")
    assert done.returncode == 1
    assert "model/bad.yml:3:5" in done.stdout
    assert "sql_table" in done.stdout
    assert "^" in done.stdout
    assert "Off until repaired: bad" in done.stdout


def test_plugins_lists_what_is_installed(run: Run) -> None:
    done = run("plugins")
    assert done.returncode == 0
    assert "cuboid-duckdb" in done.stdout
    assert "register_drivers" in done.stdout


def test_plugins_shows_what_failed_and_why(run: Run, folder: Path) -> None:
    (folder / "cuboid_plugin.py").write_text("import no_such_module")
    done = run("plugins")
    assert done.returncode == 1
    assert "No module named 'no_such_module'" in done.stdout


def test_config_shows_origins_and_masks_secrets(run: Run) -> None:
    done = run("config", PORT="4321", CUBEJS_DB_PASS="hunter2", CUBEJS_TELEMETRY="false")
    lines = [[cell.strip() for cell in line.split("│")[1:-1]] for line in done.stdout.splitlines()]
    assert ["port", "4321", "environment PORT"] in lines
    assert ["api_secret", "••••••••", ".env:1"] in lines
    assert ["driver", "duckdb", "cuboid.yml:2"] in lines
    assert ["query_limit", "50000", "default"] in lines
    assert "a-secret" not in done.stdout
    assert "hunter2" not in done.stdout
    assert "CUBEJS_TELEMETRY (environment CUBEJS_TELEMETRY)" in done.stdout


def test_token_is_signed_with_the_projects_secret(run: Run) -> None:
    done = run("token", "--claim", "country=NO", "--claim", "ids=[1, 2]", "--expires", "30m")
    claims = jwt.decode(done.stdout.strip(), "a-secret-of-at-least-thirty-two-bytes", algorithms=["HS256"])
    assert claims.pop("exp") - claims.pop("iat") == 1800
    assert claims == {"country": "NO", "ids": [1, 2]}


def test_token_fits_what_the_server_requires(run: Run) -> None:
    secret = "another-secret-of-thirty-two-bytes-or-more"
    done = run(
        *("token", "--claim", "a=b"),
        CUBEJS_JWT_KEY=secret,
        CUBEJS_JWT_AUDIENCE="shop",
        CUBEJS_JWT_ISSUER="me,you",
        CUBEJS_JWT_SUBJECT="s",
        CUBEJS_JWT_CLAIMS_NAMESPACE="https://x/y",
    )
    claims = jwt.decode(
        done.stdout.strip(), secret, algorithms=["HS256"], audience="shop", issuer="me", subject="s"
    )
    assert claims["https://x/y"] == {"a": "b"}


@pytest.mark.parametrize(
    ("arguments", "variables", "status", "message"),
    [
        (["query", "-m", "cities.nope"], {}, 1, "Error: 'nope' not found for path 'cities.nope'"),
        (["query", "{"], {}, 1, "Error: The query is not JSON"),
        (["query"], {}, 2, "Give a query"),
        (["query", "{}", "-m", "cities.count"], {}, 2, "not both"),
        (["query", "-m", "cities.count", "--range", "today"], {}, 2, "add --time"),
        (["query", "-m", "cities.count", "-f", "cities.city"], {}, 2, "is not 'MEMBER OPERATOR VALUE…'"),
        (["query", "-m", "cities.count", "-f", 'cities.city equals "x'], {}, 2, "No closing quotation"),
        (["query", "-m", "cities.count", "-o", "cities.count:down"], {}, 2, "MEMBER:asc"),
        (["query", "-m", "cities.count", "--claim", "x"], {}, 2, "is not KEY=VALUE"),
        (["token", "--expires", "soon"], {}, 2, "is not a duration"),
        (["token"], {"CUBEJS_JWT_ALGS": "HS512"}, 1, "accepts only tokens signed with HS512"),
        (["config"], {"CUBOID_PROT": "1"}, 1, "Error: There is no setting CUBOID_PROT"),
        (["check"], {"CUBOID_PROT": "1"}, 1, "Error: There is no setting CUBOID_PROT"),
        (["config"], {"PORT": "x"}, 1, "Error: port: 'x' is not a whole number (environment PORT)"),
        (["check", "nowhere"], {}, 1, "There is no project folder"),
        (["query", "-m", "cities.count"], {"CUBEJS_DB_TYPE": "nosuchdb"}, 1, "cuboid-nosuchdb"),
        (["frobnicate"], {}, 2, "No such command"),
    ],
)
def test_an_error_is_a_clear_line_and_a_status(
    run: Run, arguments: list[str], variables: dict[str, str], status: int, message: str
) -> None:
    done = run(*arguments, **variables)
    assert done.returncode == status
    assert message in done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr


def test_debug_shows_the_traceback(run: Run) -> None:
    done = run("--debug", "query", "-m", "cities.nope")
    assert done.returncode == 1
    assert "Traceback" in done.stderr


def test_version(run: Run) -> None:
    assert run("--version").stdout.startswith("cuboid 0.")


ASKING = ("query", "sql", "explain", "rollups why")


@pytest.mark.parametrize(
    "command",
    [
        *(name for name in COMMANDS if name not in ("init", "schema", "import-js", "rollups")),
        *("rollups build", "rollups list", "rollups why"),
    ],
)
def test_every_command_takes_the_project_by_option(run: Run, command: str) -> None:
    done = run(*command.split(), "-p", "nowhere", *(["-m", "a.b"] if command in ASKING else []))
    assert done.returncode == 1
    assert "There is no project folder" in done.stderr


@pytest.mark.parametrize("command", ["check", "config", "token", "plugins", "serve"])
def test_commands_without_another_argument_take_it_as_one_but_not_twice(run: Run, command: str) -> None:
    assert "There is no project folder" in run(command, "nowhere").stderr
    twice = run(command, ".", "-p", ".")
    assert twice.returncode == 2
    assert "Give the project's folder once" in twice.stderr


def test_check_reads_the_sql_in_the_data_sources_dialect(run: Run, folder: Path) -> None:
    (folder / "model" / "bad.yml").write_text(
        "cubes:\n  - name: bad\n    sql_table: t\n    segments: [{name: s, sql: '((age'}]\n"
    )
    done = run("check")
    assert done.returncode == 1
    assert "model/bad.yml:4:31: This SQL cannot be read: Expecting )." in done.stdout
    assert "Off until repaired: bad" in done.stdout
    (folder / "cuboid.yml").unlink()
    unread = run("check")
    assert unread.returncode == 0
    assert "No data source is configured: the SQL was not read" in unread.stdout


def test_check_without_a_model_file_fails(run: Run, folder: Path) -> None:
    (folder / "model" / "cities.yml").unlink()
    done = run("check")
    assert (done.returncode, done.stdout) == (1, "")
    assert "There is no model" in done.stderr


def test_check_shows_where_a_file_is_not_utf_8(run: Run, folder: Path) -> None:
    (folder / "model" / "bad.yml").write_bytes("cubes:\n  - name: bad # caf\u00e9\n".encode("latin-1"))
    done = run("check")
    assert done.returncode == 1
    assert "model/bad.yml:2:20: byte 0xe9 is not UTF-8" in done.stdout
    assert "1 cube, 5 members, 1 error" in done.stdout
