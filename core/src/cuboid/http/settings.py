"""What the HTTP room can be told; the configuration builds these values."""

from __future__ import annotations

from dataclasses import dataclass, field

from cuboid.errors import ConfigError

DEFAULT_SCOPES = ("graphql", "meta", "data", "sql")
"""Cube's."""


@dataclass(frozen=True, slots=True)
class KeySetSettings:
    """Where public keys are fetched.

    :param url: of a JSON Web Key Set, ``http`` or ``https``.
    :param expire: seconds that a set is good for if its answer has no ``max-age``.
    :param refetch_window: seconds between two fetches that unknown keys cause.
    """

    url: str
    expire: float = 300.0
    refetch_window: float = 60.0


@dataclass(frozen=True, slots=True)
class AuthSettings:
    """How tokens are verified.

    :param secrets: shared secrets or public keys in PEM, any of which may have signed a token.
    :param key_set: public keys at a URL; they take the place of ``secrets``.
    :param algorithms: those that count, of the ones that suit a key; empty: all that suit it.
    :param audience: at least one of these must be in ``aud``; empty: not checked. Likewise ``issuer``, ``subject``.
    :param claims_namespace: the claim that holds what the model reads; claims themselves stay whole.
    :param scopes: the parts of the API that are open to principals of whom no plugin says anything.
    :param required: without a token no answer; False in dev mode only.
    """

    secrets: tuple[str | bytes, ...] = field(default=(), repr=False)
    key_set: KeySetSettings | None = None
    algorithms: tuple[str, ...] = ()
    audience: tuple[str, ...] = ()
    issuer: tuple[str, ...] = ()
    subject: str | None = None
    claims_namespace: str | None = None
    scopes: tuple[str, ...] = DEFAULT_SCOPES
    required: bool = True


@dataclass(frozen=True, slots=True)
class CorsSettings:
    """What browsers on other origins may do; the defaults are Cube's, and the headers that only Cuboid knows.

    :param origins: ``("*",)`` for every origin, or those that may ask.
    :param methods: that a preflight allows, and ``headers`` that requests may have.
    :param exposed: headers of answers that pages may read, besides those that all may.
    :param credentials: whether pages may send cookies; raises :class:`ConfigError` where every origin may ask.
    :param max_age: seconds that browsers remember a preflight; None: as long as they like.
    """

    origins: tuple[str, ...] = ("*",)
    methods: tuple[str, ...] = ("GET", "HEAD", "PUT", "PATCH", "POST", "DELETE")
    headers: tuple[str, ...] = ("authorization", "content-type", "x-request-id", "x-priority", "x-progress")
    exposed: tuple[str, ...] = ()
    credentials: bool = False
    max_age: int | None = None

    def __post_init__(self) -> None:
        if self.credentials and "*" in self.origins:
            raise ConfigError(
                "cors_credentials is for origins that are named: browsers refuse it together with '*'.",
                setting="cors_credentials",
                hint="Set cors_origins to the pages' origins, such as https://app.example.com.",
            )

    def allows(self, origin: str | None) -> bool:
        """Whether pages of ``origin`` may ask."""
        return "*" in self.origins or (origin is not None and origin.lower() in self.origins)


@dataclass(frozen=True, slots=True)
class SocketSettings:
    """WebSockets. Messages are as large as bodies of requests may be.

    :param enabled: whether there are any.
    :param path: the one path that they are opened at; None for every path.
    :param interval: seconds between two looks at what is subscribed to.
    :param heartbeat: seconds between two pings; a client that answers none is gone.
    :param connections: how many may be open at once.
    :param subscriptions: how many one connection may have.
    :param questions: how many one connection may ask at once.
    :param authorize_within: seconds until a connection must have sent a token.
    """

    enabled: bool = True
    path: str | None = None
    interval: float = 5.0
    heartbeat: float = 30.0
    connections: int = 1000
    subscriptions: int = 100
    questions: int = 100
    authorize_within: float = 30.0


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """The whole HTTP room.

    :param base_path: in front of ``/v1/…``; probes have none.
    :param dev_mode: hidden members are visible, errors have a stack and a request id.
    :param metrics: ``/metrics`` is answered on the API's own port, without a token.
    :param max_request_size: bytes of a request's body, before and after decompression.
    """

    auth: AuthSettings
    base_path: str = "/cubejs-api"
    dev_mode: bool = False
    metrics: bool = False
    max_request_size: int = 50 * 1024 * 1024
    cors: CorsSettings = CorsSettings()
    sockets: SocketSettings = SocketSettings()
