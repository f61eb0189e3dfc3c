"""A request, read: from the ``query`` parameter to questions.

decode        text -> JSON              cuboid.query.decode
parse         JSON -> Query             cuboid.query.parse
rewrite       what plugins make of it
normalize     Query -> Question         cuboid.query.normalize
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson

from cuboid.catalog.directives import Directives
from cuboid.catalog.model import Catalog
from cuboid.errors import InvalidQuery
from cuboid.query.access import AccessReader
from cuboid.query.decode import QueryType, decode, query_type
from cuboid.query.forms import Forms
from cuboid.query.identities import Identities
from cuboid.query.model import Query, Question
from cuboid.query.normalize import Limits, normalize
from cuboid.query.parse import check_blending, parse
from cuboid.query.present import Present
from cuboid.run.asker import INTERACTIVE, Asker
from cuboid.types import Principal

OF_ONE_TOKEN = frozenset({"exp", "iat", "nbf", "jti"})
"""Claims about a token rather than its bearer."""

RewriteQuery = Callable[[Mapping[str, Any], Principal], Mapping[str, Any]]
"""Changes a query object on behalf of plugins, or raises :class:`Forbidden`."""


@dataclass(frozen=True, slots=True)
class RequestContext:
    """Who asks, under which id; ``dev`` shows hidden members and request ids.

    :param poll_id: the part of the id that a client keeps while it repeats a request; empty if it gave no id.
    :param tenant: whose principal it is, once the hook ``tenant`` was asked.
    :param priority: how much it presses, beside other requests: not more than they do.
    """

    principal: Principal = field(default_factory=Principal)
    request_id: str = ""
    dev: bool = False
    poll_id: str = ""
    tenant: str = ""
    priority: int = INTERACTIVE

    @property
    def asker(self) -> Asker:
        """Whose request it is, for the queues: the same for all requests of one principal, with whatever token."""
        return Asker(_owner(self.principal), self.poll_id, self.tenant, self.priority)


def poll_id(request_id: str) -> str:
    """What stays of a request's id when its client repeats it: Cube's clients count behind ``-span-``."""
    return request_id.partition("-span-")[0]


def _owner(principal: Principal) -> str:
    """A digest of the claims, but for those that differ from token to token; empty for nobody."""
    lasting = {name: value for name, value in principal.claims.items() if name not in OF_ONE_TOKEN}
    if not lasting:
        return ""
    options = orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS
    try:
        text = orjson.dumps(lasting, default=_plain, option=options)
    except TypeError:  # integers beyond 64 bits, half characters, more levels than orjson writes
        text = repr(_sorted(lasting)).encode("ascii", "backslashreplace")
    return hashlib.blake2b(text, digest_size=16).hexdigest()


def _plain(value: object) -> object:
    return dict(value) if isinstance(value, Mapping) else repr(value)


def _sorted(value: object) -> object:
    """The same for equal claims, in whatever order their keys are."""
    if isinstance(value, Mapping):
        return sorted(((repr(key), _sorted(item)) for key, item in value.items()), key=lambda entry: entry[0])
    return [_sorted(item) for item in value] if isinstance(value, list | tuple) else value


@dataclass(frozen=True, slots=True)
class Request:
    """A request, understood: its type and its questions, in order.

    :param moving: they are counted from the present: at another time they are other questions.
    """

    type: QueryType
    questions: tuple[Question, ...]
    moving: bool = True

    def check_client(self, query_type: str | None) -> None:
        """Refuses several results to a client that has not said (by any ``queryType``) that it takes them."""
        if self.type != "regularQuery" and query_type is None:
            raise InvalidQuery(
                f"'{self.type}' query type is not supported by the client.Please update the client."
            )


@dataclass(frozen=True, slots=True)
class RequestReader:
    """Reads requests over one catalog, by a project's settings.

    :param forms: knows queries of a form again; None where plugins have a say in what a query means.
    """

    catalog: Catalog
    limits: Limits
    default_timezone: str
    rewrite_query: RewriteQuery
    access: AccessReader
    directives: Directives
    forms: Forms | None = None
    identities: Identities = field(default_factory=Identities)

    def read(
        self,
        raw: object,
        context: RequestContext,
        *,
        cache: str | None = None,
        as_sent: bool = False,
        now: datetime | None = None,
    ) -> Request:
        """The questions of a request.

        :param raw: as found: JSON text, an object, an array, or None if it is missing.
        :param cache: the request's cache mode, which wins over the query's.
        :param now: what relative dates are counted from; the present unless given.
        :param as_sent: plugins do not change the queries, which then are fit to be shown and not to be run.

        Raises :class:`UserError`.
        """
        decoded = decode(raw)
        type_ = query_type(decoded)
        objects = decoded if isinstance(decoded, list) else [decoded]
        queries = [self._parse(each, context.principal, cache, as_sent) for each in objects]
        if type_ == "blendingQuery":
            check_blending(queries)
        present = Present.of(now or datetime.now(UTC))
        questions: list[Question] = []
        for query in queries:
            questions += self._questions(query, context, present)
        return Request(type_, tuple(questions), present.asked)

    def _questions(self, query: Query, context: RequestContext, present: Present) -> tuple[Question, ...]:
        principal, dev = context.principal, context.dev

        def read() -> tuple[Question, ...]:
            return normalize(
                query,
                self.catalog,
                now=present,
                limits=self.limits,
                default_timezone=self.default_timezone,
                dev=dev,
                access=lambda query, scope: self.access.read(query, principal, scope),
                directives=self.directives,
            )

        if self.forms is None:
            return read()
        return self.forms.questions(query, (self.identities.of(principal), dev, self.limits), present, read)

    def _parse(self, given: object, principal: Principal, cache: str | None, as_sent: bool) -> Query:
        """One query object, checked, rewritten by the plugins and then checked again."""
        if cache is not None and isinstance(given, dict):
            given = {**given, "cache": cache}
        query = parse(given)
        if as_sent:
            return query
        assert isinstance(given, dict)  # parse has seen to it
        rewritten = self.rewrite_query(given, principal)
        return query if rewritten is given else parse(rewritten)
