"""What pydantic finds wrong with settings, told as a :class:`ConfigError`: setting, value, place, next step."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from cuboid.config.environment import Written
from cuboid.config.settings import is_secret
from cuboid.errors import ConfigError, closest, did_you_mean


def config_error(
    error: ValidationError, model: type[BaseModel], written: Mapping[str, Written], *, owner: str = ""
) -> ConfigError:
    """The most telling problem of ``error`` as a :class:`ConfigError`; secrets are not repeated.

    :param written: the validated values with their places.
    :param owner: what the settings belong to, e.g. ``data_sources.default``; empty for the project's own.
    """
    problems = error.errors(include_url=False)
    # A misspelt setting first: it is often why another one is missing.
    problem = next((each for each in problems if each["type"] == "extra_forbidden"), problems[0])
    name = str(problem["loc"][0]) if problem["loc"] else ""
    setting = f"{owner}.{name}".strip(".")
    place = written.get(name)
    origin = place.origin if place else None
    where = f" ({origin})" if origin else ""
    if problem["type"] == "extra_forbidden":
        hint = did_you_mean(closest(name, model.model_fields))
        known = ", ".join(model.model_fields) or "none"
        return ConfigError(
            f"There is no setting '{setting}'{where}",
            setting=setting,
            origin=origin,
            hint=hint or f"The settings here are: {known}.",
        )
    if problem["type"] == "missing":
        return ConfigError(f"The setting '{setting}' is required", setting=setting)
    field = model.model_fields.get(name)
    secret = field is None or is_secret(field)
    subject = f"The value of '{setting}'" if secret or place is None else f"{setting}: {place.value!r}"
    return ConfigError(f"{subject} {_reason(problem, secret)}{where}", setting=setting, origin=origin)


def _reason(problem: ErrorDetails, secret: bool) -> str:
    """Why, as the end of a sentence. A validator's own words may repeat the value, so not for secrets."""
    if problem["type"] == "value_error":
        return "is not valid" if secret else problem["msg"].removeprefix("Value error, ")
    return "is not valid: " + problem["msg"][:1].lower() + problem["msg"][1:]
