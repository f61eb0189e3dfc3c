"""The comments above CTEs: each CTE has one, and nothing in it can be read as anything else."""

import re
from pathlib import Path

import pytest
from sqlglot import exp

from cuboid.plan.nodes import Key
from cuboid.sql.comments import by, commented

SHAPES = Path(__file__).parent / "shapes"


@pytest.mark.parametrize(
    "file", sorted(SHAPES.glob("**/*.sql")), ids=lambda file: f"{file.parent.name}-{file.stem}"
)
def test_each_cte_begins_with_a_comment(file: Path) -> None:
    opened = re.findall(r"""["`]\w+["`] AS \(\n\s*(.*)""", file.read_text())

    assert all(re.fullmatch(r"/\* [\w ,.:()-]+ \*/", line) for line in opened), opened


def test_what_could_end_a_comment_or_be_bound_is_left_out() -> None:
    tree = commented(exp.select("1"), "a */ b /* c ? %s $1 {p1:String} ! + \\ '\" \n; café")
    assert tree.sql() == "/* a  b  c  s 1 p1:String      caf */ SELECT 1"


def test_long_lists_are_cut() -> None:
    names = [f"orders.m{number}" for number in range(11)]
    assert by(names, [Key("users.city")]) == f"{', '.join(names[:8])} and 3 more by users.city"
    assert by((), [Key("a.b"), Key("a.at", "day")]) == "groups by a.b, a.at.day"
    assert by(("a.m",), ()) == "a.m in all"
