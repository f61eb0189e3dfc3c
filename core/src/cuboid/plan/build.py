"""From a shape to a plan: each measure on its own relation, then all combined.

The relation of a measure joins the cubes of the query's group keys, of the conditions that restrict the measure
(:mod:`cuboid.plan.facts`) and of the measure itself, and no other: which measures are asked together never
changes a number.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from cuboid.catalog.joins import JoinGraph, JoinPath, JoinTree
from cuboid.catalog.model import Catalog
from cuboid.errors import NoJoinPath, UnsupportedFeature
from cuboid.plan.access import visible_rows
from cuboid.plan.additions import plan_top, with_shares
from cuboid.plan.evaluation import Evaluation
from cuboid.plan.facts import Facts
from cuboid.plan.guards import refuse_unplanned
from cuboid.plan.members import Members
from cuboid.plan.mentions import Mentions
from cuboid.plan.nodes import Aggregate, Key, Plan, Rows, Source, SubQuery
from cuboid.plan.relations import Asked, AskedTree, Relations
from cuboid.plan.states import State
from cuboid.plan.sub_queries import plan_sub_queries
from cuboid.plan.switches import plan_by_switches, switches_among
from cuboid.query.model import Shape


class Builder:
    """Builds plans over one catalog.

    :param observe: is told of each join tree and of what it was asked for.
    """

    def __init__(
        self, catalog: Catalog, observe: Callable[[JoinTree, AskedTree], None] | None = None
    ) -> None:
        self._catalog = catalog
        self._graph = JoinGraph(catalog)
        self._members = Members(catalog)
        self._mentions = Mentions(catalog, self._members)
        self._relations = Relations(
            catalog, self._graph, self._members, self._mentions, self._sub_queries, observe
        )

    def build(
        self, shape: Shape, along: frozenset[JoinPath] = frozenset(), facts: Facts | None = None
    ) -> Plan:
        """The plan of a normalized question, not yet rewritten.

        :param along: join paths that the measures are meant along.
        :param facts: those among which conditions restrict what they do; by default the question's own.

        Raises :class:`NoJoinPath`, :class:`UnsupportedFeature`, and :class:`InvalidQuery` for members of several
        data sources.
        """
        grouped = switches_among(shape, self._catalog)
        if grouped:
            plan = plan_by_switches(
                shape, grouped, self._catalog, lambda inner: self.build(inner, along, facts)
            )
        else:
            plan = self._without_switches(shape, along, facts)
        if not shape.shares or shape.total:
            return plan
        keys = tuple(key for key in plan.keys if key.member not in grouped)
        return with_shares(plan, shape, self._catalog, facts or self._facts(shape, keys), self._among)

    def _without_switches(self, shape: Shape, along: frozenset[JoinPath], facts: Facts | None) -> Plan:
        groupings = ((each.member, each.granularity) for each in shape.time_groupings)
        refuse_unplanned(self._catalog, self._mentions.members(shape), groupings)
        keys = (
            *(Key(member) for member in shape.dimensions),
            *(Key(grouping.member, grouping.granularity) for grouping in shape.time_groupings),
        )
        data_source = self._mentions.data_source(shape)
        facts = facts or self._facts(shape, keys)
        try:
            asked = Asked(shape, plan_top(shape, self._catalog, facts, self._among))
            source = (
                self._rows(asked, keys) if shape.ungrouped else self._aggregates(asked, keys, along, facts)
            )
        except NoJoinPath as error:
            raise NoJoinPath(self._mentions.owners(shape), hint=error.hint) from None
        return Plan(
            source=source,
            keys=keys,
            measures=shape.measures,
            conditions=shape.group_conditions,
            order=() if shape.total else shape.order,
            limit=None if shape.total else shape.limit,
            offset=None if shape.total else shape.offset,
            timezone=shape.timezone,
            data_source=data_source,
            counted=shape.total,
            access=shape.access,
            visible=visible_rows(self._graph, self._members, shape.access),
        )

    def _aggregates(
        self, asked: Asked, keys: tuple[Key, ...], along: frozenset[JoinPath], facts: Facts
    ) -> Source:
        shape = asked.shape
        root = State(keys, shape.row_conditions, shape.segments)
        leaves = {leaf: paths | along for leaf, paths in self._mentions.leaf_measures(shape).items()}
        if not leaves:
            return Aggregate(self._relations.relation(asked, root, {}), keys, ())
        evaluation = Evaluation(
            asked,
            root,
            facts,
            self._catalog,
            self._members,
            self._mentions,
            self._relations,
        )
        return evaluation.combined(root, leaves)

    def _rows(self, asked: Asked, keys: tuple[Key, ...]) -> Source:
        leaves = self._mentions.leaf_measures(asked.shape)
        for leaf in leaves:
            measure = self._catalog.measure(leaf)
            if (
                measure.multi_stage is not None
                or measure.rolling_window is not None
                or measure.conversion is not None
                or measure.type in ("number", "string", "time", "boolean")
            ):
                raise UnsupportedFeature(
                    f"Measure '{leaf}' has an aggregate of its own and cannot be shown row by row.",
                    hint="Ask for it without `ungrouped`.",
                )
        root = State(keys, asked.shape.row_conditions, asked.shape.segments)
        return Rows(self._relations.relation(asked, root, leaves), keys)

    def _facts(self, shape: Shape, keys: tuple[Key, ...]) -> Facts:
        """The question's facts; what ``top`` goes by is one of its measures."""
        if shape.top is not None:
            shape = replace(shape, measures=(*shape.measures, shape.top.by))
        leaves = self._members.row_leaves(self._mentions.leaf_measures(shape))
        cubes = self._mentions.in_order({self._catalog.measure(leaf).cube for leaf in leaves})
        return Facts(self._graph, cubes, (self._members.origin(key.member) for key in keys))

    def _among(self, shape: Shape, facts: Facts | None) -> Plan:
        return self.build(shape, facts=facts)

    def _sub_queries(self, members: set[str], shape: Shape) -> tuple[SubQuery, ...]:
        return plan_sub_queries(self._catalog, self._members, members, shape, self.build)
