"""What plugins say of a principal, checked: its tenant, and that tenant's model.

What a hook raises of its own is told as it is if it is one of Cuboid's errors; a wrong answer is a :class:`PluginError`
that names the plugin.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cuboid.catalog.files import ModelFile, given_files
from cuboid.errors import CuboidError, PluginError
from cuboid.plugins import Registry
from cuboid.types import Principal


class HookAnswers:
    """Asks the plugins of ``registry``."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

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
                if not _is_files(answer):
                    raise _wrong("model_files", plugin, answer, "a sequence of names and texts")
                return given_files(tuple(each) for each in answer)
        except CuboidError:
            raise
        except Exception as error:
            raise PluginError(
                f"The hook model_files failed: {type(error).__name__}: {error}",
                hint="It is asked without claims for requests of no tenant.",
            ) from error
        return None

    def _text(self, hook: str, principal: Principal) -> str | None:
        for plugin, answer in self._registry.answers(hook, principal=principal):
            if not isinstance(answer, str):
                raise _wrong(hook, plugin, answer, "a text")
            return answer
        return None


def _is_files(answer: Any) -> bool:
    return (
        isinstance(answer, Sequence)
        and not isinstance(answer, str)
        and all(
            isinstance(each, tuple | list) and len(each) == 2 and all(isinstance(part, str) for part in each)
            for each in answer
        )
    )


def _wrong(hook: str, plugin: str, answer: object, due: str) -> PluginError:
    return PluginError(f"The hook {hook} of the plugin '{plugin}' gave a {type(answer).__name__}, not {due}")
