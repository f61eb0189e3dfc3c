"""Answers by the values of switches as SQL: a UNION ALL of the answers, each beside its values."""

from __future__ import annotations

from sqlglot import exp

from cuboid.plan.nodes import Key, WithSwitches
from cuboid.sql.reading import Reading, aliased, column, identifier
from cuboid.sql.sub_queries import LowerPlan


def by_switches(node: WithSwitches, lower: LowerPlan) -> Reading:
    """All groups of all answers; the keys of switches are constants in each."""
    union: exp.Expr | None = None
    first = node.parts[0].plan
    names = {key: f"switch__{number}" for number, key in enumerate(node.switches, start=1)}
    inner: list[str] = []
    for number, part in enumerate(node.parts, start=1):
        tree, columns = lower(part.plan)
        inner = inner or columns
        assert isinstance(tree, exp.Query)
        select = exp.Select().from_(tree.subquery(identifier(f"answer_{number}"), copy=False), copy=False)
        for value, name in zip(part.values, names.values(), strict=True):
            select = select.select(aliased(exp.Literal.string(value), name), copy=False)
        for each, name in zip(columns, inner, strict=True):
            select = select.select(aliased(column(each), name), copy=False)
        union = select if union is None else exp.union(union, select, distinct=False, copy=False)
    assert union is not None
    select = exp.Select().from_(
        exp.Subquery(this=union, alias=exp.TableAlias(this=identifier("answers"))), copy=False
    )
    keys: dict[Key, exp.Expr] = {key: column(name) for key, name in names.items()}
    keys |= {key: column(name) for key, name in zip(first.keys, inner, strict=False)}
    values = dict(zip(first.measures, inner[len(first.keys) :], strict=True))
    return Reading(select, keys, lambda measure: column(values[measure]), grouped=False)
