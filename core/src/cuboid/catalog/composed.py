"""Which calculated measures only combine other measures.

Such a measure is evaluated over the already aggregated values of its parts, so that each part keeps the
grain of its own cube. A measure with columns or aggregates of its own is aggregated over its cube's rows.
"""

from __future__ import annotations

from collections.abc import Callable

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from cuboid.catalog.pieces import MemberReference, Template

_OWN_GRAIN = (exp.AggFunc, exp.Window, exp.Star, exp.Subquery, exp.Select)


def is_composed(template: Template, is_measure: Callable[[str], bool]) -> bool:
    """Whether the SQL refers to a measure and has no column, aggregate, window or ``*`` of its own.

    SQL that cannot be parsed without knowing its dialect counts as composed if it refers to a measure.
    """
    placeholders = set()
    pieces = []
    has_measure = False
    for index, part in enumerate(template.parts):
        if isinstance(part, str):
            pieces.append(part)
            continue
        if isinstance(part, MemberReference) and is_measure(part.member):
            has_measure = True
            placeholders.add(f"_measure_{index}")
            pieces.append(f"_measure_{index}")
        else:
            pieces.append(f"_other_{index}")
    if not has_measure:
        return False
    sql = "".join(pieces)
    try:
        tree = sqlglot.parse_one(sql)
    except (SqlglotError, RecursionError):
        # The parser recurses: some 300 nested parentheses are its end.
        return True
    for node in tree.walk():
        if isinstance(node, _OWN_GRAIN):
            return False
        if isinstance(node, exp.Column) and (node.table or node.name not in placeholders):
            return False
    return True
