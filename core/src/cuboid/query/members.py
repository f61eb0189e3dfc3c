"""Names of a query to members of the catalog, with Cube's texts for what is not there."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NoReturn

from cuboid.catalog.model import Catalog, Cube, Dimension, Measure, Member, Segment
from cuboid.catalog.timing import length_of
from cuboid.errors import InvalidQuery, UnknownMember, closest
from cuboid.query.model import TimeGrouping
from cuboid.types import GRANULARITIES


def measure(catalog: Catalog, name: str, path: str) -> Measure:
    """The measure of that full name. Raises :class:`UnknownMember`."""
    cube, member = _find(catalog, name, path)
    if not isinstance(member, Measure):
        _unknown(cube, name, path, member, cube.measures)
    return member


def dimension(catalog: Catalog, name: str, path: str) -> Dimension:
    """The dimension of that full name; a measure counts as not found. Raises :class:`UnknownMember`."""
    cube, member = _find(catalog, name, path)
    if not isinstance(member, Dimension):
        _unknown(cube, name, path, member, cube.dimensions)
    return member


def segment(catalog: Catalog, name: str, path: str) -> Segment:
    """The segment of that full name. Raises :class:`UnknownMember`."""
    cube, member = _find(catalog, name, path)
    if not isinstance(member, Segment):
        _unknown(cube, name, path, member, cube.segments)
    return member


def filterable(catalog: Catalog, name: str, path: str) -> Dimension | Measure:
    """The dimension or measure of that full name. Raises :class:`UnknownMember`."""
    cube, member = _find(catalog, name, path)
    if member is None or isinstance(member, Segment):
        _unknown(cube, name, path, member, (*cube.measures, *cube.dimensions))
    return member


def time_dimension(catalog: Catalog, name: str, granularity: str | None, path: str) -> Dimension:
    """The time dimension of that full name, which must have that granularity."""
    found = dimension(catalog, name, f"{path}.dimension")
    known = tuple(dict.fromkeys((*found.granularities, *GRANULARITIES))) if found.type == "time" else ()
    if granularity is not None and granularity not in known:
        hint = f"'{name}' is of type {found.type}; only time dimensions have granularities."
        if known:
            hint = f"Its granularities are {', '.join(known)}."
        raise InvalidQuery(
            f'Granularity "{granularity}" does not exist in dimension {name}',
            path=f"{path}.granularity",
            hint=hint,
        )
    if found.type != "time":
        raise InvalidQuery(
            f"'{name}' is of type {found.type} and cannot be a time dimension",
            path=f"{path}.dimension",
            hint="List it under `dimensions`, or restrict it under `filters`.",
        )
    return found


def finest_first(catalog: Catalog, groupings: Iterable[TimeGrouping]) -> list[TimeGrouping]:
    """The groupings by the length of their bins; equally long ones as they stand."""

    def length(grouping: TimeGrouping) -> float:
        return length_of(grouping.granularity, catalog.dimension(grouping.member).granularities)

    return sorted(groupings, key=length)


def require_visible(catalog: Catalog, members: Iterable[Member]) -> None:
    """Refuses to select members that are not public, themselves or by their cube."""
    for member in members:
        cube = catalog.cubes[member.cube]
        if isinstance(member, Dimension) and member.synthetic:
            member = cube.dimensions.get(member.stands_for, member)  # its link is there for whoever sees it
        if not (member.public and cube.public):
            raise InvalidQuery(
                f"Error: You requested hidden member: '{member.full_name}'. Please make it visible using "
                "`public: true`. Please note primaryKey fields are `public: false` by default: "
                "https://docs.cube.dev/reference/data-modeling/joins#setting-a-primary-key.",
            )


def _find(catalog: Catalog, name: str, path: str) -> tuple[Cube, Member | None]:
    cube_name, _, short_name = name.partition(".")
    cube = catalog.cubes.get(cube_name)
    if cube is not None:
        return cube, cube.member(short_name)
    if broken := catalog.broken.get(cube_name):
        raise InvalidQuery(
            f"Cube '{cube_name}' cannot be used for path '{name}' until its model is mended: {broken[0]}",
            path=path,
            hint=broken[0].hint,
        )
    visible = [known.name for known in catalog.cubes.values() if known.public]
    raise UnknownMember(
        f"Cube '{cube_name}' not found for path '{name}'",
        path=path,
        suggestions=closest(cube_name, visible),
    )


def _unknown(cube: Cube, name: str, path: str, found: Member | None, known: Iterable[str]) -> NoReturn:
    """``known`` are the short names that would have done; hidden ones are not suggested."""
    short_name = name.partition(".")[2]
    names = [candidate for candidate in known if (member := cube.member(candidate)) and member.public]
    hint = None
    if found is not None:
        kind = type(found).__name__.lower()
        hint = f"'{name}' is a {kind}; list it under `{kind}s`."
    raise UnknownMember(
        f"'{short_name}' not found for path '{name}'",
        path=path,
        suggestions=tuple(f"{cube.name}.{match}" for match in closest(short_name, names)),
        hint=hint,
    )
