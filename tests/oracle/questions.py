"""Strategies for queries over a world: members that can be joined (mostly), filters, ranges, order, pages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from hypothesis import strategies as st
from tests.oracle.bins import NAMES
from tests.oracle.cells import DECIMALS, INTEGERS, TEXTS, ZONES, civil_times
from tests.oracle.expressions import atoms
from tests.oracle.joins import NoPathError, RowLookup, find_tree, table_rows
from tests.oracle.question import leaves
from tests.oracle.world import Dimension, World

JsonQuery = dict[str, Any]

MATCHING = ("contains", "notContains", "startsWith", "notStartsWith", "endsWith", "notEndsWith")
MEMBERSHIP = ("equals", "notEquals", "in", "notIn")
COMPARING = ("gt", "gte", "lt", "lte")
SINGLE_DATES = ("onTheDate", "beforeDate", "beforeOrOnDate", "afterDate", "afterOrOnDate")
RANGES = ("inDateRange", "notInDateRange")
SHORT = ("hour", "day", "ninety_minutes")
LONG = ("week", "month", "quarter", "year", "fiscal_year", "half_from_the_31st", "month_from_the_15th")
PARTS = ("a", "A", "é", "É", "%", "_", "\\", "'", "", "😀", "100%", "b", " ")


class Questions:
    """Draws queries over one world; ``zone`` is the one whose offset changes the world's times lie around."""

    def __init__(self, draw: st.DrawFn, world: World, zone: str) -> None:
        self.draw = draw
        self.world = world
        self.home_zone = zone
        self.zone = zone

    def query(self) -> JsonQuery:
        """One query. A few mention cubes that cannot be joined, and must be refused."""
        draw = self.draw
        self.zone = self.home_zone if draw(st.integers(0, 2)) else draw(st.sampled_from(ZONES))
        several = min(len(self.world.names), draw(st.sampled_from((1, 2, 2, 3))))
        cubes = draw(st.permutations(self.world.names))[:several]
        ungrouped = draw(st.integers(0, 9)) == 9  # not 0, which is drawn far more often than one in ten
        measures = self._measures(cubes, ungrouped)
        careless = draw(st.integers(0, 19)) == 19
        reachable = self.world.names if careless else self._reachable(measures, ungrouped)
        dimensions = self._dimensions(reachable, measures)
        pins = [] if ungrouped else self._switches(measures, dimensions)
        query: JsonQuery = {}
        if measures or draw(st.booleans()):
            query["measures"] = measures
        query["dimensions"] = dimensions
        query["timezone"] = self.zone
        entries = self._time_dimensions(reachable, measures, dimensions)
        if not measures and not dimensions and not any("granularity" in entry for entry in entries):
            query["dimensions"] = dimensions = [self._any_dimension(reachable)]
        query["timeDimensions"] = entries
        segments = [f"{c}.{s.name}" for c in (*reachable, *cubes[:1]) for s in self.world.cube(c).segments]
        if segments and draw(st.integers(0, 3)) == 0:
            query["segments"] = [draw(st.sampled_from(segments))]
        filtered = dict.fromkeys((*reachable, *(name.partition(".")[0] for name in measures)))
        if draw(st.booleans()):  # a condition on what a sub-query reads tells whether it sees it
            filtered |= dict.fromkeys(self._inside(dimensions))
        query["filters"] = self._filters(tuple(filtered), measures, dimensions, ungrouped)
        query["filters"] += pins
        if ungrouped:
            query["ungrouped"] = True
        self._page(query)
        return query

    # ------------------------------------------------------------ members

    def _measures(self, cubes: Sequence[str], ungrouped: bool) -> list[str]:
        offered = [
            f"{cube}.{m.name}"
            for cube in cubes
            for m in self.world.cube(cube).measures
            for _ in range(
                1 if m.window is m.stage is m.semi is m.conversion is None else 0 if ungrouped else 3
            )
        ]
        if not offered or self.draw(st.integers(0, 6)) == 0:
            return []
        least = 1 if ungrouped else min(len(set(offered)), self.draw(st.sampled_from((1, 2, 2, 3))))
        return self.draw(st.lists(st.sampled_from(offered), min_size=least, max_size=least, unique=True))

    def _reachable(self, measures: Iterable[str], ungrouped: bool) -> tuple[str, ...]:
        """The cubes whose members can be asked with all the measures."""
        cubes = {leaf.partition(".")[0] for name in measures for leaf in leaves(self.world, name)}
        if not cubes:
            cubes = {self.draw(st.sampled_from(self.world.names))}
        relations = [cubes] if ungrouped else [{cube} for cube in sorted(cubes)]
        found = [name for name in self.world.names if all(self._joins({*r, name}) for r in relations)]
        # Each alone can be joined; all together need not be: keep adding while they can.
        kept: list[str] = []
        for name in self.draw(st.permutations(found)):
            if all(self._joins({*relation, *kept, name}) for relation in relations):
                kept.append(name)
        return tuple(kept[: self.draw(st.integers(1, 3))])

    def _joins(self, cubes: set[str]) -> bool:
        try:
            find_tree(self.world, cubes)
        except NoPathError:
            return False
        return True

    def _dimensions(self, cubes: Sequence[str], measures: Sequence[str]) -> list[str]:
        offered = [name for cube in cubes for name in self._offered(cube)]
        if not offered:
            return []
        return self.draw(st.lists(st.sampled_from(offered), max_size=3 if measures else 2, unique=True))

    def _offered(self, cube: str) -> list[str]:
        """The dimensions of a cube, those over measures more than once."""
        names = [f"{cube}.{d.name}" for d in self.world.cube(cube).dimensions if not d.values]
        return [*names, *(name for name in names if self.world.measured(name) for _ in range(3))]

    def _inside(self, dimensions: Iterable[str]) -> list[str]:
        """The cubes of the measures that sub-queries among the dimensions evaluate."""
        found: list[str] = []
        for name in (
            each
            for dimension in dimensions
            if dimension.count(".") == 1
            for each in self.world.measured(dimension)
        ):
            dimension = self.world.dimension(name)
            if dimension is not None and dimension.sub_query:
                found += [atom.cube for atom in atoms(dimension.expression)]
        return found

    def _any_dimension(self, cubes: Sequence[str]) -> str:
        cube = self.draw(st.sampled_from(cubes or self.world.names))
        plain = [d.name for d in self.world.cube(cube).dimensions if not d.values]
        return f"{cube}.{self.draw(st.sampled_from(plain))}"

    def _switches(self, measures: Sequence[str], dimensions: list[str]) -> list[JsonQuery]:
        """Groups by the switches that measures depend on, or gives conditions on them; of others now and then."""
        every = [f"{cube.name}.{d.name}" for cube in self.world.cubes for d in cube.dimensions if d.values]
        needed = {name for measure in measures for name in self._depends(measure)}
        pins: list[JsonQuery] = []
        for name in every:
            form = self.draw(st.sampled_from(("group", "group", "pin", "pin", "both", "nothing")))
            if name not in needed and self.draw(st.integers(0, 7)) < 7:
                continue
            if form in ("group", "both") and (measures or dimensions):
                dimensions.append(name)
            if form in ("pin", "both"):
                dimension = self.world.dimension(name)
                assert dimension is not None
                value = self.draw(st.sampled_from(dimension.values))
                plain = {"member": name, "operator": "equals", "values": [value]}
                pins.append(
                    plain if form == "pin" else self._valued(name, (*MATCHING, *MEMBERSHIP), (value, "u"))
                )
        return pins

    def _depends(self, name: str) -> set[str]:
        """The switches that a measure depends on."""
        measure = self.world.measure(name)
        assert measure is not None
        own = {measure.switch.switch} if measure.switch is not None else set()
        return own.union(*(self._depends(child) for child in measure.children))

    def _time_dimensions(
        self, cubes: Sequence[str], measures: Sequence[str], dimensions: list[str]
    ) -> list[dict[str, Any]]:
        offered = [f"{c}.{d.name}" for c in cubes for d in self.world.cube(c).dimensions if d.type == "time"]
        if offered and any(rolls(self.world, name) for name in measures):
            return self._time_to_roll_over(offered, measures)
        if not offered or self.draw(st.integers(0, 2)) == 0:
            return []
        entries: list[dict[str, Any]] = []
        for name in self.draw(st.lists(st.sampled_from(offered), min_size=1, max_size=2)):
            entry: dict[str, Any] = {"dimension": name}
            form = self.draw(st.sampled_from(("granularity", "range", "both", "three parts")))
            if form == "three parts":
                dimensions.append(f"{name}.{self.draw(st.sampled_from(NAMES))}")
                continue
            if form != "range":
                entry["granularity"] = self.draw(st.sampled_from(NAMES))
            if form != "granularity":
                entry["dateRange"] = self._date_range()
            if entry not in entries:
                entries.append(entry)
        return entries

    def _time_to_roll_over(self, offered: Sequence[str], measures: Sequence[str]) -> list[dict[str, Any]]:
        """Mostly one time dimension, and no more than some hundred buckets of it."""
        own = [
            name for name in offered if any(m.partition(".")[0] == name.partition(".")[0] for m in measures)
        ]
        entry: dict[str, Any] = {"dimension": self.draw(st.sampled_from(own or offered))}
        form = self.draw(st.sampled_from(("wide", "narrow", "narrow", "none", "range", "several")))
        if form == "narrow":
            day: datetime = self.draw(st.sampled_from(civil_times(self.home_zone)))
            first = day.date() - timedelta(days=self.draw(st.integers(0, 3)))
            last = day.date() + timedelta(days=self.draw(st.integers(0, 2)))
            unit = self.draw(st.sampled_from((*SHORT, *SHORT, *LONG)))
            return [entry | {"granularity": unit, "dateRange": [first.isoformat(), last.isoformat()]}]
        if form == "several":
            units = self.draw(st.sampled_from((("month", "year"), ("week", "month"), ("quarter", "month"))))
            return [entry | {"granularity": unit} for unit in units]
        if form == "range":
            return [entry | {"dateRange": self._date_range()}]
        entry["granularity"] = self.draw(st.sampled_from(LONG))
        return [entry | {"dateRange": self._date_range()} if form == "wide" else entry]

    # ------------------------------------------------------------ filters

    def _filters(
        self, cubes: Sequence[str], measures: Sequence[str], dimensions: Sequence[str], ungrouped: bool
    ) -> list[JsonQuery]:
        filters: list[JsonQuery] = []
        named = [name for cube in cubes for name in self._offered(cube)]
        for _ in range(self.draw(st.sampled_from((0, 0, 0, 1, 1, 2)))):
            if named:
                filters.append(self._tree(named, 2))
        others = [f"{c}.{m.name}" for c in cubes for m in self.world.cube(c).measures]
        # A window is asked for along times that have some hundred buckets only, which are drawn with the measures.
        measured = [*measures, *(name for name in others if not rolls(self.world, name))]
        if measured and not ungrouped and self.draw(st.integers(0, 3)) == 0:
            leaf = self._measure_filter(self.draw(st.sampled_from(measured)))
            grouped = [d for d in dimensions if d.count(".") == 1 and self._type(d) != "time"]
            if grouped and self.draw(st.booleans()):
                leaf = {"or": [self.leaf(self.draw(st.sampled_from(grouped))), leaf]}
            filters.append(leaf)
        if not ungrouped and self.draw(st.integers(0, 9)) == 5:
            filters += self._passing(others)
        return filters

    def _passing(self, measures: Sequence[str]) -> list[JsonQuery]:
        """The filters of a measure as a condition on rows, of a cube that is open to all."""
        found = [
            name
            for name in measures
            if (measure := self.world.measure(name)) is not None
            and measure.filters
            and measure.stage is None
            and self.world.cube(name.partition(".")[0]).policies is None
        ]
        return [{"member": self.draw(st.sampled_from(found)), "operator": "measureFilter"}] if found else []

    def _tree(self, named: Sequence[str], depth: int) -> JsonQuery:
        form = self.draw(st.sampled_from(("leaf", "leaf", "and", "or"))) if depth else "leaf"
        if form == "leaf":
            return self.leaf(self.draw(st.sampled_from(named)))
        return {form: [self._tree(named, depth - 1) for _ in range(self.draw(st.integers(1, 3)))]}

    def _type(self, name: str) -> str:
        dimension = self.world.dimension(name)
        assert isinstance(dimension, Dimension)
        return dimension.type

    def leaf(self, name: str) -> JsonQuery:
        """A filter on a dimension."""
        kind = self._type(name)
        if self.draw(st.integers(0, 6)) == 0:
            return {"member": name, "operator": self.draw(st.sampled_from(("set", "notSet")))}
        if kind == "time":
            return self._date_filter(name)
        if kind == "boolean":
            return self._valued(name, MEMBERSHIP, self._seen(name) or ("true", "false", "1", "0"))
        if kind == "number":
            numbers = self._seen(name) or tuple(map(str, (*INTEGERS, *DECIMALS, 77)))
            return self._valued(name, (*COMPARING, *MEMBERSHIP), numbers)
        operator = self.draw(st.sampled_from((*MATCHING, *MEMBERSHIP, "gt", "lte")))
        if operator not in MATCHING:
            return self._valued(name, (operator,), self._seen(name) or (*TEXTS, "1", "2", "n"))
        return self._valued(name, (operator,), PARTS)

    def _seen(self, name: str) -> tuple[str, ...]:
        """Values that rows have, so that conditions hit something; mostly, and of what is made of its own row only."""
        dimension = self.world.dimension(name)
        cube = name.partition(".")[0]
        own = dimension is not None and not self.world.measured(name) and self.world.cubes_of(name) == {cube}
        if not own or self.draw(st.integers(0, 6)) == 3:
            return ()
        rows = table_rows(self.world, cube)
        found = [RowLookup(self.world, {cube: row}).member(name) for row in rows]
        texts = (str(v).lower() if isinstance(v, bool) else str(v) for v in found if v is not None)
        return tuple(dict.fromkeys(texts))

    def _valued(self, name: str, operators: Sequence[str], pool: Sequence[str]) -> JsonQuery:
        operator = self.draw(st.sampled_from(operators))
        values: list[str | None] = [*self.draw(st.lists(st.sampled_from(pool), min_size=1, max_size=3))]
        if operator in COMPARING:
            values = values[:1]
        elif self.draw(st.integers(0, 4)) == 0:
            # A negated match with null alone is no condition at all, whose meaning inside `or` is settled nowhere.
            alone = operator not in MATCHING and self.draw(st.booleans())
            values = [None] if alone else [*values, None]
        return {"member": name, "operator": operator, "values": values}

    def _measure_filter(self, name: str) -> JsonQuery:
        """Thresholds are halves and whole numbers, which floats hold exactly; averages are only compared."""
        operators = ("set", "notSet", *COMPARING)
        measure = self.world.measure(name)
        assert measure is not None
        if measure.type in ("count", "count_distinct", "sum", "min", "max"):
            operators += MEMBERSHIP
        operator = self.draw(st.sampled_from(operators))
        if operator in ("set", "notSet"):
            return {"member": name, "operator": operator}
        values: list[str | None] = [self.draw(st.sampled_from(("0", "1", "2", "3", "0.5", "1.5", "-3", "5")))]
        if operator in MEMBERSHIP and self.draw(st.integers(0, 3)) == 0:
            values.append(None)
        return {"member": name, "operator": operator, "values": values}

    def _date_filter(self, name: str) -> JsonQuery:
        operator = self.draw(st.sampled_from((*RANGES, *SINGLE_DATES, *RANGES, *RANGES, *MEMBERSHIP)))
        if operator in RANGES:
            return {"member": name, "operator": operator, "values": self._date_range()}
        if operator in MEMBERSHIP:
            return self._valued(name, (operator,), [self._date(exact=True) for _ in range(2)])
        return {"member": name, "operator": operator, "values": [self._date(exact=self.draw(st.booleans()))]}

    def _date(self, *, exact: bool) -> str:
        civil: datetime = self.draw(st.sampled_from(civil_times(self.home_zone)))
        return civil.isoformat(timespec="milliseconds") if exact else civil.date().isoformat()

    def _date_range(self) -> list[str]:
        if self.draw(st.integers(0, 3)) < 3:  # wide enough to keep most rows
            first = self.draw(st.sampled_from(("1969-12-31", "2011-12-30", "2023-01-02T10:00:00.000")))
            return (
                [first, "2024-01-01"]
                if self.draw(st.booleans())
                else sorted((first, self._date(exact=False)))
            )
        ends = sorted(self._date(exact=self.draw(st.integers(0, 2)) == 0) for _ in range(2))
        return ends[:1] if "T" not in ends[0] and self.draw(st.integers(0, 3)) == 0 else ends

    # ------------------------------------------------------------ order and pages

    def _page(self, query: JsonQuery) -> None:
        columns = [
            *(name for name in query["dimensions"]),
            *(e["dimension"] for e in query["timeDimensions"] if "granularity" in e),
            *query.get("measures", ()),
        ]
        form = self.draw(st.sampled_from(("default", "default", "object", "pairs", "none")))
        if form in ("object", "pairs") and columns:
            keys = self.draw(st.lists(st.sampled_from(columns), min_size=1, max_size=3, unique=True))
            pairs = [[key, self.draw(st.sampled_from(("asc", "desc")))] for key in keys]
            query["order"] = dict(pairs) if form == "object" else pairs
        elif form == "none":
            query["order"] = self.draw(st.sampled_from(([], {})))
        # The ends of what can be drawn are drawn more often than the rest: rows are to be left.
        if self.draw(st.integers(0, 3)) == 2:
            query["limit"] = self.draw(st.sampled_from((3, 1, 2, 0, 4, 20)))
        if self.draw(st.integers(0, 6)) == 3:
            query["offset"] = self.draw(st.sampled_from((1, 0, 3, 2, 1)))
        if self.draw(st.integers(0, 4)) == 2:
            query["total"] = True


def rolls(world: World, name: str) -> bool:
    """Whether a measure has a window, or one of those that it is made of."""
    measure = world.measure(name)
    assert measure is not None
    return measure.window is not None or any(rolls(world, child) for child in measure.children)


@st.composite
def queries(draw: st.DrawFn, world: World, zone: str) -> JsonQuery:
    """A JSON query over ``world``."""
    return Questions(draw, world, zone).query()
