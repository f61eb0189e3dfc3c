"""``eval(measure, state)``: a value for each group of the state's keys, whatever kind the measure is of."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial

from tests.oracle import conversions, stages, switches, windows
from tests.oracle.access import Access
from tests.oracle.aggregates import aggregate, reads_of, row_value
from tests.oracle.expressions import Column, Reference, Value, evaluate
from tests.oracle.filters import RefusedError, members
from tests.oracle.joins import Facts, JoinedRow
from tests.oracle.question import GroupColumn, PathsOf, Question, Share, Top, leaf_measures, units
from tests.oracle.relations import Cut, Reader, Relation, cube_of
from tests.oracle.state import Group, Groups, State
from tests.oracle.world import Dimension, Path, World

ValueOf = Callable[[str], Value]


class Evaluation:
    """One query over one world. ``within``: the dimensions over measures that this query gives the values of.
    ``pins``: the values that the query leaves of each switch that it says something of."""

    def __init__(
        self,
        world: World,
        question: Question,
        access: Access,
        within: frozenset[str] = frozenset(),
        pins: Mapping[str, tuple[str, ...]] | None = None,
    ) -> None:
        self.world = world
        self.pins = pins or {}
        self.question = question
        self.within = within
        self.access = access
        self.root = State(question.columns, question.conditions, question.segments)
        self._values: dict[tuple[str, State], Groups] = {}
        self._relations: dict[tuple[State, str | None, frozenset[str]], Relation] = {}
        self._tables: dict[str, Groups] = {}
        leaves = leaf_measures(world, question)
        ranking = (
            []
            if question.top is None
            else leaf_measures(world, replace(question, measures=(question.top.by,)))
        )
        self.reader = Reader(
            world,
            question.zone,
            Facts.among(world, (cube_of(leaf) for leaf in (*leaves, *ranking))),
            question.grouped,
            frozenset(),
            access,
            self._special(),
            paths=question.paths,
            hints=question.hints,
            bare=bool(within),
        )
        self.reader = replace(self.reader, mentioned=self._mentioned(leaves))
        if question.top is not None:
            self.reader = replace(self.reader, cut=self._cut(question.top))

    # ------------------------------------------------------------ groups

    def groups(self) -> list[tuple[Group, dict[str, Value]]]:
        """Every group with all its measures, under the group filters."""
        question = self.question
        self._evaluate_dimensions()
        measuring = [name for name in question.measuring if self.world.measure(name) is not None]
        found: list[tuple[Group, dict[str, Value]]] = []
        for group, value_of in self.combined(measuring, self.root, question.paths):
            shown = self._shown(group, value_of)
            if stages.passes(self, question.group_filters, group, shown):
                found.append((group, {name: shown(name) for name in question.measures}))
        return found

    def _cut(self, top: Top) -> Cut:
        """The first values of the dimension, under what restricts the measure in the question: rule 12.3. The measure
        is one of the question's, so 1.6 holds for it too."""
        measures = [name for name in self.question.measuring if self.world.measure(name) is not None]
        self._along((*measures, top.by), self.root, self.question.paths)
        column = next(each for each in self.question.columns if each == GroupColumn(top.dimension))
        asked = replace(
            self.question, columns=(column,), measures=(top.by,), group_filters=(), shares=(), top=None
        )
        ranking = Evaluation(self.world, asked, self.access, self.within, self.pins)
        ranking.reader = replace(ranking.reader, facts=self.reader.facts, axes=self.reader.axes)
        rows = ranking.groups()
        rows.sort(key=lambda row: (row[0][0] is None, row[0][0] if row[0][0] is not None else 0))
        told = [row for row in rows if row[1][top.by] is not None]
        told.sort(key=lambda row: row[1][top.by], reverse=True)  # type: ignore[arg-type, return-value]
        first = [*told, *(row for row in rows if row[1][top.by] is None)][: top.limit]
        others = top.others if isinstance(top.others, str) else None
        return Cut(
            top.dimension,
            frozenset(group[0] for group, _ in first),
            others,
            top.others is False,
            column.paths,
        )

    def totals(self, share: Share) -> Groups:
        """The values that those of the measure are divided by, for each group of the share's own keys; 12.1."""
        asked = replace(
            self.question,
            columns=share.within,
            measures=(share.measure,),
            group_filters=(),
            shares=(),
            top=None,
        )
        own = Evaluation(self.world, asked, self.access, self.within, self.pins)
        of = self.reader
        own.reader = replace(own.reader, facts=of.facts, axes=of.axes, cut=of.cut)
        return {
            group: value_of(share.measure)
            for group, value_of in own.combined((share.measure,), own.root, self.question.paths)
        }

    def _shown(self, group: Group, value_of: ValueOf) -> ValueOf:
        """Measures as the principal sees them."""
        columns = zip(self.question.columns, group, strict=True)
        plain = {column.member: value for column, value in columns if not column.granularity}
        plain.pop(
            self.question.merged or "", None
        )  # values made one group do not say by themselves whose they are
        return lambda name: self.access.measure_shown(name, value_of(name), plain)

    def combined(
        self, measures: Iterable[str], state: State, paths: PathsOf | None = None
    ) -> list[tuple[Group, ValueOf]]:
        """The groups of several measures, united, each with what gives the value of any of them, rule 2.8; without
        measures the distinct groups of one relation, rule 2.11. ``paths``: those that measures are meant along."""
        parts = {
            unit: self.values(unit, replace(state, along=along))
            for unit, along in self._along(measures, state, paths or {}).items()
        }
        if not parts:
            relation = self.relation(state, None, frozenset())
            groups = [group for _, group in relation.rows]
        else:
            groups = [group for part in parts.values() for group in part]
        if not state.keys:
            groups.append(())
        return [(group, self._value_of(parts, group)) for group in dict.fromkeys(groups)]

    def _along(self, measures: Iterable[str], state: State, paths: PathsOf) -> dict[str, tuple[Path, ...]]:
        """What the measures are computed of, with the paths that they are meant along. Raises RefusedError where
        these are several, rule 1.6."""
        found: dict[str, tuple[Path, ...]] = {}
        for name in (part for measure in measures for part in self._parts(measure)):
            along = (*state.along, *(path for path in paths.get(name, ()) if len(path) > 1))
            for unit in units(self.world, name):
                if found.setdefault(unit, along) != along:
                    raise RefusedError(f"{unit} is asked along different paths")
        return found

    def _parts(self, name: str) -> tuple[str, ...]:
        """What a view's own measure is made of, each along a path of its own; of other measures themselves."""
        measure = self.world.measure(name)
        assert measure is not None
        return measure.children if measure.of_view else (name,)

    def _value_of(self, parts: dict[str, Groups], group: Group) -> ValueOf:
        def value_of(name: str) -> Value:
            measure = self.world.measure(name)
            assert measure is not None
            if not measure.composed:
                return parts[name].get(group)
            assert measure.expression is not None
            return evaluate(measure.expression, lambda atom: value_of(_named(atom)))

        return value_of

    # ------------------------------------------------------------ measures

    def values(self, unit: str, state: State) -> Groups:
        """The table of a measure that is not composed; remembered."""
        key = unit, state
        if key not in self._values:
            measure = self.world.measure(unit)
            assert measure is not None
            if measure.stage is not None:
                self._values[key] = stages.values(self, unit, state)
            elif measure.conversion is not None:
                self._values[key] = conversions.values(self.reader, unit, state)
            elif measure.window is not None:
                self._values[key] = self._rolling(unit, state)
            else:
                self._values[key] = self._plain(unit, state)
        return self._values[key]

    def _plain(self, leaf: str, state: State) -> Groups:
        """A measure over rows on a relation of its own: which others are asked with it does not matter."""
        relation = self._relation_of(leaf, state)
        grouped: dict[Group, list[JoinedRow]] = defaultdict(list)
        if not state.keys:
            grouped[()] = []
        for row, group in relation.rows:
            grouped[group].append(row)
        return {group: aggregate(self.reader, leaf, rows) for group, rows in grouped.items()}

    def _rolling(self, leaf: str, state: State) -> Groups:
        measure = self.world.measure(leaf)
        assert measure is not None
        assert measure.window is not None
        cube = cube_of(leaf)
        axis = windows.axis_of(state, cube, lambda names: self.reader.restricts(names, cube))
        if axis is None:
            return self._plain(leaf, state)
        relation = self._relation_of(leaf, windows.inner(state, axis))
        there = [(row, g) for row, g in relation.rows if self.reader.identity(cube, row) is not None]
        return windows.rolled(
            state, axis, measure.window, there, lambda rows: aggregate(self.reader, leaf, rows)
        )

    def _relation_of(self, leaf: str, state: State) -> Relation:
        reads = reads_of(self.reader, leaf)
        relation = self.relation(state, cube_of(leaf), reads)
        self.reader.check_grain(leaf, relation, reads)
        return relation

    def relation(self, state: State, measure_cube: str | None, reads: frozenset[str]) -> Relation:
        """The relation for a measure of ``measure_cube`` that reads ``reads``; made once."""
        key = state, measure_cube, reads
        if key not in self._relations:
            self._relations[key] = self.reader.relation(state, measure_cube, reads)
        return self._relations[key]

    def raw_rows(self) -> list[tuple[Group, dict[str, Value]]]:
        """The joined rows themselves; a leaf measure is its input for that row, rule 5.4."""
        self._evaluate_dimensions()
        leaves = leaf_measures(self.world, self.question)
        for leaf in leaves:
            measure = self.world.measure(leaf)
            if measure is not None and measure.conversion is not None:
                raise RefusedError(f"{leaf} is nothing on a row")
        reads = frozenset[str]().union(*(reads_of(self.reader, leaf) for leaf in leaves))
        shown: list[tuple[Group, dict[str, Value]]] = []
        along = dict.fromkeys(
            path
            for paths in self._along(self.question.measures, self.root, self.question.paths).values()
            for path in paths
        )
        for row, group in self.relation(replace(self.root, along=tuple(along)), None, reads).rows:
            parts = {leaf: {group: row_value(self.reader, leaf, row)} for leaf in leaves}
            value_of = self._shown(group, self._value_of(parts, group))
            shown.append((group, {name: value_of(name) for name in self.question.measures}))
        return shown

    # ------------------------------------------------------------ rows

    def _mentioned(self, leaves: Iterable[str]) -> frozenset[str]:
        """All cubes that the query names or that its members read: roots of last resort."""
        question = self.question
        plain = [*(column.member for column in question.columns), *question.segments]
        plain += [name for condition in question.conditions for name in condition.names]
        for item in question.group_filters:
            plain += [name for name in members(item) if self.world.measure(name) is None]
        cubes = {cube_of(name) for name in question.measuring}
        for name in plain:
            cubes |= self.world.cubes_of(name)
        for leaf in leaves:
            cubes |= reads_of(self.reader, leaf)
        named = (*question.measuring, *plain)
        return frozenset(cubes).union(*(path for name in named for path in question.paths.get(name, ())))

    # ------------------------------------------------------------ dimensions over measures

    def _special(self) -> dict[str, Callable[[JoinedRow], Value]]:
        """What finds the values of dimensions over measures."""
        return {
            f"{cube.name}.{dimension.name}": partial(self._found, f"{cube.name}.{dimension.name}", dimension)
            for cube in self.world.cubes
            for dimension in cube.dimensions
            if dimension.of_measures
        }

    def _found(self, name: str, dimension: Dimension, row: JoinedRow) -> Value:
        table = self._table(name, dimension)
        if dimension.sub_query:
            identity = self.reader.identity(cube_of(name), row)
            return None if identity is None else table.get(identity)
        assert dimension.stage is not None
        cubes = frozenset[str]().union(*(self.world.cubes_of(each) for each in dimension.stage.add_group_by))
        if row[cube_of(name)] is None and cubes <= {cube_of(name)}:
            return None  # a column of that row, which is not there
        lookup = self.reader.lookup(row)
        return table.get(tuple(lookup.member(each) for each in dimension.stage.add_group_by))

    def _table(self, name: str, dimension: Dimension) -> Groups:
        if name not in self._tables:
            self._tables[name] = stages.dimension_values(self, name, dimension)
        return self._tables[name]

    def _evaluate_dimensions(self) -> None:
        """Those over measures that the query uses, so that what refuses them is found without rows, too."""
        question, world = self.question, self.world
        named = {*question.grouped, *question.segments, *(n for c in question.conditions for n in c.names)}
        found = {each for name in named for each in world.measured(name)}
        measures = (name for name in question.measuring if world.measure(name) is not None)
        for leaf in dict.fromkeys(leaf for name in measures for leaf in self._counting(name)):
            found |= self._measured_for(leaf)
        for name in sorted(found):
            dimension = world.dimension(name)
            assert dimension is not None
            self._table(name, dimension)

    def _measured_for(self, leaf: str) -> set[str]:
        """The dimensions over measures that a measure over rows reads."""
        measure = self.world.measure(leaf)
        assert measure is not None
        found: set[str] = set()
        for expression in (measure.expression, *measure.filters):
            if expression is not None:
                found.update(self.world.over_measures(expression))
        named = [measure.semi.time_dimension, *measure.semi.by] if measure.semi is not None else []
        if measure.conversion is not None:
            named += [measure.conversion.entity, *(time for _, time in measure.conversion.steps)]
            for counted, _ in measure.conversion.steps:
                found |= self._measured_for(counted)
        return found.union(*map(self.world.measured, named))

    def _counting(self, name: str) -> Iterator[str]:
        """The measures over rows that a measure is made of, of a ``case`` those of the branch that counts: rule 9.6."""
        measure = self.world.measure(name)
        assert measure is not None
        if not measure.composed and measure.stage is None:
            yield name
            return
        if measure.switch is not None:
            measure, _ = switches.chosen(name, measure, self.pins, self.world)
        for child in measure.children:
            yield from self._counting(child)


def _named(atom: Column | Reference) -> str:
    assert isinstance(atom, Reference)
    return f"{atom.cube}.{atom.member}"
