"""``cuboid serve``: the REST API."""

from __future__ import annotations

import asyncio
import gc
import shlex
import sys
from collections.abc import Callable, Coroutine
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cuboid.cli.options import project_argument

if TYPE_CHECKING:
    from cuboid.cli.workers import Inheritance
    from cuboid.config.settings import Settings
    from cuboid.http.settings import HttpSettings
    from cuboid.project import Project
    from cuboid.reloading import Change

LOOPBACK = "127.0.0.1"

YOUNG_OBJECTS = 10_000
"""New objects after which the collector looks for circles among them. Python looks after 700, which took 7 % of
the time of a thousand requests that wait together."""


@click.command("serve", short_help="Serve a project over Cube's REST API.")
@project_argument
@click.option("--port", type=int, help="Port to listen on [default: 4000].")
@click.option("--host", help="Address to listen on [default: every one; in dev mode only loopback].")
@click.option("--workers", type=int, help="Server processes that share the port [default: 1].")
@click.option(
    "--dev", is_flag=True, default=None, help="Dev mode: no token needed, hidden members are shown."
)
@click.option("--inherit", hidden=True, help="What a process of several gets from the one that started it.")
def command(
    project: Path,
    port: int | None,
    host: str | None,
    workers: int | None,
    dev: bool | None,
    inherit: str | None,
) -> None:
    """Serve a project over Cube's REST API until SIGTERM or Ctrl-C."""
    from cuboid.project import Project

    flags = {"port": port, "host": host, "workers": workers, "dev_mode": dev}
    opened = Project.open(project, flags=flags)
    if inherit is not None:
        from cuboid.cli.workers import Inheritance

        _serve(opened, Inheritance.read(inherit))
    elif opened.settings.workers > 1:
        _report_model(opened)
        _serve_by_several(opened)
    else:
        _report_model(opened)
        _serve(opened)


def _serve_by_several(project: Project) -> None:
    """Starts several processes and keeps them running; serves nobody itself."""
    from cuboid.cli.workers import Workers
    from cuboid.run.bounded import BoundedQueue

    settings = project.settings
    workers = Workers(
        [sys.executable, *sys.argv],
        _host(settings),
        settings.port,
        settings.workers,
        settings.graceful_shutdown,
    )

    def ready(url: str) -> None:
        _report_ready(project, url)
        limits = ", ".join(
            f"{name} {source.queue.limit}"
            for name, source in project.data_sources.items()
            if isinstance(source.queue, BoundedQueue)
        )
        where = "in each" if project.link is None else "in all that share the exchange"
        click.echo(f"{settings.workers} processes; statements at once {where}: {limits}.")

    status = asyncio.run(workers.run(ready))
    if status:
        raise click.exceptions.Exit(status)


def _host(settings: Settings) -> str:
    """Without tokens whoever reaches the port may ask anything: in dev mode that is this machine alone."""
    return settings.host or (LOOPBACK if settings.dev_mode else "")


def _report_ready(project: Project, url: str) -> None:
    click.echo(f"Cuboid serves {project.folder.name} at {url}{project.settings.base_path}")
    click.echo(_example(project, f"{url}{project.settings.base_path}"))


def _report_model(project: Project) -> None:
    """Mistakes in the model are shown; what they do not touch is served."""
    from cuboid.catalog.frames import render_error
    from cuboid.errors import PluginError

    try:
        errors = project.catalog.errors
    except PluginError as reason:
        if not project.registry.offers("model_files"):
            raise
        # Tenants may well have a model of theirs.
        click.echo(f"There is no model for requests of no tenant: {reason.message}", err=True)
        return
    if not errors:
        return

    for error in errors:
        click.echo(
            click.style("error ", fg="red", bold=True) + render_error(error, project.model_files), err=True
        )
    off = ", ".join(sorted(project.catalog.broken)) or "none"
    click.echo(f"The model has {len(errors)} error(s); not served: {off}.", err=True)


def _serve(project: Project, inherited: Inheritance | None = None) -> None:
    """Serves until told to stop, alone or as one of several processes, of which the first does what one must do."""
    from cuboid.http.app import make_app, make_metrics_app
    from cuboid.http.logs import configure_logs
    from cuboid.http.plugin_rules import PluginRules
    from cuboid.http.server import run, serve

    settings = project.settings
    configure_logs(level=settings.log_level)
    app = make_app(project.service, _http_settings(settings), PluginRules.of(project.registry))
    project.tenants.report = _report_change
    follow = partial(project.tenants.follow, project.configuration.model_folder)
    beside: list[Callable[[], Coroutine[Any, Any, None]]] = [follow] if settings.dev_mode else []
    first = inherited is None or inherited.number == 0
    if settings.refresh_worker and first and project.refresher is not None:
        beside.append(project.refresher.run)
    ready = partial(_report_ready, project) if inherited is None else inherited.tell_ready
    metrics_port = settings.metrics_port
    if inherited is not None and metrics_port:
        metrics_port += inherited.number
    # The collector need not look again and again at what is there before the first request, the model most of all:
    # each look stops all threads, for 0.2 s where there are 1,000 cubes. A model that is read anew ends this.
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS)
    run(
        serve(
            app,
            _host(settings),
            settings.port,
            sockets=None if inherited is None else inherited.listening(),
            grace=settings.graceful_shutdown,
            also=() if metrics_port is None else ((make_metrics_app(app), metrics_port),),
            ready=ready,
            beside=partial(_beside, *beside) if beside else None,
        )
    )


async def _beside(*works: Callable[[], Coroutine[Any, Any, None]]) -> None:
    await asyncio.gather(*(work() for work in works))


def _http_settings(settings: Settings) -> HttpSettings:
    from cuboid.http.settings import (
        AuthSettings,
        CorsSettings,
        HttpSettings,
        KeySetSettings,
        SocketSettings,
    )

    key_set = None
    if settings.jwk_url is not None:
        key_set = KeySetSettings(settings.jwk_url, settings.jwk_default_expire, settings.jwk_refetch_window)
    auth = AuthSettings(
        secrets=tuple(secret.get_secret_value() for secret in settings.token_secrets),
        key_set=key_set,
        algorithms=settings.jwt_algs,
        audience=settings.jwt_audience,
        issuer=settings.jwt_issuer,
        subject=settings.jwt_subject,
        claims_namespace=settings.jwt_claims_namespace,
        scopes=settings.default_api_scopes,
        required=not settings.dev_mode,
    )
    return HttpSettings(
        auth,
        base_path=settings.base_path,
        dev_mode=settings.dev_mode,
        metrics=settings.metrics,
        max_request_size=settings.max_request_size,
        cors=CorsSettings(
            origins=settings.cors_origins,
            methods=settings.cors_methods,
            headers=settings.cors_headers,
            exposed=settings.cors_exposed_headers,
            credentials=settings.cors_credentials,
            max_age=None if settings.cors_max_age is None else int(settings.cors_max_age),
        ),
        sockets=SocketSettings(
            enabled=settings.web_sockets,
            path=settings.web_sockets_path or None,
            interval=settings.web_sockets_interval,
            connections=settings.web_sockets_connections,
        ),
    )


def _report_change(tenant: str | None, change: Change) -> None:
    """What became of a model that was edited, or is new; of tenants' models only what is wrong with them."""
    from cuboid.catalog.frames import render_error
    from cuboid.errors import ModelError

    files = () if change.model is None else change.model.files
    for error in change.errors:
        shown = render_error(error, files) if isinstance(error, ModelError) else str(error)
        click.echo(click.style("error ", fg="red", bold=True) + shown, err=True)
    if tenant is not None:
        if change.errors:
            outcome = (
                "serves without what they touch" if change.outcome == "taken" else "serves as it was before"
            )
            click.echo(f"That is the model of the tenant '{tenant}'; it {outcome}.", err=True)
        return
    if change.outcome == "taken":
        click.echo("The model has changed: the new one serves from now on.", err=True)
        return
    if change.outcome == "refused":
        click.echo(
            f"Not taken, as it would take down {', '.join(change.lost)}: what has mistakes serves as it was before.",
            err=True,
        )
        return
    click.echo("The changed model is not taken; the last good one goes on serving.", err=True)


def _example(project: Project, url: str) -> str:
    """A command line that gets an answer from this model, in whichever folder it is typed."""
    token = ""
    if not project.settings.dev_mode:
        token = f'-H "Authorization: $(cuboid token -p {shlex.quote(str(project.folder))})" '
    loaded = project.model.loaded
    for cube in loaded.catalog.cubes.values() if loaded is not None else ():
        for measure in cube.measures.values():
            if cube.public and measure.public:
                query = f'query={{"measures":["{measure.full_name}"]}}'
                return f"Try: curl -G {token}--data-urlencode '{query}' {url}/v1/load"
    return f"Try: curl {token}{url}/v1/meta"
