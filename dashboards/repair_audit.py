"""Repair and audit: what became of repairs, what said no, what waits, and the audit trail."""

from grafana_foundation_sdk.builders import stat, timeseries
from grafana_foundation_sdk.models.dashboard import Dashboard

from dashboards.frame import framed
from dashboards.panels import BAD, GOOD, Face, Meaning, Query, graph, number
from dashboards.queries import increase_by, metric, standing


def build_repair_audit() -> Dashboard:
    """Build the dashboard that shows repairs and the audit trail."""
    return framed(
        "repair-audit",
        title="Reconciler / Repair and audit",
        description="Repairs asked of the daemon, and the audit trail on which all of them are, "
        "those by command too.",
        panels=(
            _outcomes(),
            _guards(),
            _awaiting(),
            _enabled(),
            _chain(),
            _checkpoint(),
            _records(),
            _written(),
        ),
    )


def _outcomes() -> timeseries.Panel:
    return graph(
        Face(
            title="Repairs by outcome",
            description="What became of plans. Stale: an account had changed and was left alone. "
            "Failed: it can be resumed. Verify failed: balances still disagree; repairs are off.",
            unit="locale",
        ),
        Query(increase_by("outcome", "reconciler_repairs_total"), "{{outcome}}"),
        is_stacked=True,
    )


def _guards() -> timeseries.Panel:
    return graph(
        Face(
            title="Refusals by guard",
            description="Which guard said no. The answer and the log say why and what to do.",
            unit="locale",
        ),
        Query(increase_by("guard", "reconciler_repair_refusals_total"), "{{guard}}"),
        is_stacked=True,
    )


def _awaiting() -> timeseries.Panel:
    return graph(
        Face(
            title="Awaiting approval",
            description="Plans that wait for a second person. The balances in them are wrong.",
            unit="locale",
        ),
        Query(standing("reconciler_repairs_awaiting_approval"), "plans"),
    )


def _enabled() -> stat.Panel:
    return number(
        Face(
            title="Repairs",
            description="Whether repairs are switched on. Off is how it should be outside an "
            "emergency.",
            unit="bool",
        ),
        Query(f"max by (instance) ({metric('reconciler_repair_enabled')})", "{{instance}}"),
        meanings={"0": Meaning("Off", GOOD), "1": Meaning("On", "orange")},
    )


def _chain() -> stat.Panel:
    return number(
        Face(
            title="Audit chain",
            description="Whether the audit trail was whole when a daemon last proved it. Broken "
            "means that somebody changed records.",
            unit="bool",
        ),
        Query(f"min({metric('reconciler_audit_chain_valid')})", "chain"),
        meanings={"0": Meaning("Broken", BAD), "1": Meaning("Whole", GOOD)},
    )


def _checkpoint() -> timeseries.Panel:
    signed = metric("reconciler_audit_last_checkpoint_timestamp_seconds")
    return graph(
        Face(
            title="Age of the last checkpoint",
            description="How long ago the audit trail was last signed outside the database, and "
            "how often it should be. Nothing is repaired while it cannot be signed.",
            unit="s",
        ),
        Query(f"time() - max({signed} > 0)", "age"),
        Query(standing("reconciler_audit_checkpoint_interval_seconds"), "interval"),
    )


def _records() -> timeseries.Panel:
    return graph(
        Face(
            title="Length of the audit trail",
            description="Records on the audit trail, whoever wrote them. It never becomes shorter.",
            unit="locale",
        ),
        Query(standing("reconciler_audit_size"), "records"),
    )


def _written() -> timeseries.Panel:
    failures = increase_by("kind", "reconciler_audit_append_failures_total")
    return graph(
        Face(
            title="Audit records by kind",
            description="What the daemons wrote on the audit trail, and what they could not write. "
            "Records by commands are in its length alone.",
            unit="locale",
        ),
        Query(increase_by("kind", "reconciler_audit_records_total"), "{{kind}}"),
        Query(failures, "{{kind}} not written"),
        is_stacked=True,
    )
