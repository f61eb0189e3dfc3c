"""Masked members: the mask in place of the value, but where the principal may see it."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime

from sqlglot import exp

from cuboid.catalog.access import Mask
from cuboid.catalog.pieces import Template
from cuboid.errors import UnsupportedFeature
from cuboid.query.model import MaskRule
from cuboid.sql.dialect import Dialect
from cuboid.types import SemanticType


def masked(
    value: exp.Expr,
    rule: MaskRule,
    type: SemanticType,
    dialect: Dialect,
    shown: exp.Expr | None,
    sql: Callable[[Template], exp.Expr],
) -> exp.Expr:
    """``value`` where ``shown`` holds, elsewhere the rule's mask; NULL of the value's type if that is nothing.

    The value stays in the statement also where it is never shown: so the mask has its type, and an aggregate stays
    one.

    :param shown: None for nowhere.
    :param sql: gives the SQL of a mask that is written as such.
    """
    built = exp.Case().when(exp.false() if shown is None else shown, value)
    mask = _mask(rule, type, dialect, sql)
    return built if mask is None else built.else_(mask)


def _mask(
    rule: MaskRule, type: SemanticType, dialect: Dialect, sql: Callable[[Template], exp.Expr]
) -> exp.Expr | None:
    mask: Mask = rule.mask
    if mask is None:
        return None
    if isinstance(mask, Template):
        return sql(mask)
    if type == "boolean" and isinstance(mask, bool):
        return exp.Boolean(this=mask)
    if (
        type == "number"
        and isinstance(mask, int | float)
        and not isinstance(mask, bool)
        and math.isfinite(mask)
    ):
        return exp.Literal.number(str(mask)) if mask >= 0 else exp.Neg(this=exp.Literal.number(str(-mask)))
    if type == "string":
        return exp.Literal.string(str(mask).lower() if isinstance(mask, bool) else str(mask))
    if type == "time" and isinstance(mask, str):
        try:
            return dialect.constant(datetime.fromisoformat(mask).replace(tzinfo=None))
        except ValueError:
            pass
    raise UnsupportedFeature(
        f"The mask of '{rule.member}' is not of its type: {mask!r} is no {type}.",
        hint="Write a mask of the member's type, or none for NULL.",
    )
