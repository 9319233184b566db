"""The write path: what the daemon posts through the sync library, and how MongoDB answers."""

from grafana_foundation_sdk.builders import stat, timeseries
from grafana_foundation_sdk.models.dashboard import Dashboard

from dashboards.frame import framed
from dashboards.panels import BAD, GOOD, Face, Meaning, Query, graph, number
from dashboards.queries import increase_by, metric, quantile, rate_by

POSTINGS = "reconciler_postings_total"
RETRIES = "reconciler_posting_retries_total"
POSTING_SECONDS = "reconciler_posting_duration_seconds"
MONGO_SECONDS = "reconciler_mongo_operation_duration_seconds"


def build_write_path() -> Dashboard:
    """Build the dashboard that shows whether postings and the database are well."""
    return framed(
        "write-path",
        title="Reconciler / Write path",
        description="Postings made through the daemon, and the database under it. "
        "Applications that import the library export their own metrics.",
        panels=(
            _postings(),
            _latency(),
            _latency_by_operation(),
            _not_applied(),
            _mongo_latency(),
            _mongo_up(),
        ),
    )


def _postings() -> timeseries.Panel:
    return graph(
        Face(
            title="Postings",
            description="Postings in a second by what they do, whatever became of them.",
            unit="ops",
        ),
        Query(rate_by("operation", POSTINGS), "{{operation}}"),
        is_stacked=True,
    )


def _latency() -> timeseries.Panel:
    return graph(
        Face(
            title="Posting latency",
            description="How long postings take, conflicts and repeated attempts included. Empty "
            "while nothing is posted.",
            unit="s",
        ),
        Query(quantile("0.5", POSTING_SECONDS), "p50"),
        Query(quantile("0.95", POSTING_SECONDS), "p95"),
        Query(quantile("0.99", POSTING_SECONDS), "p99"),
    )


def _latency_by_operation() -> timeseries.Panel:
    return graph(
        Face(
            title="Posting latency p95 by operation",
            description="What 95 of 100 postings stay below, by what they do.",
            unit="s",
        ),
        Query(quantile("0.95", POSTING_SECONDS, by="operation"), "{{operation}}"),
    )


def _not_applied() -> timeseries.Panel:
    return graph(
        Face(
            title="Postings not applied at once",
            description="Refused and failed: nothing was written. Unknown: the journal must be "
            "asked by the op_id whether it was applied; it has not failed. Repeated: attempts that "
            "met a conflict or a lost connection.",
            unit="locale",
        ),
        Query(increase_by("outcome", POSTINGS, 'outcome!~"applied|replayed"'), "{{outcome}}"),
        Query(f"sum(increase({metric(RETRIES)}[$__rate_interval]))", "repeated"),
    )


def _mongo_latency() -> timeseries.Panel:
    return graph(
        Face(
            title="MongoDB p95",
            description="What 95 of 100 operations of the daemon stay below, by operation and "
            "collection.",
            unit="s",
        ),
        Query(
            quantile("0.95", MONGO_SECONDS, by="operation, collection"),
            "{{operation}} {{collection}}",
        ),
    )


def _mongo_up() -> stat.Panel:
    return number(
        Face(
            title="MongoDB reachable",
            description="Whether each daemon reaches the database. While one does not, what it "
            "says of the balances is what was last known.",
            unit="bool",
        ),
        Query(f"max by (instance) ({metric('reconciler_mongo_up')})", "{{instance}}"),
        meanings={"0": Meaning("Down", BAD), "1": Meaning("Up", GOOD)},
    )
