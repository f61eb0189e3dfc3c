"""Switches: dimensions on no row, whose conditions say which of their values a query is asked for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from cuboid.catalog.model import Catalog, Dimension
from cuboid.errors import UnsupportedFeature
from cuboid.query.model import NEVER, Condition, Junction, Pin, Predicate, members_of
from cuboid.types import Scalar


def pins(
    conditions: Iterable[Condition], values: Sequence[Scalar], catalog: Catalog
) -> tuple[tuple[Condition, ...], tuple[Pin, ...]]:
    """The conditions that test no switch, and the values that the others leave of each switch that they test: none
    perhaps, and then no row either.

    :param values: of the conditions' slots.

    Raises :class:`UnsupportedFeature` for a condition that tests a switch together with other members.
    """
    kept: list[Condition] = []
    left: dict[str, tuple[str, ...]] = {}
    for condition in conditions:
        tested = {switch_of(name, catalog) for name in members_of((condition,))}
        if tested == {None} or not tested:
            kept.append(condition)
            continue
        names = [each for each in tested if each is not None]
        if len(tested) > 1:
            raise UnsupportedFeature(
                f"The switch '{names[0]}' is tested together with other members in one `or`.",
                hint="Filter by the switch alone; conditions beside each other must all hold.",
            )
        known = left.get(names[0], catalog.dimension(names[0]).values)
        left[names[0]] = tuple(each for each in known if _holds(condition, each, values))
    if any(not each for each in left.values()):
        kept.append(NEVER)
    return tuple(kept), tuple(Pin(name, each) for name, each in left.items())


def switch_of(name: str, catalog: Catalog) -> str | None:
    """The switch that the member is, by its own name or a view's; None for any other member."""
    member = catalog.member(name)
    if not isinstance(member, Dimension):
        return None
    origin = catalog.member(member.origin)
    is_switch = isinstance(origin, Dimension) and origin.declared_type == "switch"
    return origin.full_name if is_switch and isinstance(origin, Dimension) else None


def _holds(condition: Condition, value: str, values: Sequence[Scalar]) -> bool:
    if isinstance(condition, Junction):
        tests = (_holds(item, value, values) for item in condition.items)
        return all(tests) if condition.operator == "and" else any(tests)
    return _test(condition, value, [str(values[slot.index]) for slot in condition.slots])


def _test(predicate: Predicate, value: str, given: Sequence[str]) -> bool:
    """Equality and order are by code point, other matches without regard to case."""
    folded, texts = value.casefold(), [each.casefold() for each in given]
    match predicate.operator:
        case "in":
            return value in given
        case "not_in":
            return value not in given
        case "contains":
            return any(each in folded for each in texts)
        case "not_contains":
            return not any(each in folded for each in texts)
        case "starts_with":
            return any(folded.startswith(each) for each in texts)
        case "not_starts_with":
            return not any(folded.startswith(each) for each in texts)
        case "ends_with":
            return any(folded.endswith(each) for each in texts)
        case "not_ends_with":
            return not any(folded.endswith(each) for each in texts)
        case "set":
            return True
        case "not_set":
            return False
    raise UnsupportedFeature(f"The switch '{predicate.member}' cannot be compared by '{predicate.operator}'.")
