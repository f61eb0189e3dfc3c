"""What the model can say and the planner cannot compute yet is refused, also where another member is made of it."""

from __future__ import annotations

import textwrap

import pytest

from cuboid.catalog.compile import compile_catalog
from cuboid.catalog.files import ModelFile
from cuboid.errors import UnsupportedFeature
from cuboid.plan.guards import refuse_unplanned

MODEL = """
cubes:
  - name: a
    sql_table: a
    dimensions:
      - {name: id, sql: id, type: number, primary_key: true}
      - {name: t, sql: t, type: time}
      - {name: switch, type: switch, values: [x]}
    measures:
      - {name: n, type: count}
"""


@pytest.mark.parametrize(
    ("member", "kind"),
    [
        ("switch", "'a.switch' is a switch: it is on no row"),
    ],
)
def test_what_has_no_plan_is_refused(member: str, kind: str) -> None:
    catalog = compile_catalog([ModelFile("a.yml", textwrap.dedent(MODEL))])
    assert catalog.errors == ()
    with pytest.raises(UnsupportedFeature, match=kind):
        refuse_unplanned(catalog, [f"a.{member}"])


def test_bins_of_a_calendar_that_are_of_another_cube_are_refused() -> None:
    text = """
    cubes:
      - name: calendar
        calendar: true
        sql_table: calendar
        dimensions:
          - {name: day, sql: day, type: time, granularities: [{name: month, sql: "{months.start}"}]}
          - {name: own_month, sql: "{day.month}", type: time}
        joins: [{name: months, relationship: many_to_one, sql: "{CUBE}.month_id = {months}.id"}]
      - {name: months, sql_table: months, dimensions: [{name: start, sql: start, type: time}]}
    views:
      - {name: v, cubes: [{join_path: calendar, includes: [day]}]}
    """
    catalog = compile_catalog([ModelFile("a.yml", textwrap.dedent(text))])
    assert catalog.errors == ()
    refuse_unplanned(catalog, ["calendar.day"], [("calendar.day", "year")])
    for names, granularities in (
        ([], [("calendar.day", "month")]),
        ([], [("v.day", "month")]),
        (["calendar.own_month"], []),
    ):
        with pytest.raises(UnsupportedFeature, match="which is not of the calendar 'calendar'"):
            refuse_unplanned(catalog, names, granularities)
