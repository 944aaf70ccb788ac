"""`/metrics` in Prometheus' text format: this web process's requests and sockets, and the whole installation's runs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from ipaddress import ip_address
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db.models import Count, F, Min, Sum
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric, SummaryMetricFamily
from redis.exceptions import RedisError

from apps.catalog.models import Blob
from apps.experiments.models import ENDED, Run, Status
from apps.home import pulses
from apps.live import hub
from apps.live.asking import ASKED
from apps.live.models import Stream
from apps.live.rooms import HANDED_OUT

registry = CollectorRegistry(auto_describe=False)
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1, 2.5, 5, 10, 30)
REQUESTS = Histogram("edgeportal_request_seconds", "Time to answer a request, by page.", ["route", "method", "status"],
                     buckets=BUCKETS, registry=registry)
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


def measured(respond: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware: how long each page takes, by its name; what a visitor makes up is one name, so that the list stays short."""

    def timed(request: HttpRequest) -> HttpResponse:
        begun = time.perf_counter()
        response = respond(request)
        match = request.resolver_match
        route = (match.view_name or match.route) if match else "none"
        method = request.method if request.method in METHODS else "other"
        REQUESTS.labels(route, method, response.status_code).observe(time.perf_counter() - begun)
        return response

    return timed


@never_cache
@require_safe
@login_not_required
def metrics(request: HttpRequest) -> HttpResponse:
    """For this machine itself, or for who has the token; for anybody else there is nothing here."""
    if not (_has_token(request) or _is_here(request)):
        raise Http404
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


def _has_token(request: HttpRequest) -> bool:
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    return bool(settings.METRICS_TOKEN) and constant_time_compare(given, settings.METRICS_TOKEN)


def _is_here(request: HttpRequest) -> bool:
    """Straight from this machine: what a proxy passes on comes from somebody else."""
    address = request.META.get("REMOTE_ADDR", "")
    return bool(address) and ip_address(address).is_loopback and not getattr(request, "is_forwarded", False)


class Installation:
    """What the database and Redis know, asked when it is scraped."""

    def collect(self) -> Iterator[Metric]:
        yield from self._sockets()
        yield from self._runs()
        events = Stream.objects.aggregate(total=Sum("head"))["total"] or 0
        yield CounterMetricFamily("edgeportal_events", "Rows of all streams.", value=events)
        kept = Blob.objects.aggregate(files=Count("pk"), size=Sum("size_bytes"))
        yield GaugeMetricFamily("edgeportal_files", "Files in the store.", value=kept["files"])
        yield GaugeMetricFamily("edgeportal_files_bytes", "Bytes of the files in the store.", value=kept["size"] or 0)
        yield _labelled("edgeportal_worker_silent_seconds", "Seconds since a worker's last pulse.", ["worker"],
                        [([name], silent) for name, silent in _heard()])

    def _sockets(self) -> Iterator[Metric]:
        sockets, streams = hub.standing()
        yield GaugeMetricFamily("edgeportal_sockets", "Open sockets of this process.", value=sockets)
        yield GaugeMetricFamily("edgeportal_streams_open", "Streams that somebody watches in this process.", value=streams)

    def _runs(self) -> Iterator[Metric]:
        found = Run.objects.values("status", "queue").annotate(n=Count("pk")).order_by()
        yield _labelled("edgeportal_runs", "Runs by state and queue.", ["status", "queue"],
                        [([row["status"], row["queue"]], row["n"]) for row in found])
        since = Run.objects.filter(status=Status.QUEUED).aggregate(first=Min("queued_at"))["first"]
        waited = (timezone.now() - since).total_seconds() if since else 0.0
        yield GaugeMetricFamily("edgeportal_longest_wait_seconds", "What the first queued run has waited.", value=waited)
        yield self._durations()

    def _durations(self) -> Metric:
        took = SummaryMetricFamily("edgeportal_run_seconds", "From a run's start to its end.", labels=["recipe", "status"])
        ended = Run.objects.filter(status__in=ENDED, started_at__isnull=False, finished_at__isnull=False)
        took_each = ended.values("recipe", "status").annotate(n=Count("pk"), all=Sum(F("finished_at") - F("started_at")))
        for row in took_each.order_by():
            took.add_metric([row["recipe"], row["status"]], row["n"], row["all"].total_seconds())
        return took


def _heard() -> list[tuple[str, float]]:
    try:
        return sorted(pulses.heard().items())
    except RedisError:
        return []


def _labelled(name: str, about: str, labels: list[str], rows: list[tuple[list[str], Any]]) -> Metric:
    family = GaugeMetricFamily(name, about, labels=labels)
    for values, number in rows:
        family.add_metric(values, number)
    return family


registry.register(Installation())
registry.register(HANDED_OUT)
registry.register(ASKED)
ProcessCollector(registry=registry)
PlatformCollector(registry=registry)
