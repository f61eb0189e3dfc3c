"""``access_policy`` of cubes and views: to whom which members and rows are open.

A policy with a mistake takes its cube down, never open: what cannot be read must not let anybody in.
"""

from __future__ import annotations

import re

from cuboid.catalog import keys
from cuboid.catalog.access import AccessPolicy, MemberLevel, PolicyFilter, PolicyGroup
from cuboid.catalog.expressions import CONTEXT_NAMES, Expression, Misread, read_expression
from cuboid.catalog.fields import Fields, read_entries
from cuboid.catalog.named import named_member, named_reference
from cuboid.catalog.nodes import Entries, Items, Node, Scalar
from cuboid.catalog.problems import Problems
from cuboid.catalog.scope import Scope
from cuboid.catalog.stated_filters import VALUELESS, read_operator
from cuboid.catalog.templates import Misread as MisreadTemplate
from cuboid.catalog.templates import Slot, split

_ABOUT_CONTEXT = re.compile(rf"\s*({'|'.join(CONTEXT_NAMES)})\b")
_GROUP_KEYS = ("group", "groups", "role", "roles")


def read_policies(scope: Scope) -> tuple[AccessPolicy, ...] | None:
    """The policies in order; None where there is no ``access_policy``, which leaves everything open."""
    fields = scope.cube.fields
    if not fields.has("access_policy"):
        return None
    found = (_policy(node, scope) for node in fields.items("access_policy"))
    return tuple(policy for policy in found if policy is not None)


def _policy(node: Node, scope: Scope) -> AccessPolicy | None:
    fields = read_entries(node, keys.ACCESS_POLICY, scope.problems)
    if fields is None:
        return None
    masking = _members(fields, "member_masking", scope)
    if fields.has("member_masking") and not fields.has("member_level"):
        scope.problems.error(
            fields.place_of("member_masking"),
            "'member_masking' needs 'member_level'",
            "Say which members are open in full: member_level: {includes: []} for none.",
        )
    return AccessPolicy(
        groups=_groups(fields),
        place=fields.place,
        conditions=_conditions(fields, scope),
        member_level=_members(fields, "member_level", scope),
        masking=masking,
        row_level=_rows(fields, scope),
    )


def _groups(fields: Fields) -> tuple[str, ...]:
    given = [key for key in _GROUP_KEYS if fields.has(key)]
    if not given:
        fields.missing("group", "the name of a group, or '*' for everybody")
        return ()
    for key in given[1:]:
        fields.problems.error(
            fields.place_of(key), f"a policy has either '{given[0]}' or '{key}', not both", "Keep one."
        )
    node = fields.node(given[0])
    groups = fields.texts(given[0]) if isinstance(node, Items) else (fields.text(given[0]),)
    empty = isinstance(node, Items) and not node.items
    if empty or not all(group is None or group.strip() for group in groups):
        fields.problems.error(
            fields.place_of(given[0]), f"'{given[0]}' names no group", "Write '*' for everybody."
        )
    return tuple(group for group in groups if group)


# ---------------------------------------------------------------- conditions


def _conditions(fields: Fields, scope: Scope) -> tuple[Expression, ...]:
    found = []
    for node in fields.items("conditions"):
        condition = read_entries(node, keys.POLICY_CONDITION, scope.problems)
        written = condition.scalar("if") if condition else None
        if condition is not None and written is None and not condition.has("if"):
            condition.missing("if", "an expression over the security context")
        if written is not None:
            found.append(_expression(written.text, written, scope.problems))
    return tuple(each for each in found if each is not None)


def _expression(text: str, written: Scalar, problems: Problems) -> Expression | None:
    if isinstance(written.value, bool):
        return Expression(str(written.value), written.place)
    found = read_expression(text, written.place)
    if isinstance(found, Misread):
        problems.error(written.place, found.message, found.hint)
        return None
    return found


# ---------------------------------------------------------------- members


def _members(fields: Fields, key: str, scope: Scope) -> MemberLevel | None:
    node = fields.node(key)
    level = read_entries(node, keys.MEMBER_LEVEL, scope.problems) if node is not None else None
    if level is None:
        return None
    if not level.has("includes") and not level.has("excludes"):
        level.missing("includes", "'*' or a list of members")
    includes = _names(level, "includes", scope)
    excludes = _names(level, "excludes", scope)
    if excludes is None and level.has("excludes"):
        return MemberLevel(includes=())
    return MemberLevel(includes, excludes or ())


def _names(level: Fields, key: str, scope: Scope) -> tuple[str, ...] | None:
    """The short names in a list; None for all, which is what nothing means, too."""
    node = level.node(key)
    if node is None or (isinstance(node, Scalar) and node.text == "*"):
        return None
    # Cube takes one name without brackets, too.
    nodes = (node,) if isinstance(node, Scalar) else level.items(key)
    names: list[str] = []
    for each in nodes:
        found = named_reference(each, scope)
        if found is None:
            continue
        cube, _, name = found.member.partition(".")
        if cube == scope.cube.name:
            names.append(name)
        else:
            scope.problems.error(
                each.place,
                f"'{found.member}' is no member of '{scope.cube.name}'",
                f"Members of '{cube}' are opened by a policy of its own.",
            )
    return tuple(dict.fromkeys(names))


# ---------------------------------------------------------------- rows


def _rows(fields: Fields, scope: Scope) -> tuple[PolicyFilter | PolicyGroup, ...] | None:
    node = fields.node("row_level")
    level = read_entries(node, keys.ROW_LEVEL, scope.problems) if node is not None else None
    if level is None:
        return None
    allow_all = level.flag("allow_all")
    if allow_all and level.has("filters"):
        scope.problems.error(
            level.place_of("allow_all"),
            "a row level has either 'filters' or 'allow_all', not both",
            "Keep one.",
        )
    filters = _filters(level.items("filters"), scope)
    if not allow_all and not level.items("filters"):
        scope.problems.error(
            level.place, "this row level says nothing", "Write 'allow_all: true', or the 'filters' of rows."
        )
    return None if allow_all else filters


def _filters(nodes: tuple[Node, ...], scope: Scope) -> tuple[PolicyFilter | PolicyGroup, ...]:
    return tuple(found for node in nodes if (found := _filter(node, scope)) is not None)


def _filter(node: Node, scope: Scope) -> PolicyFilter | PolicyGroup | None:
    if isinstance(node, Entries):
        for junction in ("and", "or"):
            if any(key.text == junction for key, _ in node.entries):
                group = read_entries(node, keys.JUNCTION, scope.problems)
                items = group.items(junction) if group else ()
                if group is not None and not items:
                    scope.problems.error(
                        node.place,
                        f"this '{junction}' has no filters",
                        "List {member, operator, values} under it.",
                    )
                return PolicyGroup(junction, _filters(items, scope)) if items else None
    fields = read_entries(node, keys.STATED_FILTER, scope.problems)
    if fields is None:
        return None
    key = "member" if fields.has("member") else "dimension"
    if not fields.has(key):
        fields.missing("member", "what is filtered")
    member = named_member(fields, key, scope)
    operator = read_operator(fields)
    values = _values(fields, scope.problems)
    if operator in VALUELESS:
        values = None
    elif operator is not None and not fields.has("values"):
        fields.missing("values", "what it is compared with, e.g. ['{security_context.team}']")
    elif isinstance(written := fields.node("values"), Items) and not written.items:
        scope.problems.error(
            fields.place_of("values"),
            "a filter is compared with one value or more",
            "E.g. values: ['DE']; operators set and notSet need none.",
        )
    if member is None or operator is None:
        return None
    return PolicyFilter(member, operator, values, fields.place)


def _values(fields: Fields, problems: Problems) -> tuple[str | Expression, ...] | Expression | None:
    node = fields.node("values")
    if node is None:
        return None
    if isinstance(node, Scalar):
        one = _value(node, problems)
        return one if isinstance(one, Expression) else (() if one is None else (one,))
    found = [_value(item, problems) for item in fields.items("values")]
    return tuple(value for value in found if value is not None)


def _value(node: Node, problems: Problems) -> str | Expression | None:
    """A literal, ``{an expression}``, or a text with expressions in it; None and an error if it is wrong."""
    if not isinstance(node, Scalar) or node.is_null:
        problems.error(
            node.place,
            "a value is a text, a number, true, false or an expression in braces",
            "E.g. ['DE'] or ['{security_context.country}'].",
        )
        return None
    if _ABOUT_CONTEXT.match(node.text):
        return _expression(node.text, node, problems)
    pieces = split(node.text)
    if isinstance(pieces, MisreadTemplate):
        problems.error(node.locate(pieces.fragment, pieces.offset), pieces.message, pieces.hint)
        return None
    match pieces:
        case ():
            return ""
        case (str() as text,):
            return text
        case (Slot(expression=text),):
            return _expression(text, node, problems)
    return _expression(_joined(pieces), node, problems)


def _joined(pieces: tuple[str | Slot, ...]) -> str:
    """Text and expressions as an f-string."""
    parts = []
    for piece in pieces:
        if isinstance(piece, Slot):
            parts.append(f"{{{piece.expression}}}")
        else:
            text = piece.replace("\\", "\\\\").replace('"', '\\"')
            parts.append(text.replace("{", "{{").replace("}", "}}"))
    return f'f"""{"".join(parts)}"""'
