"""The first look: do the copies agree, when was that last known, and how much is at stake."""

from grafana_foundation_sdk.builders import stat, table, timeseries
from grafana_foundation_sdk.models.dashboard import Dashboard

from dashboards.frame import framed
from dashboards.panels import BAD, GOOD, Face, Meaning, Query, graph, number, rows
from dashboards.queries import metric, standing

FIRING = 'ALERTS{alertname=~"Reconciler.+", alertstate="firing"}'
LAST_SUCCESS = metric("reconciler_scan_last_success_timestamp_seconds", 'mode="full"')


def build_overview() -> Dashboard:
    """Build the dashboard that an on-call person opens first."""
    return framed(
        "overview",
        title="Reconciler / Overview",
        description="Whether the four copies of all balances agree, and how fresh that is.",
        panels=(
            _verdict(),
            _age_of_last_scan(),
            _coverage(),
            _mismatched_users(),
            _value_at_risk(),
            _firing_alerts(),
        ),
    )


def _verdict() -> stat.Panel:
    return number(
        Face(
            title="Verdict",
            description="INTEGRITY_FAILURE while any mismatch is confirmed. Otherwise nothing "
            "wrong is known; look beside it how long ago everything was last looked at.",
            unit="bool",
        ),
        Query(standing("reconciler_integrity_failure"), "verdict"),
        meanings={
            "0": Meaning("No confirmed mismatch", GOOD),
            "1": Meaning("INTEGRITY_FAILURE", BAD),
        },
    )


def _age_of_last_scan() -> stat.Panel:
    return number(
        Face(
            title="Age of the last full scan",
            description="Time since a full scan last looked everywhere, whatever it found, "
            "beside the interval that is set. Beyond twice that ReconcilerScanOverdue is due.",
            unit="s",
        ),
        Query(f"time() - max({LAST_SUCCESS} > 0)", "age"),
        Query(standing("reconciler_scan_interval_seconds", 'mode="full"'), "interval"),
        no_value="Never",
    )


def _coverage() -> stat.Panel:
    return number(
        Face(
            title="Coverage of the last full scan",
            description="How many accounts, users and currencies the last full scan that looked "
            "everywhere has compared. A sudden fall means that balances are gone.",
            unit="locale",
        ),
        Query(standing("reconciler_scan_accounts"), "accounts"),
        Query(standing("reconciler_scan_users"), "users"),
        Query(standing("reconciler_scan_currencies"), "currencies"),
    )


def _mismatched_users() -> timeseries.Panel:
    return graph(
        Face(
            title="Mismatched users",
            description="Users with at least one confirmed finding.",
            unit="locale",
        ),
        Query(standing("reconciler_mismatched_users"), "users"),
    )


def _value_at_risk() -> timeseries.Panel:
    return graph(
        Face(
            title="Value at risk",
            description="The confirmed drift of all currencies in US dollars, at the configured "
            "prices. A gap where that would be too small: a drifted currency has no price, or a "
            "drift cannot be measured.",
            unit="currencyUSD",
        ),
        Query(standing("reconciler_mismatch_value_usd"), "value"),
    )


def _firing_alerts() -> table.Panel:
    return rows(
        Face(
            title="Firing alerts",
            description="The reconciler's alerts that fire now, inhibited and silenced ones too. "
            "ReconcilerWatchdog always fires: if it is missing, the rules are not evaluated.",
            unit="none",
        ),
        Query(f"max by (alertname, severity) ({FIRING})", "{{alertname}}"),
        hidden=("Time", "Value"),
    )
