"""``/metrics`` for Prometheus: counts of this process, never a claim, a member or a query.

Labels are route templates, statuses, methods and data sources: what a client sends makes no new label.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from cuboid.figures import Figures
from cuboid.http.handler import Handler
from cuboid.http.sockets.connections import Connections
from cuboid.run.cache import CacheFigures
from cuboid.run.link import LinkFigures
from cuboid.run.rollups.builds import Counts

if TYPE_CHECKING:
    from tornado.web import RequestHandler

OTHER = "other"
"""The route of all paths that have none, and the method of all that are not in :data:`METHODS`."""

METHODS = ("GET", "HEAD", "POST", "DELETE", "OPTIONS")

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)
"""Upper ends of the histogram's buckets: from a cached answer to the longest "Continue wait"."""


class Metrics:
    """Counts what a server does.

    :param figures: the service's own counts, asked for at each scrape.
    :param sockets: the WebSockets, counted likewise.
    """

    def __init__(self, figures: Callable[[], Figures], sockets: Connections) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)
        self._registry.register(FiguresCollector(figures))
        for name, text, count in (
            ("cuboid_web_sockets", "WebSockets that are open.", lambda: sockets.open),
            ("cuboid_subscriptions", "Subscriptions over WebSockets.", lambda: sockets.subscriptions),
        ):
            Gauge(name, text, registry=self._registry).set_function(count)
        self._requests = Counter(
            "cuboid_http_requests",
            "Requests that are over, by route, method and status.",
            ("route", "method", "status"),
            registry=self._registry,
        )
        self._known: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}
        self._seconds = Histogram(
            "cuboid_http_request_duration_seconds",
            "How long requests took, from their first byte to the last of their answer.",
            ("route",),
            buckets=SECONDS,
            registry=self._registry,
        )

    def record(self, handler: RequestHandler) -> None:
        """A request is over."""
        route = getattr(handler.request, "route", OTHER)
        method = handler.request.method if handler.request.method in METHODS else OTHER
        name = (route, method, handler.get_status())
        known = self._known.get(name)
        if known is None:
            known = self._requests.labels(route, method, str(name[2])), self._seconds.labels(route)
            self._known[name] = known
        known[0].inc()
        known[1].observe(handler.request.request_time())

    def page(self, accept: str) -> tuple[bytes, str]:
        """What Prometheus reads, and its content type, by the request's ``Accept``."""
        encode, content_type = choose_encoder(accept)
        return encode(self._registry), content_type


@dataclass(frozen=True, slots=True)
class FiguresCollector(Collector):
    """The service's counts as metrics."""

    figures: Callable[[], Figures]

    def collect(self) -> Iterable[Metric]:
        """All of them, as they are now."""
        now = self.figures()
        yield _gauge(
            "cuboid_planner_shapes", "Shapes of queries whose statements are kept.", {(): now.shapes}, ()
        )
        yield _gauge(
            "cuboid_query_forms", "Forms of queries that are known but for their values.", {(): now.forms}, ()
        )
        yield _gauge("cuboid_model_errors", "Mistakes in the model that is in force.", {(): now.mistakes}, ())
        yield _gauge(
            "cuboid_statements",
            "Statements in a data source's queue, by state.",
            {
                (name, state): getattr(queue, state)
                for name, queue in now.queues.items()
                for state in ("running", "queued", "abandoned")
            },
            ("data_source", "state"),
        )
        yield _gauge(
            "cuboid_kept_results",
            "Results that wait for a client that was told to ask again.",
            {(name,): queue.kept for name, queue in now.queues.items()},
            ("data_source",),
        )
        yield from _cache(now.cache)
        rows = CounterMetricFamily("cuboid_rows", "Rows that data sources returned.", labels=("data_source",))
        for name, count in now.rows.items():
            rows.add_metric((name,), count)
        yield rows
        if now.builds is not None:
            yield from _builds(now.builds)
        if now.link is not None:
            yield from _link(now.link)


def _builds(counts: Counts) -> Iterable[Metric]:
    yield _gauge("cuboid_rollup_builds_running", "Parts of rollups being built.", {(): counts.running}, ())
    builds = CounterMetricFamily("cuboid_rollup_builds", "Builds that are over.", labels=("outcome",))
    builds.add_metric(("built",), counts.built)
    builds.add_metric(("failed",), counts.failed)
    yield builds
    yield CounterMetricFamily("cuboid_rollup_rows", "Rows that builds have stored.", value=counts.rows)
    yield CounterMetricFamily(
        "cuboid_rollup_build_seconds", "Seconds that builds took.", value=counts.seconds
    )


def _link(link: LinkFigures) -> Iterable[Metric]:
    for name, text, value in (
        ("up", "Whether the exchange can be reached; 0: this process is alone.", int(link.up)),
        ("processes", "Processes that share the exchange.", link.processes),
    ):
        yield _gauge(f"cuboid_exchange_{name}", text, {(): value}, ())
    yield CounterMetricFamily(
        "cuboid_exchange_losses", "Times that the exchange could no longer be reached.", value=link.losses
    )
    yield CounterMetricFamily(
        "cuboid_exchange_answers", "Answers that were found in the exchange.", value=link.answers
    )


def _cache(cache: CacheFigures) -> Iterable[Metric]:
    answers = CounterMetricFamily(
        "cuboid_cache_answers",
        "Answers by where they came from: the cache (hit), the cache though out of date (stale), a data source (miss).",
        labels=("outcome",),
    )
    for outcome, count in (("hit", cache.hits), ("stale", cache.stale), ("miss", cache.misses)):
        answers.add_metric((outcome,), count)
    yield answers
    evictions = CounterMetricFamily("cuboid_cache_evictions", "Kept answers that made room for others.")
    evictions.add_metric((), cache.evictions)
    yield evictions
    yield _gauge("cuboid_cache_entries", "Answers that are kept.", {(): cache.entries}, ())
    yield _gauge(
        "cuboid_cache_bytes",
        "What kept answers take, and may take.",
        {("used",): cache.bytes, ("limit",): cache.limit},
        ("bytes",),
    )


def _gauge(
    name: str, text: str, values: Mapping[tuple[str, ...], float], labels: tuple[str, ...]
) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, text, labels=labels)
    for each, value in values.items():
        family.add_metric(each, value)
    return family


class MetricsHandler(Handler):
    """``GET /metrics``; no token, since it tells counts and the names of data sources."""

    def get(self) -> None:
        body, content_type = self.site.metrics.page(self.request.headers.get("Accept", ""))
        self.set_header("Content-Type", content_type)
        self.finish(body)

    head = get
