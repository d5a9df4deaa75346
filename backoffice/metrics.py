"""Metrics for Prometheus, at `/metrics`, for whoever sends METRICS_TOKEN.

Each web server tells of itself: its processes write what they measured into the folder
PROMETHEUS_MULTIPROC_DIR, which gunicorn.conf.py makes, and the one that is asked adds it up.
What it tells of jobs and workers is in the database, and the same on all servers.
"""

import os
import time
from collections.abc import Callable, Iterable

from django.conf import settings
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.crypto import constant_time_compare
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Histogram,
    generate_latest,
)
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from backoffice.admin.methods import METHODS
from backoffice.tables.replica import asked

PATH = "/metrics"
REQUESTS = Histogram(
    "backoffice_request_seconds",
    "Time to the answer; of a file that streams, to its first byte.",
    ["method", "page", "status"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30),
)
REPLICA_READS = Counter(
    "backoffice_replica_reads",
    "Lists and exports of a site with a replica, by what came of asking that.",
    ["outcome"],
)


def count_read(sender: object, outcome: str, **kwargs: object) -> None:
    REPLICA_READS.labels(outcome=str(outcome)).inc()


asked.connect(count_read, dispatch_uid="backoffice.metrics")


def measure(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Middleware: before those that look at host and TLS, which Prometheus has not."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        if request.path == PATH and _knows_token(request):
            return HttpResponse(_all_metrics(), content_type=CONTENT_TYPE_LATEST)
        begun = time.perf_counter()
        response = get_response(request)
        found = request.resolver_match
        REQUESTS.labels(
            method=request.method if request.method in METHODS else "other",
            page=(found and found.view_name) or "none",
            status=response.status_code,
        ).observe(time.perf_counter() - begun)
        return response

    return middleware


def _knows_token(request: HttpRequest) -> bool:
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    return bool(settings.METRICS_TOKEN) and constant_time_compare(given, settings.METRICS_TOKEN)


def _all_metrics() -> bytes:
    registry = CollectorRegistry()
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call] # has no types
    else:
        registry.register(REQUESTS)
        registry.register(REPLICA_READS)
    registry.register(Jobs())
    return generate_latest(registry)


class Jobs(Collector):
    """What waits and runs, and how many workers there are."""

    def collect(self) -> Iterable[Metric]:
        from backoffice.changes.models import Change
        from backoffice.jobs.tasks import WAITING
        from backoffice.jobs.workers import alive

        jobs = GaugeMetricFamily(
            "backoffice_jobs", "Imports, edits, deletions and undos.", labels=["state"]
        )
        workers = GaugeMetricFamily("backoffice_workers", "Seen in the last minute.")
        reached = GaugeMetricFamily("backoffice_database_up", "1 if it answers.")
        try:
            jobs.add_metric(["waiting"], Change.objects.exclude(waiting="").count())
            running = Change.objects.filter(status__in=WAITING.values())
            jobs.add_metric(["running"], running.count())
            workers.add_metric([], alive())
            reached.add_metric([], 1)
        except DatabaseError:
            reached.add_metric([], 0)
        return [jobs, workers, reached]
