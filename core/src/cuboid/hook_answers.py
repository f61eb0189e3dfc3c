"""What plugins say of a principal, checked: its tenant and that tenant's model, its groups, and the rows it may see.

What a hook raises of its own is told as it is if it is one of Cuboid's errors; a wrong answer is a :class:`PluginError`
that names the plugin.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cuboid.catalog.files import ModelFile, given_files, read_model
from cuboid.errors import CuboidError, PluginError
from cuboid.plugins import Registry
from cuboid.query.claims import claimed_groups
from cuboid.types import Principal


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
        # The plugin's code, which may read a database or a disk: anything may go wrong, and the reason is told.
        try:
            for plugin, answer in self._registry.answers("model_files", principal=principal):
                if isinstance(answer, Path):
                    return read_model(self._folder / answer, self._folder)
                if not _is_files(answer):
                    raise _wrong("model_files", plugin, answer, "a path or a sequence of names and texts")
                return given_files(tuple(each) for each in answer)
        except CuboidError:
            raise
        except Exception as error:
            raise PluginError(
                f"The hook model_files failed: {type(error).__name__}: {error}",
                hint="It is asked without claims for requests of no tenant.",
            ) from error
        return None

    def groups(self, principal: Principal) -> frozenset[str]:
        """The groups to which policies are addressed: what a plugin says, else the claim ``groups``."""
        for plugin, answer in self._registry.answers("groups", principal=principal):
            if not _is_sequence(answer) or not all(isinstance(each, str) for each in answer):
                raise _wrong("groups", plugin, answer, "a sequence of texts")
            return frozenset(answer)
        return claimed_groups(principal)

    def access_filters(self, cube: str, principal: Principal) -> list[Mapping[str, Any]]:
        """The filters of all plugins on the cube."""
        found: list[Mapping[str, Any]] = []
        for plugin, answer in self._registry.answers("access_filters", cube=cube, principal=principal):
            if not _is_sequence(answer) or not all(isinstance(each, Mapping) for each in answer):
                raise _wrong("access_filters", plugin, answer, "a sequence of filters")
            found += answer
        return found

    def _text(self, hook: str, principal: Principal) -> str | None:
        for plugin, answer in self._registry.answers(hook, principal=principal):
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
