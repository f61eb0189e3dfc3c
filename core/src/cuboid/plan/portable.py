"""Which measures over measures mean the same in every SQL: those of another engine's own functions do not."""

from __future__ import annotations

import re

from cuboid.catalog.model import Catalog, Measure
from cuboid.catalog.pieces import Template
from cuboid.plan.mentions import named_members
from cuboid.query.model import Shape, members_of

_WORDS = re.compile(r"[^\W\d]\w*|\"[^\"]*\"|`[^`]*`|'[^']*'|::|\|\|")
_KNOWN = frozenset(
    (
        *("and", "or", "not", "is", "null", "true", "false", "in", "between"),
        *("case", "when", "then", "else", "end"),
        *("nullif", "coalesce", "abs", "round", "greatest", "least"),
    )
)


def unportable(shape: Shape, catalog: Catalog) -> str | None:
    """Why a measure of the question is computed otherwise in another engine's SQL; None if none is.

    Arithmetic, comparisons, CASE and a few functions are the same everywhere; a quotient is the dialect's business.
    """
    waiting = [*shape.measures, *members_of(shape.group_conditions)]
    waiting += [
        name
        for rule in shape.access.masks
        if isinstance(rule.mask, Template)
        for name in named_members(rule.mask)
    ]
    seen: set[str] = set()
    while waiting:
        name = waiting.pop()
        measure = catalog.member(name)
        if name in seen or not isinstance(measure, Measure):
            continue
        seen.add(name)
        if not measure.composed and measure.multi_stage is None:
            continue  # it is stored
        for template in measure.templates:
            for part in template.parts:
                words = _WORDS.findall(part) if isinstance(part, str) else ()
                for word in words:
                    if word.lower() not in _KNOWN:
                        return f"'{name}' uses {word}, which is the source's own SQL"
            waiting += named_members(template)
    return None
