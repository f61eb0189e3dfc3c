"""Composed measures as SQL: what combines the values of other measures in the same group."""

from __future__ import annotations

from sqlglot import exp

from cuboid.catalog.model import Catalog
from cuboid.plan.members import Members
from cuboid.sql.dialect import Dialect
from cuboid.sql.members import MemberSql
from cuboid.sql.reading import Reading
from cuboid.sql.scope import Scope


class FormulaSql:
    """Lowers measures over groups that have the values of their leaves."""

    def __init__(self, catalog: Catalog, dialect: Dialect, members: MemberSql) -> None:
        self._catalog = catalog
        self._dialect = dialect
        self._members = members

    def value(self, name: str, reading: Reading) -> exp.Expr:
        """The measure in terms of the reading."""
        measure = self._catalog.measure(name)
        if not Members.is_composed(measure):
            return reading.leaf(name)
        assert measure.sql is not None
        nowhere = Scope("", {})  # a composed measure refers to measures only
        tree = self._members.template(measure.sql, nowhere, lambda part: self.value(part.full_name, reading))
        return self._dialect.quotient(tree) if isinstance(tree, exp.Div) else tree
