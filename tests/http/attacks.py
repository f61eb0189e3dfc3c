"""Tokens that must never count, by name, for whatever carries tokens: an HTTP header or a WebSocket message.

They are put together by hand and signed with the primitives of ``cryptography`` and ``hmac``: the library that verifies
them has no say. :func:`forgeries` need no valid key; :func:`misuses` are signed by the right one.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

Signer = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | str | bytes

HASHES = {"256": hashlib.sha256, "384": hashlib.sha384, "512": hashlib.sha512}

ADMIN = {"admin": True}


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def signature(text: bytes, key: Signer, algorithm: str) -> bytes:
    """By the family of ``key``, with the hash of ``algorithm``."""
    digest = HASHES.get(algorithm[-3:], hashlib.sha256)
    if isinstance(key, str | bytes):
        return hmac.new(key.encode() if isinstance(key, str) else key, text, digest).digest()
    hashing = {"384": hashes.SHA384(), "512": hashes.SHA512()}.get(algorithm[-3:], hashes.SHA256())
    if isinstance(key, rsa.RSAPrivateKey):
        pss = padding.PSS(mgf=padding.MGF1(hashing), salt_length=hashing.digest_size)
        return key.sign(text, pss if algorithm.startswith("PS") else padding.PKCS1v15(), hashing)
    r, s = decode_dss_signature(key.sign(text, ec.ECDSA(hashing)))
    size = (key.curve.key_size + 7) // 8
    return r.to_bytes(size, "big") + s.to_bytes(size, "big")


def sign(payload: object, key: Signer, algorithm: object, **header: object) -> str:
    """A token; ``payload`` is JSON or bytes as they are. A header of ``...`` is left out."""
    named = {"typ": "JWT", "alg": algorithm, **header}
    head = json.dumps({name: value for name, value in named.items() if value is not ...}).encode()
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    text = f"{base64url(head)}.{base64url(body)}"
    return f"{text}.{base64url(signature(text.encode(), key, str(algorithm)))}"


@dataclass(frozen=True)
class Target:
    """What an attacker knows and has: ``key`` is the right key with its ``algorithm``, which only :func:`misuses` use;
    ``public`` is the public key that everybody can read, if there is one; ``bait`` is a URL of the attacker's own."""

    key: Signer
    algorithm: str
    bait: str
    public: Any = None
    header: Mapping[str, object] = field(default_factory=dict)


KIDS: tuple[object, ...] = (
    *(
        "../../../../../../dev/null",
        "/dev/null",
        "file:///etc/passwd",
        "' UNION SELECT 'x",
        "main\0",
        "; sleep 9",
    ),
    *("\n", "x" * 8000, "__class__", "", 5, True, None, ["main"], {"main": 1}),
)


def forgeries(target: Target) -> Iterator[tuple[str, str]]:
    """Tokens of somebody who has no key."""
    yield from _unsigned(target)
    yield from _confused(target)
    yield from _pointing(target)
    good = sign({"admin": False}, target.key, target.algorithm, **target.header)
    head, body, seal = good.split(".")
    forged = base64url(json.dumps(ADMIN).encode())
    yield "changed payload", f"{head}.{forged}.{seal}"
    yield "signature cut off", f"{head}.{body}."
    yield "signature and dot cut off", f"{head}.{body}"
    yield "half a signature", f"{head}.{body}.{seal[: len(seal) // 2]}"
    yield (
        "last byte of the signature changed",
        f"{head}.{body}.{seal[:-2]}{'AA' if seal[-2:] != 'AA' else 'BA'}",
    )
    yield "signature of zeros", f"{head}.{body}.{base64url(bytes(len(seal) * 3 // 4))}"
    yield "padded", f"{head}.{body}.{seal}="
    yield "five parts of an encrypted token", f"{head}..{body}.{body}.{seal}"
    yield "12,000 bytes that are no token", "A" * 12_000
    yield "huge payload", sign({"a": "x" * 20_000}, "guess", "HS256")
    yield "only dots", "." * 5000
    yield "words", "admin"
    yield "nested header", f"{base64url(b'[' * 3000)}.{body}.{seal}"
    yield "header that is a list", f"{base64url(b'[]')}.{body}.{seal}"
    yield "header that is not UTF-8", f"{base64url(bytes([255, 254]))}.{body}.{seal}"
    twice = b'{"alg":"' + target.algorithm.encode() + b'","alg":"none"}'
    yield "algorithm twice", f"{base64url(twice)}.{body}."
    for secret in ("", "secret", "SECRET", "null", "undefined", "\0" * 32):
        yield f"guessed secret {secret[:9]!r}", sign(ADMIN, secret, "HS256", **target.header)


def _unsigned(target: Target) -> Iterator[tuple[str, str]]:
    for name in ("none", "None", "NONE", "nOnE", "none ", "", None, ..., 0, False, [], ["none"], {}):
        text = sign(ADMIN, "x", name, **target.header).rpartition(".")[0]
        shown = "left out" if name is ... else repr(name)
        yield f"alg {shown} without a signature", f"{text}."
        yield f"alg {shown} with some signature", f"{text}.c2ln"


def _confused(target: Target) -> Iterator[tuple[str, str]]:
    """The public key, which everybody has, taken for a shared secret; other families and curves."""
    if target.public is not None:
        spellings = {
            "PEM": (Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
            "DER": (Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        }
        texts = {name: target.public.public_bytes(*how) for name, how in spellings.items()}
        texts["PEM without its last line break"] = texts["PEM"].rstrip()
        texts["JSON"] = json.dumps(jwk(target.public)).encode()
        for name, text in texts.items():
            for algorithm in ("HS256", "HS384", "HS512"):
                yield (
                    f"{algorithm} with the public key as {name}",
                    sign(ADMIN, text, algorithm, **target.header),
                )
    for name, key, algorithm in (
        ("RSA", _own_rsa(), "RS256"),
        ("RSA", _own_rsa(), "PS256"),
        ("EC", ec.generate_private_key(ec.SECP256R1()), "ES256"),
        ("EC", ec.generate_private_key(ec.SECP384R1()), "ES384"),
        ("EC", ec.generate_private_key(ec.SECP521R1()), "ES512"),
    ):
        yield f"{algorithm} with the attacker's own {name} key", sign(ADMIN, key, algorithm, **target.header)
    for algorithm in ("ES256", "RS256", "EdDSA", "HS1", "hs256", "RS256 ", "dir", "A256KW"):
        yield f"guessed secret as {algorithm}", sign(ADMIN, "guess", algorithm, **target.header)


def _pointing(target: Target) -> Iterator[tuple[str, str]]:
    """Headers that bring a key, or name a place where there is one."""
    own = _own_rsa()
    given = {"kid": "attacker", "use": "sig", "alg": "RS256", **jwk(own.public_key())}
    pointers: dict[str, object] = {
        "jwk": given,
        "jku": f"{target.bait}/jku",
        "x5u": f"{target.bait}/x5u",
        "x5c": ["MIIB"],
    }
    for name, value in pointers.items():
        for kid in ("attacker", target.header.get("kid", "main")):
            yield f"{name} with kid {kid}", sign(ADMIN, own, "RS256", **{name: value, "kid": kid})
    yield "all pointers at once", sign(ADMIN, own, "RS256", **pointers)
    yield "kid that is a URL", sign(ADMIN, "", "HS256", kid=f"{target.bait}/kid")
    for kid in KIDS:
        yield f"kid {str(kid)[:30]!r}", sign(ADMIN, "", "HS256", kid=kid)


def misuses(target: Target, now: float | None = None) -> Iterator[tuple[str, str]]:
    """Tokens that the right key signed and that are no good all the same."""
    now = int(time.time() if now is None else now)

    def signed(payload: object, **header: object) -> str:
        return sign(payload, target.key, target.algorithm, **{**target.header, **header})

    times: dict[str, object] = {"a second ago": now - 1, "last week": now - 7 * 86_400}
    times |= {"a list": [now + 9999], "text": str(now + 9999)}
    for exp in ("a second ago", "last week", "text", "a list", 0, -1, 0.5, "", True, False, None, [], {}):
        yield f"exp {exp!r}", signed({**ADMIN, "exp": times.get(str(exp), exp)})
    times = {"in an hour": now + 3600, "text": str(now - 9999)}
    for nbf in ("in an hour", "text", 10**18, "", True, None, [], {}):
        yield f"nbf {nbf!r}", signed({**ADMIN, "nbf": times.get(str(nbf), nbf)})
    for text in (
        b'{"exp": Infinity}',
        b'{"exp": NaN}',
        b'{"nbf": -Infinity}',
        b"{",
        b"",
        b"\xff\xfe",
        b"{'a': 1}",
    ):
        yield f"payload {text!r}", signed(text)
    yield "nested payload", signed(b'{"a":' * 1500 + b"1" + b"}" * 1500)
    yield "critical header", signed(ADMIN, crit=["exp"])
    yield "unknown critical header", signed(ADMIN, crit=["x"], x=1)
    yield "empty critical header", signed(ADMIN, crit=[])
    yield "critical header that is no list", signed(ADMIN, crit="exp")
    yield "payload not encoded", signed(ADMIN, b64=False, crit=["b64"])
    yield "payload not encoded, not said to be critical", signed(ADMIN, b64=False)
    yield "larger than any token", signed({**ADMIN, "filler": "x" * 20_000})


def jwk(key: Any) -> dict[str, str]:
    """The members that make a public key."""
    numbers = key.public_numbers()

    def text(number: int, size: int) -> str:
        return base64url(number.to_bytes(size, "big"))

    if isinstance(key, rsa.RSAPublicKey):
        return {"kty": "RSA", "n": text(numbers.n, key.key_size // 8), "e": text(numbers.e, 3)}
    size = (key.curve.key_size + 7) // 8
    curve = {"secp256r1": "P-256", "secp384r1": "P-384", "secp521r1": "P-521"}[key.curve.name]
    return {"kty": "EC", "crv": curve, "x": text(numbers.x, size), "y": text(numbers.y, size)}


_OWN: list[rsa.RSAPrivateKey] = []


def _own_rsa() -> rsa.RSAPrivateKey:
    """The attacker's key; made once, since that takes a while."""
    if not _OWN:
        _OWN.append(rsa.generate_private_key(public_exponent=65537, key_size=2048))
    return _OWN[0]
