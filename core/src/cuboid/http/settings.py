"""What the HTTP room can be told; the configuration builds these values."""

from __future__ import annotations

from dataclasses import dataclass, field

SHARED_SECRET_ALGORITHMS = ("HS256", "HS384", "HS512")
"""What a shared secret may sign with. Pinned: a token never chooses its own algorithm."""


@dataclass(frozen=True, slots=True)
class AuthSettings:
    """How tokens are verified.

    :param secrets: shared secrets, any of which may have signed a token.
    :param algorithms: a subset of :data:`SHARED_SECRET_ALGORITHMS`.
    :param audience: at least one of these must be in ``aud``; empty: not checked. Likewise ``issuer``, ``subject``.
    :param claims_namespace: the claim that holds the security context of model SQL; claims themselves stay whole.
    :param required: without a token no answer; False in dev mode only.
    """

    secrets: tuple[str, ...] = field(default=(), repr=False)
    algorithms: tuple[str, ...] = SHARED_SECRET_ALGORITHMS
    audience: tuple[str, ...] = ()
    issuer: tuple[str, ...] = ()
    subject: str | None = None
    claims_namespace: str | None = None
    required: bool = True


@dataclass(frozen=True, slots=True)
class CorsSettings:
    """What browsers on other origins may do; the defaults are Cube's.

    :param origins: ``("*",)`` for every origin, or those that may ask.
    """

    origins: tuple[str, ...] = ("*",)
    methods: tuple[str, ...] = ("GET", "HEAD", "PUT", "PATCH", "POST", "DELETE")
    headers: tuple[str, ...] = ("authorization", "content-type", "x-request-id")


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """The whole HTTP room.

    :param base_path: in front of ``/v1/…``; probes have none.
    :param dev_mode: hidden members are visible, errors have a stack and a request id.
    :param max_request_size: bytes of a request's body, before and after decompression.
    """

    auth: AuthSettings
    base_path: str = "/cubejs-api"
    dev_mode: bool = False
    max_request_size: int = 50 * 1024 * 1024
    cors: CorsSettings = CorsSettings()
