"""Which members bring conditions of their own: those whose filter directives include some."""

from __future__ import annotations

from collections.abc import Iterable

from cuboid.catalog.model import Catalog, Dimension, Measure, Segment
from cuboid.catalog.pieces import MemberReference


class Directives:
    """Answers about one catalog; memoised by member, so that a question costs a look-up for each that it names."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._found: dict[str, tuple[Measure | Dimension, ...]] = {}

    def among(self, names: Iterable[str]) -> tuple[Measure | Dimension, ...]:
        """Those of the members, and of all that they refer to, that include conditions, each once."""
        found = dict.fromkeys(member.full_name for name in names for member in self._reached(name))
        members = map(self._catalog.member, found)
        return tuple(each for each in members if isinstance(each, Measure | Dimension))

    def _reached(self, name: str) -> tuple[Measure | Dimension, ...]:
        known = self._found.get(name)
        if known is None:
            known = self._found[name] = tuple(self._search(name))
        return known

    def _search(self, name: str) -> list[Measure | Dimension]:
        found: list[Measure | Dimension] = []
        waiting = [name]
        seen = {name}
        while waiting:
            member = self._catalog.member(waiting.pop(0))
            if member is None:
                continue
            if not isinstance(member, Segment) and _includes(member):
                found.append(member)
            for template in member.templates:
                for reference in template.references:
                    if isinstance(reference, MemberReference) and reference.member not in seen:
                        seen.add(reference.member)
                        waiting.append(reference.member)
        return found


def _includes(member: Measure | Dimension) -> bool:
    directive = member.multi_stage.filter if member.multi_stage else None
    return directive is not None and bool(directive.include)
