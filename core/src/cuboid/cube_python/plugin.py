"""``cube.py`` as a plugin: each option that has an equal here becomes a hook or a setting; those that would change
answers or access without one are refused, the others are left out."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from cuboid.catalog.awaiting import settle
from cuboid.catalog.settings import plain
from cuboid.cube_python.gates import check_auth, context_to_api_scopes, extend_context
from cuboid.cube_python.load import load_options
from cuboid.errors import ConfigError, closest, did_you_mean
from cuboid.hookspecs import hookimpl
from cuboid.types import Principal

SETTINGS: Mapping[str, str] = MappingProxyType(
    {
        "schema_path": "schema_path",
        "base_path": "base_path",
        "api_secret": "api_secret",
        "graceful_shutdown": "graceful_shutdown",
        "web_sockets": "web_sockets",
        "web_sockets_base_path": "web_sockets_path",
        "compiler_cache_size": "tenants_kept",
        "process_subscriptions_interval": "web_sockets_interval",
        "scheduled_refresh_timer": "scheduled_refresh_timer",
        "scheduled_refresh_timezones": "scheduled_refresh_timezones",
        "scheduled_refresh_time_zones": "scheduled_refresh_timezones",
    }
)
"""Options that are settings here, and are taken as such."""

MILLISECONDS = frozenset({"process_subscriptions_interval"})
"""Those that have milliseconds where the setting has seconds."""

JWT: Mapping[str, str] = MappingProxyType(
    {
        "key": "jwt_key",
        "algorithms": "jwt_algs",
        "issuer": "jwt_issuer",
        "audience": "jwt_audience",
        "subject": "jwt_subject",
        "claims_namespace": "jwt_claims_namespace",
        "jwk_url": "jwk_url",
    }
)
"""Keys of the option ``jwt`` and the settings that they are."""

CORS: Mapping[str, str] = MappingProxyType(
    {
        "origin": "cors_origins",
        "methods": "cors_methods",
        "allowed_headers": "cors_headers",
        "exposed_headers": "cors_exposed_headers",
        "credentials": "cors_credentials",
        "max_age": "cors_max_age",
    }
)
"""Keys of ``cors`` in the option ``http`` and the settings that they are."""

WITHOUT_EFFECT = frozenset(
    {
        "telemetry",
        "dev_server",
        "sql_user",
        "sql_password",
        "sql_super_user",
        "sql_port",
        "logger",
        "cache_and_queue_driver",
        "allow_js_duplicate_props_in_schema",
        "scheduled_refresh_concurrency",
        "scheduled_refresh_batch_size",
        "update_compiler_cache_keep_alive",
        "max_compiler_cache_keep_alive",
        "orchestrator_options",
        "allow_ungrouped_without_primary_key",
        "fast_reload",
        "live_preview",
        "pg_sql_port",
        "semantic_layer_sync",
        "pre_aggregations_schema",
        "context_to_orchestrator_id",
        "context_to_cube_store_router_id",
    }
)
"""Options that can be left out without changing an answer or opening anything."""

REFUSED: Mapping[str, str] = MappingProxyType(
    {
        "check_sql_auth": "There is no SQL API here.",
        "can_switch_sql_user": "There is no SQL API here.",
        "db_type": "Databases are data_sources in cuboid.yml, or CUBEJS_DB_* in the environment.",
        "external_driver_factory": "Databases are data_sources in cuboid.yml, or CUBEJS_DB_* in the environment.",
        "dialect_factory": "A dialect comes with its driver's plugin: docs/how-to/write-a-driver.md.",
    }
)
"""Options that would change answers or access if they were left out."""


class CubeConfiguration:
    """A plugin whose hooks are what ``cube.py`` says; attributes are functions marked as hooks.

    ``wait``: some of its functions are async, and are waited for. ``settings``: what it sets, by names of settings.
    """

    def __init__(self) -> None:
        self.wait = False
        self.settings: dict[str, Any] = {}


def load_plugin(project: Path) -> CubeConfiguration:
    """The hooks that ``cube.py`` asks for. Raises :class:`PluginError` if it cannot be imported and
    :class:`ConfigError` for what has no equal here."""
    plugin = CubeConfiguration()
    for name, value in load_options(project).items():
        if value is None or name in WITHOUT_EFFECT:
            continue
        if name in SETTINGS:
            plugin.settings[SETTINGS[name]] = _setting(name, value)
        elif name == "jwt":
            plugin.settings.update(_settings("jwt", value, JWT))
        elif name == "http":
            plugin.settings.update(_http(value))
        elif name in HOOKS:
            if not callable(value):
                raise ConfigError(
                    f"'{name}' of cube.py is no function",
                    setting=name,
                    origin="cube.py",
                    hint=f"Write @config above def {name}(ctx).",
                )
            plugin.wait = plugin.wait or inspect.iscoroutinefunction(value)
            hook, make = HOOKS[name]
            setattr(plugin, hook, make(value))
        else:
            raise _refusal(name)
    return plugin


def _refusal(name: str) -> ConfigError:
    hint = REFUSED.get(name)
    if hint is None:
        known = [*HOOKS, *SETTINGS, "jwt", "http", *REFUSED, *WITHOUT_EFFECT]
        hint = did_you_mean(closest(name, known)) or "It is no option of Cube's configuration."
    return ConfigError(f"'{name}' of cube.py has no equal", hint=hint, setting=name, origin="cube.py")


def _setting(name: str, given: Any) -> Any:
    """The setting's value. Raises :class:`ConfigError` for a function, which Cube would ask for each tenant."""
    if callable(given):
        raise ConfigError(
            f"'{name}' of cube.py is a function, and is a value here",
            setting=name,
            origin="cube.py",
            hint=f"Write config.{name} = ...: it holds for all tenants.",
        )
    return given / 1000 if name in MILLISECONDS and isinstance(given, int | float) else given


def _http(given: Any) -> Mapping[str, Any]:
    """The settings in the option ``http``, which has ``cors`` and no other key."""
    cors = _settings("http", given, {"cors": "cors"}).get("cors")
    found = {} if cors is None else dict(_settings("http.cors", cors, CORS))
    if found.get("cors_origins") is True:
        found["cors_origins"] = "*"  # whoever asks
    elif found.get("cors_origins") is False:
        found["cors_origins"] = ()
    return found


def _settings(option: str, given: Any, known: Mapping[str, str]) -> Mapping[str, Any]:
    """The settings in an option, whose keys may be written in either spelling."""
    keys = {name.replace("_", "").lower(): setting for name, setting in known.items()}
    found = {}
    for key, value in given.items() if isinstance(given, Mapping) else [(str(given), None)]:
        setting = keys.get(str(key).replace("_", "").lower())
        if setting is None:
            raise ConfigError(
                f"'{key}' of the option {option} in cube.py has no equal",
                hint=did_you_mean(closest(str(key), known)) or f"There are {', '.join(known)}.",
                setting=option,
                origin="cube.py",
            )
        found[setting] = value
    return found


# ---------------------------------------------------------------- options that are hooks


def _rewrite_query(rewrite: Callable[..., Any]) -> Any:
    @hookimpl
    def rewrite_query(query: Mapping[str, Any], principal: Principal) -> Mapping[str, Any] | None:
        rewritten: Mapping[str, Any] | None = settle(rewrite(plain(query), request_context(principal)))
        return rewritten

    return rewrite_query


def _of_context(name: str, answer: Callable[[Any], Any]) -> Callable[[Callable[..., Any]], Any]:
    """A hook ``name`` that asks a function of the request context; ``answer`` reads what it gives."""

    def make(function: Callable[..., Any]) -> Any:
        def hook(principal: Principal) -> Any:
            given = settle(function(request_context(principal)))
            return None if given is None else answer(given)

        hook.__name__ = name
        return hookimpl(hook)

    return make


def _data_source(factory: Callable[..., Any]) -> Any:
    @hookimpl
    def data_source(name: str, principal: Principal) -> Any:
        given = settle(factory({**request_context(principal), "dataSource": name, "data_source": name}))
        if not isinstance(given, Mapping):
            return given
        return {("driver" if key == "type" else key): value for key, value in given.items()}

    return data_source


def _scheduled_contexts(contexts: Callable[[], Any]) -> Any:
    @hookimpl
    def scheduled_contexts() -> Any:
        given = settle(contexts())
        is_list = isinstance(given, Sequence) and not isinstance(given, str)
        return [_claims(each) for each in given] if is_list else given

    return scheduled_contexts


def _claims(context: Any) -> Any:
    """The security context in one of Cube's contexts, in either spelling."""
    if not isinstance(context, Mapping):
        return context
    return context.get("securityContext", context.get("security_context", {}))


def _files(given: Any) -> Any:
    """A folder, or Cube's ``{fileName, content}`` as names and texts; what is neither is told by who asks for it."""
    if not isinstance(given, Sequence) or isinstance(given, str):
        return given
    return [_file(each) for each in given]


def _file(given: Any) -> Any:
    if not isinstance(given, Mapping):
        return given
    return given.get("fileName", given.get("file_name")), given.get("content")


HOOKS: Mapping[str, tuple[str, Callable[[Callable[..., Any]], Any]]] = MappingProxyType(
    {
        "query_rewrite": ("rewrite_query", _rewrite_query),
        "context_to_app_id": ("tenant", _of_context("tenant", str)),
        "driver_factory": ("data_source", _data_source),
        "repository_factory": ("model_files", _of_context("model_files", _files)),
        "scheduled_refresh_contexts": ("scheduled_contexts", _scheduled_contexts),
        "schema_version": ("model_version", _of_context("model_version", str)),
        "context_to_groups": ("groups", _of_context("groups", list)),
        "context_to_roles": ("groups", _of_context("groups", list)),
        "check_auth": ("authenticate", check_auth),
        "extend_context": ("extend_context", extend_context),
        "context_to_api_scopes": ("api_scopes", context_to_api_scopes),
    }
)
"""The hook that each option is, and how it becomes one."""


def request_context(principal: Principal) -> dict[str, Any]:
    """What Cube's functions get: the security context in both spellings, theirs to change, and what
    ``extend_context`` adds."""
    claims = plain(principal.claims)
    return {"securityContext": claims, "security_context": claims, **plain(principal.context)}
