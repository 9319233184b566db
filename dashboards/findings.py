"""What is wrong: findings by kind and currency, how old they are, how much they drift."""

from grafana_foundation_sdk.builders import stat, timeseries
from grafana_foundation_sdk.models.dashboard import Dashboard

from dashboards.frame import framed
from dashboards.panels import GOOD, Face, Meaning, Query, graph, number
from dashboards.queries import increase_by, metric, standing_by

FINDINGS = "reconciler_findings"
CONFIRMED = 'state="confirmed"'
OLDEST = metric("reconciler_oldest_finding_timestamp_seconds")


def build_findings() -> Dashboard:
    """Build the dashboard that shows what kind of trouble it is."""
    return framed(
        "findings",
        title="Reconciler / Findings",
        description="Which mismatches are open, since when, and how far the copies are apart.",
        panels=(
            _by_kind(),
            _by_currency(),
            _by_state(),
            _oldest(),
            _drift(),
            _detected(),
        ),
    )


def _by_kind() -> timeseries.Panel:
    return graph(
        Face(
            title="Confirmed findings by kind",
            description="Open findings that a second snapshot has confirmed, by what is wrong.",
            unit="locale",
        ),
        Query(standing_by("kind", FINDINGS, CONFIRMED), "{{kind}}"),
        is_stacked=True,
    )


def _by_currency() -> timeseries.Panel:
    return graph(
        Face(
            title="Confirmed findings by currency",
            description="Open confirmed findings by currency; those that are not configured are "
            "counted as other.",
            unit="locale",
        ),
        Query(standing_by("currency", FINDINGS, CONFIRMED), "{{currency}}"),
        is_stacked=True,
    )


def _by_state() -> timeseries.Panel:
    return graph(
        Face(
            title="Open findings by state",
            description="A suspect was seen once; it is confirmed when a later snapshot shows the "
            "same differences, and only then is anybody paged.",
            unit="locale",
        ),
        Query(standing_by("state", FINDINGS), "{{state}}"),
    )


def _oldest() -> stat.Panel:
    return number(
        Face(
            title="Oldest finding",
            description="When the oldest finding that is still confirmed was first seen. After "
            "a day ReconcilerFindingUnresolved is due.",
            unit="dateTimeFromNow",
        ),
        Query(f"1000 * max({OLDEST})", "first seen"),
        meanings={"0": Meaning("None", GOOD)},
    )


def _drift() -> timeseries.Panel:
    return graph(
        Face(
            title="Drift by currency",
            description="The sum of the absolute confirmed drifts, each in its currency's own "
            "unit: amounts of different currencies must not be added up. Configured currencies "
            "alone are shown.",
            unit="none",
        ),
        Query(standing_by("currency", "reconciler_mismatch_amount"), "{{currency}}"),
    )


def _detected() -> timeseries.Panel:
    return graph(
        Face(
            title="New findings by kind",
            description="First sightings within the interval that a point stands for.",
            unit="locale",
        ),
        Query(increase_by("kind", "reconciler_mismatches_detected_total"), "{{kind}}"),
        is_stacked=True,
    )
