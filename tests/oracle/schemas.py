"""Strategies for worlds: shapes of join graphs, keys, rows that fit them, and members over them.

Models are truthful: a declared relationship holds in the data (the far side of a to-one join is unique, and
both sides of a one_to_one are), since what a false declaration means is settled by no rule.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from hypothesis import strategies as st
from tests.oracle.cells import KEY_NUMBERS, KEY_TEXTS, ZONES, picks, pool, shuffled
from tests.oracle.expressions import Column, Compare, Expression, Logic, Ratio, Reference, Value
from tests.oracle.extras import with_extras
from tests.oracle.formulas import members_of
from tests.oracle.paths import with_views
from tests.oracle.permits import with_permits
from tests.oracle.world import ColumnType, Cube, Join, Measure, Relationship, Table, TableColumn, World

NAMES = ("Orders", "users", "line_items", "City", "returnedGoods", "plans", "Shops", "stock_moves")
SHAPES = (
    "star",
    "chasm",
    "snowflake",
    "chasm",
    "diamond",
    "triangle",
    "triangle",
    "one_to_one",
    "tangle",
    "tangle",
    "single",
)
OPTIONAL_COLUMNS: tuple[tuple[str, ColumnType], ...] = (
    ("amount", "decimal"),
    ("flag", "boolean"),
    ("made_at", "timestamp"),
    ("seen_at", "timestamptz"),
    ("due", "date"),
)
KEY_COLUMNS: dict[str, tuple[tuple[str, ColumnType], ...]] = {
    "number": (("id", "integer"),),
    "text": (("code", "text"),),
    "composite": (("part_no", "integer"), ("part_code", "text")),
    "none": (("id", "integer"),),  # unique, so that joins to it are to-one, but not declared
}


@dataclass(frozen=True, slots=True)
class Link:
    """``child`` has a foreign key to ``parent``; declared on the child, on the parent, or on both."""

    child: int
    parent: int
    one_to_one: bool
    declared: Literal["child", "parent", "both"]


@dataclass(slots=True)
class Draft:
    """A cube in the making. ``table_of``: the draft whose table it is over (itself, or a role's owner)."""

    index: int
    key: str
    optional: Sequence[tuple[str, ColumnType]]
    table_of: int
    links: list[Link] = field(default_factory=list)
    keys: list[tuple[Value, ...]] = field(default_factory=list)

    @property
    def key_columns(self) -> tuple[tuple[str, ColumnType], ...]:
        return KEY_COLUMNS[self.key]


Shape = tuple[int, list[tuple[int, int]], set[int]]
"""Of a join graph: number of cubes, (child, parent) pairs, positions of one_to_one pairs."""


@st.composite
def pairs(draw: st.DrawFn) -> Shape:
    """A shape, now and then with leaves up to seven or eight cubes: further dimensions, and further facts."""
    size, found, unique = draw(small())
    if draw(st.integers(0, 11)) != 5:
        return size, found, unique
    grown = draw(st.sampled_from((7, 8)))
    for leaf in range(size, grown):
        inner = draw(st.integers(0, leaf - 1))
        found.append(draw(st.sampled_from(((inner, leaf), (inner, leaf), (leaf, inner)))))
    return grown, found, unique


@st.composite
def small(draw: st.DrawFn) -> Shape:
    """The shape of one to six cubes."""
    shape = draw(st.sampled_from(SHAPES))
    if shape == "single":
        return 1, [], set()
    if shape == "star":
        size = draw(st.integers(2, 4))
        return size, [(0, parent) for parent in range(1, size)], set()
    if shape == "snowflake":
        size = draw(st.integers(3, 5))
        return size, [(draw(st.integers(0, parent - 1)), parent) for parent in range(1, size)], set()
    if shape == "chasm":
        size = draw(st.integers(3, 5))
        return size, [(1, 0), (2, 0)] + [(c, draw(st.integers(0, c - 1))) for c in range(3, size)], set()
    if shape == "diamond":
        return 4, [(0, 1), (0, 2), (1, 3), (2, 3)], set()
    if shape == "triangle":  # a long way and a short one
        return draw(
            st.sampled_from(
                ((3, [(0, 1), (1, 2), (0, 2)], set()), (4, [(0, 1), (1, 2), (0, 2), (3, 0)], set()))
            )
        )
    if shape == "one_to_one":
        return 3, [(0, 1), draw(st.sampled_from(((0, 2), (2, 0), (1, 2), (2, 1))))], {0}
    size = draw(st.integers(3, 6))
    found: list[tuple[int, int]] = []
    for later in [*range(1, size), *[size - 1] * draw(st.integers(0, 2))]:
        earlier = draw(st.integers(0, later - 1))
        pair = draw(st.sampled_from(((later, earlier), (earlier, later))))
        if pair not in found and pair[::-1] not in found:
            found.append(pair)
    return size, found, {p for p in range(len(found)) if draw(st.integers(0, 5)) == 0}


@st.composite
def drafts(draw: st.DrawFn) -> list[Draft]:
    """Cubes with their links, keys not yet filled."""
    size, joined, unique = draw(pairs())
    drafted: list[Draft] = []
    for index in range(size):
        key = draw(st.sampled_from(("number", "number", "text", "composite", "composite", "none")))
        optional = draw(st.lists(st.sampled_from(OPTIONAL_COLUMNS), max_size=3, unique=True))
        drafted.append(Draft(index, key, optional, index))
    for position, (child, parent) in enumerate(joined):
        declared = draw(st.sampled_from(("child", "child", "parent", "both")))
        drafted[child].links.append(Link(child, parent, position in unique, declared))
    if draw(st.booleans()):
        _share_a_table(drafted)
    return drafted


def _share_a_table(drafted: list[Draft]) -> None:
    """Makes two cubes without foreign keys two roles of one table."""
    plain = [draft for draft in drafted if not draft.links]
    if len(plain) >= 2:
        first, second = plain[:2]
        second.key, second.optional, second.table_of = first.key, first.optional, first.index


@st.composite
def key_values(draw: st.DrawFn, key: str) -> list[tuple[Value, ...]]:
    """Unique keys, which decide the number of rows. Parts of composite ones may be NULL, but not all parts:
    such a row is no row of its cube by the rules."""
    if key == "composite":
        every = [(number, text) for number in (1, 2, 12, None) for text in ("1", "2", "23", "3", None)][:-1]
    else:
        every = [(part,) for part in (KEY_TEXTS if key == "text" else KEY_NUMBERS)]
    # Chosen outright: lists left to themselves are short, and short tables make empty answers.
    size = draw(st.sampled_from((6, 7, 8, 5, 0, 4, 2, 8, 8)))
    return draw(shuffled(every, size))


@st.composite
def tables(draw: st.DrawFn, drafted: list[Draft], zone: str) -> dict[int, Table]:
    """A table for each draft, foreign keys drawn from the parents' keys, NULL and orphans."""
    for draft in drafted:
        owner = drafted[draft.table_of]
        draft.keys = draw(key_values(draft.key)) if owner is draft else owner.keys
    built: dict[int, Table] = {}
    for draft in drafted:
        if draft.table_of != draft.index:
            continue
        plain: list[tuple[str, ColumnType]] = [("n", "integer"), ("s", "text"), *draft.optional]
        columns = [*draft.key_columns, *plain]
        drawn = draw(picks([pool(type, zone) for _ in draft.keys for _, type in plain]))
        width = len(plain)
        rows = [[*key, *drawn[at * width : (at + 1) * width]] for at, key in enumerate(draft.keys)]
        for link in draft.links:
            parent = drafted[link.parent]
            columns += [(f"{NAMES[parent.index].lower()}_{name}", type) for name, type in parent.key_columns]
            for row, foreign in zip(rows, draw(foreign_keys(parent, link, len(rows))), strict=True):
                row.extend(foreign)
        built[draft.index] = Table(
            f"t_{NAMES[draft.index].lower()}",
            tuple(TableColumn(name, type) for name, type in columns),
            tuple(map(tuple, rows)),
        )
    return {draft.index: built[draft.table_of] for draft in drafted}


@st.composite
def foreign_keys(draw: st.DrawFn, parent: Draft, link: Link, count: int) -> list[tuple[Value, ...]]:
    """One per row; for one_to_one none twice."""
    nothing: tuple[Value, ...] = (None,) * len(parent.key_columns)
    orphan: tuple[Value, ...] = tuple(77 if type == "integer" else "zz" for _, type in parent.key_columns)
    drawn = draw(picks([(*parent.keys, *parent.keys, *parent.keys, nothing, orphan)] * count))
    if link.one_to_one:
        drawn = [key if key not in drawn[:position] else nothing for position, key in enumerate(drawn)]
    return drawn


def _joins(drafted: list[Draft], draft: Draft) -> list[Join]:
    """The joins declared on a draft, those of its own links first."""
    joins: list[Join] = []
    for link in (link for other in drafted for link in other.links):
        relationship: Relationship = "one_to_one" if link.one_to_one else "many_to_one"
        if link.child == draft.index and link.declared in ("child", "both"):
            joins.append(Join(NAMES[link.parent], relationship, _on(drafted, link)))
        if link.parent == draft.index and link.declared in ("parent", "both"):
            reverse: Relationship = "one_to_one" if link.one_to_one else "one_to_many"
            joins.append(Join(NAMES[link.child], reverse, _on(drafted, link)))
    return joins


def _on(drafted: list[Draft], link: Link) -> Expression:
    child, parent = NAMES[link.child], NAMES[link.parent]
    equalities = tuple(
        Compare("=", Column(child, f"{parent.lower()}_{name}"), Column(parent, name))
        for name, _ in drafted[link.parent].key_columns
    )
    return equalities[0] if len(equalities) == 1 else Logic("and", equalities)


@st.composite
def worlds(draw: st.DrawFn, *, dense: bool = False) -> tuple[World, str]:
    """A world, and the zone around whose offset changes its times lie.

    :param dense: with members beyond aggregates in every world, and policies in most: for runs of few worlds.
    """
    zone = draw(st.sampled_from(ZONES))
    drafted = draw(drafts())
    built = draw(tables(drafted, zone))
    joins = {draft.index: draw(st.permutations(_joins(drafted, draft))) for draft in drafted}
    joined = {draft.index for draft in drafted if draft.links} | {
        link.parent for draft in drafted for link in draft.links
    }
    cubes: list[Cube] = []
    for draft in drafted:
        bare: dict[str, Any] = {"table": built[draft.index], "joins": tuple(joins[draft.index])}
        key = () if draft.key == "none" else tuple(name for name, _ in draft.key_columns)
        to_one = _to_one(joins, draft.index)
        members = draw(members_of(NAMES[draft.index], built[draft.index], to_one, key, draft.index in joined))
        inherits = draw(st.integers(0, 5)) == 3
        cubes.append(
            Cube(
                name=NAMES[draft.index],
                as_select=draw(st.booleans()),
                inherits=inherits,
                **bare,
                **members,
            )
        )
    world = World(tuple(_with_cross_measure(draw, draw(st.permutations(cubes)))))
    world = with_permits(draw, with_extras(draw, world, dense=dense), dense=dense)
    return with_views(draw, world, zone), zone


def _with_cross_measure(draw: st.DrawFn, cubes: list[Cube]) -> list[Cube]:
    """Sometimes a composed measure over the measures of two cubes, whether or not they can be joined."""
    counting = [cube for cube in cubes if any(measure.name == "count" for measure in cube.measures)]
    if len(counting) < 2 or draw(st.booleans()):
        return cubes
    first, second = draw(st.permutations(counting))[:2]
    ratio = Ratio(Reference(first.name, "count"), Reference(second.name, "count"))
    crossed = replace(first, measures=(*first.measures, Measure("cross", "number", ratio)))
    return [crossed if cube is first else cube for cube in cubes]


def _to_one(joins: dict[int, list[Join]], start: int) -> list[str]:
    """The cubes reached from ``start`` by declared to-one joins: those its members may read."""
    found, queue = [NAMES[start]], [start]
    while queue:
        for join in joins[queue.pop()]:
            if join.relationship != "one_to_many" and join.target not in found:
                found.append(join.target)
                queue.append(NAMES.index(join.target))
    return found[1:]
