"""Does a catalog fit its data sources: each cube's data source is there, and its dialect reads the cube's SQL.

The catalog is compiled without knowing any dialect; what is found here joins its errors, so that a mistake in
SQL is told at the start, not by the first query that meets it. Nothing is asked of a database.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from cuboid.catalog.dependents import expressions, with_errors
from cuboid.catalog.model import Catalog, Cube
from cuboid.errors import ModelError, closest, did_you_mean
from cuboid.sql.dialect import Dialect
from cuboid.sql.templates import Templates


def verify(catalog: Catalog, dialects: Mapping[str, Dialect]) -> Catalog:
    """``catalog`` without the cubes that cannot be asked, and with the reasons among its errors.

    :param dialects: by name of the data source, all that are configured.
    """
    return Verifier(dialects.get, dialects).verify(catalog)


class Verifier:
    """Verifies again and again; a cube that was found sound before is not read again.

    :param dialect: of a data source, by its name; None if there is none.
    :param configured: the names of those that are configured.
    """

    def __init__(self, dialect: Callable[[str], Dialect | None], configured: Iterable[str]) -> None:
        self._dialect = dialect
        self._configured = tuple(configured)
        self._templates: dict[str, Templates] = {}
        self._sound: dict[int, Cube] = {}  # holds the cube, so that no other gets its id

    def verify(self, catalog: Catalog) -> Catalog:
        """``catalog`` without the cubes that cannot be asked, and with the reasons among its errors."""
        found = {
            name: tuple(self._mistakes(cube))
            for name, cube in catalog.cubes.items()
            if id(cube) not in self._sound
        }
        self._sound = {id(cube): cube for name, cube in catalog.cubes.items() if not found.get(name)}
        return with_errors(catalog, found)

    def _mistakes(self, cube: Cube) -> Iterator[ModelError]:
        templates = self._templates_of(cube.data_source)
        if templates is None and cube.view is not None:
            return  # its cubes are told so, and it goes down with them
        if templates is None:
            yield _unknown_data_source(cube, self._configured)
            return
        source = cube.sql if cube.sql is not None else cube.sql_table
        if source is not None and (error := templates.mistake_in_relation(source)):
            yield error
        for template in expressions(cube):
            if error := templates.mistake_in_expression(template):
                yield error

    def _templates_of(self, data_source: str) -> Templates | None:
        dialect = self._dialect(data_source)
        if dialect is None:
            return None
        found = self._templates.get(dialect.name)
        if found is None:
            found = self._templates[dialect.name] = Templates(dialect.sqlglot)
        return found


def _unknown_data_source(cube: Cube, configured: tuple[str, ...]) -> ModelError:
    place = cube.data_source_place or cube.place
    suggestion = did_you_mean(closest(cube.data_source, configured, limit=1))
    listed = f"Configured: {', '.join(configured)}."
    return ModelError(
        f"cube '{cube.name}' uses the data source '{cube.data_source}', which is not configured",
        file=place.file,
        line=place.line,
        column=place.column,
        hint=f"{suggestion} {listed}" if suggestion else listed,
    )
