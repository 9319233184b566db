"""Counts requests and denials of the HTTP API."""

from collections.abc import Iterable
from itertools import product

from prometheus_client import CollectorRegistry, Counter, Histogram

from reconciler.model.access import Denial
from reconciler.surfaces.metrics.labels import OTHER, PREFIX, Bounded

# Method and route template of each call that there can be; any other is counted as `other`.
ENDPOINTS = (
    ("GET", "/api/integrity/bypassing-writes"),
    ("GET", "/api/integrity/check"),
    ("GET", "/api/integrity/checklist"),
    ("GET", "/api/integrity/explain/{user_id}/{currency}"),
    ("GET", "/api/integrity/findings"),
    ("GET", "/api/integrity/scans"),
    ("GET", "/api/repairs/{plan_id}"),
    ("GET", "/healthz/live"),
    ("GET", "/healthz/ready"),
    ("GET", "/metrics"),
    ("POST", "/api/integrity/sync-all"),
    ("POST", "/api/p2p/cancel-trade"),
    ("POST", "/api/p2p/create-trade"),
    ("POST", "/api/p2p/release-crypto"),
    ("POST", "/api/repairs/{plan_id}/approve"),
    ("POST", "/api/test/credit"),
)
STATUSES = (200, 202, 400, 401, 403, 404, 405, 408, 409, 413, 415, 422, 429, 499, 500, 503)
REQUEST_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60)


class HttpMetrics:
    """Observes the HTTP API; routes are templates, so that no path makes a series."""

    def __init__(
        self,
        registry: CollectorRegistry,
        *,
        endpoints: Iterable[tuple[str, str]] = ENDPOINTS,
    ) -> None:
        self._endpoints = {*endpoints, (OTHER, OTHER)}
        self._statuses = Bounded(map(str, STATUSES))
        self._reasons = Bounded(Denial)
        self._requests = Counter(
            f"{PREFIX}_http_requests_total",
            "Requests that were answered, by method, route template and status.",
            ["method", "route", "status"],
            registry=registry,
        )
        self._durations = Histogram(
            f"{PREFIX}_http_request_duration_seconds",
            "How long requests took.",
            ["method", "route"],
            buckets=REQUEST_SECONDS,
            registry=registry,
        )
        self._denied = Counter(
            f"{PREFIX}_http_denied_total",
            "Requests that were denied, by reason.",
            ["reason"],
            registry=registry,
        )
        for endpoint in sorted(self._endpoints):
            self._durations.labels(*endpoint)
        for endpoint, status in product(sorted(self._endpoints), self._statuses.all):
            self._requests.labels(*endpoint, status)
        for reason in self._reasons.all:
            self._denied.labels(reason)

    def request_finished(self, route: str, *, method: str, status: int, seconds: float) -> None:
        """Count an answered request."""
        endpoint = (method, route) if (method, route) in self._endpoints else (OTHER, OTHER)
        self._requests.labels(*endpoint, self._statuses.of(str(status))).inc()
        self._durations.labels(*endpoint).observe(seconds)

    def request_denied(self, reason: str) -> None:
        """Count a request that was not let in."""
        self._denied.labels(self._reasons.of(reason)).inc()
