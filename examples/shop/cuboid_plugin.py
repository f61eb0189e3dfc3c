"""The shop's own rules: a token that names a country sees the customers of that country only.

    curl -H "Authorization: $(cuboid token -p examples/shop --claim country=Italy)" ...

A project's ``cuboid_plugin.py`` is a plugin like any other. This one answers the hook ``rewrite_query``: it
adds a filter on ``users.country`` to every query about customers and what they bought. The product catalogue
is open to all. And it tells the model's templates why things come back, for one measure each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import cuboid

OPEN_CUBES = frozenset({"products", "suppliers"})
RETURN_REASONS = ("damaged", "wrong size", "changed mind", "late", "not as described")


@cuboid.hookimpl
def register_template_variables(
    variable: Callable[[str, Any], None], filter: Callable[[str, Callable[..., Any]], None]
) -> None:
    """What ``model/returns.yml`` makes its measures from."""
    variable("return_reasons", RETURN_REASONS)
    filter("identifier", lambda text: text.replace(" ", "_"))


@cuboid.hookimpl
def rewrite_query(query: Mapping[str, Any], principal: cuboid.Principal) -> Mapping[str, Any] | None:
    """Restricts to the claim ``country``; a token without that claim sees everything."""
    if "country" not in principal.claims:
        return None
    country = principal.claims["country"]
    if not isinstance(country, str) or not country:
        raise cuboid.Forbidden("The claim 'country' must be the name of a country.")
    if {member.split(".")[0] for member in members(query)} <= OPEN_CUBES:
        return None
    restriction = {"member": "users.country", "operator": "equals", "values": [country]}
    return {**query, "filters": [*(query.get("filters") or ()), restriction]}


def members(query: Mapping[str, Any]) -> Iterator[str]:
    """Every member that decides what the query reads, as written."""
    for key in ("measures", "dimensions", "segments"):
        yield from query.get(key) or ()
    for entry in query.get("timeDimensions") or ():
        yield entry["dimension"]
    yield from filtered(query.get("filters") or ())


def filtered(filters: list[Mapping[str, Any]]) -> Iterator[str]:
    """The members of a filter tree; ``dimension`` is an old name of the key ``member``."""
    for item in filters:
        if "and" in item or "or" in item:
            yield from filtered(item.get("and") or item.get("or") or [])
        else:
            yield item.get("member") or item["dimension"]
