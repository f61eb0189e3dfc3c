"""What a member is made of: the cubes it reads, and the leaf measures behind a measure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from cuboid.catalog.joins import JoinPath
from cuboid.catalog.model import Catalog, Dimension, Measure, Member
from cuboid.catalog.pieces import MemberReference, Reference
from cuboid.errors import UnsupportedFeature


class Members:
    """Answers about a catalog's members by full name; memoised, so cost follows what is asked."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._views = frozenset(name for name, cube in catalog.cubes.items() if cube.view is not None)
        self._cubes: dict[str, frozenset[str]] = {}
        self._leaves: dict[str, tuple[str, ...]] = {}
        self._leaf_paths: dict[str, Mapping[str, frozenset[JoinPath]]] = {}
        self._paths: dict[str, frozenset[JoinPath]] = {}
        self._sub_queries: dict[str, frozenset[str]] = {}

    @property
    def catalog(self) -> Catalog:
        """The catalog that is asked about."""
        return self._catalog

    def cubes(self, name: str) -> frozenset[str]:
        """The member's own cube and all cubes that its SQL reads, directly or through other members; a view is none.

        What the measures of a sub-query read is its own business.
        """
        found = self._cubes.get(name)
        if found is None:
            member = self._get(name)
            reads = {member.cube}
            for reference in self._read(member):
                reads.update(reference.path)
                if isinstance(reference, MemberReference):
                    reads |= self.cubes(reference.member)
            found = self._cubes[name] = frozenset(reads) - self._views
        return found

    def origin(self, name: str) -> str:
        """The member that a view's member stands for; of other members the name itself."""
        return self._catalog.origin(name)

    def owners(self, name: str) -> frozenset[str]:
        """The cubes that the member belongs to: its own, or those of all members that a view's member is made of."""
        member = self._get(name)
        if member.cube not in self._views:
            return frozenset({member.cube})
        references = (each for template in member.templates for each in template.references)
        parts = (self.owners(each.member) for each in references if isinstance(each, MemberReference))
        return frozenset[str]().union(*parts)

    def paths(self, name: str) -> frozenset[JoinPath]:
        """The join paths that the member's SQL names, directly or through other members."""
        found = self._paths.get(name)
        if found is None:
            paths: set[JoinPath] = set()
            for reference in self._read(self._get(name)):
                if len(reference.path) > 1:
                    paths.add(reference.path)
                if isinstance(reference, MemberReference):
                    paths |= self.paths(reference.member)
            found = self._paths[name] = frozenset(paths)
        return found

    def tested_rows(self, name: str) -> frozenset[str]:
        """What a measure's conditions on rows are made of, besides what the measure is."""
        origin = self._get(self.origin(name))
        templates = origin.drill_filters if isinstance(origin, Measure) else ()
        references = (each for template in templates for each in template.references)
        return frozenset(each.member for each in references if isinstance(each, MemberReference))

    def sub_queries(self, name: str) -> frozenset[str]:
        """The sub-query dimensions among the member and those that it is made of, not looking into their measures."""
        found = self._sub_queries.get(name)
        if found is None:
            member = self._get(name)
            parts = (
                self.sub_queries(each.member)
                for each in self._read(member)
                if isinstance(each, MemberReference)
            )
            found = frozenset({name} if is_sub_query(member) else ()).union(*parts)
            self._sub_queries[name] = found
        return found

    def _read(self, member: Member) -> Iterator[Reference]:
        """What the member's SQL refers to on the rows that it is evaluated on: of a sub-query all but its measures."""
        if isinstance(member, Measure) and member.semi_additive is not None:
            for name in (member.semi_additive.time_dimension, *member.semi_additive.by):
                yield MemberReference(name, (name.partition(".")[0],))
        if isinstance(member, Measure) and member.conversion is not None:
            first = member.conversion.steps[0]
            for name in (first.measure, first.time_dimension, member.conversion.entity):
                yield MemberReference(name, (name.partition(".")[0],))
        if isinstance(member, Dimension) and member.multi_stage is not None:
            for name in member.multi_stage.add_group_by:
                yield MemberReference(name, (name.partition(".")[0],))
        outside = is_sub_query(member)
        for template in member.templates:
            for reference in template.references:
                if not (
                    outside and isinstance(reference, MemberReference) and self._is_measure(reference.member)
                ):
                    yield reference

    def _is_measure(self, name: str) -> bool:
        return isinstance(self._get(name), Measure)

    def leaves(self, name: str) -> tuple[str, ...]:
        """The measures that must be aggregated from rows to compute this one: itself, unless it is composed."""
        found = self._leaves.get(name)
        if found is None:
            measure = self._catalog.measure(name)
            if self.is_composed(measure):
                found = tuple(
                    dict.fromkeys(leaf for part in self._parts(measure) for leaf in self.leaves(part))
                )
            else:
                if measure.multi_stage is None:
                    self._check_raw(measure)
                found = (name,)
            self._leaves[name] = found
        return found

    @staticmethod
    def is_composed(measure: Measure) -> bool:
        """Whether the measure is computed from the values of others in the same group, at the query's own state."""
        return measure.composed and measure.multi_stage is None and measure.rolling_window is None

    def parts(self, name: str) -> tuple[str, ...]:
        """The measures that a multi-stage measure is made of, in order of mention."""
        references = (each for template in self._get(name).templates for each in template.references)
        names = (each.member for each in references if isinstance(each, MemberReference))
        return tuple(dict.fromkeys(each for each in names if isinstance(self._get(each), Measure)))

    def row_leaves(self, leaves: Iterable[str]) -> tuple[str, ...]:
        """The measures that are aggregated from rows, for these leaves and for the stages among them."""
        found: dict[str, None] = {}
        waiting = list(leaves)
        seen = set(waiting)
        while waiting:
            leaf = waiting.pop(0)
            if self._catalog.measure(leaf).multi_stage is None:
                found[leaf] = None
                continue
            inner = (each for part in self.parts(leaf) for each in self.leaves(part))
            fresh = [each for each in dict.fromkeys(inner) if each not in seen]
            seen.update(fresh)
            waiting += fresh
        return tuple(found)

    def leaf_paths(self, name: str) -> Mapping[str, frozenset[JoinPath]]:
        """The leaves of a measure, each with the join paths that references to it name: those are binding.

        Raises :class:`UnsupportedFeature` if one leaf is meant along different paths.
        """
        found = self._leaf_paths.get(name)
        if found is None:
            measure = self._catalog.measure(name)
            if not self.is_composed(measure):
                found = {leaf: frozenset() for leaf in self.leaves(name)}
            else:
                found = merged(
                    {leaf: paths | named for leaf, paths in self.leaf_paths(part).items()}
                    for part, named in self._references(measure)
                )
            self._leaf_paths[name] = found
        return found

    def _references(self, measure: Measure) -> Iterator[tuple[str, frozenset[JoinPath]]]:
        """The measures that a composed measure combines, each with the path that it is referred to by."""
        paths = [reference.path for reference in measure.sql.references] if measure.sql else []
        for part, path in zip(self._parts(measure), paths, strict=True):
            yield part, frozenset({path} if len(path) > 1 else ())

    def _parts(self, measure: Measure) -> Iterator[str]:
        """The measures that a composed measure combines."""
        assert measure.sql is not None
        for reference in measure.sql.references:
            if not isinstance(reference, MemberReference) or not isinstance(
                self._get(reference.member), Measure
            ):
                raise UnsupportedFeature(
                    f"Measure '{measure.full_name}' combines measures with something that is not one.",
                    hint="Refer to measures only, or put the dimension inside an aggregate of its own.",
                )
            yield reference.member

    def _check_raw(self, measure: Measure) -> None:
        """A measure with aggregates of its own is computed at its cube's grain, so all it reads must be there."""
        for reference in measure.sql.references if measure.sql else ():
            if isinstance(reference, MemberReference):
                other = self._get(reference.member)
                if isinstance(other, Measure) and (
                    other.cube != measure.cube or other.composed or other.multi_stage
                ):
                    raise UnsupportedFeature(
                        f"Measure '{measure.full_name}' mixes its own aggregate with measure '{other.full_name}'.",
                        hint="Make the aggregate a measure too and combine the two measures.",
                    )

    def _get(self, name: str) -> Member:
        member = self._catalog.member(name)
        assert member is not None, f"the catalog has resolved {name}"
        return member


def is_sub_query(member: Member) -> bool:
    """Whether the member is a dimension whose value on a row is made of measures."""
    return isinstance(member, Dimension) and (member.sub_query or member.multi_stage is not None)


def merged(leaves: Iterable[Mapping[str, frozenset[JoinPath]]]) -> Mapping[str, frozenset[JoinPath]]:
    """The leaves of several measures with their paths.

    Raises :class:`UnsupportedFeature` if one leaf is meant along different paths: its values would differ, and there
    is one column for them.
    """
    found: dict[str, frozenset[JoinPath]] = {}
    for each in leaves:
        for leaf, paths in each.items():
            if found.setdefault(leaf, paths) != paths:
                shown = " and ".join(
                    ", ".join(sorted(".".join(path) for path in one)) or "no path"
                    for one in (found[leaf], paths)
                )
                raise UnsupportedFeature(
                    f"Measure '{leaf}' is asked along different join paths: {shown}.",
                    hint="Ask one query for each, or declare a second cube that extends it for one of the roles.",
                )
    return found
