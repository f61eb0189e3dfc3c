"""The routes of a server. Paths are matched without case and with an optional slash at the end, as in Express."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

from tornado.httputil import HTTPServerRequest
from tornado.routing import AnyMatches, Matcher, PathMatches, Rule
from tornado.web import Application

from cuboid.http.authentication import Authenticator
from cuboid.http.cors import PreflightHandler
from cuboid.http.dry_run import DryRunHandler
from cuboid.http.explain import ExplainHandler
from cuboid.http.fallback import FallbackHandler
from cuboid.http.load import LoadHandler
from cuboid.http.logs import log_request
from cuboid.http.meta import MetaHandler
from cuboid.http.notice import NoticeHandler
from cuboid.http.plugin_rules import PluginRules
from cuboid.http.probes import Probe, ProbeHandler
from cuboid.http.running_query import RunningQueryHandler
from cuboid.http.settings import AuthSettings, CorsSettings, HttpSettings
from cuboid.http.site import Site
from cuboid.http.sql import SqlHandler
from cuboid.http.sql_interface import ConvertQueryHandler, CubeSqlHandler
from cuboid.http.traffic import Traffic
from cuboid.service import Service

__all__ = ["AuthSettings", "CorsSettings", "HttpSettings", "make_app"]

READ = ("GET", "HEAD")
READ_AND_POST = ("GET", "HEAD", "POST")


def make_app(service: Service, settings: HttpSettings, plugins: PluginRules | None = None) -> Application:
    """The application that serves ``service``; ``plugins``: what they say about requests.

    Raises :class:`cuboid.errors.ConfigError` if the settings would let nobody in, or everybody.
    """
    api = f"/{settings.base_path.strip('/')}/v1" if settings.base_path.strip("/") else "/v1"
    site = Site(service, settings, Authenticator(settings.auth, plugins), Traffic())
    rules = [
        Rule(Method("OPTIONS"), PreflightHandler),
        Rule(Route(f"{api}/load", READ_AND_POST), LoadHandler),
        # Over plain HTTP a subscription is one load: clients repeat it.
        Rule(Route(f"{api}/subscribe", READ_AND_POST), LoadHandler),
        Rule(Route(f"{api}/sql", READ_AND_POST), SqlHandler),
        Rule(Route(f"{api}/cubesql", ("POST",)), CubeSqlHandler),
        Rule(Route(f"{api}/convert-query", ("POST",)), ConvertQueryHandler),
        Rule(Route(f"{api}/dry-run", READ_AND_POST), DryRunHandler),
        Rule(Route(f"{api}/explain", READ_AND_POST), ExplainHandler),
        Rule(Route(f"{api}/running-query/", ("DELETE",), "[^/]+"), RunningQueryHandler),
        Rule(Route(f"{api}/meta", READ), MetaHandler),
        Rule(Route("/", READ), NoticeHandler),
        Rule(
            Route("/readyz", READ),
            ProbeHandler,
            {"probe": Probe(service.ready), "mistakes": service.mistakes},
        ),
        Rule(Route("/livez", READ), ProbeHandler, {"probe": Probe(service.live)}),
        Rule(AnyMatches(), FallbackHandler),
    ]
    return Application(rules, site=site, log_function=log_request)


class Route(PathMatches):
    """A path with its methods: another method on it is no match, and so a 404.

    :param argument: a pattern for what follows ``path`` and is handed to the handler.
    """

    def __init__(self, path: str, methods: Collection[str], argument: str | None = None) -> None:
        rest = "" if argument is None else f"({argument})"
        super().__init__(re.compile(rf"{re.escape(path)}{rest}/?\Z", re.IGNORECASE))
        self._methods = methods

    def match(self, request: HTTPServerRequest) -> dict[str, Any] | None:
        return super().match(request) if request.method in self._methods else None


class Method(Matcher):
    """Any path with this method."""

    def __init__(self, method: str) -> None:
        self._method = method

    def match(self, request: HTTPServerRequest) -> dict[str, Any] | None:
        return {} if request.method == self._method else None
