"""From a shape to a prepared statement, once per shape.

Two questions that differ in values only have equal shapes: the second costs a look-up and binding. A planner
belongs to one catalog and goes with it. Threads may share it: what they find out twice is equal.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

from cuboid.catalog.model import Catalog
from cuboid.plan.build import Builder
from cuboid.plan.explain import Explainer
from cuboid.plan.joined import across
from cuboid.plan.mentions import all_members
from cuboid.plan.nodes import Combine, KeyedAggregate
from cuboid.plan.rewrite import rewrite
from cuboid.plan.transformed import Asked, transformed_query
from cuboid.query.model import Question, Shape
from cuboid.query.newest import Newest
from cuboid.rollup_planner import RollupPlanner
from cuboid.served import Served
from cuboid.sql.binding import Prepared
from cuboid.sql.dialect import Dialect
from cuboid.sql.render import Renderer

KEPT_SHAPES = 2000
"""Shapes whose statements are kept per catalog; one is some kilobytes, and few projects ask more than this."""

LARGE_STATEMENT = 500
"""Parts from which a statement is not kept: lists of values that long hardly come twice in one length."""

SERIALS = itertools.count()


class Planner:
    """Plans questions over one catalog.

    :param dialect: gives the dialect of a data source by its name.
    :param store: the name of the data source where rollups lie; None if none are kept.
    :param identity: tells the database of a data source, by its name, from others.
    """

    def __init__(
        self,
        catalog: Catalog,
        dialect: Callable[[str], Dialect],
        store: str | None = None,
        identity: Callable[[str], str] = str,
    ) -> None:
        self.catalog = catalog
        self.serial = next(SERIALS)
        """Another number for each planner: what is kept of one catalog is never told over another."""
        self.rollups = None if store is None else RollupPlanner(catalog, store, dialect, identity)
        self._dialect = dialect
        self._builder = Builder(catalog)
        self._across = across(catalog)
        self._renderers: dict[str, Renderer] = {}
        self._prepared: Newest[Shape, Prepared] = Newest(KEPT_SHAPES)
        self._members: Newest[Shape, Sequence[str]] = Newest(KEPT_SHAPES)
        self._transformed: Newest[Asked, dict[str, Any]] = Newest(KEPT_SHAPES)

    def prepare(self, shape: Shape) -> Prepared:
        """The statement for all questions of this shape. Raises what building and rendering raise."""
        prepared = self._prepared.get(shape)
        if prepared is None:
            plan = rewrite(self._builder.build(shape), self.catalog)
            prepared = self._renderer(plan.data_source).render(plan)
            if len(prepared.parts) <= LARGE_STATEMENT:
                self._prepared.keep(shape, prepared)
        return prepared

    def explain(self, shape: Shape) -> dict[str, Any]:
        """How the shape is planned and why, as :class:`cuboid.plan.explain.Explainer` says. Raises what building
        raises."""
        return Explainer(self._across).explain(shape)

    def serve(self, question: Question) -> Served | None:
        """The question's statement over stored rows; None if no rollups answer it. Raises what building raises."""
        return None if self.rollups is None else self.rollups.serve(question)

    def cubes(self, question: Question) -> tuple[str, ...]:
        """Whose data the answer is made of. Raises what building and rendering raise."""
        served = self.serve(question)
        return self.prepare(question.shape).cubes if served is None else served.cubes

    def live(self, question: Question) -> tuple[str, ...]:
        """Whose tables are read: not those of which all is stored. Raises as :meth:`cubes`."""
        served = self.serve(question)
        return self.prepare(question.shape).cubes if served is None else served.live

    @property
    def kept(self) -> int:
        """How many statements are kept."""
        return len(self._prepared)

    def transformed(self, question: Question) -> dict[str, Any]:
        """The question as rollups are matched with, not to be changed. Raises what building raises."""
        asked = Asked.of(question)
        known = self._transformed.get(asked)
        if known is None:
            known = transformed_query(asked, self.catalog, multiplied=self._multiplies(asked.shape))
            if len(question.values) <= LARGE_STATEMENT:
                self._transformed.keep(asked, known)
        return known

    def members(self, question: Question) -> Sequence[str]:
        """What the question is about, as :func:`cuboid.plan.mentions.all_members` tells it."""
        known = self._members.get(question.shape)
        if known is None:
            known = all_members(question.shape, self.catalog)
            if len(question.values) <= LARGE_STATEMENT:
                self._members.keep(question.shape, known)
        return known

    def _multiplies(self, shape: Shape) -> bool:
        """Whether a join repeats rows that one of the shape's measures aggregates. Raises what building raises."""
        builder = self._builder if self._across is self.catalog else Builder(self._across)
        source = builder.build(shape).source
        parts = source.inputs if isinstance(source, Combine) else (source,)
        return any(isinstance(part, KeyedAggregate) for part in parts)

    def _renderer(self, data_source: str) -> Renderer:
        renderer = self._renderers.get(data_source)
        if renderer is None:
            renderer = self._renderers[data_source] = Renderer(self.catalog, self._dialect(data_source))
        return renderer
