"""Mistakes that a planner plausibly makes, each planted into Cuboid at run time: the comparison must catch them all.

Most change the finished SQL tree, as the mistake would; so they outlive rearrangements of the planner.
"""

from __future__ import annotations

from datetime import timedelta

from sqlglot import exp
from tests.oracle import mistakes_in_code as code
from tests.oracle import mistakes_in_trees as trees
from tests.oracle.planting import Mistake, becomes, each, in_code, in_tree, without

from cuboid.catalog.joins import JoinGraph, JoinTree
from cuboid.catalog.model import Cube
from cuboid.plan import (
    additions,
    build,
    evaluation,
    rewrite,
    rollup_windows,
    scans,
    states,
    sub_queries,
    windows,
)
from cuboid.plan.facts import Facts
from cuboid.query import access, dates, defaults, normalize, policies
from cuboid.query.model import ALWAYS, Access
from cuboid.sql import conversions
from cuboid.sql.aggregates import LeafSql
from cuboid.sql.members import MemberSql
from cuboid.sql.slots import SlotSql, always
from cuboid.sql.snapshots import Snapshots
from cuboid.sql.windows import WindowSql
from cuboid_duckdb.dialect import DuckDBDialect

RARE = frozenset(
    (
        "a value that the case lacks has the first one's",
        "frames hold parts of buckets",
        "windows are one bucket long",
        "frames have no beginning",
        "no frame reaches before the range",
        "a shift goes the other way",
        "a shift leaves the conditions",
        "stages keep what reduce_by leaves out",
        "stages keep what group_by leaves out",
        "stages lack what add_group_by adds",
        "stages pass all filters on",
        "the last is the first",
        "snapshots are of the whole group",
        "ranks leave no gaps",
        "decimals are added as doubles",
        "a condition restricts every fact",
        "the axes restrict their own fact only",
        "weeks begin on Sunday",
        "bounds by the offset of one day",
        "a repeated hour begins with its second pass",  # tests/query/test_zones.py catches it at once
        "zones move dates",
        "sub-queries see the outer conditions",
        "sub-queries see no conditions",
        "groups of other rows are added up",
        "masks are forgotten",
        "filters are not restated",
        "a conversion's window is one unit long",
        "a step may come before the one before",
        "a row follows itself",
        "the rate is among those that went on",
        "a tuple without an answer is computed from NULL",
        "all ranges of a comparison are the first",
        "no snapshot ends with NULL",
        "ranks go the other way",
        "stored values that do not add up are added up",
        "rollups of other joined rows serve",
        "conditions on what is not stored are dropped",
        "segments that are not stored are dropped",
        "an average of different values",
        "buckets by a part of their tuple",
        "shares are of what conditions and the limit leave",
    )
)
"""Those that take hundreds of queries to show."""

MISTAKES: tuple[Mistake, ...] = (
    in_tree("an INNER JOIN where LEFT is due", each(exp.Join, trees.inner)),
    in_tree("no DISTINCT where a join repeats rows", without("distinct")),
    in_tree("repeated keys are counted", each(exp.Count, trees.counts_repeated)),
    in_tree("a count of a column counts rows", each(exp.Count, trees.counts_all)),
    in_tree("equal values are added once", each(exp.Sum, trees.distinct)),
    in_tree("an average of different values", each(exp.Avg, trees.distinct)),
    in_tree("decimals are added as doubles", each(exp.Sum, trees.floating)),
    in_tree("a range holds its end", becomes(exp.LT, exp.LTE)),
    in_tree("a range lacks its start", becomes(exp.GTE, exp.GT)),
    in_tree("alternatives must all hold", becomes(exp.Or, exp.And)),
    in_tree("a negation drops NULL", each(exp.Or, trees.drops_null)),
    in_tree("conditions on rows are dropped", without("where")),
    in_tree("conditions on measures are dropped", without("having")),
    in_tree("conditions on measures before the union", each(exp.Select, trees.conditions_on_measures_first)),
    in_tree("NULL comes first", each(exp.Ordered, trees.nulls_first)),
    in_tree("ties are in any order", each(exp.Order, trees.only_first)),
    in_tree("limit and offset change places", each(exp.Select, trees.swapped)),
    in_tree("no parentheses around a member's SQL", each(exp.Paren, trees.unwrapped)),
    in_tree("COALESCE is lost", each(exp.Coalesce, trees.no_zero)),
    in_tree("what a measure leaves out counts", each(exp.Case, trees.first_of_case)),
    in_tree("NULL keys joined by =", becomes(exp.NullSafeEQ, exp.EQ)),
    in_code("filters of measures are forgotten", LeafSql, "input", code.without_filters()),
    in_code("an absent row counts", MemberSql, "exists", lambda self, cube, scope: None),
    in_code(
        "distinct counts and means are added up",
        scans,
        "ADDITIVE",
        (*scans.ADDITIVE, "count_distinct", "avg"),
    ),
    in_code("groups of other rows are added up", scans, "_same_rows", code.whatever_the_conditions()),
    in_code("joins never repeat rows", JoinTree, "fans_out", lambda self, cube, target=None: False),
    in_code("0 pads the union", DuckDBDialect, "padding", lambda *given: exp.Literal.number(0)),
    in_code("the first part of a key is the key", Cube, "primary_key", code.only_first_key()),
    in_code("a condition restricts every fact", Facts, "restricts", lambda *given: True),
    in_code("the axes restrict their own fact only", Facts, "__init__", code.ungrouped_facts()),
    in_code("the last declared root wins", JoinGraph, "_index", code.last_declared()),
    in_code("groups are times of UTC", DuckDBDialect, "to_civil", lambda self, value, zone, kind: value),
    in_code("weeks begin on Sunday", DuckDBDialect, "date_trunc", code.sundays()),
    in_code("bounds by the offset of one day", dates, "to_utc", code.fixed_offset),
    in_code("a repeated hour begins with its second pass", dates, "to_utc", code.second_pass),
    in_code("zones move dates", dates, "bound", code.moved_dates),
    in_code(
        "a day lasts to its first millisecond", dates, "following", lambda civil: civil - timedelta(days=1)
    ),
    in_code("sub-queries see the outer conditions", sub_queries, "_inner", code.always_propagated()),
    in_code("sub-queries see no conditions", sub_queries, "_inner", code.never_propagated()),
    in_code("row policies are forgotten", policies.Policies, "rows", lambda *given: ALWAYS),
    in_code("row filters of views are forgotten", access.AccessReader, "read", code.without_rules_of_views()),
    in_code("policies narrow each other", policies, "any_of", policies.all_of),
    in_code("a missing claim opens all rows", policies, "NEVER", ALWAYS),
    in_code("what nobody grants is answered", policies.Policies, "readable", lambda *given: True),
    in_code("masks are forgotten", Access, "mask", lambda self, member: None),
    in_code(
        "shares are of what conditions and the limit leave",
        rewrite,
        "RULES",
        code.in_place_of(scans.share_over_groups, code.shares_of_what_is_left()),
    ),
    in_code("shares are of all groups", additions, "_total", code.shares_of_all()),
    in_code("the lowest come first", build, "plan_top", code.lowest_first()),
    in_code("the others are dropped", build, "plan_top", code.others_dropped()),
    in_code("the first are those after the first", build, "plan_top", code.one_more()),
    in_code("frames hold parts of buckets", rollup_windows, "_hold", lambda *given: True),
    in_code(
        "windows are one bucket long", WindowSql, "_bounds", lambda self, frames, begin, end: (begin, end)
    ),
    in_code("frames have no beginning", WindowSql, "_bounds", code.without_beginning()),
    in_code("no frame reaches before the range", windows, "_reach", lambda frames: (0, 0)),
    in_code("a shift goes the other way", states, "_shift", code.other_way()),
    in_code("a shift leaves the conditions", states, "_moved", lambda condition, shifts, origin: condition),
    in_code(
        "stages keep what reduce_by leaves out", evaluation, "child_state", code.stage_without(reduce_by=())
    ),
    in_code(
        "stages keep what group_by leaves out", evaluation, "child_state", code.stage_without(group_by=None)
    ),
    in_code(
        "stages lack what add_group_by adds", evaluation, "child_state", code.stage_without(add_group_by=())
    ),
    in_code("stages pass all filters on", evaluation, "child_state", code.stage_without(filter=None)),
    in_code("the last is the first", Snapshots, "__init__", code.other_end()),
    in_code("snapshots are of the whole group", Snapshots, "__init__", code.snapshots(by=())),
    in_code("no snapshot ends with NULL", LeafSql, "where_counted", code.without_nulls()),
    in_tree("ranks leave no gaps", each(exp.Anonymous, trees.dense)),
    in_tree("ranks go the other way", each(exp.Window, trees.upside_down)),
    in_code("the paths of views bind nothing", JoinGraph, "tree", code.without_paths(paths=())),
    in_code("join hints bind nothing", JoinGraph, "tree", code.without_paths(hints=())),
    in_code("default filters are added whatever is asked", defaults, "_filtered", lambda query: ()),
    in_code("default filters are forgotten", normalize, "default_filters", lambda *given: ()),
    in_code("all ranges of a comparison are the first", normalize, "_expand", code.first_range()),
    in_code("a conversion's window is one unit long", conversions.Conversions, "__init__", code.one_unit()),
    in_tree("a step may come before the one before", trees.at_any_time),
    in_code("a row follows itself", conversions, "_another", lambda one, other: exp.true()),
    in_code(
        "the rate is among those that went on",
        conversions.Conversions,
        "_value",
        code.among_those_that_went(),
    ),
    in_code("a switch has its first value", evaluation, "chosen", code.first_branch()),
    in_code("a value that the case lacks has the first one's", evaluation, "chosen", code.never_lacking()),
    in_code("conditions on a switch leave all", normalize.switches, "pins", code.all_values()),
    in_code(
        "a tuple without an answer is computed from NULL",
        build,
        "plan_sub_queries",
        code.no_answer_is_an_answer(),
    ),
    in_code("buckets by a part of their tuple", sub_queries, "_by", code.cut_tuples()),
    in_code("filters are not restated", SlotSql, "_restated", lambda *given: always()),
)


__all__ = ["MISTAKES", "RARE"]
