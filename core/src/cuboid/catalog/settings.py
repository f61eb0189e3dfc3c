"""What the compilation of a model depends on besides its files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class TemplateNames:
    """What Jinja templates of the model may use beside Jinja's own.

    :param variables: values and functions by name; functions may be async.
    :param filters: filters by name.
    """

    variables: Mapping[str, Any] = field(default_factory=lambda: NOTHING)
    filters: Mapping[str, Callable[..., Any]] = field(default_factory=lambda: NOTHING)


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """Settings of the compilation; equal settings and equal files give equal catalogs.

    :param context: ``COMPILE_CONTEXT``: the ``securityContext`` for which the model is compiled, and the like.
    :param unsafe_values: whether ``SECURITY_CONTEXT.x.unsafeValue()`` is allowed.
    """

    context: Mapping[str, Any] = field(default_factory=lambda: NOTHING)
    unsafe_values: bool = False
    templates: TemplateNames = field(default_factory=TemplateNames)


def compile_context(claims: Mapping[str, Any], more: Mapping[str, Any] = NOTHING) -> dict[str, Any]:
    """The ``COMPILE_CONTEXT`` of a model that is compiled for these claims, in both spellings; a copy, for functions
    of templates that change what they are given.

    :param more: what plugins add to the context.
    """
    return {**plain(more), "securityContext": plain(claims), "security_context": plain(claims)}


def plain(value: Any) -> Any:
    """A copy in dicts and lists, which may be changed."""
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value
