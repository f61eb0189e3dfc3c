"""Combining the groups of several tables: UNION ALL padded with NULLs, then GROUP BY the keys.

That is a full join in which NULL keys meet. It works on every engine, those without FULL JOIN included, and reads
each input once.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from cuboid.catalog.model import Catalog
from cuboid.plan.nodes import Key
from cuboid.sql.dialect import Dialect
from cuboid.sql.reading import Reading, Table, aliased, column, group_by_position, identifier
from cuboid.sql.sources import Sources


def combined(
    inputs: Sequence[Table], keys: Sequence[Key], catalog: Catalog, dialect: Dialect, sources: Sources
) -> Reading:
    """The groups of all ``inputs``, one row per key, each value a column. No two inputs have a value in common."""
    names = sources.names()
    shown = {key: names.take(sources.alias(key.member, key.granularity)) for key in keys}
    values = {
        measure: (table, names.take(sources.alias(measure))) for table in inputs for measure in table.values
    }

    def branch(table: Table) -> exp.Select:
        select = exp.select(*(aliased(column(table.keys[key]), name) for key, name in shown.items()))
        for measure, (owner, name) in values.items():
            value = column(table.values[measure]) if owner is table else padding(measure, owner)
            select = select.select(aliased(value, name), copy=False)
        return select.from_(_from(table), copy=False)

    def padding(measure: str, owner: Table) -> exp.Expr:
        donor = exp.select(column(owner.values[measure])).from_(_from(owner)).where(exp.false()).subquery()
        return dialect.padding(catalog.measure(measure).value_type, donor)

    union: exp.Expr = branch(inputs[0])
    for table in inputs[1:]:
        union = exp.union(union, branch(table), distinct=False, copy=False)
    groups = exp.Select().from_(exp.Subquery(this=union, alias=exp.TableAlias(this=identifier("parts"))))
    for name in shown.values():
        groups = groups.select(column(name), copy=False)
    for measure, (_, name) in values.items():
        picked = dialect.pick(column(name), catalog.measure(measure).value_type)
        groups = groups.select(aliased(picked, name), copy=False)
    select = exp.Select().from_(
        group_by_position(groups, len(shown)).subquery(identifier("combined"), copy=False)
    )
    return Reading(
        select,
        {key: column(name) for key, name in shown.items()},
        lambda measure: column(values[measure][1]),
        grouped=False,
    )


def _from(table: Table) -> exp.Table:
    return exp.Table(this=identifier(table.name))
