"""Published keys: fetched once, kept, fetched anew, and never a reason to wait for those who have a known key."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from types import MappingProxyType
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from tests.http.attacks import jwk, sign
from tests.http.identity import Issuer, issuing

from cuboid.errors import ConfigError, Unauthenticated
from cuboid.http.authentication import Authenticator
from cuboid.http.key_set import GRACE, KeySet
from cuboid.http.keys import published_key
from cuboid.http.settings import AuthSettings, KeySetSettings
from cuboid.types import HttpRequest

RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
CURVES = {"ES256": ec.SECP256R1(), "ES384": ec.SECP384R1(), "ES512": ec.SECP521R1()}
EC = {name: ec.generate_private_key(curve) for name, curve in CURVES.items()}
OTHER = ec.generate_private_key(ec.SECP256R1())
REQUEST = HttpRequest("GET", "/", MappingProxyType({}))


def published(kid: str, key: Any = RSA, **more: Any) -> dict[str, Any]:
    return {"kid": kid, **jwk(key.public_key()), **more}


class Clock:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with issuing() as issuer:
        issuer.keys = [published("main")]
        yield issuer


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def keys(issuer: Issuer, clock: Clock) -> KeySet:
    return KeySet(KeySetSettings(issuer.url), now=clock)


@pytest.mark.parametrize("algorithm", ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", *CURVES])
def test_every_family_of_published_keys_is_accepted(
    issuer: Issuer, run: Any, make_service: Any, algorithm: str
) -> None:
    key = EC.get(algorithm, RSA)
    issuer.keys = [{"kty": "oct", "k": "c2VjcmV0"}, "junk", published("other", OTHER), published("mine", key)]
    client = run(make_service(), auth=AuthSettings(key_set=KeySetSettings(issuer.url)))
    client.token = sign({"a": 1}, key, algorithm, kid="mine")
    assert client.get("meta").status == 200
    assert client.get("meta").status == 200
    assert len(issuer.asked) == 1
    client.token = sign({"a": 1}, key, algorithm, kid="other")
    assert client.get("meta").body == {"error": "Invalid token"}


def test_a_token_without_the_name_of_its_key_is_refused(issuer: Issuer) -> None:
    authenticator = Authenticator(AuthSettings(key_set=KeySetSettings(issuer.url)))
    with pytest.raises(Unauthenticated, match="Invalid token"):
        asyncio.run(authenticator.principal(sign({}, RSA, "RS256"), REQUEST))


@pytest.mark.parametrize(
    ("jwk_", "reason"),
    [
        ({"kty": "oct", "k": "c2VjcmV0"}, "its type is none of"),
        ({"kty": ["RSA"]}, "its type is none of"),
        (published("x", d="AQAB"), "it is a private key"),
        (published("x", use="enc"), "not for signatures"),
        (published("x", key_ops=["encrypt"]), "not for signatures"),
        (published("x", alg="HS256"), "algorithm does not suit"),
        (published("x", EC["ES256"], alg="ES384"), "algorithm does not suit"),
        (published("x", EC["ES256"], x="AAAA"), "it is no key"),
        ({"kty": "RSA"}, "it is no key"),
        ({"kty": "RSA", "n": 5, "e": "AQAB"}, "it is no key"),
        (published("x", rsa.generate_private_key(public_exponent=65537, key_size=1024)), "needs 2048 bits"),
    ],
)
def test_what_is_no_public_key_for_signatures_verifies_nothing(jwk_: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        published_key(jwk_)


def test_a_key_is_pinned_to_its_own_algorithm_and_to_those_chosen() -> None:
    assert published_key(published("x", alg="PS256")).algorithms == ("PS256",)
    assert published_key(published("x"), ("RS512", "ES256")).algorithms == ("RS512",)
    assert published_key(published("x", EC["ES512"])).algorithms == ("ES512",)


def test_a_storm_of_unknown_keys_is_one_fetch_a_window(keys: KeySet, issuer: Issuer, clock: Clock) -> None:
    async def storm() -> None:
        assert await keys.find("main")
        for _ in range(3):
            found = await asyncio.gather(*(keys.find(f"unknown {number}") for number in range(300)))
            assert set(found) == {()}
        assert len(issuer.asked) == 1, "the first fetch was a moment ago"
        clock.now += 61
        await asyncio.gather(*(keys.find(f"unknown {number}") for number in range(300)))
        assert len(issuer.asked) == 2
        await keys.close()

    asyncio.run(storm())


def test_a_new_key_counts_once_the_window_is_over(keys: KeySet, issuer: Issuer, clock: Clock) -> None:
    async def rotate() -> None:
        assert await keys.find("main")
        issuer.keys.append(published("new", EC["ES256"]))
        assert await keys.find("new") == ()
        clock.now += 61
        (new,) = await keys.find("new")
        assert new.algorithms == ("ES256",)
        await keys.close()

    asyncio.run(rotate())


@pytest.mark.parametrize(("header", "life"), [("", 300), ("public, max-age=7200", 7200), ("no-store", 300)])
def test_a_set_is_fetched_anew_when_it_is_out_of_date(
    keys: KeySet, issuer: Issuer, clock: Clock, header: str, life: int
) -> None:
    issuer.headers = {"Cache-Control": header}

    async def age() -> None:
        (before,) = await keys.find("main")
        clock.now += life - 1
        assert await keys.find("main") == (before,)
        assert len(issuer.asked) == 1
        clock.now += 2
        assert await keys.find("main") == (before,), "the old one counts while the set is fetched"
        await asyncio.gather(*[task for task in asyncio.all_tasks() if task is not asyncio.current_task()])
        assert len(issuer.asked) == 2
        assert await keys.find("main") == (before,), "and is the same object, so that verified tokens stay so"
        await keys.close()

    asyncio.run(age())


def test_a_withdrawn_key_ends_the_tokens_that_it_verified(issuer: Issuer) -> None:
    clock = Clock()
    authenticator = Authenticator(AuthSettings(key_set=KeySetSettings(issuer.url)))
    authenticator._key_set = KeySet(KeySetSettings(issuer.url), now=clock)
    token = sign({"a": 1}, RSA, "RS256", kid="main")

    async def withdraw() -> None:
        assert (await authenticator.principal(token, REQUEST)).claims == {"a": 1}
        issuer.keys = [published("main", EC["ES256"])]
        clock.now += 301
        await authenticator.principal(token, REQUEST)  # begins to fetch
        await asyncio.gather(*[task for task in asyncio.all_tasks() if task is not asyncio.current_task()])
        with pytest.raises(Unauthenticated):
            await authenticator.principal(token, REQUEST)
        await authenticator.close()

    asyncio.run(withdraw())


def test_known_keys_outlive_a_dead_issuer_for_an_hour(keys: KeySet, issuer: Issuer, clock: Clock) -> None:
    async def die() -> None:
        assert await keys.find("main")
        issuer.status = 500
        clock.now += 300 + GRACE - 1
        assert await keys.find("main")
        assert await keys.find("other") == ()
        clock.now += 2
        assert await keys.find("main") == ()
        issuer.status = 200
        clock.now += 6
        assert await keys.find("main"), "and are back as soon as the issuer is"
        await keys.close()

    asyncio.run(die())


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, None),
        (404, None),
        (302, None),
        (200, b"<html>"),
        (200, b"[]"),
        (200, b'{"keys": 5}'),
        (200, b"\xff"),
        (200, b'{"keys": [' + b" " * 1_100_000 + b"]}"),
        (200, b"[" * 100_000),
    ],
)
def test_an_issuer_that_answers_something_else_has_no_keys(
    keys: KeySet, issuer: Issuer, clock: Clock, status: int, body: bytes | None
) -> None:
    issuer.status, issuer.body = status, body
    issuer.headers = {"Location": f"{issuer.url}/elsewhere"} if status == 302 else {}

    async def ask() -> None:
        assert await keys.find("main") == ()
        assert "/elsewhere" not in issuer.asked
        attempts = len(issuer.asked)
        assert 1 <= attempts <= 3
        assert await keys.find("main") == ()
        assert len(issuer.asked) == attempts, "then there is a pause"
        issuer.status, issuer.body = 200, None
        clock.now += 6
        assert await keys.find("main")
        await keys.close()

    asyncio.run(ask())


def test_nobody_waits_for_an_issuer_that_hangs_but_tokens_of_unknown_keys(
    issuer: Issuer, run: Any, make_service: Any
) -> None:
    client = run(make_service(), auth=AuthSettings(key_set=KeySetSettings(issuer.url, refetch_window=1e-9)))
    good = type(client)(client.port, sign({}, RSA, "RS256", kid="main"))
    assert good.get("meta").status == 200
    issuer.open.clear()
    answers: list[int] = []
    stranger = type(client)(client.port, sign({}, RSA, "RS256", kid="unknown"))
    waiting = [
        threading.Thread(target=lambda: answers.append(stranger.get("meta").status)) for _ in range(20)
    ]
    for thread in waiting:
        thread.start()
    while len(issuer.asked) < 2:  # the fetch that they caused has begun
        assert good.get("meta").status == 200
    assert good.get("meta").status == 200
    assert client.ask("GET", "/livez").status == 200
    assert answers == []
    issuer.open.set()
    for thread in waiting:
        thread.join(50)
    assert answers == [403] * 20


def test_a_server_starts_while_its_issuer_is_dead(run: Any, make_service: Any) -> None:
    with issuing() as gone:
        url = gone.url
    client = run(make_service(), auth=AuthSettings(key_set=KeySetSettings(url)))
    client.token = sign({}, RSA, "RS256", kid="main")
    assert client.get("meta").body == {"error": "Invalid token"}
    assert client.ask("GET", "/readyz").status == 200


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://x/y", "nothing", "http://", ""])
def test_keys_come_over_http_only(url: str) -> None:
    with pytest.raises(ConfigError, match="not one of http or https"):
        KeySet(KeySetSettings(url))


def test_no_secret_counts_beside_published_keys(issuer: Issuer) -> None:
    secret = "a secret that is as long as it should be"
    authenticator = Authenticator(AuthSettings(secrets=(secret,), key_set=KeySetSettings(issuer.url)))
    with pytest.raises(Unauthenticated):
        asyncio.run(authenticator.principal(sign({}, secret, "HS256", kid="main"), REQUEST))
    with pytest.raises(ConfigError, match="published keys are no secrets"):
        Authenticator(AuthSettings(key_set=KeySetSettings(issuer.url), algorithms=("HS256",)))
