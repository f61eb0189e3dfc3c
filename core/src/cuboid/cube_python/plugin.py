"""``cube.py`` as a plugin: each option that has an equal here becomes a hook, the others are refused or left out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from cuboid.catalog.awaiting import settle
from cuboid.cube_python.load import load_options
from cuboid.errors import ConfigError, closest, did_you_mean
from cuboid.hookspecs import hookimpl
from cuboid.types import Principal

SETTINGS: Mapping[str, str] = {
    "schema_path": "schema_path",
    "base_path": "base_path",
    "api_secret": "api_secret",
    "jwt": "jwt_key, jwt_algs, jwt_audience, jwt_issuer",
    "graceful_shutdown": "graceful_shutdown",
    "dev_server": "dev_mode",
    "db_type": "data_sources",
    "driver_factory": "data_sources",
    "external_driver_factory": "data_sources",
    "dialect_factory": "data_sources",
}
"""Options that are settings here."""

WITHOUT_EFFECT = frozenset(
    {
        "telemetry",
        "logger",
        "web_sockets",
        "process_subscriptions_interval",
        "web_sockets_base_path",
        "cache_and_queue_driver",
        "allow_js_duplicate_props_in_schema",
        "scheduled_refresh_timer",
        "scheduled_refresh_timezones",
        "scheduled_refresh_concurrency",
        "scheduled_refresh_batch_size",
        "scheduled_refresh_contexts",
        "compiler_cache_size",
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

REFUSED: Mapping[str, str] = {
    "check_auth": "Tokens are checked by the settings api_secret and jwt_*; other rules go into cuboid_plugin.py.",
    "check_sql_auth": "There is no SQL API here.",
    "can_switch_sql_user": "There is no SQL API here.",
    "context_to_app_id": "Cubes that differ by tenant are made by rules in cuboid_plugin.py.",
    "context_to_groups": "Groups are named in cuboid_plugin.py.",
    "context_to_roles": "Groups are named in cuboid_plugin.py.",
    "context_to_api_scopes": "Routes are not switched by scopes here.",
    "extend_context": "The security context is extended in cuboid_plugin.py.",
    "repository_factory": "Model files are read from the folder that schema_path names.",
    "schema_version": "A changed model is compiled anew by itself.",
}
"""Options that would change answers or access if they were left out."""


class CubeConfiguration:
    """A plugin whose hooks are what ``cube.py`` says; attributes are functions marked as hooks."""


def load_plugin(project: Path) -> CubeConfiguration:
    """The hooks that ``cube.py`` asks for. Raises :class:`PluginError` if it cannot be imported and
    :class:`ConfigError` for what has no equal here."""
    hooks: dict[str, Any] = {}
    for name, value in load_options(project).items():
        if value is None or name in WITHOUT_EFFECT:
            continue
        if name not in HOOKS:
            raise _refusal(name)
        hooks.update(HOOKS[name](value))
    plugin = CubeConfiguration()
    for name, hook in hooks.items():
        setattr(plugin, name, hook)
    return plugin


def _refusal(name: str) -> ConfigError:
    if name in SETTINGS:
        hint = f"It is a setting here: {SETTINGS[name]} in cuboid.yml or the environment."
    elif name in REFUSED:
        hint = REFUSED[name]
    else:
        known = [*HOOKS, *SETTINGS, *REFUSED, *WITHOUT_EFFECT]
        hint = did_you_mean(closest(name, known)) or "It is no option of Cube's configuration."
    return ConfigError(f"'{name}' of cube.py has no equal", hint=hint, setting=name, origin="cube.py")


# ---------------------------------------------------------------- options that are hooks


def _rewrite_query(rewrite: Callable[..., Any]) -> Mapping[str, Any]:
    @hookimpl
    def rewrite_query(query: Mapping[str, Any], principal: Principal) -> Mapping[str, Any] | None:
        rewritten: Mapping[str, Any] | None = settle(rewrite(_plain(query), request_context(principal)))
        return rewritten

    return {"rewrite_query": rewrite_query}


HOOKS: Mapping[str, Callable[[Any], Mapping[str, Any]]] = {"query_rewrite": _rewrite_query}
"""How each option becomes hooks."""


def request_context(principal: Principal) -> dict[str, Any]:
    """What Cube's functions get: the security context in both spellings, theirs to change."""
    claims = _plain(principal.claims)
    return {"securityContext": claims, "security_context": claims}


def _plain(value: Any) -> Any:
    """A copy that may be changed."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
