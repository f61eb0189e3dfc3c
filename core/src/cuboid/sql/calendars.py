"""Calendars that are looked up: which row of theirs is read in place of a row's own.

A time that a calendar shifts is grouped by, and restricted, as the calendar has it elsewhere: its row for the day that
is asked about says which day's rows count there. So the calendar is joined twice: by its own join, and for what is
asked.
"""

from __future__ import annotations

from dataclasses import replace

from sqlglot import exp

from cuboid.catalog.model import Catalog
from cuboid.errors import UnsupportedFeature
from cuboid.plan.nodes import Shift
from cuboid.query.model import Condition, members_of
from cuboid.sql.dialect import Dialect
from cuboid.sql.members import MemberSql
from cuboid.sql.names import Names
from cuboid.sql.scope import Scope


def with_calendars(scope: Scope, names: Names, catalog: Catalog) -> Scope:
    """The scope with an alias for each calendar that its shifts look up.

    SQL that restates conditions is about a row's own times, so those on the calendar are not restated.

    Raises :class:`UnsupportedFeature` for two times of one calendar.
    """
    looked_up: dict[str, str] = {}
    for shift in scope.shifts:
        if not shift.looked_up:
            continue
        cube = shift.member.partition(".")[0]
        if cube in looked_up:
            raise UnsupportedFeature(
                f"Two times of the calendar '{cube}' are shifted by it in one query.",
                hint="Group by, and restrict, one of them.",
            )
        looked_up[cube] = names.take(f"{scope.aliases[cube]}__read")
    if not looked_up:
        return scope

    def is_own(condition: Condition) -> bool:
        cubes = (catalog.origin(name).partition(".")[0] for name in members_of((condition,)))
        return looked_up.keys().isdisjoint(cubes)

    return replace(scope, conditions=tuple(filter(is_own, scope.conditions)), looked_up=looked_up)


def read_by(shift: Shift, scope: Scope, members: MemberSql, catalog: Catalog, dialect: Dialect) -> exp.Expr:
    """The test that the looked-up row of the calendar stands for a row's own."""
    own, asked = members.value(shift.member, scope), members.value(shift.member, scope.as_asked())
    if shift.sql is not None:
        return exp.EQ(this=members.template(shift.sql, scope.as_asked()), expression=own)
    kind = catalog.dimension(shift.member).time_kind
    moved = dialect.to_civil(own, "UTC", kind)
    for interval in shift.intervals:
        moved = dialect.add_interval(moved, interval)
    return exp.EQ(this=dialect.to_civil(asked, "UTC", kind), expression=moved)
