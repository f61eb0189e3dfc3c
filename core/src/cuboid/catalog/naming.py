"""Names derived from names: titles for people, aliases for SQL, the wire's ``aliasName``, connections of tenants."""

from __future__ import annotations

import re
from functools import lru_cache

# The words that the `inflection` package leaves in lower case inside a title.
_SMALL_WORDS = frozenset(
    ("and", "or", "nor", "a", "an", "the", "so", "but", "to", "of", "at", "by", "from", "into", "on", "onto")
) | frozenset(("off", "out", "in", "over", "with", "for"))

_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_LOWER_THEN_UPPER = re.compile(r"(?<=[a-z])(?=[A-Z])")
_SEPARATORS = re.compile(r"[_.\- ]+([^\W_]|$)")
_DIGITS_THEN_LETTER = re.compile(r"[0-9]+[^\W]")
_IDENTIFIERS = re.compile(r"\bId(s?)\b")
_DIGEST = re.compile(r" [0-9a-f]{16}\Z")


@lru_cache(maxsize=10_000)  # the names of a model are the same words again and again
def titleize(name: str) -> str:
    """The default title of a cube or member, as Cube 1.7 makes it: ``createdAt`` gives ``Created at``,
    ``userId`` gives ``User ID``.

    It is ``titleize(underscore(camelCase(name)))`` of the packages `inflection` and `camelcase`, then "Id" is
    written "ID". Hence the small words, and hence ``HTTPCode`` gives ``Http Code``.
    """
    words = re.sub(r"(?=[A-Z])", "_", _pascal_case(name)).lower().split("_")
    titled = " ".join(word if word in _SMALL_WORDS else word.capitalize() for word in words if word)
    return _IDENTIFIERS.sub(r"ID\1", titled[:1].upper() + titled[1:])


def _pascal_case(name: str) -> str:
    spaced = _LOWER_THEN_UPPER.sub("-", name)
    # camelcase cuts before the last capital of a run: HTTPCode -> HTTP-Code.
    spaced = re.sub(r"(?<=[A-Z])(?=[A-Z][a-z])", "-", spaced)
    lowered = re.sub(r"^[_.\- ]+", "", spaced).lower()
    lowered = lowered[:1].upper() + lowered[1:]
    joined = _SEPARATORS.sub(lambda found: found.group(1).upper(), lowered)
    return _DIGITS_THEN_LETTER.sub(lambda found: found.group().upper(), joined)


@lru_cache(maxsize=10_000)  # so are its keys
def underscore(name: str) -> str:
    """``createdAt`` gives ``created_at``: an underscore where a capital follows a lower-case letter or digit."""
    return _HUMP.sub("_", name).lower()


def member_alias(cube_alias: str, name: str, granularity: str | None = None) -> str:
    """The SQL column alias of a member, e.g. ``orders__created_at_day``.

    :param cube_alias: ``Cube.alias``.
    """
    alias = f"{underscore(cube_alias)}__{underscore(name)}"
    return f"{alias}_{granularity}" if granularity else alias


def alias_name(cube: str, name: str) -> str:
    """The wire's ``aliasName``, e.g. ``users.created_at``."""
    return f"{underscore(cube)}.{underscore(name)}"


_LINK = "___link_"


def link_name(dimension: str, link: str) -> str:
    """What the dimension is called that holds the URL of a dimension's link."""
    return f"{dimension}{_LINK}{link}_url"


def linked_dimension(name: str) -> str:
    """The dimension whose link the dimension of that name holds."""
    return name.rpartition(_LINK)[0]


def camelize(name: str) -> str:
    """``drill_members`` as JavaScript writes it: ``drillMembers``."""
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def connection_name(data_source: str, digest: str) -> str:
    """The name, for the server alone, of a connection that a plugin gave in place of the data source."""
    return f"{data_source} {digest[:16]}"


def data_source_name(name: str) -> str:
    """The model's name of a data source, for people: of a connection that a plugin gave, that of what it is in place
    of."""
    return _DIGEST.sub("", name)
