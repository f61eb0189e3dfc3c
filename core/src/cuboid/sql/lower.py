"""From a plan to one sqlglot tree.

The plan's source is lowered to a :class:`~cuboid.sql.reading.Reading`; the answer's columns, conditions, order
and limit are then put on top, the same way for every kind of source.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlglot import exp

from cuboid.catalog.model import Catalog, Dimension, Measure
from cuboid.catalog.pieces import CubeReference, MemberReference, Template
from cuboid.errors import UnsupportedFeature
from cuboid.plan.nodes import (
    Key,
    Plan,
    Rows,
    Source,
    Stage,
    Windowed,
    WithShares,
    WithSwitches,
)
from cuboid.query.model import Slot
from cuboid.sql.additions import Shares, share_alias
from cuboid.sql.binding import has_slots, slot_mark
from cuboid.sql.dialect import Dialect
from cuboid.sql.filters import Filters
from cuboid.sql.formulas import FormulaSql
from cuboid.sql.masks import masked
from cuboid.sql.names import Names
from cuboid.sql.reading import Reading, aliased, column, group_by_position, identifier
from cuboid.sql.scope import Scope
from cuboid.sql.sources import Sources
from cuboid.sql.stages import StageSql
from cuboid.sql.stored import StoredTable
from cuboid.sql.switches import by_switches
from cuboid.sql.tables import Tables
from cuboid.sql.templates import Templates
from cuboid.sql.windows import WindowSql
from cuboid.types import Column, TimeKind


@dataclass(frozen=True, slots=True)
class Lowered:
    """A statement's tree and its result's columns."""

    tree: exp.Expr
    columns: tuple[Column, ...]


class Lowering:
    """Lowers one plan; use once.

    :param shared: CTEs of the statement that the plan is a part of, which attaches them.
    """

    def __init__(
        self,
        plan: Plan,
        catalog: Catalog,
        dialect: Dialect,
        templates: Templates,
        stored: Mapping[str, StoredTable],
        shared: Tables | None = None,
        names: Names | None = None,
    ) -> None:
        self._plan = plan
        self._shared = shared is not None
        self._catalog = catalog
        self._dialect = dialect
        self._templates = templates
        self._filters = Filters(dialect, self._as_grouped)
        self._stored = stored
        self._sources = Sources(plan, catalog, dialect, templates, self._inner, stored)
        self._formulas = FormulaSql(catalog, dialect, self._sources.members)
        stages = StageSql(catalog, dialect, self._sources.members, self._sources.leaves, self._formulas)
        windows = WindowSql(catalog, dialect, self._sources, stages)
        ctes = names or self._sources.names()
        self._tables = shared or Tables(catalog, dialect, self._sources, stages.lower, windows.lower, ctes)
        own = self._sources.names()
        self._aliases = {
            key.name: own.take(self._sources.alias(key.member, key.granularity)) for key in plan.keys
        }
        self._aliases |= {measure: own.take(self._sources.alias(measure)) for measure in plan.measures}
        self._aliases |= {
            share.key: own.take(share_alias(self._sources.alias(share.measure), share))
            for share in plan.shares
        }

    def lower(self) -> Lowered:
        """The whole statement."""
        plan = self._plan
        reading = self._read(plan.source)
        select = reading.select
        columns: list[Column] = []
        for key in plan.keys:
            select = select.select(aliased(reading.keys[key], self._aliases[key.name]), copy=False)
            columns.append(Column(self._aliases[key.name], self._catalog.dimension(key.member).type))
        for name in plan.measures:
            shown = self._as_answered(name, reading)
            select = select.select(aliased(shown, self._aliases[name]), copy=False)
            columns.append(Column(self._aliases[name], self._catalog.measure(name).value_type))
        for share in plan.shares:
            name = self._aliases[share.key]
            select = select.select(aliased(reading.leaf(share.key), name), copy=False)
            columns.append(Column(name, "number"))
        if reading.grouped:
            select = group_by_position(select, len(plan.keys))
        if isinstance(plan.source, WithShares):
            select = self._restrict_columns(select)
        else:
            select = self._restrict(select, reading)
        if not self._shared:
            select = self._tables.attach(select)
        if not plan.counted:
            return Lowered(self._cut(select), tuple(columns))
        counted = exp.select(aliased(exp.Count(this=exp.Star()), "total_count")).from_(
            select.subquery("counted")
        )
        return Lowered(counted, (Column("total_count", "number"),))

    def _inner(self, plan: Plan) -> tuple[exp.Expr, list[str]]:
        """A plan inside this one as a SELECT, and the names of its columns."""
        lowered = Lowering(
            plan, self._catalog, self._dialect, self._templates, self._stored, names=self._tables.names
        ).lower()
        return lowered.tree, [each.name for each in lowered.columns]

    def _by_switches(self, source: WithSwitches) -> Reading:
        """The answers for the values of switches, whose CTEs are this statement's: equal ones are one."""
        first = Lowering(
            source.parts[0].plan,
            self._catalog,
            self._dialect,
            self._templates,
            self._stored,
            names=self._tables.names,
        )
        self._tables = first._tables

        def part(plan: Plan) -> tuple[exp.Expr, list[str]]:
            lowered = Lowering(
                plan, self._catalog, self._dialect, self._templates, self._stored, self._tables
            ).lower()
            return lowered.tree, [each.name for each in lowered.columns]

        return by_switches(source, part)

    def _read(self, source: Source) -> Reading:
        match source:
            case WithSwitches():
                return self._by_switches(source)
            case WithShares():
                names, added_up = self._sources.names(), self._sources.leaves.sum_of
                return Shares(source, self._inner, names, added_up, self._dialect.same).read()
            case Stage() | Windowed():
                return self._tables.table(source).reading()
            case Rows():
                return self._sources.rows(source)
            case _:
                return self._tables.table(source).reading() if self._shared else self._tables.read(source)

    # ------------------------------------------------------------ on top of the source

    def _as_answered(self, name: str, reading: Reading) -> exp.Expr:
        if isinstance(self._plan.source, WithShares | WithSwitches):  # columns of an answer already
            return reading.leaf(name)
        return self._as_seen(name, reading, self._shown(name, reading))

    def _shown(self, name: str, reading: Reading) -> exp.Expr:
        """A measure as it is answered: times are civil times of the zone."""
        value = self._aggregated(name, reading)
        if self._catalog.measure(name).type == "time" and not self._plan.inner:
            return self._dialect.to_civil(value, self._plan.timezone, self._time_kind(name))
        return value

    def _as_seen(self, name: str, reading: Reading, value: exp.Expr) -> exp.Expr:
        """The value as the principal sees it; grouped dimensions are masked before they are grouped by."""
        rule = self._plan.access.mask(name)
        if rule is None or isinstance(self._catalog.member(name), Dimension):
            return value
        shown = (
            None
            if rule.shown is None
            else self._filters.condition(rule.shown, lambda member: self._aggregated(member, reading))
        )
        type = self._catalog.measure(name).value_type
        return masked(value, rule, type, self._dialect, shown, lambda mask: self._mask(mask, reading))

    def _mask(self, mask: Template, reading: Reading) -> exp.Expr:
        if any(isinstance(each, CubeReference) for each in mask.references):
            place = mask.place
            raise UnsupportedFeature(
                "The mask of a measure stands for an aggregate, so it has no row whose columns it could read.",
                hint=f"Write a constant or measures, or mask with another measure ({place.file}:{place.line}).",
            )
        nowhere = Scope("", {})
        return self._sources.members.template(
            mask, nowhere, lambda measure: self._aggregated(measure.full_name, reading)
        )

    def _time_kind(self, name: str) -> TimeKind:
        """What a time measure holds: what the time dimensions that it refers to hold, ``utc`` if it has none."""
        kinds: set[TimeKind] = set()
        waiting = [name]
        while waiting:
            template = self._catalog.measure(waiting.pop()).sql
            for reference in template.references if template else ():
                member = (
                    self._catalog.member(reference.member) if isinstance(reference, MemberReference) else None
                )
                if isinstance(member, Dimension) and member.type == "time":
                    kinds.add(member.time_kind)
                elif isinstance(member, Measure):
                    waiting.append(member.full_name)
        return kinds.pop() if len(kinds) == 1 else "utc"

    def _aggregated(self, name: str, reading: Reading) -> exp.Expr:
        """A grouped dimension or a measure in terms of the reading: composed measures from their leaves."""
        member = self._catalog.member(name)
        if isinstance(member, Dimension):
            value = reading.keys[Key(name)].copy()
            # To an engine two parameters are two values, so it does not find the expression among those grouped by.
            # Those that have HAVING read aliases find none within others.
            hidden = self._dialect.having_by_alias or has_slots(value)
            return exp.Min(this=value) if reading.grouped and hidden else value
        assert isinstance(member, Measure)
        return self._formulas.value(name, reading)

    def _tested(self, name: str, reading: Reading) -> exp.Expr:
        """What a condition on groups tests."""
        by_alias = reading.grouped and self._dialect.having_by_alias
        if by_alias and isinstance(self._catalog.member(name), Dimension):
            return column(self._aliases[name])
        return self._as_seen(name, reading, self._aggregated(name, reading))

    def _restrict(self, select: exp.Select, reading: Reading) -> exp.Select:
        tests = [
            self._filters.condition(condition, lambda name: self._tested(name, reading))
            for condition in self._plan.conditions
        ]
        if not tests:
            return select
        restricted = exp.and_(*tests)
        return (
            select.having(restricted, copy=False) if reading.grouped else select.where(restricted, copy=False)
        )

    def _restrict_columns(self, select: exp.Select) -> exp.Select:
        """Conditions on the columns of ``select``, whose windows are to see all groups."""
        if not self._plan.conditions:
            return select
        tests = [
            self._filters.condition(condition, lambda name: column(self._aliases[name]))
            for condition in self._plan.conditions
        ]
        whole = select.subquery(identifier(self._sources.names().take("whole")), copy=False)
        columns = [column(name) for name in self._aliases.values()]
        return exp.Select().select(*columns).from_(whole, copy=False).where(exp.and_(*tests), copy=False)

    def _as_grouped(self, member: str, slot: Slot, placeholder: exp.Expr) -> exp.Expr:
        """A grouped time dimension is civil time already, so what it is compared with must be, too."""
        if not isinstance(self._catalog.member(member), Dimension):
            return placeholder
        if slot.time_kind is None:
            return placeholder
        return self._dialect.to_civil(placeholder, self._plan.timezone, slot.time_kind)

    def _cut(self, select: exp.Select) -> exp.Select:
        """ORDER BY, LIMIT and OFFSET. NULLs are last both ways; the remaining keys make the order total."""
        plan = self._plan
        order = [(key.key, key.descending) for key in plan.order]
        if order:
            asked = {name for name, _ in order}
            order += [(key.name, False) for key in plan.keys if key.name not in asked]
        positions = {shown.alias_or_name: number for number, shown in enumerate(select.selects, 1)}
        for name, descending in order:
            alias = self._aliases[name]
            by_number = self._dialect.orders_by_input
            shown = exp.Literal.number(positions[alias]) if by_number else column(alias)
            by = exp.Ordered(this=shown, desc=descending, nulls_first=False)
            select = select.order_by(by, copy=False)
        if plan.limit is not None:
            select = select.limit(slot_mark(plan.limit), copy=False)
        if plan.offset is not None:
            select = select.offset(slot_mark(plan.offset), copy=False)
        return select
