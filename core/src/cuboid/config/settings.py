"""The settings table: every setting of a project once, with its type, default, help and environment names.

A field's ``env`` are the names that Cube (or the platform) uses; each ``CUBEJS_X`` and ``PORT`` has the twin
``CUBOID_X``, which wins. A setting without such a name is read from ``CUBOID_<SETTING>``. All settings may
also stand in ``cuboid.yml`` under their own name. :data:`SETTINGS` is the same table as plain values, for
documentation and ``cuboid config``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal, get_args
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr
from pydantic.fields import FieldInfo

from cuboid.config.quantities import read_count, read_duration, read_list, read_number, read_size, read_switch


@dataclass(frozen=True, slots=True)
class Kind:
    """What a setting's values are called where people read them."""

    name: str


def _read_secrets(value: object) -> tuple[SecretStr, ...]:
    return tuple(SecretStr(text) for text in read_list(value))


def _read_level(value: object) -> str:
    # Cube's levels are error, warn, info and trace.
    level = str(value).strip().lower()
    return {"warn": "warning", "trace": "debug"}.get(level, level)


def _check_base_path(value: str) -> str:
    if not value.startswith("/"):
        raise ValueError("does not begin with /")
    return value.rstrip("/")


def _check_origins(value: tuple[str, ...]) -> tuple[str, ...]:
    for origin in value:
        if origin not in ("*", "null") and not _ORIGIN.fullmatch(origin):
            raise ValueError("is not * or a list of origins such as https://app.example.com:8443")
    return tuple(origin.lower() for origin in value)


def _check_moment(value: str) -> str:
    try:
        datetime.fromisoformat(value)
    except ValueError:
        raise ValueError("is no date or time such as 1970-01-01 or 1970-01-01T00:00:00") from None
    return value


def _check_timezone(value: str) -> str:
    by_lower = {name.lower(): name for name in available_timezones()}
    canonical = by_lower.get(value.lower())
    if canonical is None:
        raise ValueError("is not the name of a time zone such as UTC or Europe/Berlin")
    return canonical


_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://[^/\s*?#@]+", re.IGNORECASE)

Text = Annotated[str, Kind("text")]
Secret = Annotated[SecretStr, Kind("secret")]
Secrets = Annotated[tuple[SecretStr, ...], BeforeValidator(_read_secrets), Kind("list of secrets")]
Texts = Annotated[tuple[str, ...], BeforeValidator(read_list), Kind("list")]
Origins = Annotated[
    tuple[str, ...], BeforeValidator(read_list), AfterValidator(_check_origins), Kind("list of origins")
]
Scopes = Annotated[
    tuple[Literal["graphql", "meta", "data", "sql", "jobs", "stream", "invalidate"], ...],
    BeforeValidator(read_list),
    Kind("list of scopes"),
]
Switch = Annotated[bool, BeforeValidator(read_switch), Kind("true or false")]
Count = Annotated[int, BeforeValidator(read_count), Kind("number")]
Duration = Annotated[float, BeforeValidator(read_duration), Kind("duration")]
Number = Annotated[int | float, BeforeValidator(read_number), Kind("number")]
Size = Annotated[int, BeforeValidator(read_size), Kind("size")]
LogLevel = Annotated[
    Literal["debug", "info", "warning", "error"],
    BeforeValidator(_read_level),
    Kind("debug, info, warning or error"),
]
BasePath = Annotated[str, AfterValidator(_check_base_path), Kind("path")]
Moment = Annotated[str, AfterValidator(_check_moment), Kind("date or time")]
TimeZone = Annotated[str, AfterValidator(_check_timezone), Kind("time zone")]
TimeZones = Annotated[tuple[TimeZone, ...], BeforeValidator(read_list), Kind("list of time zones")]


def _setting(default: Any, help: str, *env: str, **bounds: Any) -> Any:
    return Field(default=default, description=help, json_schema_extra={"env": list(env)}, **bounds)


class Settings(BaseModel):
    """A project's effective settings. Times are in seconds, sizes in bytes."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    # ------------------------------------------------------------ the model and the plugins
    schema_path: Text = _setting(
        "model", "folder of the model files, relative to the project", "CUBEJS_SCHEMA_PATH"
    )
    nested_folders_delimiter: Text = _setting(
        "",
        "between the names of nested folders of views, for clients that know no nesting: `Place / City`; empty: their"
        " members are listed with the outermost folder",
        "CUBEJS_NESTED_FOLDERS_DELIMITER",
    )
    allow_unsafe_values: Switch = _setting(
        False, "SECURITY_CONTEXT.x.unsafeValue() in models: what a token says becomes part of SQL"
    )
    tenants_kept: Count = _setting(
        250, "tenants whose models are remembered; those that were asked least recently are forgotten", ge=1
    )
    optional_plugins: Texts = _setting((), "plugins whose failure to import does not stop the start")

    # ------------------------------------------------------------ who may ask
    dev_mode: Switch = _setting(
        False, "no token needed, hidden members are shown, loopback only", "CUBEJS_DEV_MODE"
    )
    api_secret: Secret | None = _setting(None, "secret that signs tokens", "CUBEJS_API_SECRET")
    api_secrets: Secrets = _setting(
        (), "several such secrets, any of which may have signed", "CUBEJS_API_SECRETS"
    )
    jwt_key: Secret | None = _setting(
        None, "secret, or public key in PEM, that wins over the API secrets", "CUBEJS_JWT_KEY"
    )
    jwk_url: Text | None = _setting(
        None, "where public keys are fetched (a JSON Web Key Set); wins over every secret", "CUBEJS_JWK_URL"
    )
    jwk_default_expire: Duration = _setting(
        300.0, "how long fetched keys are good for if their answer has no max-age", gt=0
    )
    jwk_refetch_window: Duration = _setting(
        60.0, "shortest time between two fetches because of unknown keys", gt=0
    )
    jwt_algs: Texts = _setting(
        (), "signature algorithms to accept; all that suit the key if unset", "CUBEJS_JWT_ALGS"
    )
    jwt_audience: Texts = _setting((), "accepted audiences of tokens", "CUBEJS_JWT_AUDIENCE")
    jwt_issuer: Texts = _setting((), "accepted issuers of tokens", "CUBEJS_JWT_ISSUER")
    jwt_subject: Text | None = _setting(None, "required subject of tokens", "CUBEJS_JWT_SUBJECT")
    jwt_claims_namespace: Text | None = _setting(
        None, "claim that holds what the model reads", "CUBEJS_JWT_CLAIMS_NAMESPACE"
    )
    default_api_scopes: Scopes = _setting(
        ("graphql", "meta", "data", "sql"),
        "parts of the API that are open to all; plugins may say more (hook api_scopes)",
        "CUBEJS_DEFAULT_API_SCOPES",
    )
    access_policy_mask_string: Text | None = _setting(
        None,
        "what is shown of masked texts that have no mask of their own",
        "CUBEJS_ACCESS_POLICY_MASK_STRING",
    )
    access_policy_mask_number: Number | None = _setting(
        None, "likewise of numbers", "CUBEJS_ACCESS_POLICY_MASK_NUMBER"
    )
    access_policy_mask_boolean: Switch | None = _setting(
        None, "likewise of booleans", "CUBEJS_ACCESS_POLICY_MASK_BOOLEAN"
    )
    access_policy_mask_time: Moment | None = _setting(
        None, "likewise of times", "CUBEJS_ACCESS_POLICY_MASK_TIME"
    )

    # ------------------------------------------------------------ the server
    port: Count = _setting(4000, "port to listen on; 0 takes a free one", "PORT", ge=0, le=65535)
    host: Text | None = _setting(None, "address to listen on; every one, or only loopback in dev mode")
    base_path: BasePath = _setting("/cubejs-api", "path in front of every route", "CUBEJS_BASE_PATH")
    max_request_size: Size = _setting(
        50 * 1024**2, "largest request body", "CUBEJS_MAX_REQUEST_SIZE", ge=100 * 1024
    )
    graceful_shutdown: Duration = _setting(
        10.0, "how long running requests may take to end on SIGTERM", "CUBEJS_GRACEFUL_SHUTDOWN", ge=0
    )
    cors_origins: Origins = _setting(
        ("*",), "origins whose pages may ask, over HTTP and WebSockets; `*`: every one"
    )
    cors_methods: Texts = _setting(
        ("GET", "HEAD", "PUT", "PATCH", "POST", "DELETE"), "methods that browsers are told of"
    )
    cors_headers: Texts = _setting(
        ("authorization", "content-type", "x-request-id", "x-priority", "x-progress"),
        "headers that such pages may send",
    )
    cors_exposed_headers: Texts = _setting((), "headers of answers that such pages may read")
    cors_credentials: Switch = _setting(
        False, "whether such pages may send cookies, for a plugin's `authenticate`; needs named origins"
    )
    cors_max_age: Duration | None = _setting(
        None, "how long browsers may remember what they were told; as they like if unset", ge=0
    )
    metrics: Switch = _setting(
        False,
        "/metrics for Prometheus on the API's own port, for all who reach it; it tells counts, no content",
    )
    metrics_port: Count | None = _setting(
        None,
        "a port of its own for /metrics, on the same host; of several processes each has the next one",
        ge=0,
        le=65535,
    )
    workers: Count = _setting(
        1,
        "server processes that share the port; without an exchange they divide what data sources run at once",
        ge=1,
        le=64,
    )
    exchange_url: Secret | None = _setting(
        None,
        "the URL of an exchange, where all processes of a deployment, on any machine, share answers, limits and what is"
        " said of data; which URLs there are is up to plugins. Unset: each process is for itself",
    )
    exchange_prefix: Text = _setting(
        "cuboid", "what names in the exchange begin with; processes with the same one share", min_length=1
    )
    web_sockets: Switch = _setting(
        True, "whether WebSockets are served at the same port", "CUBEJS_WEB_SOCKETS"
    )
    web_sockets_path: BasePath | None = _setting(None, "the one path of WebSockets; every path if unset")
    web_sockets_interval: Duration = _setting(
        5.0, "how often subscriptions over WebSockets are looked at", ge=0.1
    )
    web_sockets_connections: Count = _setting(1000, "WebSockets that may be open at once", ge=1)
    log_level: LogLevel = _setting("info", "least severe messages to log", "CUBEJS_LOG_LEVEL")
    query_log: Text | None = _setting(
        None,
        "file, relative to the project, that gets a JSON line for each question answered, without the values of its"
        " filters; `cuboid rollups suggest` reads it; nothing is written if unset",
    )

    # ------------------------------------------------------------ rollups
    rollup_store: Text | None = _setting(
        None,
        "where rollups are kept: the name of a data source on whose server they are to lie, or of a store that a plugin"
        " offers; `none`: nowhere, every answer comes from the data sources; unset: in the only store that is"
        " installed",
    )
    rollup_folder: Text = _setting(
        ".cuboid/rollups", "folder of a store that keeps files, relative to the project"
    )
    rollup_memory: Size = _setting(
        512 * 1024**2,
        "memory of all builds of a process in the store, beside what reading the sources takes",
        ge=1024**2,
    )
    rollup_kept: Duration = _setting(
        7 * 86400.0, "how long the rows of a rollup that nobody reads are kept", ge=1
    )
    rollup_timeout: Duration = _setting(3600.0, "how long reading the rows of one part may take", gt=0)
    rollup_concurrency: Count = _setting(2, "builds at once for each data source", ge=1)
    pre_aggregations_schema: Text = _setting(
        "pre_aggregations",
        "schema of a source's database in which rollups with `external: false` are kept; a database of its own where"
        " these are what others call schemas",
        "CUBEJS_PRE_AGGREGATIONS_SCHEMA",
        # What stands for parameters in statements, and the shortest of the engines' limits.
        pattern=r"^[^?%]+$",
        max_length=63,
    )
    pre_aggregations_builder: Switch = _setting(
        True,
        "whether this process builds rollups; if not, it serves what a worker has built",
        "CUBEJS_PRE_AGGREGATIONS_BUILDER",
    )
    refresh_worker: Switch = _setting(
        False,
        "whether the server keeps rollups fresh though nobody asks, as `cuboid worker` does",
        "CUBEJS_REFRESH_WORKER",
    )
    scheduled_refresh_timer: Duration = _setting(
        30.0, "how often a worker looks at all rollups", "CUBEJS_SCHEDULED_REFRESH_TIMER", gt=0
    )
    scheduled_refresh_timezones: TimeZones = _setting(
        (),
        "time zones for which a worker keeps rollups fresh; default_timezone if empty",
        "CUBEJS_SCHEDULED_REFRESH_TIMEZONES",
    )

    # ------------------------------------------------------------ queries
    default_timezone: TimeZone = _setting(
        "UTC", "time zone of queries that name none", "CUBEJS_DEFAULT_TIMEZONE"
    )
    query_default_limit: Count = _setting(
        10_000, "rows of a query without a limit", "CUBEJS_DB_QUERY_DEFAULT_LIMIT", ge=1
    )
    query_limit: Count = _setting(50_000, "largest limit of a query", "CUBEJS_DB_QUERY_LIMIT", ge=1)
    stream_limit: Count | None = _setting(
        None,
        "largest limit of a streamed answer (CSV, NDJSON, Arrow) to principals with the scope `stream`;"
        " query_limit if unset",
        ge=1,
    )
    stream_timeout: Duration = _setting(3600.0, "how long a streamed answer may take", gt=0)
    stream_concurrency: Count | None = _setting(
        None,
        "streamed answers at once per data source, of its `concurrency`; half of it if unset, one at least",
        ge=1,
    )
    query_timeout: Duration = _setting(600.0, "how long a statement may run", "CUBEJS_DB_QUERY_TIMEOUT", gt=0)
    concurrency: Count | None = _setting(
        None,
        "statements at once per data source; its queue's own number if unset",
        "CUBEJS_CONCURRENCY",
        ge=1,
    )
    # 10 s is Cube's default since 1.7, 90 s its maximum (rest-contract 5.2).
    continue_wait_timeout: Duration = _setting(
        10.0, 'how long a request waits before it is told "Continue wait"', gt=0, le=90
    )
    orphaned_timeout: Duration = _setting(
        120.0, "how long a statement lives on that nobody asks for any more", gt=0
    )
    cache_size: Size = _setting(
        64 * 1024**2, "answers that are kept in memory to be told again, all together; 0: none", ge=0
    )
    refresh_every: Duration | None = _setting(
        None,
        "how long answers over a cube are good whose model has no `refresh_key`; also beside a data source's other"
        " settings. What its driver says (10 s) if unset",
        gt=0,
    )

    @property
    def token_secrets(self) -> tuple[SecretStr, ...]:
        """What may have signed a token: ``jwt_key``, else ``api_secrets``, else ``api_secret`` (as in Cube)."""
        if self.jwt_key is not None:
            return (self.jwt_key,)
        return self.api_secrets or ((self.api_secret,) if self.api_secret is not None else ())


@dataclass(frozen=True, slots=True)
class Setting:
    """One row of the table. ``env`` are all names the setting is read from, the winning one first."""

    name: str
    type: str
    default: object
    help: str
    env: tuple[str, ...]
    secret: bool


def twin(name: str) -> str:
    """Our own name of an environment variable that Cube (or the platform) names."""
    return "CUBOID_" + name.removeprefix("CUBEJS_")


def with_twins(names: Sequence[str]) -> tuple[str, ...]:
    """``names``, each after its twin; all twins come first, because they win."""
    return (*(twin(name) for name in names), *names)


def is_secret(field: FieldInfo) -> bool:
    """Whether a settings class declares this field as secret: values of it are never shown."""
    return any(part is SecretStr for part in _parts(field.annotation))


def _parts(annotation: object) -> list[object]:
    """``annotation`` and all that it is built of, e.g. ``Annotated[X, k] | None`` -> X, k, None and itself."""
    found = [annotation]
    for part in (*get_args(annotation), *getattr(annotation, "__metadata__", ())):
        found += _parts(part)
    return found


def environment_names(field: FieldInfo) -> tuple[str, ...]:
    """The names in a field's ``json_schema_extra={"env": [...]}``, as declared."""
    extra = field.json_schema_extra
    names = extra.get("env", []) if isinstance(extra, dict) else []
    return tuple(str(name) for name in names) if isinstance(names, (list, tuple)) else ()


def _rows() -> tuple[Setting, ...]:
    return tuple(
        Setting(
            name=name,
            type=next(
                part.name for part in (*field.metadata, *_parts(field.annotation)) if isinstance(part, Kind)
            ),
            default=field.default,
            help=field.description or "",
            env=with_twins(environment_names(field)) or (f"CUBOID_{name.upper()}",),
            secret=is_secret(field),
        )
        for name, field in Settings.model_fields.items()
    )


SETTINGS: tuple[Setting, ...] = _rows()
