"""Every hook of Cuboid, on one page.

A plugin is a module (or object) with functions of these names, each marked ``@cuboid.hookimpl``. Installed
plugins are found through the entry-point group ``cuboid``; a project's own ``cuboid_plugin.py`` beside its
``model/`` folder is a plugin too. Arguments are passed by name: take those you need.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pluggy

from cuboid.types import HttpRequest, Principal

if TYPE_CHECKING:
    from cuboid.result.formats import Format
    from cuboid.run.driver import Driver
    from cuboid.run.exchange import Exchange
    from cuboid.run.store import RollupStore
    from cuboid.sql.dialect import Dialect

hookspec = pluggy.HookspecMarker("cuboid")
hookimpl = pluggy.HookimplMarker("cuboid")


@hookspec
def register_dialects(register: Callable[[type[Dialect]], None]) -> None:
    """Offer SQL dialects.

    :param register: takes a :class:`cuboid.Dialect` subclass; its ``name`` must be new.
    """


@hookspec
def register_drivers(register: Callable[[type[Driver]], None]) -> None:
    """Offer database drivers.

    :param register: takes a :class:`cuboid.Driver` subclass; its ``name`` must be new.
    """


@hookspec
def register_stores(register: Callable[[type[RollupStore]], None]) -> None:
    """Offer places where the rows of rollups are kept.

    :param register: takes a :class:`cuboid.RollupStore` subclass; its ``name`` must be new.
    """


@hookspec
def register_exchanges(register: Callable[[type[Exchange]], None]) -> None:
    """Offer ways in which several processes share answers, limits and news.

    :param register: takes a :class:`cuboid.Exchange` subclass; its ``name`` must be new.
    """


@hookspec
def register_formats(register: Callable[[type[Format]], None]) -> None:
    """Offer formats of answers, for clients that name them in ``Accept``.

    :param register: takes a :class:`cuboid.Format` subclass; one that core has already is replaced.
    """


@hookspec
def register_template_variables(
    variable: Callable[[str, Any], None], filter: Callable[[str, Callable[..., Any]], None]
) -> None:
    """Offer values, functions and filters to the Jinja templates of the model.

    :param variable: takes a name and a value or function; functions may be async, and are asked once for the same
        arguments while a model is compiled.
    :param filter: takes a name and a function of the filtered value.
    """


@hookspec
def tenant(principal: Principal) -> str | None:
    """Name the tenant of a request: each tenant has a model of its own.

    :param principal: who asks.

    Return the tenant's name, or None for the model that all others share; the project's own plugin is asked first and
    the first answer counts. The model is compiled for the claims of the first principal who asks: the name must say
    all that the model's templates and ``COMPILE_CONTEXT`` depend on.
    """


@hookspec
def model_files(principal: Principal) -> Sequence[tuple[str, str]] | Path | None:
    """Give the model of a tenant, in place of the project's model folder.

    :param principal: the first of the tenant who asks; without claims for the model that requests of no tenant share.

    Return the files as names and texts, or the path of a folder relative to the project, or None for the project's own
    model folder; the first answer counts. It is asked in a thread, once for each tenant, and again when
    ``model_version`` changes.
    """


@hookspec
def model_version(principal: Principal) -> str | None:
    """Say which version of its model the principal's tenant has now.

    :param principal: who asks.

    Return a text, or None if models do not change while the server runs; the first answer counts. When it differs from
    the one before, the model's files are read anew; a model with new mistakes does not replace the one that serves.
    """


@hookspec
def data_source(name: str, principal: Principal) -> Mapping[str, Any] | None:
    """Give the connection that stands behind a data source of a tenant's model, in place of the configured one.

    :param name: of the data source, as cubes have it; ``default`` for those that say nothing.
    :param principal: the first of the tenant who asks; without claims for the model that requests of no tenant share.

    Return what ``cuboid.yml`` would say of a data source: the ``driver`` and its settings; or None for the one that is
    configured under the name. The first answer counts. It is asked when a tenant's model is compiled, and again when
    ``model_version`` changes. Answers, limits and rollups are kept apart by connection; a connection is closed when no
    tenant that uses it is remembered.
    """


@hookspec
def scheduled_contexts() -> Sequence[Mapping[str, Any]] | None:
    """Name those whose rollups are kept fresh though nobody asks: one of each tenant whose model has rollups.

    Return their security contexts; those of all plugins count. Without any it is the model of requests of no tenant.
    """


@hookspec
def groups(principal: Principal) -> Sequence[str] | None:
    """Name the groups of a principal, to which access policies are addressed.

    :param principal: who asks.

    Return the names, or None; the first answer counts. Without any answer it is the claim ``groups``.
    """


@hookspec
def access_filters(cube: str, principal: Principal) -> Sequence[Mapping[str, Any]] | None:
    """Say which rows of a cube or view exist for a principal, besides what the model's access policies say.

    :param cube: the name of a cube that a query reads, or of a view whose members it names.
    :param principal: who asks.

    Return filters in the JSON form of queries, or None; all filters of all plugins must hold. They are applied to the
    cube's rows before any join. Raise :class:`cuboid.Forbidden` to refuse.
    """


@hookspec
def rewrite_query(query: Mapping[str, Any], principal: Principal) -> Mapping[str, Any] | None:
    """Change a query before it is planned, e.g. add filters from the security context.

    :param query: one query object as the client sent it, already checked for its form.
    :param principal: who asks; ``principal.claims`` is the verified token's payload.

    Return the new query object, or None to leave it; implementations run one after the other, each seeing what
    the one before returned. Raise :class:`cuboid.Forbidden` to refuse.
    """


@hookspec
def authenticate(
    token: str | None, request: HttpRequest
) -> Mapping[str, Any] | Awaitable[Mapping[str, Any] | None] | None:
    """Decide who sends a request, in place of the verification by the settings.

    :param token: what stands in the Authorization header (of a WebSocket: in its first message), or None.
    :param request: method, path and headers.

    Return the security context; the first that a plugin returns counts. Return None to leave it to the next plugin and
    at last to the settings. Raise :class:`cuboid.Unauthenticated` to refuse. May be ``async``; a plain function runs in
    a thread.
    """


@hookspec
def extend_context(
    principal: Principal, request: HttpRequest
) -> Mapping[str, Any] | Awaitable[Mapping[str, Any] | None] | None:
    """Add to what other hooks know of a request: ``principal.context``.

    :param principal: who asks.
    :param request: method, path and headers; whoever sends a request chooses them.

    Return what is added; of two values of one key the later plugin's counts. May be ``async``; a plain function runs in
    a thread.
    """


@hookspec
def api_scopes(
    principal: Principal, scopes: Collection[str]
) -> Collection[str] | Awaitable[Collection[str] | None] | None:
    """Say which parts of the API a principal may use.

    :param principal: who asks.
    :param scopes: those of the setting ``default_api_scopes``, or what the plugin before returned.

    Return the scopes, or None to leave them. May be ``async``; a plain function runs in a thread.
    """
