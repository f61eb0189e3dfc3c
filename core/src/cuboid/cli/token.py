"""``cuboid token``: a signed token for trying things out."""

from __future__ import annotations

import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cuboid.cli.options import claims_option, project_argument, read_pairs

if TYPE_CHECKING:
    from cuboid.config.settings import Settings


@click.command("token", short_help="Print a signed token for trying things out.")
@claims_option
@click.option("--expires", default="1d", show_default=True, help="How long it is valid, e.g. 30m, 8h or 1d.")
@project_argument
def command(project: Path, claims: tuple[str, ...], expires: str) -> None:
    """Print a token signed with the project's secret (HS256), to send as the Authorization header."""
    from cuboid.config.quantities import read_duration
    from cuboid.project import Project

    try:
        seconds = read_duration(expires)
    except ValueError as error:
        raise click.BadParameter(f"'{expires}' {error}.", param_hint="--expires") from None
    settings = Project.open(project).settings
    click.echo(sign(read_pairs(claims, "--claim"), settings, now=int(time.time()), seconds=int(seconds)))


def sign(claims: dict[str, Any], settings: Settings, *, now: int, seconds: int) -> str:
    """A token that a server with these settings accepts for ``seconds`` from ``now`` (Unix time).

    ``claims`` go where the server looks for the security context. Raises :class:`ConfigError` without a
    secret, or
    if the server takes no HS256.
    """
    import jwt

    from cuboid.errors import ConfigError

    if settings.jwk_url is not None:
        raise ConfigError(
            "The project takes tokens of an issuer whose public keys it fetches; it cannot sign any itself",
            setting="jwk_url",
        )
    secret = next((each.get_secret_value() for each in settings.token_secrets), None)
    if secret is None:
        raise ConfigError(
            "The project has no secret to sign with",
            setting="api_secret",
            hint="Set CUBEJS_API_SECRET in .env, e.g. to the output of: openssl rand -hex 32",
        )
    if secret.lstrip().startswith("-----BEGIN"):
        raise ConfigError("The project has a public key, which signs nothing", setting="jwt_key")
    if settings.jwt_algs and "HS256" not in settings.jwt_algs:
        raise ConfigError(
            f"The project accepts only tokens signed with {', '.join(settings.jwt_algs)}, not HS256",
            setting="jwt_algs",
        )
    namespace = settings.jwt_claims_namespace
    payload: dict[str, Any] = {namespace: claims} if namespace else dict(claims)
    payload |= {"iat": now, "exp": now + seconds}
    if settings.jwt_audience:
        payload["aud"] = settings.jwt_audience[0]
    if settings.jwt_issuer:
        payload["iss"] = settings.jwt_issuer[0]
    if settings.jwt_subject:
        payload["sub"] = settings.jwt_subject
    with warnings.catch_warnings():
        # A short secret is the server's to complain about; Cube's own examples have short ones.
        warnings.simplefilter("ignore", jwt.InsecureKeyLengthWarning)
        return jwt.encode(payload, secret, algorithm="HS256")
