"""The attacks of ``attacks.py`` over HTTP, on servers with a shared secret and with published keys: every one is a 403
as the contract says, none is logged, none makes the server ask an address that a token names."""

from __future__ import annotations

import io
import socket
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from tests.http.attacks import Target, forgeries, jwk, misuses, sign
from tests.http.identity import Issuer, issuing
from tests.http.logged import read

from cuboid.http.settings import AuthSettings, KeySetSettings

SECRET = "a-secret-that-is-long-enough-for-every-hash-function-in-use-here-512"
RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC = ec.generate_private_key(ec.SECP256R1())

TARGETS: Mapping[str, Target] = {
    "secret": Target(SECRET, "HS256", ""),
    "RSA": Target(RSA, "RS256", "", RSA.public_key(), {"kid": "main"}),
    "EC": Target(EC, "ES256", "", EC.public_key(), {"kid": "main"}),
}
CASES = [
    (kind, name)
    for kind, target in TARGETS.items()
    for table in (forgeries, misuses)
    for name, _ in table(replace(target, bait="http://attacker"))
]


@pytest.fixture(scope="module")
def bait() -> Iterator[Issuer]:
    """The attacker's own server: it would answer, if it were asked."""
    with issuing() as issuer:
        yield issuer


@pytest.fixture(scope="module")
def clients(run: Any, make_service: Any) -> Iterator[Mapping[str, Any]]:
    with issuing() as issuer:
        keys = {kind: target.public for kind, target in TARGETS.items() if target.public is not None}
        found = {"secret": run(make_service())}
        for kind, key in keys.items():
            issuer.keys = [{"kid": "main", **jwk(key)}]
            # One issuer after the other: the set is fetched before the next takes its place.
            client = run(make_service(), auth=AuthSettings(key_set=KeySetSettings(issuer.url, 9e9, 9e9)))
            target = TARGETS[kind]
            client.token = sign({}, target.key, target.algorithm, **target.header)
            assert client.get("meta").status == 200
            client.token = None
            found[kind] = client
        yield found


@pytest.fixture(scope="module")
def tables(bait: Issuer) -> Mapping[tuple[str, str], str]:
    return {
        (kind, name): token
        for kind, target in TARGETS.items()
        for table in (forgeries, misuses)
        for name, token in table(replace(target, bait=bait.url))
    }


def test_the_table_has_forty_attacks_and_more() -> None:
    for kind in TARGETS:
        names = [name for each, name in CASES if each == kind]
        assert len(names) == len(set(names)) >= 40


@pytest.mark.parametrize(("kind", "name"), CASES)
def test_an_attack_is_refused_unlogged_and_asks_nobody(
    kind: str,
    name: str,
    clients: Mapping[str, Any],
    tables: Mapping[tuple[str, str], str],
    bait: Issuer,
    lines: io.StringIO,
) -> None:
    token = tables[kind, name]
    answer = type(clients[kind])(clients[kind].port, token).ask(
        "GET", "/cubejs-api/v1/meta", x_request_id="attack"
    )
    assert (answer.status, answer.body) == (403, {"error": "Invalid token"})
    read(lines, id="attack")
    assert [part for part in (token, *token.split(".")) if len(part) > 8 and part in lines.getvalue()] == []
    assert bait.asked == []


@pytest.mark.parametrize("kind", TARGETS)
def test_the_right_key_of_the_table_is_let_in(kind: str, clients: Mapping[str, Any]) -> None:
    """Else every attack would be refused for a reason of its own."""
    target = TARGETS[kind]
    for algorithm in ("RS256", "RS512", "PS384") if kind == "RSA" else (target.algorithm,):
        token = sign({"admin": False}, target.key, algorithm, **target.header)
        assert type(clients[kind])(clients[kind].port, token).get("meta").status == 200


# ---------------------------------------------------------------- what only HTTP can carry


def exchange(port: int, *headers: bytes) -> bytes:
    """The first line of the answer to a request with these header lines, empty if there is none."""
    with socket.create_connection(("127.0.0.1", port), timeout=50) as connection:
        request = b"\r\n".join((b"GET /cubejs-api/v1/meta HTTP/1.1", b"Host: x", *headers, b"", b""))
        try:
            connection.sendall(request)
            return connection.recv(4096).partition(b"\r\n")[0]
        except ConnectionError:
            return b""


GOOD = sign({}, SECRET, "HS256").encode()
BAD = sign({}, "guess", "HS256").encode()


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param((b"Authorization: " + GOOD, b"Authorization: " + BAD), id="good, then bad"),
        pytest.param((b"Authorization: " + BAD, b"Authorization: " + GOOD), id="bad, then good"),
        pytest.param((b"Authorization: " + GOOD, b"Authorization: " + GOOD), id="twice the same"),
        pytest.param((b"Authorization: " + GOOD, b"x-cube-authorization: " + BAD), id="Cube's header wins"),
        pytest.param((b"Authorization: " + GOOD + b"," + GOOD,), id="a list"),
        pytest.param((b"Authorization: Bearer\t" + GOOD,), id="tab"),
        pytest.param((b"Authorization: Bearer  " + GOOD,), id="two blanks"),
        pytest.param((b"Authorization: Bearer " + BAD + b" " + GOOD,), id="bad, then good in one header"),
        pytest.param((b"Authorization: " + GOOD + b"\xc3\xa9",), id="not ASCII"),
        pytest.param((b'Authorization: "' + GOOD + b'"',), id="quoted"),
        pytest.param((b"Authorization: Basic dXNlcjpwYXNz",), id="a password"),
        pytest.param(
            (b"Cookie: token=" + GOOD, b"Token: " + GOOD, b"X-Authorization: " + GOOD), id="elsewhere"
        ),
        pytest.param((b"Proxy-Authorization: " + GOOD,), id="a proxy's"),
        pytest.param((b"Authorization:",), id="empty"),
    ],
)
def test_headers_that_are_not_one_good_token_are_refused(
    clients: Mapping[str, Any], headers: tuple[bytes, ...]
) -> None:
    assert exchange(clients["secret"].port, *headers) == b"HTTP/1.1 403 Forbidden"
    assert exchange(clients["secret"].port, b"Authorization: " + GOOD) == b"HTTP/1.1 200 OK"


@pytest.mark.parametrize("size", [70_000, 5_000_000])
def test_a_header_larger_than_any_is_not_read(clients: Mapping[str, Any], size: int) -> None:
    answer = exchange(clients["secret"].port, b"Authorization: " + b"A" * size)
    assert answer[:12] in (b"", b"HTTP/1.1 400", b"HTTP/1.1 431")


def test_a_token_in_the_query_or_the_body_is_none(clients: Mapping[str, Any]) -> None:
    client = clients["secret"]
    good = GOOD.decode()
    for answer in (
        client.get("meta", token=good, authorization=good),
        client.post("load", {"query": {}, "authorization": good, "token": good}),
    ):
        assert (answer.status, answer.body) == (403, {"error": "Authorization header isn't set"})
