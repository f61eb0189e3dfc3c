"""What a measure that is evaluated in stages may say: the rest is refused with the reason."""

from __future__ import annotations

from cuboid.catalog.model import Catalog, Dimension, Measure
from cuboid.catalog.pieces import CubeReference, MemberReference
from cuboid.errors import UnsupportedFeature
from cuboid.plan.states import Origin, State

FORMULAS = ("number", "string", "time", "boolean")
"""Types that are computed for each group of the children, and not aggregated again."""


def check_stage(measure: Measure, inner: State, catalog: Catalog, origin: Origin) -> None:
    """Raises :class:`UnsupportedFeature` where the measure has no value, or more than one, for a group.

    :param inner: the state of its children.
    """
    name = measure.full_name
    if measure.type == "rank" and measure.multi_stage and measure.multi_stage.add_group_by:
        raise UnsupportedFeature(
            f"Measure '{name}' ranks the groups of the query, so it cannot add others.",
            hint="Remove 'add_group_by', or rank by a measure that has it.",
        )
    measures = False
    for template in measure.templates:
        for reference in template.references:
            if isinstance(reference, CubeReference):
                raise UnsupportedFeature(
                    f"Measure '{name}' is computed from the groups of its children, which have no columns of "
                    f"'{reference.cube}'.",
                    hint="Refer to measures, and to dimensions that they are grouped by.",
                )
            if isinstance(reference, MemberReference):
                measures = measures or isinstance(catalog.member(reference.member), Measure)
                _check_dimension(name, reference, inner, catalog, origin)
    if not measures:
        raise UnsupportedFeature(
            f"Measure '{name}' is evaluated in stages and refers to no measure that could be the first.",
            hint="Refer to a measure in its SQL, such as {revenue}.",
        )


def _check_dimension(
    name: str, reference: MemberReference, inner: State, catalog: Catalog, origin: Origin
) -> None:
    if not isinstance(catalog.member(reference.member), Dimension):
        return
    grouped = {(origin(key.member), key.granularity) for key in inner.keys}
    if (origin(reference.member), reference.granularity) not in grouped:
        raise UnsupportedFeature(
            f"Measure '{name}' reads the dimension '{reference.member}', which its children are not grouped by in this "
            "query.",
            hint=f"Add it to the query, or to 'add_group_by' of '{name}'.",
        )
