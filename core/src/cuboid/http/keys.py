"""What may have signed a token, each key with the algorithms that suit it.

A token names an algorithm, and only a key decides whether that one counts: a public key is never a shared secret,
whatever a token says, nor is a curve another curve.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from cuboid.errors import ConfigError

SECRET = ("HS256", "HS384", "HS512")
RSA = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")
CURVES: Mapping[str, tuple[str, ...]] = {
    "secp256r1": ("ES256",),
    "secp384r1": ("ES384",),
    "secp521r1": ("ES512",),
    "secp256k1": ("ES256K",),
}
EDWARDS = ("EdDSA",)
ALGORITHMS = (*SECRET, *RSA, "ES256", "ES384", "ES512", "ES256K", *EDWARDS)
"""All that a key of some family may sign with; ``none`` is not among them."""

SMALLEST_RSA = 2048
"""Bits. What Cube's library asks for, too."""


@dataclass(frozen=True, slots=True, eq=False)
class Key:
    """A key and the algorithms for which it may be used; never equal to another."""

    material: Any = field(repr=False)
    algorithms: tuple[str, ...]


def configured_key(text: str | bytes, algorithms: Collection[str] = ()) -> Key:
    """A shared secret, or the public key of a text in PEM (a certificate's too).

    :param algorithms: those that were chosen; empty for all that suit the key.

    Raises :class:`ConfigError` for a private key, one that is too short, and one that none of ``algorithms`` suits.
    """
    if not text:
        raise ConfigError("An API secret is empty: anybody could sign tokens with it.", setting="api_secret")
    # A key in one line of a .env file has its line breaks escaped.
    pem = text.strip().replace("\\n", "\n") if isinstance(text, str) else ""
    material: Any = _public_key(pem) if pem.startswith("-----BEGIN ") else text
    suitable = SECRET if material is text else _suitable(material)
    chosen = tuple(each for each in suitable if each in algorithms) if algorithms else suitable
    if not chosen:
        raise ConfigError(
            f"Tokens cannot be verified with {', '.join(algorithms)}: "
            + ("a shared secret" if material is text else "this key")
            + f" signs with {', '.join(suitable)}.",
            setting="jwt_algs",
        )
    return Key(material, chosen)


def published_key(jwk: Mapping[str, Any], algorithms: Collection[str] = ()) -> Key:
    """The public key of a JSON Web Key, pinned to its own ``alg`` if it has one.

    Raises ValueError with the reason why it can verify nothing: a secret or private key that somebody published, one
    for encryption, a broken one.
    """
    from jwt import InvalidKeyError
    from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

    kinds: Mapping[str, Any] = {"RSA": RSAAlgorithm, "EC": ECAlgorithm, "OKP": OKPAlgorithm}
    kind = jwk.get("kty")
    if not isinstance(kind, str) or kind not in kinds:
        raise ValueError(f"its type is none of {', '.join(kinds)}")
    if "d" in jwk:
        raise ValueError("it is a private key")
    operations = jwk.get("key_ops", ["verify"])
    if jwk.get("use", "sig") != "sig" or not isinstance(operations, list) or "verify" not in operations:
        raise ValueError("it is not for signatures")
    try:
        material = kinds[kind].from_jwk(dict(jwk))
    except (InvalidKeyError, ValueError, TypeError, KeyError) as error:
        raise ValueError(f"it is no key: {error}") from None
    try:
        suitable = _suitable(material)
    except ConfigError as error:
        raise ValueError(error.message) from None
    own = jwk.get("alg")
    chosen = tuple(
        each for each in suitable if own in (None, each) and (not algorithms or each in algorithms)
    )
    if not chosen:
        raise ValueError("its algorithm does not suit it, or was not chosen")
    return Key(material, chosen)


def _public_key(pem: str) -> Any:
    from cryptography.hazmat.primitives.serialization import load_pem_public_key
    from cryptography.x509 import load_pem_x509_certificate

    if "PRIVATE KEY" in pem.partition("\n")[0]:
        raise ConfigError(
            "Tokens are verified with a public key, and this is a private one.",
            setting="jwt_key",
            hint="Give its public half: openssl pkey -in private.pem -pubout",
        )
    try:
        if "CERTIFICATE" in pem.partition("\n")[0]:
            return load_pem_x509_certificate(pem.encode()).public_key()
        return load_pem_public_key(pem.encode())
    except ValueError:
        raise ConfigError("This is not a public key in PEM.", setting="jwt_key") from None


def _suitable(material: Any) -> tuple[str, ...]:
    """The algorithms of a public key's family."""
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

    match material:
        case RSAPublicKey():
            if material.key_size < SMALLEST_RSA:
                raise ConfigError(f"An RSA key needs {SMALLEST_RSA} bits at least.", setting="jwt_key")
            return RSA
        case EllipticCurvePublicKey() if material.curve.name in CURVES:
            return CURVES[material.curve.name]
        case Ed25519PublicKey():
            return EDWARDS
    raise ConfigError("Keys of this kind sign no tokens.", setting="jwt_key")
