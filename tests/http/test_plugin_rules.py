"""Plugins that decide who asks, what is known of a request, and what is open: hooks over a real server."""

from __future__ import annotations

import asyncio
import re
import textwrap
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from cuboid.errors import ConfigError
from cuboid.hookspecs import hookimpl
from cuboid.http.plugin_rules import PluginRules
from cuboid.http.settings import AuthSettings
from cuboid.plugins import Plugin, Registry
from cuboid.query.claims import claims_of_model, freeze, model_claims
from cuboid.types import HttpRequest, Principal

SECRET = "a-secret-that-is-long-enough-for-every-hash-function-in-use-here-512"
Serve = Callable[..., Any]

ECHO = """
@cuboid.hookimpl
def rewrite_query(query, principal):
    raise cuboid.Forbidden(repr((dict(principal.claims), dict(principal.context))))
"""


@pytest.fixture
def serve(tmp_path: Path, run: Any, make_service: Any) -> Serve:
    """A server of a project with this plugin."""

    def start(plugin: str, *, echo: bool = False, **settings: Any) -> Any:
        text = "import cuboid\n" + textwrap.dedent(plugin) + (ECHO if echo else "")
        (tmp_path / "cuboid_plugin.py").write_text(text)
        registry = Registry.load(tmp_path)
        registry.require()
        settings.setdefault("auth", AuthSettings(secrets=(SECRET,)))
        service = make_service(rewrite_query=registry.rewrite_query)
        return run(service, plugins=PluginRules.of(registry), **settings)

    return start


def seen(answer: Any) -> Any:
    """Claims and context, as the plugin's rewrite_query told them."""
    assert answer.status == 403
    return eval(answer.body["error"], {"mappingproxy": MappingProxyType})


QUERY = {"measures": ["Users.count"]}


@pytest.mark.parametrize("kind", ["def", "async def"])
def test_hook_authenticate(serve: Serve, token: Callable[..., str], kind: str) -> None:
    client = serve(
        f"""
        import threading
        @cuboid.hookimpl
        {kind} authenticate(token, request):
            if token == "open sesame".split()[-1]:
                on_loop = threading.current_thread().name.startswith("asyncio_")
                return {{"by": "word", "thread": on_loop, "agent": request.headers["x-agent"], "to": request.path}}
            if token == "enemy":
                raise cuboid.Unauthenticated("Not you again")
            if token == "bug":
                return 5
            if token == "crash":
                raise ZeroDivisionError("oh")
        """,
        echo=True,
    )

    def ask(bearer: str | None) -> Any:
        headers = {"X-Agent": "me"} | ({} if bearer is None else {"Authorization": bearer})
        return client.ask("GET", '/cubejs-api/v1/load?query={"measures":["Users.count"]}', **headers)

    claims, _ = seen(ask("Bearer sesame"))
    in_thread = kind == "def"
    assert claims == {"by": "word", "thread": in_thread, "agent": "me", "to": "/cubejs-api/v1/load"}
    assert seen(ask(token({"a": 1})))[0] == {"a": 1}, "None leaves it to the settings"
    assert ask("enemy").body == {"error": "Not you again"}
    assert ask("rubbish").body == {"error": "Invalid token"}
    assert ask(None).body == {"error": "Authorization header isn't set"}
    for broken in ("bug", "crash"):
        assert ask(broken).status == 500


def test_with_a_plugin_that_authenticates_no_secret_is_needed(serve: Serve) -> None:
    with pytest.raises(ConfigError, match="No secret is set"):
        serve("", auth=AuthSettings())
    client = serve(
        "@cuboid.hookimpl\ndef authenticate(token): return {} if token else None", auth=AuthSettings()
    )
    client.token = "anything"
    assert client.get("meta").status == 200
    client.token = None
    assert client.get("meta").body == {"error": "Authorization header isn't set"}


def test_a_plugin_is_asked_in_dev_mode_too(serve: Serve) -> None:
    client = serve(
        "@cuboid.hookimpl\ndef authenticate(token):\n    if not token: raise cuboid.Unauthenticated('who?')",
        auth=AuthSettings(required=False),
        dev=True,
    )
    assert client.get("meta").body == {"error": "who?"}


class Saying:
    """A plugin whose hook says one thing."""

    def __init__(self, said: Any) -> None:
        self.said = said

    @hookimpl
    async def authenticate(self, token: str | None) -> Any:
        return self.said


def test_the_first_plugin_that_returns_a_context_counts() -> None:
    registry = Registry()
    for name, said in (("a", None), ("b", {"who": "b"}), ("c", {"who": "c"})):
        registry.add(Plugin(name), lambda said=said: Saying(said))
    registry.require()
    request = HttpRequest("GET", "/", MappingProxyType({}))
    assert asyncio.run(PluginRules.of(registry).authenticate("t", request)) == {"who": "b"}


def test_what_a_plugin_returns_cannot_be_changed_by_the_next(serve: Serve) -> None:
    client = serve(
        """
        given = {"groups": ["a"]}
        @cuboid.hookimpl
        def authenticate(token): return given
        @cuboid.hookimpl
        def rewrite_query(query, principal):
            try:
                principal.claims["groups"] = ["admin"]
            except TypeError:
                given["groups"].append("admin")
                raise cuboid.Forbidden(str(principal.claims["groups"]))
        """
    )
    assert client.get("load", QUERY).body == {"error": "('a',)"}


def test_hook_extend_context(serve: Serve, token: Callable[..., str]) -> None:
    """What is added is beside the claims, never among them."""
    client = serve(
        """
        @cuboid.hookimpl
        async def extend_context(principal, request):
            return {"org": request.headers.get("x-org"), "is": principal.claims.get("a"), "securityContext": 1}
        """,
        echo=True,
    )
    client.token = token({"a": 1})
    answer = client.ask("GET", '/cubejs-api/v1/load?query={"measures":["Users.count"]}', x_org="north")
    assert seen(answer) == ({"a": 1}, {"org": "north", "is": 1, "securityContext": 1})


def test_hook_api_scopes(serve: Serve, token: Callable[..., str]) -> None:
    client = serve(
        """
        @cuboid.hookimpl
        def api_scopes(principal, scopes):
            who = principal.claims.get("who")
            if who == "guest": return [each for each in scopes if each != "sql"]
            if who == "robot": return ["data"]
            if who == "typo": return ["dta"]
            if who == "text": return "data"
        """
    )

    def statuses(who: str) -> list[int]:
        client.token = token({"who": who})
        return [client.get(route, QUERY).status for route in ("meta", "load", "sql")]

    assert statuses("anybody") == [200, 200, 200]
    assert statuses("guest") == [200, 200, 403]
    assert client.get("sql", QUERY).body == {"error": "API scope is missing: sql"}
    assert statuses("robot") == [403, 200, 403]
    assert statuses("typo") == statuses("text") == [500, 500, 500]


@pytest.mark.parametrize(
    ("scopes", "expected"),
    [(("data",), [403, 200, 403]), (("meta", "sql"), [200, 403, 200]), ((), [403, 403, 403])],
)
def test_the_setting_says_what_is_open_to_all(
    run: Any, make_service: Any, token: Callable[..., str], scopes: tuple[str, ...], expected: list[int]
) -> None:
    client = run(make_service(), auth=AuthSettings(secrets=(SECRET,), scopes=scopes), token=token({}))
    assert [client.get(route, QUERY).status for route in ("meta", "load", "sql")] == expected
    client.token = None
    assert client.get("meta").body == {"error": "Authorization header isn't set"}, "who it is comes first"


# ---------------------------------------------------------------- what models read of claims

CLAIMS = {"a": 1, "u": {"a": 2, "b": 3}, "https://x/ns": {"c": 4}, "exp": 9}


@pytest.mark.parametrize(
    ("claims", "namespace", "read"),
    [
        (CLAIMS, None, {"a": 2, "b": 3, "https://x/ns": {"c": 4}, "exp": 9}),
        (CLAIMS, "https://x/ns", {"c": 4}),
        (CLAIMS, "elsewhere", {}),
        ({"a": 1, "ns": "text"}, "ns", {}),
        ({"a": 1}, None, {"a": 1}),
        ({"a": 1, "u": None}, None, {"a": 1, "u": None}),
        ({"a": 1, "u": "text"}, None, {"a": 1, "u": "text"}),
        ({}, None, {}),
    ],
)
def test_models_read_the_namespace_or_the_claim_u_over_the_others(
    claims: Mapping[str, Any], namespace: str | None, read: Mapping[str, Any]
) -> None:
    frozen = freeze(claims)
    principal = Principal(frozen, claims_of_model(frozen, namespace))
    assert model_claims(principal) == read
    assert principal.claims == claims
    with pytest.raises(TypeError):
        model_claims(principal)["a"] = 5  # type: ignore[index]


def test_hook_register_formats(
    tmp_path: Path, run: Any, make_service: Any, token: Callable[..., str]
) -> None:
    """The example of the documentation, as it is printed there."""
    page = (Path(__file__).parents[2] / "docs" / "how-to" / "write-a-plugin.md").read_text(encoding="utf-8")
    (example,) = [
        each for each in re.findall(r"```python\n(.*?)```", page, re.DOTALL) if "TabSeparated" in each
    ]
    (tmp_path / "cuboid_plugin.py").write_text(example)
    registry = Registry.load(tmp_path)
    registry.require()
    assert {"text/csv", "text/tab-separated-values"} <= set(registry.formats())
    client = run(make_service(formats=registry.formats()), token=token({}))
    path = '/cubejs-api/v1/load?query={"measures":["Users.count"]}'
    answer = client.ask("GET", path, Accept="text/tab-separated-values")
    assert answer.headers["content-type"] == "text/tab-separated-values; charset=utf-8"
    assert answer.raw == b"Users.count\n700\n"
