"""What the compilation of a model depends on besides its files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """Settings of the compilation; equal settings and equal files give equal catalogs.

    :param context: ``COMPILE_CONTEXT``: the ``securityContext`` for which the model is compiled, and the like.
    :param unsafe_values: whether ``SECURITY_CONTEXT.x.unsafeValue()`` is allowed.
    """

    context: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    unsafe_values: bool = False
