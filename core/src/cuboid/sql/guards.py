"""Aggregates that a model writes itself, made to see only rows that exist.

A LEFT JOIN that finds no row of a measure's cube still yields a row, with NULLs. Aggregates pass over NULL, so a
plain column needs no guard; ``COUNT(*)``, a constant or ``COALESCE(x, 0)`` would count the absent row.
"""

from __future__ import annotations

from sqlglot import exp

from cuboid.errors import UnsupportedFeature

_GUARDED = (
    exp.Count,
    exp.Sum,
    exp.Avg,
    exp.Min,
    exp.Max,
    exp.AnyValue,
    exp.ArrayAgg,
    exp.GroupConcat,
    exp.LogicalAnd,
    exp.LogicalOr,
    exp.ApproxDistinct,
    exp.Median,
    exp.Stddev,
    exp.StddevPop,
    exp.StddevSamp,
    exp.Variance,
    exp.VariancePop,
)
"""Aggregates of one argument, which stands in ``this``."""

_TRANSPARENT = (exp.Ordered, exp.Order, exp.Distinct)
"""What may stand between an aggregate and a plain column that it reads."""


def guarded(tree: exp.Expr, exists: exp.Expr | None, name: str) -> exp.Expr:
    """``tree`` with its aggregates restricted to rows for which ``exists`` holds; None if all do.

    :param name: the measure, for the error.

    Raises :class:`UnsupportedFeature` for SQL without an aggregate, and for aggregates whose rows cannot be guarded.
    """
    calls = list(tree.find_all(exp.AggFunc))
    if not calls and not tree.find(exp.Anonymous):
        raise UnsupportedFeature(
            f"Measure '{name}' has no aggregate, so it has no value for a group of rows.",
            hint="Write an aggregate in its SQL, e.g. max({CUBE}.column), or choose a type such as max or sum.",
        )
    if exists is None:
        return tree
    for call in calls:
        if isinstance(call, _GUARDED):
            _guard(call, exists)
    for column in tree.find_all(exp.Column):
        if column.find_ancestor(*_GUARDED, exp.Filter) is None and not _plain(column):
            raise _unguardable(name)
    return tree


def _guard(call: exp.Expr, exists: exp.Expr) -> None:
    argument = call.this
    values = argument.expressions if isinstance(argument, exp.Distinct) else [argument]
    for value in values:
        if isinstance(value, exp.Star):
            value.replace(exp.Case().when(exists.copy(), "1"))
        elif isinstance(value, exp.Expr) and not isinstance(value, exp.Column):
            value.replace(exp.Case().when(exists.copy(), value.copy()))


def _plain(column: exp.Expr) -> bool:
    """Whether an aggregate of another kind, or a function that sqlglot does not know, reads the column as it is."""
    node = column.parent
    while isinstance(node, _TRANSPARENT):
        node = node.parent
    return isinstance(node, (exp.AggFunc, exp.WithinGroup, exp.Anonymous))


def _unguardable(name: str) -> UnsupportedFeature:
    return UnsupportedFeature(
        f"Measure '{name}' aggregates an expression in a way that Cuboid cannot restrict to rows that exist, and this "
        "query joins its cube so that rows may be absent.",
        hint="Let the aggregate read plain columns: compute the expression in the cube's 'sql'.",
    )
