"""A message's question to its answer: a status and a JSON body, as the same question has over HTTP."""

from __future__ import annotations

from dataclasses import dataclass, replace

import orjson

from cuboid.errors import Unauthenticated
from cuboid.http.errors import describe
from cuboid.http.load import read_options
from cuboid.http.logs import log
from cuboid.http.priority import read_priority
from cuboid.http.site import Site
from cuboid.http.sockets.messages import Ask
from cuboid.request import RequestContext, poll_id
from cuboid.types import HttpRequest, Pending

NOT_AUTHORIZED = "Not authorized"

SCOPES = {"load": "data", "subscribe": "data", "dry-run": "data", "sql": "sql", "meta": "meta"}


@dataclass(frozen=True, slots=True)
class Answer:
    """A status and a JSON body."""

    status: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Bearer:
    """Whoever holds a token, connected by a handshake; the token is verified anew for every question."""

    token: str | None
    handshake: HttpRequest


async def answer(site: Site, bearer: Bearer | None, ask: Ask, request_id: str) -> Answer:
    """The answer, however long it takes; failures are answers too.

    :param bearer: None before a connection is authorized.
    :param request_id: the client's, or one made up for the message.
    """
    try:
        if bearer is None:
            raise Unauthenticated(NOT_AUTHORIZED)
        principal = await site.authenticator.principal(bearer.token, bearer.handshake)
        await site.authenticator.check_scope(principal, SCOPES[ask.method])
        context = RequestContext(
            principal, request_id, dev=site.settings.dev_mode, poll_id=poll_id(request_id)
        )
        return Answer(200, await _body(site, ask, context))
    except Exception as error:  # where an error is written
        return failure(site, error, request_id)


def failure(site: Site, error: Exception, request_id: str) -> Answer:
    """What the client is told of an error; what is our fault is logged."""
    described = describe(error, dev=site.settings.dev_mode, request_id=request_id)
    if described.status == 500:
        log.error("failed", request_id=request_id, exc_info=error)
    return Answer(described.status, orjson.dumps(described.body, default=str))


async def _body(site: Site, ask: Ask, context: RequestContext) -> bytes:
    service, given = site.service, ask.parameters
    match ask.method:
        case "sql":
            return await service.sql(given.get("query"), context)
        case "dry-run":
            return await service.dry_run(given.get("query"), context)
        case "meta":
            return await service.meta(context, only_views=given.get("onlyViews") in (True, "true"))
    context, asked = replace(context, priority=read_priority(given, {})), read_options(given)
    while True:
        body = await service.load(given.get("query"), context, **asked)
        # Cube's transport would repeat the message a minute later only: here the server does, at once.
        if not isinstance(body, Pending):
            return body
