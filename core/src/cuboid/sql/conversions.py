"""Conversions as SQL: the rows of the first step, joined to rows of the further ones that may follow them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations

from sqlglot import exp

from cuboid.catalog.model import Catalog
from cuboid.plan.nodes import ConversionAggregate, Key, StepRows
from cuboid.sql.dialect import Dialect
from cuboid.sql.members import is_not_null
from cuboid.sql.reading import Reading, aliased, column, identifier, join
from cuboid.sql.sources import Sources

COUNTED, TIME, ENTITY = "step__counted", "step__time", "step__entity"


@dataclass(frozen=True, slots=True)
class _Step:
    """A step under its name: one row per row of its cube, with its key, when it happened and of whom.

    :param table: its CTE, which several steps may have in common.
    """

    name: str
    table: str
    cube: str
    key: tuple[str, ...]


MakeCte = Callable[[str, exp.Select, str], str]
"""Makes a CTE, or finds an equal one, by the name that it would like to have, and its comment; gives its name."""


class Conversions:
    """Lowers one :class:`ConversionAggregate`; its steps are CTEs of the statement."""

    def __init__(
        self, node: ConversionAggregate, catalog: Catalog, dialect: Dialect, sources: Sources, cte: MakeCte
    ) -> None:
        self._node = node
        self._catalog = catalog
        self._dialect = dialect
        self._sources = sources
        self._cte = cte
        self._names = sources.names()

    def read(self) -> Reading:
        """Groups of the node's keys; the one leaf is an aggregate."""
        node = self._node
        keys: dict[Key, str] = {}
        first = self._step(node.first, node.keys, keys)
        later = [self._step(each, (), {}) for each in node.steps]
        name = self._cte(
            f"{self._catalog.cubes[node.cube].alias}__went",
            self._went(first, later),
            f"the rows of {first.cube} that went through",
        )
        on = exp.and_(
            *(
                exp.EQ(this=column(each, first.name), expression=column(f"went__{each}", name))
                if len(first.key) == 1
                else self._dialect.same(column(each, first.name), column(f"went__{each}", name))
                for each in first.key
            )
        )
        select = exp.Select().from_(_table(first), copy=False)
        select = join(select, exp.Table(this=identifier(name)), "LEFT", on)
        value = self._value(column(COUNTED, first.name), column("went__through", name))
        columns = {key: column(each, first.name) for key, each in keys.items()}
        return Reading(select, columns, lambda measure: value.copy(), grouped=True)

    def _value(self, counted: exp.Expr, through: exp.Expr) -> exp.Expr:
        went = exp.Count(this=exp.Case().when(is_not_null(through), counted))
        if not self._node.rate:
            return went
        double = exp.DataType.Type.DOUBLE
        among = exp.Nullif(this=exp.Count(this=counted.copy()), expression=exp.Literal.number(0))
        return exp.Div(
            this=exp.cast(went, double), expression=exp.cast(among, double), typed=True, safe=False
        )

    def _step(self, step: StepRows, keys: tuple[Key, ...], names: dict[Key, str]) -> _Step:
        """One row for each row of the step's cube, with ``keys`` in each group, of which there is at least one row: not
        counted, without a time and an entity where the step's measure does not count it."""
        measure = self._catalog.measure(step.measure)
        cube = self._catalog.cubes[measure.cube]
        sources = self._sources
        select, scope, values = sources.keyed_rows(step.relation, keys, measure.cube)
        taken = sources.names()
        exists = sources.members.exists(cube.name, scope)
        if exists is not None and not keys:  # groups are there without rows, too
            select = select.where(exists, copy=False)
        if step.relation.repeats(measure.cube):
            select = select.distinct(copy=False)
        for key, value in values.items():
            names[key] = taken.take(sources.alias(key.member, key.granularity))
            select = select.select(aliased(value, names[key]), copy=False)
        key_names = []
        for part in cube.primary_key:
            key_names.append(taken.take(f"key__{part.name}"))
            value = sources.members.value(part.full_name, scope)
            select = select.select(aliased(value, key_names[-1]), copy=False)
        counted = sources.leaves.input(measure, scope)
        if isinstance(counted, exp.Star):
            counted = exp.Literal.number(1)
        time = self._dialect.to_civil(
            sources.members.value(step.time_dimension, scope),
            "UTC",
            self._catalog.dimension(step.time_dimension).time_kind,
        )
        when = is_not_null(counted.copy())
        for value, name in (
            (counted, COUNTED),
            (exp.Case().when(when, time), TIME),
            (
                exp.Case().when(when.copy(), sources.members.value(self._node.entity, scope)),
                ENTITY,
            ),
        ):
            select = select.select(aliased(value, name), copy=False)
        name = self._cte(f"{cube.alias}__step", select, f"the rows that {step.measure} counts")
        return _Step(self._names.take(name), name, cube.name, tuple(key_names))

    def _went(self, first: _Step, later: Sequence[_Step]) -> exp.Select:
        """The keys of the rows of the first step that went through."""
        select = exp.Select().from_(_table(first), copy=False).distinct(copy=False)
        for each in first.key:
            select = select.select(aliased(column(each, first.name), f"went__{each}"), copy=False)
        select = select.select(aliased(exp.Literal.number(1), "went__through"), copy=False)
        tests: list[exp.Expr] = []
        before = first
        for step in later:
            on = exp.EQ(this=column(ENTITY, first.name), expression=column(ENTITY, step.name))
            select = join(select, _table(step), "INNER", on)
            tests.append(exp.GTE(this=column(TIME, step.name), expression=column(TIME, before.name)))
            if self._node.window is not None:
                end = self._dialect.add_interval(column(TIME, first.name), self._node.window)
                tests.append(exp.LT(this=column(TIME, step.name), expression=end))
            before = step
        for one, other in combinations((first, *later), 2):
            if one.cube == other.cube:
                tests.append(_another(one, other))
        return select.where(exp.and_(*tests), copy=False)


def _table(step: _Step) -> exp.Expr:
    table = exp.Table(this=identifier(step.table))
    return (
        table if step.table == step.name else exp.alias_(table, identifier(step.name), table=True, copy=False)
    )


def _another(one: _Step, other: _Step) -> exp.Expr:
    """The rows have different keys; of keys of several columns some may be NULL."""
    pairs = [
        (column(left, one.name), column(right, other.name))
        for left, right in zip(one.key, other.key, strict=True)
    ]
    tests: list[exp.Expr] = [exp.NEQ(this=left, expression=right) for left, right in pairs]
    if len(pairs) > 1:
        for left, right in pairs:
            tests.append(exp.and_(_is_null(left), is_not_null(right.copy())))
            tests.append(exp.and_(is_not_null(left.copy()), _is_null(right)))
    return exp.or_(*tests)


def _is_null(value: exp.Expr) -> exp.Expr:
    return exp.Is(this=value.copy(), expression=exp.null())
