"""The mistakes of one cube (or of one file at large), collected while it is read."""

from __future__ import annotations

from dataclasses import dataclass, field

from cuboid.catalog.pieces import Place
from cuboid.errors import ModelError


@dataclass(slots=True)
class Problems:
    """Errors take their owner down, warnings do not. Filled during compilation, then only read.

    What is said of a place is said once: a value may be read for several purposes.
    """

    errors: list[ModelError] = field(default_factory=list)
    warnings: list[ModelError] = field(default_factory=list)
    _said: set[tuple[Place, str]] = field(default_factory=set)

    def error(self, place: Place, message: str, hint: str) -> None:
        """Note a mistake, with what to do about it."""
        self._note(self.errors, place, message, hint)

    def warn(self, place: Place, message: str, hint: str) -> None:
        """Note something that is read but has no effect."""
        self._note(self.warnings, place, message, hint)

    def _note(self, kind: list[ModelError], place: Place, message: str, hint: str) -> None:
        if (place, message) not in self._said:
            self._said.add((place, message))
            kind.append(model_error(place, message, hint))


def model_error(place: Place, message: str, hint: str) -> ModelError:
    """A ModelError at that place."""
    return ModelError(message, file=place.file, line=place.line, column=place.column, hint=hint)
