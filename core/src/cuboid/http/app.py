"""The routes of a server. Paths are matched without case and with an optional slash at the end, as in Express."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import Any

from tornado.httputil import HTTPServerRequest
from tornado.routing import AnyMatches, Matcher, PathMatches, Rule
from tornado.web import Application

from cuboid.http.authentication import Authenticator
from cuboid.http.can_use import CanUseHandler
from cuboid.http.cors import PreflightHandler
from cuboid.http.dry_run import DryRunHandler
from cuboid.http.explain import ExplainHandler
from cuboid.http.fallback import FallbackHandler
from cuboid.http.invalidate import InvalidateHandler
from cuboid.http.jobs import JobsHandler
from cuboid.http.load import LoadHandler
from cuboid.http.meta import MetaHandler
from cuboid.http.metrics import Metrics, MetricsHandler
from cuboid.http.not_here import (
    GraphQLHandler,
    GraphQLToJsonHandler,
)
from cuboid.http.notice import NoticeHandler
from cuboid.http.openapi import OpenApiHandler, openapi
from cuboid.http.plugin_rules import PluginRules
from cuboid.http.probes import Probe, ProbeHandler
from cuboid.http.reference_page import ReferenceHandler, reference_page
from cuboid.http.running_query import RunningQueryHandler
from cuboid.http.settings import AuthSettings, CorsSettings, HttpSettings
from cuboid.http.site import Site
from cuboid.http.sockets.connections import Connections
from cuboid.http.sockets.handler import SocketHandler
from cuboid.http.sql import SqlHandler
from cuboid.http.sql_interface import ConvertQueryHandler, CubeSqlHandler
from cuboid.http.traffic import Traffic
from cuboid.result.envelope import encode
from cuboid.service import Service

__all__ = ["AuthSettings", "CorsSettings", "HttpSettings", "make_app", "make_metrics_app"]

READ = ("GET", "HEAD")
READ_AND_POST = ("GET", "HEAD", "POST")


def make_app(service: Service, settings: HttpSettings, plugins: PluginRules | None = None) -> Application:
    """The application that serves ``service``; ``plugins``: what they say about requests.

    Raises :class:`cuboid.errors.ConfigError` if the settings would let nobody in, or everybody.
    """
    base = f"/{settings.base_path.strip('/')}".rstrip("/")
    api = f"{base}/v1"
    sockets = Connections(settings.sockets)
    site = Site(
        service,
        settings,
        Authenticator(settings.auth, plugins),
        Traffic(),
        Metrics(service.figures, sockets),
        sockets,
    )
    rules = [
        *([Rule(Upgrade(settings.sockets.path), SocketHandler)] if settings.sockets.enabled else []),
        Rule(Method("OPTIONS"), PreflightHandler),
        Rule(Route(f"{api}/load", READ_AND_POST), LoadHandler),
        # Over plain HTTP a subscription is one load: clients repeat it.
        Rule(Route(f"{api}/subscribe", READ_AND_POST), LoadHandler),
        Rule(Route(f"{api}/sql", READ_AND_POST), SqlHandler),
        Rule(Route(f"{api}/cubesql", ("POST",)), CubeSqlHandler),
        Rule(Route(f"{api}/convert-query", ("POST",)), ConvertQueryHandler),
        Rule(Route(f"{base}/graphql", ("GET", "POST")), GraphQLHandler),
        Rule(Route(f"{api}/graphql-to-json", ("POST",)), GraphQLToJsonHandler),
        Rule(Route(f"{api}/pre-aggregations/can-use", ("POST",)), CanUseHandler),
        Rule(Route(f"{api}/dry-run", READ_AND_POST), DryRunHandler),
        Rule(Route(f"{api}/explain", READ_AND_POST), ExplainHandler),
        Rule(Route(f"{api}/running-query/{{requestId}}", ("DELETE",)), RunningQueryHandler),
        Rule(Route(f"{api}/pre-aggregations/jobs", ("POST",)), JobsHandler),
        Rule(Route(f"{api}/invalidate", ("POST",)), InvalidateHandler),
        Rule(Route(f"{api}/meta", READ), MetaHandler),
        Rule(Route("/", READ), NoticeHandler),
        Rule(
            Route("/readyz", READ),
            ProbeHandler,
            {"probe": Probe(service.ready), "mistakes": service.mistakes},
        ),
        Rule(Route("/livez", READ), ProbeHandler, {"probe": Probe(service.live)}),
    ]
    if settings.metrics:
        rules.append(Rule(Route("/metrics", READ), MetricsHandler))
    return Application(
        [*rules, *_described(rules, base), Rule(AnyMatches(), FallbackHandler)],
        site=site,
        log_function=site.record,
        websocket_max_message_size=settings.max_request_size,
        websocket_ping_interval=settings.sockets.heartbeat,
    )


def make_metrics_app(app: Application) -> Application:
    """An application that answers ``/metrics`` of ``app`` and nothing else, for a port of its own."""
    rules = [Rule(Route("/metrics", READ), MetricsHandler), Rule(AnyMatches(), FallbackHandler)]
    return Application(rules, site=app.settings["site"], log_function=lambda handler: None)


def _described(rules: Iterable[Rule], base: str) -> list[Rule]:
    """The routes that describe all routes, themselves among them."""
    own = [Route(f"{base}/openapi.json", READ), Route(f"{base}/docs", READ)]
    routes = [*(rule.matcher for rule in rules if isinstance(rule.matcher, Route)), *own]
    document = openapi(((route.path, route.methods) for route in routes), base)
    return [
        Rule(own[0], OpenApiHandler, {"document": encode(document)}),
        Rule(own[1], ReferenceHandler, {"page": reference_page(document).encode()}),
    ]


class Route(PathMatches):
    """A path with its methods: another method on it is no match, and so a 404. A request that matches gets the path
    as its ``route``, which metrics are counted by.

    :param path: a part ``{name}`` stands for any text without a slash, which the handler gets.
    """

    def __init__(self, path: str, methods: Collection[str]) -> None:
        pattern = re.sub(r"\\\{\w+\\\}", "([^/]+)", re.escape(path))
        super().__init__(re.compile(rf"{pattern}/?\Z", re.IGNORECASE))
        self.path = path
        self.methods = methods

    def match(self, request: HTTPServerRequest) -> dict[str, Any] | None:
        found = super().match(request) if request.method in self.methods else None
        if found is not None:
            request.route = self.path  # type: ignore[attr-defined]
        return found


class Upgrade(Matcher):
    """A request to become a WebSocket, at that path or, without one, at any."""

    def __init__(self, path: str | None) -> None:
        self._path = (
            None if path is None else PathMatches(re.compile(rf"{re.escape(path)}/?\Z", re.IGNORECASE))
        )

    def match(self, request: HTTPServerRequest) -> dict[str, Any] | None:
        if request.method != "GET" or request.headers.get("Upgrade", "").lower() != "websocket":
            return None
        return {} if self._path is None else self._path.match(request)


class Method(Matcher):
    """Any path with this method."""

    def __init__(self, method: str) -> None:
        self._method = method

    def match(self, request: HTTPServerRequest) -> dict[str, Any] | None:
        return {} if request.method == self._method else None
