"""From a plan to a prepared statement in one dialect."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from sqlglot import exp
from sqlglot.errors import ErrorLevel, UnsupportedError

from cuboid.catalog.model import Catalog
from cuboid.errors import UnsupportedFeature
from cuboid.plan.nodes import Plan, Relation
from cuboid.plan.tree import walk
from cuboid.sql.binding import Prepared, prepare
from cuboid.sql.dialect import Dialect
from cuboid.sql.lower import Lowering
from cuboid.sql.stored import StoredTable
from cuboid.sql.templates import Templates

NOTHING_STORED: Mapping[str, StoredTable] = MappingProxyType({})


class Renderer:
    """Renders plans over one catalog in one dialect; remembers parsed templates."""

    def __init__(self, catalog: Catalog, dialect: Dialect) -> None:
        self._catalog = catalog
        self._dialect = dialect
        self._templates = Templates(dialect.sqlglot, dialect.own)

    def render(
        self, plan: Plan, stored: Mapping[str, StoredTable] = NOTHING_STORED, *, whole_rows: bool = False
    ) -> Prepared:
        """The plan's statement with open slots.

        :param stored: the tables of the rollups that it reads.
        :param whole_rows: of a plan for the rows of one cube: with all columns that its SQL has.

        Raises :class:`ModelError` for model SQL that the dialect cannot read and :class:`UnsupportedFeature` for
        what it cannot say.
        """
        try:
            lowered = Lowering(plan, self._catalog, self._dialect, self._templates, stored).lower()
            if whole_rows:
                lowered.tree.set("expressions", [exp.Star()])
            text = lowered.tree.sql(
                dialect=self._dialect.sqlglot, unsupported_level=ErrorLevel.RAISE, pretty=True, copy=False
            )
        except UnsupportedError as error:
            raise UnsupportedFeature(f"The {self._dialect.name} dialect cannot say this: {error}") from error
        except RecursionError:
            # sqlglot recurses on the tree; parsing and the catalog limit the depth of queries and of members each,
            # but a deep condition over deep members may still pass Python's limit.
            raise UnsupportedFeature("This query is nested too deeply to be written as SQL.") from None
        read = {cube for node in walk(plan) if isinstance(node, Relation) for cube in node.tree.cubes}
        columns = () if whole_rows else lowered.columns
        prepared = prepare(text, self._dialect, columns, plan.data_source, plan.timezone)
        return replace(prepared, cubes=tuple(sorted(read)))
