"""The filter operators: which there are, and which members they suit."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from cuboid.query.model import Operator
from cuboid.types import SemanticType

POSITIVE: Mapping[str, Operator] = MappingProxyType({"equals": "in", "in": "in"})
NEGATIVE: Mapping[str, Operator] = MappingProxyType({"notEquals": "not_in", "notIn": "not_in"})
POSITIVE_TEXT: Mapping[str, Operator] = MappingProxyType(
    {"contains": "contains", "startsWith": "starts_with", "endsWith": "ends_with"}
)
NEGATIVE_TEXT: Mapping[str, Operator] = MappingProxyType(
    {"notContains": "not_contains", "notStartsWith": "not_starts_with", "notEndsWith": "not_ends_with"}
)
COMPARISONS: Mapping[str, Operator] = MappingProxyType({"gt": "gt", "gte": "gte", "lt": "lt", "lte": "lte"})
PRESENCE: Mapping[str, Operator] = MappingProxyType({"set": "set", "notSet": "not_set"})
RANGES: Mapping[str, Operator] = MappingProxyType(
    {"inDateRange": "in_range", "onTheDate": "in_range", "notInDateRange": "not_in_range"}
)

# Against which end of the value's range (a bare date is its day), and how. Times are whole milliseconds and the
# end is exclusive, so "after the end" is "at or after the exclusive end".
BEFORE_OR_AFTER: Mapping[str, tuple[str, Operator]] = MappingProxyType(
    {
        "beforeDate": ("start", "lt"),
        "afterOrOnDate": ("start", "gte"),
        "beforeOrOnDate": ("end", "lt"),
        "afterDate": ("end", "gte"),
    }
)

_ANY = (*POSITIVE, *NEGATIVE, *PRESENCE)
_TEXT = (*POSITIVE_TEXT, *NEGATIVE_TEXT)
_DATE = (*RANGES, *BEFORE_OR_AFTER)

OPERATORS = (*_ANY, *_TEXT, *COMPARISONS, *_DATE, "measureFilter")
"""Every operator's name on the wire."""

VALUELESS = frozenset({*PRESENCE, "measureFilter"})
"""Those that need no values and ignore any."""

AVAILABLE: Mapping[SemanticType, tuple[str, ...]] = MappingProxyType(
    {
        "string": (*_ANY, *_TEXT, *COMPARISONS),
        "number": (*_ANY, *COMPARISONS),
        "boolean": _ANY,
        "time": (*_ANY, *COMPARISONS, *_DATE),
    }
)
"""By type of member. ``measureFilter`` is for measures of every type."""
