"""Other semantic layers that can be installed from PyPI: CPU seconds from a question to its SQL, beside ours.

    python benchmarks/peers.py [--runs 3] [--rounds 30]

Each peer has an environment of its own and the model of ``by_hand.py`` in its own words (``asking/``). What its SQL
tells of a small DuckDB database is compared with SQL by hand. A peer that cannot be installed, or refuses a question,
has no row.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import by_hand
from environments import install, version
from measure import Row, report

ASKING = Path(__file__).parent / "asking"
ORDERS = 3000
SECONDS = 600
"""That a peer may take for all of its questions."""

PEERS: Mapping[str, tuple[str, ...]] = {
    "sidemantic": ("sidemantic",),
    "boring-semantic-layer": ("boring-semantic-layer", "ibis-framework[duckdb]"),
    "metricflow": ("metricflow",),
}
"""What is installed for each; the first is the peer itself."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, and the best statement by hand for the values that are asked first."""

    title: str
    by_hand: str


PAID_OR_SENT = "o.status IN ('paid', 'sent')"
QUESTIONS: Mapping[str, Question] = {
    "filter": Question(
        "amount by status, a filter",
        f"SELECT o.status, sum(o.amount) FROM orders o WHERE {PAID_OR_SENT} GROUP BY 1",
    ),
    "series": Question(
        "amount by country and month, a join",
        "SELECT u.country, date_trunc('month', o.placed), sum(o.amount) FROM orders o "
        f"JOIN users u ON u.id = o.user_id WHERE {by_hand.IN_YEAR} GROUP BY 1, 2",
    ),
    "facts": Question(
        "orders and revenue by status, two facts",
        "SELECT a.status, n, revenue FROM (SELECT o.status, count(*) AS n FROM orders o GROUP BY 1) a "
        "JOIN (SELECT o.status, sum(l.price) AS revenue FROM line_items l JOIN orders o ON o.id = l.order_id "
        f"GROUP BY 1) b ON a.status = b.status WHERE {PAID_OR_SENT.replace('o.', 'a.')}",
    ),
    "fan-out": Question(
        "amount by category, a fan-out",
        "SELECT category, sum(amount) FROM (SELECT DISTINCT p.category, o.id, o.amount FROM line_items l "
        f"JOIN orders o ON o.id = l.order_id JOIN products p ON p.id = l.product_id WHERE {PAID_OR_SENT}) d GROUP BY 1",
    ),
}

Told = Mapping[str, Mapping[str, Any]]
"""What a program of ``asking/`` prints: of each question its text and times, or why it was refused."""


def rows(runs: int, rounds: int) -> list[Row]:
    """The report's rows, medians of so many runs of all programs in turn."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model = folder / "model"
        model.mkdir()
        (model / "model.yml").write_text(by_hand.MODEL)
        pythons = {"Cuboid": Path(sys.executable), **dict(installed(folder))}
        told: dict[str, list[Told]] = {peer: [] for peer in pythons}
        for _ in range(runs):
            for peer, python in pythons.items():
                told[peer] += asked(peer, python, model, rounds)
        right = compared(folder / "orders.duckdb", {peer: each[0] for peer, each in told.items() if each})
        if not all(right.get(("Cuboid", key)) for key in QUESTIONS):
            raise RuntimeError("Cuboid does not tell what SQL by hand tells")
        names = {peer: f"{peer} {version(python, peer)}" for peer, python in pythons.items() if peer in PEERS}
    return [
        Row(
            f"{names.get(peer, peer)}: {question.title}, {how}{'' if right[peer, key] else ' (other numbers)'}",
            statistics.median(each[key][how] for each in told[peer]),
            None if peer == "Cuboid" else f"Cuboid: {question.title}, {how}",
        )
        for key, question in QUESTIONS.items()
        for how in ("new", "again")
        for peer in pythons
        if (peer, key) in right
    ]


def installed(folder: Path) -> Iterator[tuple[str, Path]]:
    """The peers that can be had here, and the interpreter of each."""
    for peer, packages in PEERS.items():
        python = install(folder / peer, packages)
        if python is None:
            print(f"{peer} cannot be installed here: it is not measured.")
        else:
            yield peer, python


def asked(peer: str, python: Path, model: Path, rounds: int) -> list[Told]:
    """What the peer's program tells: nothing if it fails, as it may with another version of the peer."""
    program = ASKING / f"in_{peer.lower().replace('-', '_')}.py"
    try:
        done = subprocess.run(
            [python, program, model, str(rounds)],
            check=True,
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )
    except subprocess.CalledProcessError as error:
        said = error.stderr.strip().splitlines()[-1:]
        print(f"{peer} cannot be asked: {' '.join(said)}")
        return []
    except subprocess.TimeoutExpired:
        print(f"{peer} takes more than {SECONDS} s: it is not measured.")
        return []
    return [json.loads(done.stdout.splitlines()[-1])]


def compared(database: Path, told: Mapping[str, Told]) -> dict[tuple[str, str], bool]:
    """Whether each statement tells what the one by hand tells, by peer and question; those refused are left out."""
    import duckdb

    by_hand.fill_duckdb(database, ORDERS)
    right: dict[tuple[str, str], bool] = {}
    with duckdb.connect(str(database), read_only=True) as connection:
        for key, question in QUESTIONS.items():
            truth = plain(connection.execute(question.by_hand).fetchall())
            for peer, questions in told.items():
                found = questions[key]
                if "refused" in found:
                    print(f"{peer} refuses {question.title}: {' '.join(found['refused'].split())[:200]}")
                    continue
                try:
                    answer = plain(connection.execute(found["sql"], found["parameters"]).fetchall())
                except duckdb.Error as error:
                    print(f"{peer}, {question.title}: its SQL does not run: {error}")
                    continue
                right[peer, key] = answer == truth
                if answer != truth:
                    print(
                        f"{peer}, {question.title}: {len(answer)} rows, by hand {len(truth)}; not the same."
                    )
    return right


def plain(rows: Sequence[Sequence[object]]) -> list[list[str]]:
    """Rows whatever the order of them and of their columns, and the type of a month or an amount."""

    def cell(value: object) -> str:
        if isinstance(value, datetime) and value.time() == datetime.min.time():
            return str(value.date())
        return f"{value:.2f}" if isinstance(value, (int, float, Decimal)) else str(value)

    return sorted(sorted(map(cell, row)) for row in rows)


def main() -> None:
    parser = argparse.ArgumentParser(description="Compare planning with other semantic layers.")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=30)
    given = parser.parse_args()
    report("Peers", rows(given.runs, given.rounds))


if __name__ == "__main__":
    main()
