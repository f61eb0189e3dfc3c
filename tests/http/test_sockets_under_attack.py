"""WebSockets and those who mean no good: the tokens of ``attacks.py``, and whatever can be sent as a message."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.http.attacks import Target, forgeries, jwk, misuses, sign
from tests.http.identity import Issuer, issuing

from cuboid.http.settings import AuthSettings, KeySetSettings
from cuboid.http.sockets.messages import decode

SECRET = "a-secret-that-is-long-enough-for-every-hash-function-in-use-here-512"
RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC = ec.generate_private_key(ec.SECP256R1())
COUNT = {"measures": ["Users.count"]}
TARGETS = {
    "secret": Target(SECRET, "HS256", ""),
    "RSA": Target(RSA, "RS256", "", RSA.public_key(), {"kid": "main"}),
    "EC": Target(EC, "ES256", "", EC.public_key(), {"kid": "main"}),
}


@pytest.fixture(scope="module")
def bait() -> Iterator[Issuer]:
    """The attacker's own server: it would answer, if it were asked."""
    with issuing() as issuer:
        yield issuer


@pytest.fixture(scope="module")
def clients(run: Any, make_service: Any) -> Iterator[dict[str, Any]]:
    with issuing() as rsa_issuer, issuing() as ec_issuer:
        found = {"secret": run(make_service())}
        for kind, issuer, key in (("RSA", rsa_issuer, RSA), ("EC", ec_issuer, EC)):
            issuer.keys = [{"kid": "main", **jwk(key.public_key())}]
            auth = AuthSettings(key_set=KeySetSettings(issuer.url, 9e9, 9e9))
            found[kind] = run(make_service(), auth=auth)
        yield found


@pytest.mark.parametrize("kind", TARGETS)
def test_no_forged_or_misused_token_opens_a_conversation(
    kind: str, clients: dict[str, Any], bait: Issuer, connect: Any, lines: io.StringIO
) -> None:
    target = TARGETS[kind]
    good = sign({}, target.key, target.algorithm, **target.header)
    socket = connect(clients[kind])
    assert socket.authorize(good) == {"handshake": True}
    attacks = [each for table in (forgeries, misuses) for each in table(replace(target, bait=bait.url))]
    assert len(attacks) >= 40
    for name, token in attacks:
        assert socket.authorize(token) == {"message": {"error": "Invalid token"}, "status": 403}, name
        # What was allowed before the bad token is allowed no longer.
        assert socket.ask(1, "load", query=COUNT)["status"] == 403, name
        assert [
            part for part in (token, *token.split(".")) if len(part) > 8 and part in lines.getvalue()
        ] == []
    assert bait.asked == []
    assert socket.authorize(good) == {"handshake": True}


junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
messages = st.one_of(
    junk,
    st.fixed_dictionaries(
        {},
        optional={
            "messageId": junk | st.integers(0, 3),
            "requestId": junk,
            "method": junk | st.sampled_from(["load", "sql", "meta", "dry-run", "subscribe", "unsubscribe"]),
            "params": junk
            | st.fixed_dictionaries(
                {},
                optional={
                    "query": junk | st.just(COUNT),
                    "queryType": junk,
                    "cache": junk,
                    "onlyViews": junk,
                },
            ),
            "unsubscribe": junk | st.integers(0, 3),
        },
    ),
)


@settings(
    max_examples=300,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(sent=st.lists(messages | st.binary(max_size=20) | st.text(max_size=20), min_size=1, max_size=5))
def test_whatever_is_sent_the_conversation_goes_on(production: Any, sent: list[Any], connect: Any) -> None:
    socket = connect(production, {})
    try:
        for each in sent:
            socket.send(each if isinstance(each, str | bytes) else json.dumps(each))
        socket.send({"authorization": production.token})
        while socket.receive() != {"handshake": True}:
            pass
        answer = socket.ask("last", "load", query=COUNT)
        assert answer["message"]["data"] == [{"Users.count": "700"}]
    finally:
        socket.close()


@pytest.mark.parametrize(
    "query",
    [
        {"measures": ["Users.count"] * 100_000},
        {"measures": ["Users.count"], "filters": [{"or": []}] * 1000},
        "[" * 100_000,
        '{"a":' * 50_000,
        {"measures": ["\ud800.count"]},
    ],
    ids=["long", "many filters", "deep", "deeper", "half a character"],
)
def test_bombs_are_answered_and_hold_up_nobody(production: Any, query: Any, connect: Any) -> None:
    bomber, other = connect(production, {}), connect(production, {})
    bomber.send({"messageId": 1, "method": "load", "params": {"query": query}})
    assert other.ask(1, "load", query=COUNT)["status"] == 200
    answer = bomber.receive()
    assert answer["status"] in (200, 400)


MANY = '{"messageId": 1, "method": "load", "params": {"query": [' + '{"a":[]},' * 1_000_000 + "{}]}}"


def test_more_values_than_any_message_has_are_not_read(production: Any, connect: Any) -> None:
    socket = connect(production, {})
    for text in (MANY, MANY.encode()):
        socket.send(text)
        assert socket.receive() == {
            "message": {"error": "The request is too large: it has more than 500,000 values."},
            "status": 400,
        }
    assert socket.ask(1, "load", query=COUNT)["status"] == 200


def test_large_messages_are_not_read_before_a_token_was_verified(
    production: Any, connect: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[int] = []

    def seen(text: str | bytes) -> Any:
        read.append(len(text))
        return decode(text)

    monkeypatch.setattr("cuboid.http.sockets.conversation.decode", seen)
    socket = connect(production)
    refused = {
        "message": {"error": "A message before the connection is authorized may have 64 KB at most."},
        "status": 400,
    }
    for text in (MANY, MANY.encode(), json.dumps({"authorization": "x" * 70_000})):
        socket.send(text)
        assert socket.receive() == refused
    assert socket.authorize("nonsense")["status"] == 403
    socket.send(MANY)
    assert socket.receive() == refused
    assert max(read) < 1000
    assert socket.authorize(production.token) == {"handshake": True}
    large = {
        **COUNT,
        "filters": [{"member": "Users.city", "operator": "notEquals", "values": ["x" * 70_000]}],
    }
    assert socket.ask(1, "load", query=large)["status"] == 200
