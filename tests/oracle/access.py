"""What a principal sees of a world for one query: rule 14 of docs/explanation/semantics.md, and 15.1 of claims."""

from __future__ import annotations

from collections.abc import Mapping

from tests.oracle.expressions import Value
from tests.oracle.filters import FilterReader, Item, members
from tests.oracle.joins import JoinedRow, Row, RowLookup, joined_rows, table_rows, tree_from
from tests.oracle.policies import Claim, ClaimSlot, Policy, Principal
from tests.oracle.question import Condition, Question
from tests.oracle.views import renamed_item
from tests.oracle.world import Cube, View, World

NEVER = Condition({"constant": False})
Rows = list[Row]


class Access:
    """The rules for one query of one principal; the queries inside of it follow the same. ``in_views``: the members of
    views that the query names, by what they stand for."""

    def __init__(
        self,
        world: World,
        question: Question,
        principal: Principal,
        in_views: Mapping[str, tuple[View, str]] | None = None,
    ) -> None:
        self._in_views = in_views or {}
        self.world = world
        self.principal = principal
        self.zone = question.zone
        self._named: dict[str, list[str]] = {}
        named = [*question.measures, *(column.member for column in question.columns), *question.segments]
        named += [name for condition in question.conditions for name in condition.names]
        named += [name for item in question.group_filters for name in members(item)]
        named += [question.top.by] if question.top is not None else []
        # Of views, rule 14.7: what they show is granted by their own policies.
        for name in dict.fromkeys(each for each in named if each not in question.paths):
            cube, _, member = name.partition(".")
            self._named.setdefault(cube, []).append(member)
        self._true_rows: dict[str, Rows] = {}
        self._visible: dict[str, Rows] = {}
        self._joined: dict[tuple[str, frozenset[str]], dict[int, JoinedRow]] = {}

    # ------------------------------------------------------------ rows

    def rows(self, cube: str) -> Rows:
        """The rows of a cube that exist for the principal: rules 14.2 and 14.3."""
        if cube not in self._visible:
            found = [row for row in self._claimed(cube) if self._exists(self.world.cube(cube), row)]
            self._visible[cube] = found
        return self._visible[cube]

    def true_rows(self, cube: str) -> Rows:
        """All rows of the cube's table."""
        if cube not in self._true_rows:
            self._true_rows[cube] = table_rows(self.world, cube)
        return self._true_rows[cube]

    def _claimed(self, cube: str) -> Rows:
        """Rule 15.1: the rows that the claims in the cube's SELECT leave."""
        slots = [slot for slot in self.world.cube(cube).slots if isinstance(slot, ClaimSlot)]
        return [row for row in self.true_rows(cube) if all(self._fits(slot, row) for slot in slots)]

    def _fits(self, slot: ClaimSlot, row: Row) -> bool:
        said = self.principal.claims.get(slot.claim)
        if said is None:
            return True
        return row[slot.column] is not None and row[slot.column] in (
            said if isinstance(said, list) else [said]
        )

    def _exists(self, cube: Cube, row: Row) -> bool:
        if cube.policies is None:
            return True
        applicable = self.applicable(cube)
        named = self._named.get(cube.name)
        if named is None:
            return any(self._opens(policy, cube, row) for policy in applicable)
        return all(any(self._opens(p, cube, row) for p in applicable if p.grants(member)) for member in named)

    def _opens(self, policy: Policy, cube: Cube, row: Row) -> bool:
        """Rule 14.5: the policy's row filter sees true values of the row and of what it has at most one row of;
        which rows a cube has at all is for its SELECT to say, and so for claims."""
        if not policy.filters:
            return True
        reads = frozenset(
            each for item in policy.filters for name in members(item) for each in self.world.cubes_of(name)
        )
        lookup = RowLookup(self.world, self._with_to_one(cube.name, reads)[id(row)])
        filters = FilterReader(self.world, self.zone)
        return all(filters.holds(self._stated(item), lookup.member) is True for item in policy.filters)

    def _with_to_one(self, cube: str, reads: frozenset[str]) -> Mapping[int, JoinedRow]:
        key = cube, reads
        if key not in self._joined:
            tree = tree_from(self.world, cube, reads | {cube})
            assert tree is not None, "a policy reads what its cube is joined with"
            joined = joined_rows(self.world, tree, self._claimed)
            self._joined[key] = {id(row[cube]): row for row in joined}
        return self._joined[key]

    def _stated(self, item: Item) -> Item:
        """The filter with the values of claims; one whose claim is missing or an empty list is false."""
        for group in ("and", "or"):
            if group in item:
                return {group: [self._stated(child) for child in item[group]]}
        values = item.get("values")
        if not isinstance(values, Claim):
            return item
        said = self.principal.claims.get(values.name)
        if said is None or said == []:
            return {"constant": False}
        given = said if isinstance(said, list) else [said]
        return {**item, "values": [str(v).lower() if isinstance(v, bool) else str(v) for v in given]}

    # ------------------------------------------------------------ members

    def applicable(self, cube: Cube | View) -> list[Policy]:
        """Rule 14.1."""
        return [
            policy
            for policy in cube.policies or ()
            if ({"*", *self.principal.groups} & set(policy.groups))
            and all(test.holds(self.principal.claims) for test in policy.conditions)
        ]

    @property
    def denied(self) -> bool:
        """Rule 14.4: whether a member is named that nobody grants."""
        named: list[tuple[Cube | View, str]] = list(self._in_views.values())
        named += [(self.world.cube(name), member) for name, given in self._named.items() for member in given]
        return any(
            owner.policies is not None and not any(policy.grants(member) for policy in self.applicable(owner))
            for owner, member in named
        )

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """What the row filters of views leave of every relation: rule 14.7, by 14.3."""
        found: list[Condition] = []
        for view, member in self._in_views.values():
            if view.policies is None:
                continue
            opened = [
                self._of_view(view, policy) for policy in self.applicable(view) if policy.grants(member)
            ]
            item = folded({"or": opened})
            found.append(
                Condition(item, paths=tuple(path for name in members(item) for path in view.paths[name]))
            )
        return tuple(found)

    def _of_view(self, view: View, policy: Policy) -> Item:
        """The row filter of a view's policy, on what the view's members stand for."""
        origins = view.origins
        return {"and": [renamed_item(self._stated(item), origins.__getitem__) for item in policy.filters]}

    def mask(self, full_name: str) -> list[Policy] | None:
        """The policies on whose rows a masked member is shown (rule 14.6); None if it is not masked at all."""
        owner: Cube | View
        name, _, member = full_name.partition(".")
        if full_name in self._in_views:
            owner, member = self._in_views[full_name]
        else:
            owner = self.world.cube(name)
            if member not in self._named.get(name, ()):
                return None
        if owner.policies is None:
            return None
        policies = self.applicable(owner)
        full = [policy for policy in policies if policy.full(member)]
        masked = any(policy.grants(member) and not policy.full(member) for policy in policies)
        return full if masked and all(policy.filters for policy in full) else None

    def shown(self, full_name: str, lookup: RowLookup) -> Value:
        """A dimension as the principal sees it on a row."""
        policies = self.mask(full_name)
        if policies is None:
            return lookup.member(full_name)
        name = full_name.partition(".")[0]
        if full_name in self._in_views:  # the rows of a view are those that are joined
            filters = FilterReader(self.world, self.zone)
            if filters.holds(self.shown_by(full_name).item, lookup.member) is True:
                return lookup.member(full_name)
        else:
            row = lookup.row[name]
            if row is not None and any(self._opens(p, self.world.cube(name), row) for p in policies):
                return lookup.member(full_name)
        dimension = self.world.dimension(full_name)
        assert dimension is not None
        return dimension.mask

    def shown_by(self, full_name: str) -> Condition:
        """On which joined rows a masked member of a view is shown; on none if it is no such member."""
        policies = self.mask(full_name)
        if not policies or full_name not in self._in_views:
            return NEVER
        view, _ = self._in_views[full_name]
        item = folded({"or": [self._of_view(view, policy) for policy in policies]})
        return Condition(item, paths=tuple(path for name in members(item) for path in view.paths[name]))

    def _looks_beyond(self, full_name: str) -> bool:
        """Whether a measure's value for a group is of other groups' rows too: a stage has fewer groups or leaves out
        filters, rule 14.6."""
        measure = self.world.measure(full_name)
        assert measure is not None
        stage = measure.stage
        own = stage is not None and (
            stage.group_by is not None or stage.reduce_by or stage.filter is not None
        )
        return bool(own) or any(self._looks_beyond(child) for child in measure.children)

    def measure_shown(self, full_name: str, value: Value, grouped: Mapping[str, Value]) -> Value:
        """A measure as the principal sees it for a group; ``grouped``: the dimensions grouped by and their values."""
        policies = self.mask(full_name)
        if policies is None:
            return value
        filters = FilterReader(self.world, self.zone)
        items: list[Item] = [{"and": [self._stated(item) for item in policy.filters]} for policy in policies]
        if full_name in self._in_views:
            view, _ = self._in_views[full_name]
            items = [renamed_item(item, view.origins.__getitem__) for item in items]
        item = folded({"or": items})
        tested = set(members(item))
        owner = f"{full_name.partition('.')[0]}."
        own = full_name in self._in_views or all(name.startswith(owner) for name in tested)
        told = own and tested <= grouped.keys() and not self._looks_beyond(full_name)
        if told and filters.holds(item, grouped.__getitem__) is True:
            return value
        measure = self.world.measure(full_name)
        assert measure is not None
        return measure.mask


def folded(item: Item) -> Item:
    """The filter without parts that are always or never true, so that it names only what it depends on."""
    for group, ends in (("and", False), ("or", True)):
        if group in item:
            items = [folded(child) for child in item[group]]
            if any(each.get("constant") is ends for each in items):
                return {"constant": ends}
            left = [each for each in items if "constant" not in each]
            return {group: left} if left else {"constant": not ends}
    return item
