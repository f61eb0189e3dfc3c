"""Members that a view takes from its cubes: the origin's member under the view's name, whose SQL is one reference
with the join path by which the view reaches it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from cuboid.catalog.declare import DeclaredMember, Included
from cuboid.catalog.display import read_format
from cuboid.catalog.formats import WireFormat
from cuboid.catalog.model import Dimension, Measure, Member, Segment
from cuboid.catalog.naming import titleize
from cuboid.catalog.pieces import MemberReference, Template
from cuboid.catalog.scope import Scope


@dataclass(frozen=True, slots=True)
class Inclusion:
    """A view that takes members.

    :param public: whether the view is.
    :param names: what origins are called in the view, by full name.
    """

    scope: Scope
    title: str
    public: bool
    names: Mapping[str, str]

    def measure(self, declared: DeclaredMember, origin: Measure) -> Measure:
        """The view's measure: a formula of one measure, so that it is aggregated at its own cube's grain."""
        included = _included(declared)
        value_type = origin.value_type
        return Measure(
            cube=self.scope.cube.name,
            name=declared.name,
            type=value_type,
            sql=_reference(included),
            place=included.place,
            composed=True,
            public=self.public,
            format=self._format(included, origin),
            currency=origin.currency,
            drill_members=tuple(self.names[name] for name in origin.drill_members if name in self.names),
            mask=origin.mask,
            alias_member=included.origin,
            agg_type=origin.type,
            cumulative=origin.cumulative,
            **self._shown(declared, origin),
        )

    def dimension(self, declared: DeclaredMember, origin: Dimension) -> Dimension:
        """The view's dimension."""
        included = _included(declared)
        return replace(
            origin,
            cube=self.scope.cube.name,
            name=declared.name,
            sql=_reference(included),
            case=None,
            location=None,
            parameters=(),
            text_time=False,
            place=included.place,
            public=self.public and not origin.synthetic,
            primary_key=False,
            format=self._format(included, origin),
            sub_query=False,
            propagate_filters=False,
            multi_stage=None,
            time_shifts=(),
            key=self._key(included, origin),
            alias_member=included.origin,
            **self._shown(declared, origin),
        )

    def segment(self, declared: DeclaredMember, origin: Segment) -> Segment:
        """The view's segment."""
        included = _included(declared)
        return replace(
            origin,
            cube=self.scope.cube.name,
            name=declared.name,
            sql=_reference(included),
            place=included.place,
            public=self.public,
            alias_member=included.origin,
            **self._shown(declared, origin),
        )

    def _shown(self, declared: DeclaredMember, origin: Member) -> dict[str, Any]:
        """Title, description and meta: the view's, else the origin's; a title that is made from a name is made from
        the name in the view."""
        included = _included(declared)
        overrides = included.overrides
        short_title = (overrides.text("title") if overrides else None) or declared.fields.peek("title")
        short_title = short_title or titleize(declared.name)
        description = overrides.text("description") if overrides else None
        meta = overrides.mapping("meta") if overrides else None
        return {
            "title": f"{self.title} {short_title}",
            "short_title": short_title,
            "description": origin.description if description is None else description,
            "meta": origin.meta if meta is None else meta,
        }

    def _format(self, included: Included, origin: Measure | Dimension) -> WireFormat | None:
        if included.overrides is None or not included.overrides.has("format"):
            return origin.format
        if isinstance(origin, Measure):
            return read_format(included.overrides, origin.value_type, measure=True)
        return read_format(included.overrides, origin.type, measure=False)

    def _key(self, included: Included, origin: Dimension) -> str | None:
        if origin.key is None:
            return None
        if origin.key not in self.names:
            self.scope.problems.error(
                included.place,
                f"'{included.origin}' is identified by '{origin.key}', which this view does not include",
                f"Include '{origin.key.partition('.')[2]}' too.",
            )
        return self.names.get(origin.key)


def _included(declared: DeclaredMember) -> Included:
    assert declared.included is not None
    return declared.included


def _reference(included: Included) -> Template:
    return Template((MemberReference(included.origin, included.path),), included.place)
