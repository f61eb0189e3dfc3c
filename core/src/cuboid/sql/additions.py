"""``percentOfTotal`` and ``top`` as SQL: answers of plans inside the plan, joined to groups or to rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from sqlglot import exp

from cuboid.plan.nodes import Key, TopRows, WithShares
from cuboid.query.model import Share
from cuboid.sql.members import MemberSql
from cuboid.sql.names import Names
from cuboid.sql.reading import Reading, aliased, column, identifier, join
from cuboid.sql.scope import Scope, TopColumns
from cuboid.sql.sub_queries import LowerPlan, renamed
from cuboid.sql.templates import enclosed

Same = Callable[[exp.Expr, exp.Expr], exp.Expr]
"""Whether two values are equal or both NULL, as :meth:`cuboid.sql.dialect.Dialect.same`."""


class Shares:
    """Lowers one :class:`WithShares`; ``added_up`` is the aggregate that puts values of a measure together."""

    def __init__(
        self,
        node: WithShares,
        lower: LowerPlan,
        names: Names,
        added_up: Callable[[str, exp.Expr], exp.Expr],
        same: Same,
    ) -> None:
        self._node = node
        self._lower = lower
        self._names = names
        self._added_up = added_up
        self._same = same

    def read(self) -> Reading:
        """The groups of the answer, with the measures and, under the names of their columns, the shares."""
        answer = self._node.answer
        tree, columns = self._lower(answer)
        name = self._names.take("answer")
        select = exp.Select().from_(_table(tree, name), copy=False)
        inner = dict(zip((*(key.name for key in answer.keys), *answer.measures), columns, strict=True))
        values = {each: column(inner[each], name) for each in answer.measures}
        keys = {key: column(inner[key.name], name) for key in answer.keys}
        for total in self._node.totals:
            share = total.share
            if total.over_groups:
                within = [value for key, value in keys.items() if key.name in share.within]
                groups = self._added_up(share.measure, values[share.measure].copy())
                window = exp.Window(this=groups, partition_by=[each.copy() for each in within])
                values[share.key] = _share(values[share.measure], window)
                continue
            if total.plan is None:
                values[share.key] = exp.cast(exp.null(), exp.DataType.Type.DOUBLE)
                continue
            tree, columns = self._lower(total.plan)
            alias = self._names.take("total")
            tree, columns = renamed(tree, columns, alias)
            on = [
                self._same(keys[key].copy(), column(each, alias))
                for key, each in zip(total.plan.keys, columns, strict=False)
            ]
            select = select.join(
                _table(tree, alias),
                on=exp.and_(*on) if on else None,
                join_type="LEFT" if on else "CROSS",
                copy=False,
            )
            values[share.key] = _share(values[share.measure], column(columns[-1], alias))
        return Reading(select, keys, lambda measure: values[measure].copy(), grouped=False)


def _share(value: exp.Expr, total: exp.Expr) -> exp.Expr:
    some = exp.NEQ(this=total, expression=exp.Literal.number(0))
    double = exp.DataType.Type.DOUBLE
    divided = exp.Div(
        this=exp.cast(value.copy(), double), expression=exp.cast(total.copy(), double), typed=True, safe=False
    )
    return exp.Case().when(some, divided)


def _table(tree: exp.Expr, name: str) -> exp.Expr:
    assert isinstance(tree, exp.Query)
    return tree.subquery(identifier(name), copy=False)


def join_top(
    select: exp.Select,
    top: TopRows,
    scope: Scope,
    members: MemberSql,
    lower: LowerPlan,
    names: Names,
    same: Same,
) -> tuple[exp.Select, Scope]:
    """``select``, whose FROM is complete, joined to the first values of the dimension: rows of others are dropped, or
    the scope says by which column they are told."""
    tree, columns = lower(top.plan)
    alias = names.take("top")
    first, columns = renamed(tree, columns[:1], alias)
    value = members.key(Key(top.dimension), scope)
    on = same(enclosed(value), column(columns[0], alias))
    if top.drop:
        return join(select, _table(first, alias), "INNER", on), scope
    kept = f"{alias}__kept"
    first = first.select(aliased(exp.Literal.number(1), kept), copy=False)
    select = join(select, _table(first, alias), "LEFT", on)
    return select, replace(scope, top=TopColumns(top.dimension, column(kept, alias), top.others))


def share_alias(measure_alias: str, share: Share) -> str:
    """The column name that a share would like to have."""
    return f"{measure_alias}_{share.key.rpartition('.')[2]}"
