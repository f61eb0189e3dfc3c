"""What plugins say of a principal, checked: its tenant and that tenant's model, its groups, and the rows it may see.

Cuboid's own errors are told as hooks raise them; whatever else goes wrong in a hook, or is wrong about its answer, is a
:class:`PluginError`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from cuboid.catalog.files import ModelFile, given_files, read_model
from cuboid.config.data_sources import DataSourceDeclaration
from cuboid.config.environment import Written
from cuboid.errors import CuboidError, PluginError
from cuboid.plugins import Registry
from cuboid.query.claims import claimed_groups
from cuboid.types import Principal

_HINTS = {
    "model_files": "Without claims it is asked for the model of requests of no tenant;"
    " 'cuboid check --claim KEY=VALUE' checks a tenant's."
}


_DRIVER = "Return a mapping such as {'driver': NAME, 'host': ..., 'database': ...}, or None."


class HookAnswers:
    """Asks the plugins of ``registry`` in the project's ``folder``."""

    def __init__(self, registry: Registry, folder: Path) -> None:
        self._registry = registry
        self._folder = folder

    def tenant(self, principal: Principal) -> str | None:
        """The tenant's name."""
        return self._text("tenant", principal)

    def model_version(self, principal: Principal) -> str | None:
        """The version of the tenant's model."""
        return self._text("model_version", principal)

    def model_files(self, principal: Principal) -> tuple[ModelFile, ...] | None:
        """The tenant's files; None for those of the folder.

        Raises :class:`PluginError` for whatever the hook raises: the model that serves goes on serving then.
        """
        for plugin, answer in self._answers("model_files", principal=principal):
            if isinstance(answer, Path):
                return self._folder_files(answer, plugin)
            if not _is_files(answer):
                raise _wrong("model_files", plugin, answer, "a path or a sequence of names and texts")
            try:
                return given_files(tuple(each) for each in answer)
            except ValueError as error:
                raise PluginError(
                    f"The hook model_files of the plugin '{plugin}' is wrong: {error}"
                ) from None
        return None

    def _folder_files(self, folder: Path, plugin: str) -> tuple[ModelFile, ...]:
        if not (self._folder / folder).is_dir():
            raise PluginError(
                f"The hook model_files of the plugin '{plugin}' names a folder that does not exist: {folder}"
            )
        return read_model(self._folder / folder, self._folder)

    def data_source(self, name: str, principal: Principal) -> DataSourceDeclaration | None:
        """The connection of a data source of the principal's tenant; None for the configured one."""
        for plugin, answer in self._answers("data_source", name=name, principal=principal):
            if not isinstance(answer, Mapping):
                raise _wrong("data_source", plugin, answer, "a mapping of settings")
            origin = f"hook data_source of the plugin '{plugin}'"
            if not isinstance(answer.get("driver"), str):
                raise PluginError(f"The {origin} names no driver for '{name}'", hint=_DRIVER)
            settings = {str(key): Written(value, origin) for key, value in answer.items() if key != "driver"}
            return DataSourceDeclaration(name, answer["driver"], origin, settings)
        return None

    def scheduled_contexts(self) -> list[Principal]:
        """For whom rollups are kept fresh; for nobody in particular if no plugin says."""
        found: list[Principal] = []
        for plugin, answer in self._answers("scheduled_contexts"):
            if not _is_sequence(answer) or not all(isinstance(each, Mapping) for each in answer):
                raise _wrong("scheduled_contexts", plugin, answer, "a sequence of security contexts")
            found += [Principal(claims) for claims in answer]
        return found or [Principal()]

    def groups(self, principal: Principal) -> frozenset[str]:
        """The groups to which policies are addressed: what a plugin says, else the claim ``groups``."""
        for plugin, answer in self._answers("groups", principal=principal):
            if not _is_sequence(answer) or not all(isinstance(each, str) for each in answer):
                raise _wrong("groups", plugin, answer, "a sequence of texts")
            return frozenset(answer)
        return claimed_groups(principal)

    def access_filters(self, cube: str, principal: Principal) -> list[Mapping[str, Any]]:
        """The filters of all plugins on the cube."""
        found: list[Mapping[str, Any]] = []
        for plugin, answer in self._answers("access_filters", cube=cube, principal=principal):
            if not _is_sequence(answer) or not all(isinstance(each, Mapping) for each in answer):
                raise _wrong("access_filters", plugin, answer, "a sequence of filters")
            found += answer
        return found

    def _answers(self, hook: str, **arguments: Any) -> Iterator[tuple[str, Any]]:
        """What the plugins answer; what one raises of its own is told with its name."""
        asked = self._registry.answers(hook, **arguments)
        while True:
            # The plugin's code, which may ask a database or read a claim that is not there.
            try:
                found = next(asked, None)
            except CuboidError:
                raise
            except Exception as error:
                raise PluginError(
                    f"The hook {hook} failed: {type(error).__name__}: {error}", hint=_HINTS.get(hook)
                ) from error
            if found is None:
                return
            yield found

    def _text(self, hook: str, principal: Principal) -> str | None:
        if not self._registry.offers(hook):  # asked for every request, and answered by few projects
            return None
        for plugin, answer in self._answers(hook, principal=principal):
            if not isinstance(answer, str):
                raise _wrong(hook, plugin, answer, "a text")
            return answer
        return None


def _is_sequence(answer: Any) -> bool:
    return isinstance(answer, Sequence | set | frozenset) and not isinstance(answer, str)


def _is_files(answer: Any) -> bool:
    return _is_sequence(answer) and all(
        isinstance(each, tuple | list) and len(each) == 2 and all(isinstance(part, str) for part in each)
        for each in answer
    )


def _wrong(hook: str, plugin: str, answer: object, due: str) -> PluginError:
    return PluginError(f"The hook {hook} of the plugin '{plugin}' gave a {type(answer).__name__}, not {due}")
