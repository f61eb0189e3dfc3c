"""Tokens, good and bad. They are signed by hand here: the verifier's library has no say in what is right."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Callable
from types import MappingProxyType
from typing import Any

import pytest

from cuboid.errors import ConfigError, Unauthenticated
from cuboid.http.authentication import Authenticator, token_in
from cuboid.http.settings import AuthSettings
from cuboid.query.claims import freeze
from cuboid.request import RequestContext
from cuboid.types import HttpRequest, Principal

Sign = Callable[..., str]

NOW = 1_700_000_000.0
SECRET = "a-secret-that-is-long-enough-for-every-hash-function-in-use-here-512"
OTHER = "another-secret-that-is-long-enough-for-every-hash-function-too-512-x"

PUBLIC_KEY = """-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEEVs/o5+uQbTjL3chynL4wXgUg2R9
q9UU8I5mEovUf86QZ7kOBIjJwqnzD1omageEHWwHdBO6B+dFabmdT9POxg==
-----END PUBLIC KEY-----
"""


REQUEST = HttpRequest("GET", "/", MappingProxyType({}))


def ask(authenticator: Authenticator, token: str | None) -> Principal:
    return asyncio.run(authenticator.principal(token, REQUEST))


def verify(token: str | None, now: float = NOW, **settings: Any) -> Principal:
    return ask(Authenticator(AuthSettings(**{"secrets": (SECRET,), **settings}), now=lambda: now), token)


def refused(token: str, now: float = NOW, **settings: Any) -> bool:
    with pytest.raises(Unauthenticated, match=r"\AInvalid token\Z"):
        verify(token, now, **settings)
    return True


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        ({"authorization": "T"}, "T"),
        ({"authorization": "Bearer T"}, "T"),
        ({"authorization": "bearer T"}, "T"),
        ({"authorization": "Authorization: T"}, "T"),
        ({"authorization": "Bearer T trailing"}, "T"),
        ({"authorization": "Bearer  T"}, None),
        ({"authorization": "Bearer "}, None),
        ({"authorization": ""}, None),
        ({}, None),
        ({"x-cube-authorization": "X", "authorization": "T"}, "X"),
        ({"x-cube-authorization": "Bearer X"}, "X"),
        ({"x-cube-authorization": "", "authorization": "T"}, "T"),
    ],
)
def test_where_a_token_stands(headers: dict[str, str], found: str | None) -> None:
    assert token_in(headers) == found


@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
def test_every_algorithm_of_shared_secrets_is_accepted(token: Sign, algorithm: str) -> None:
    assert verify(token({"a": 1}, SECRET, algorithm)).claims == {"a": 1}


def test_any_of_several_secrets_may_have_signed(token: Sign) -> None:
    for secret in (OTHER, SECRET):
        assert verify(token({"a": 1}, secret), secrets=(OTHER, SECRET)).claims == {"a": 1}
    assert refused(token({"a": 1}, "a third"), secrets=(OTHER, SECRET))


def test_a_short_secret_works_without_a_word(token: Sign, capfd: pytest.CaptureFixture[str]) -> None:
    assert verify(token({"a": 1}, "s"), secrets=("s",)).claims == {"a": 1}
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("name", ["none", "None", "NONE", "nOnE", ""])
def test_an_unsigned_token_is_refused(token: Sign, name: str) -> None:
    assert refused(token({"admin": True}, SECRET, name))


@pytest.mark.parametrize("header", ["RS256", "ES256", "PS256", "EdDSA", "HS1", "hs256", 5, None, [], {}])
def test_a_token_does_not_choose_its_algorithm(token: Sign, header: object) -> None:
    assert refused(token({"admin": True}, SECRET, "HS256", alg=header))


def test_an_algorithm_that_was_not_chosen_is_refused(token: Sign) -> None:
    assert refused(token({}, SECRET, "HS512"), algorithms=("HS256",))
    assert verify(token({}, SECRET, "HS256"), algorithms=("HS256",)).claims == {}


def test_a_public_key_is_never_taken_for_a_secret(token: Sign) -> None:
    assert refused(token({"admin": True}, PUBLIC_KEY), secrets=(PUBLIC_KEY,))


@pytest.mark.parametrize(
    "garbage",
    [
        "x",
        "..",
        "a.b.c",
        "a.b",
        "é.é.é",
        "\ud800.a.b",
        "." * 5000,
        "eyJhbGciOiJIUzI1NiJ9..",
        "null",
        "A" * 60000,
        "eyJhbGciOiJIUzI1NiJ9.e30.",
        " ",
    ],
)
def test_garbage_is_refused(garbage: str) -> None:
    assert refused(garbage)


def test_a_deeply_nested_header_or_payload_is_refused(token: Sign) -> None:
    nested = b'{"a":' * 20000 + b"1" + b"}" * 20000
    head = base64.urlsafe_b64encode(nested).rstrip(b"=").decode()
    assert refused(f"{head}.e30.c2ln")
    assert refused(token(nested))
    assert refused(token(b'{"a":' * 900 + b"1" + b"}" * 900))


def test_a_changed_payload_is_refused(token: Sign) -> None:
    head, _, signature = token({"admin": False}).split(".")
    forged = base64.urlsafe_b64encode(b'{"admin": true}').rstrip(b"=").decode()
    assert refused(f"{head}.{forged}.{signature}")
    assert refused(f"{head}.{forged}.")


@pytest.mark.parametrize("header", [{"crit": ["x"]}, {"b64": False, "crit": ["b64"]}, {"kid": 5}])
def test_headers_that_change_the_meaning_of_a_token_are_refused(token: Sign, header: dict[str, Any]) -> None:
    assert refused(token({}, SECRET, "HS256", **header))


@pytest.mark.parametrize("exp", [NOW, NOW - 1, 0, -1, 0.5, "9999999999", True, None, [], {}])
def test_a_token_expires_to_the_second_and_only_numbers_are_times(token: Sign, exp: object) -> None:
    assert refused(token({"exp": exp}))


@pytest.mark.parametrize("exp", [NOW + 1, NOW + 0.5, 10**18, 1e300])
def test_a_token_lives_until_it_expires(token: Sign, exp: float) -> None:
    assert verify(token({"exp": exp})).claims == {"exp": exp}


@pytest.mark.parametrize("payload", [b'{"exp": Infinity}', b'{"exp": NaN}', b"{", b"", b"\xff"])
def test_a_payload_that_is_not_json_is_refused(token: Sign, payload: bytes) -> None:
    assert refused(token(payload))


def test_a_token_is_not_valid_before_its_time(token: Sign) -> None:
    assert refused(token({"nbf": NOW + 1}))
    assert refused(token({"nbf": "0"}))
    assert verify(token({"nbf": NOW})).claims == {"nbf": NOW}


def test_when_a_token_was_issued_does_not_matter(token: Sign) -> None:
    assert verify(token({"iat": NOW + 3600})).claims == {"iat": NOW + 3600}


def test_a_verified_token_still_expires(token: Sign) -> None:
    now = NOW
    authenticator = Authenticator(AuthSettings(secrets=(SECRET,)), now=lambda: now)
    bearer = token({"exp": NOW + 10})
    assert ask(authenticator, bearer) == ask(authenticator, bearer)
    now = NOW + 10
    with pytest.raises(Unauthenticated):
        ask(authenticator, bearer)


def test_audience_issuer_and_subject_count_only_where_set(token: Sign) -> None:
    claims = {"aud": "us", "iss": "me", "sub": "x"}
    assert verify(token(claims)).claims == claims
    settings: dict[str, Any] = {"audience": ("us", "them"), "issuer": ("me", "you"), "subject": "x"}
    assert verify(token(claims), **settings).claims == claims
    assert verify(token({**claims, "aud": ["a", "them"]}), **settings).claims["aud"] == ("a", "them")
    for wrong in (
        {"aud": "others"},
        {"aud": []},
        {"aud": ["a", {"b": 1}]},
        {"aud": None},
        {"aud": {"us": 1}},
        {"iss": "nobody"},
        {"iss": ["me"]},
        {"iss": {"me": 1}},
        {"sub": "y"},
        {"sub": None},
    ):
        assert refused(token({**claims, **wrong}), **settings)
    for missing in claims:
        assert refused(token({name: claims[name] for name in claims if name != missing}), **settings)


@pytest.mark.parametrize("payload", ["just text", 5, ["a", "list"], True])
def test_a_payload_that_is_no_object_says_nothing(token: Sign, payload: object) -> None:
    assert verify(token(payload)).claims == {}
    assert refused(token(payload), audience=("us",))


@pytest.mark.parametrize(
    "number", [2**63, 2**64 - 1, 2**64, 2**64 + 1, 10**38 + 1, -(2**63) - 1, 10**300 + 1]
)
def test_integers_of_any_size_are_what_was_signed(token: Sign, number: int) -> None:
    principal = verify(token({"tenant": number, "listed": [number]}))
    assert principal.claims == {"tenant": number, "listed": (number,)}
    assert isinstance(principal.claims["tenant"], int)
    others = {RequestContext(verify(token({"tenant": number + more}))).asker.owner for more in (0, 1, 2)}
    assert len(others) == 3


@pytest.mark.parametrize(
    "odd", [2**64, -(2**70), "\ud800", {"a": ["\udfff"]}, {1: 2**64, "1": 0}, float("inf")]
)
def test_whatever_claims_a_plugin_gives_its_principal_owns_its_requests(odd: Any) -> None:
    def owner(claims: dict[str, Any]) -> str:
        return RequestContext(Principal(freeze(claims))).asker.owner

    assert owner({"sub": "ann", "odd": odd}) == owner({"odd": odd, "jti": "x", "sub": "ann"})
    assert owner({"sub": "ann", "odd": odd}) != owner({"sub": "bob", "odd": odd})


def test_the_owner_of_ordinary_claims_is_the_same_in_all_versions() -> None:
    claims = freeze({"sub": "ann", "roles": ["a", "b"], "n": 1, "exp": 5})
    assert RequestContext(Principal(claims)).asker.owner == "a4c846feb74169e1e855fdc6e27b6480"


def test_claims_cannot_be_changed(token: Sign) -> None:
    claims: Any = verify(token({"a": {"b": [1, {"c": 2}]}})).claims
    with pytest.raises(TypeError):
        claims["x"] = 1
    with pytest.raises(TypeError):
        claims["a"]["b"][1]["c"] = 3
    assert claims["a"]["b"][1]["c"] == 2


def test_nobody_asks_without_a_token_unless_none_is_required() -> None:
    with pytest.raises(Unauthenticated, match="Authorization header isn't set"):
        verify(None)
    assert verify(None, required=False) == Principal()


def test_where_no_token_is_required_a_bad_one_is_still_refused(token: Sign) -> None:
    assert refused("garbage", required=False)
    assert refused(token({}), required=False, secrets=())
    assert verify(token({"a": 1}), required=False).claims == {"a": 1}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"secrets": ()}, "No secret is set"),
        ({"secrets": ("",)}, "An API secret is empty"),
        ({"secrets": (SECRET, "")}, "An API secret is empty"),
        ({"secrets": (SECRET,), "algorithms": ("RS256",)}, "cannot be verified with RS256"),
        ({"secrets": (SECRET,), "algorithms": ("none",)}, "cannot be verified with none"),
    ],
)
def test_settings_that_would_let_nobody_or_everybody_in_stop_the_start(
    settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        Authenticator(AuthSettings(**settings))
    assert SECRET not in str(caught.value)


def test_settings_do_not_print_their_secrets() -> None:
    assert SECRET not in repr(AuthSettings(secrets=(SECRET,)))


def test_only_so_many_tokens_are_remembered(token: Sign, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cuboid.http.authentication.REMEMBERED_TOKENS", 3)
    authenticator = Authenticator(AuthSettings(secrets=(SECRET,)), now=lambda: NOW)
    for number in (1, 2, 3, 4, 1, 5):
        assert ask(authenticator, token({"n": number})).claims == {"n": number}
    assert len(authenticator._remembered) == 3


def test_the_hand_made_tokens_are_what_others_make(token: Sign) -> None:
    # The example of RFC 7515, A.1, whose key and text are published.
    key = base64.urlsafe_b64decode(
        "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow=="
    )
    published = (
        "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9."
        "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ."
        "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    )
    claims = verify(published, now=1_300_819_379, secrets=(key,)).claims
    assert json.loads(json.dumps(dict(claims))) == {
        "iss": "joe",
        "exp": 1300819380,
        "http://example.com/is_root": True,
    }
