"""The rules: first what all daemons on one database say together, then the alerts on it.

A recording rule adds up the daemons that are alive; an alert on a state looks at what was recorded
last. So a daemon that dies in the middle of a failure takes nothing back, another one that is alive
does, and daemons that come and go leave no series behind that an alert would have to know.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from alerts.timing import Timing, duration

JOB = "reconciler"
SURGE_RATIO = "0.001"
OVERDUE_INTERVALS = 2
STALE_INTERVALS = 2
FAILED_SCANS_MAX = 2

Rule = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Places:
    """Where the rules apply, and where whoever is told finds more; set your own addresses."""

    job: str = JOB
    runbooks_url: str = "https://runbooks.example/reconciler"
    dashboards_url: str = "http://127.0.0.1:3000"
    escalation_contact: str = "whoever repair.escalation_contact of the settings names"


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert; `for_seconds` is None for one that fires at once."""

    name: str
    severity: str
    expression: str
    for_seconds: float | None
    summary: str
    description: str
    dashboard: str = "overview"
    status: str | None = None
    names_contact: bool = False

    def rule(self, places: Places) -> Rule:
        """Give it as Prometheus reads it; `job` is a label of each, for inhibition needs it."""
        labels = {"severity": self.severity, "job": places.job}
        if self.status:
            labels["status"] = self.status
        rule: Rule = {"alert": self.name, "expr": self.expression}
        if self.for_seconds is not None:
            rule["for"] = duration(self.for_seconds)
        annotations = {
            "summary": self.summary,
            "description": self.description,
            "runbook_url": f"{places.runbooks_url}/{self.name}.md",
            "dashboard_url": f"{places.dashboards_url}/d/reconciler-{self.dashboard}",
        }
        if self.names_contact:
            annotations["escalation_contact"] = places.escalation_contact
        return {**rule, "labels": labels, "annotations": annotations}


def rule_file(timing: Timing, places: Places) -> Rule:
    """Give the whole file: one group, whose rules are evaluated in their order."""
    rules = [*_recorded(places.job), *(each.rule(places) for each in alerts(timing, places.job))]
    interval = duration(timing.evaluation_seconds)
    return {"groups": [{"name": "reconciler", "interval": interval, "rules": rules}]}


def alerts(timing: Timing, job: str = JOB) -> tuple[Alert, ...]:
    """Give every alert there is."""
    return (
        *_on_balances(timing, job),
        *_on_the_daemon(timing, job),
        *_on_the_watch(timing, job),
        *_on_mongo(timing, job),
        *_on_repairs(timing, job),
        *_on_the_trail(timing, job),
        _on_the_freeze(job),
        Alert(
            "ReconcilerWatchdog",
            "none",
            "vector(1)",
            None,
            "The way from Prometheus to the receivers works.",
            "This alert always fires. Whoever receives it must raise an alarm when it stays away.",
        ),
    )


def as_yaml(content: Rule) -> str:
    """Write it as YAML, the same text each time."""
    text = yaml.safe_dump(content, sort_keys=False, width=1000, allow_unicode=True)
    return f"# Written by `python -m alerts`: change it there.\n{text}"


def _recorded(job: str) -> Iterator[Rule]:
    here = f'{{job="{job}"}}'
    full = f'{{job="{job}",mode="full"}}'
    # What a daemon says that does not reach the database is old: it must not speak against another.
    current = f"and on (job, instance) reconciler_mongo_up{here} == 1"
    oldest = f"reconciler_oldest_finding_timestamp_seconds{here} {current}"
    expressions = {
        "integrity_failure:max": f"max(reconciler_integrity_failure{here} {current})",
        "mismatched_users:ratio": f"max(reconciler_mismatched_users{here} {current})"
        f" / (max(reconciler_scan_users{here} {current}) > 0)",
        "oldest_finding_timestamp_seconds:min": f"min(({oldest}) > 0) or max({oldest})",
        "scan_last_success_timestamp_seconds:max": (
            f"max(reconciler_scan_last_success_timestamp_seconds{full})"
        ),
        "scan_interval_seconds:max": f"max(reconciler_scan_interval_seconds{full})",
        "audit_chain_valid:min": f"min(reconciler_audit_chain_valid{here})",
        "audit_last_checkpoint_timestamp_seconds:max": (
            f"max(reconciler_audit_last_checkpoint_timestamp_seconds{here})"
        ),
        "audit_checkpoint_interval_seconds:max": (
            f"max(reconciler_audit_checkpoint_interval_seconds{here})"
        ),
        "mongo_up:max": f"max(reconciler_mongo_up{here})",
        "repairs_awaiting_approval:max": (
            f"max(reconciler_repairs_awaiting_approval{here} {current})"
        ),
    }
    for name, expression in expressions.items():
        yield {"record": f"reconciler:{name}", "expr": expression, "labels": {"job": job}}


def _last(name: str, job: str, memory_seconds: float) -> str:
    """Give what was recorded last, whoever is alive now."""
    return f'last_over_time(reconciler:{name}{{job="{job}"}}[{duration(memory_seconds)}])'


def _on_balances(timing: Timing, job: str) -> Iterator[Alert]:
    failure = _last("integrity_failure:max", job, timing.memory_seconds)
    ratio = _last("mismatched_users:ratio", job, timing.memory_seconds)
    oldest = _last("oldest_finding_timestamp_seconds:min", job, timing.memory_seconds)
    yield Alert(
        "ReconcilerIntegrityFailure",
        "critical",
        f"{failure} == 1",
        timing.integrity_failure_for_seconds,
        "Balances disagree between the collections.",
        "At least one account's copies disagree, seen in two snapshots. If no daemon is up, this "
        "is what was known last.",
        "findings",
        "INTEGRITY_FAILURE",
        names_contact=True,
    )
    yield Alert(
        "ReconcilerMismatchSurge",
        "critical",
        f"{ratio} > {SURGE_RATIO}",
        timing.mismatch_surge_for_seconds,
        "The balances of many users disagree.",
        "{{ $value | humanizePercentage }} of the users have a confirmed finding: rather a fault "
        "in code or in a deployment than single accidents.",
        "findings",
    )
    yield Alert(
        "ReconcilerFindingUnresolved",
        "warning",
        f"(time() - ({oldest} > 0)) > {timing.finding_age_seconds_max:g}",
        timing.finding_unresolved_for_seconds,
        "A finding has been open for too long.",
        "The oldest confirmed finding was first seen {{ $value | humanizeDuration }} ago.",
        "findings",
    )


def _on_the_daemon(timing: Timing, job: str) -> Iterator[Alert]:
    success = _last("scan_last_success_timestamp_seconds:max", job, timing.memory_seconds)
    interval = _last("scan_interval_seconds:max", job, timing.memory_seconds)
    failed = f'reconciler_scans_total{{job="{job}",mode="full",result=~"incomplete|error"}}'
    window = duration(timing.scans_failing_seconds)
    was_up = f'max(max_over_time(up{{job="{job}"}}[{duration(timing.up_memory_seconds)}])) == 1'
    unrecorded = duration(timing.not_recorded_seconds)
    yield Alert(
        "ReconcilerDown",
        "critical",
        f'absent(up{{job="{job}"}} == 1)',
        timing.down_for_seconds,
        "No reconciler is up: nobody looks at the balances.",
        "Prometheus reaches no daemon of the job. What was known last stays as it was.",
    )
    yield Alert(
        "ReconcilerScanOverdue",
        "critical",
        f"(time() - ({success} > 0)) > {OVERDUE_INTERVALS} * {interval}",
        timing.scan_overdue_for_seconds,
        "It has been too long since a scan looked everywhere.",
        "The last full scan that looked everywhere ended {{ $value | humanizeDuration }} ago: more "
        "than twice the interval of the settings.",
    )
    yield Alert(
        "ReconcilerNeverSucceeded",
        "critical",
        f"{was_up} unless on () ({success} > 0)",
        timing.never_succeeded_for_seconds,
        "No scan has ever looked everywhere.",
        "A daemon is there, and nothing is known of a full scan that looked everywhere.",
    )
    # Counted without `increase`, which extrapolates: one failure soon after a start would be two.
    yield Alert(
        "ReconcilerScansFailing",
        "warning",
        f"sum(changes({failed}[{window}]) - resets({failed}[{window}])) >= {FAILED_SCANS_MAX}",
        None,
        "Full scans end incomplete or in error.",
        "{{ $value | humanize }} full scans failed within " + window + ".",
    )
    yield Alert(
        "ReconcilerScansNotRecorded",
        "warning",
        f'sum(increase(reconciler_scans_not_recorded_total{{job="{job}"}}[{unrecorded}])) > 0',
        None,
        "Scans cannot be written down.",
        "What a scan saw could not be stored: findings, their age and the last success are older "
        "than they should be.",
    )


def _on_the_watch(timing: Timing, job: str) -> Iterator[Alert]:
    bypassing = f'reconciler_bypassing_writes_total{{job="{job}"}}'
    window = duration(timing.bypassing_seconds)
    yield Alert(
        "ReconcilerWatchLagging",
        "warning",
        f'max(reconciler_watch_lag_seconds{{job="{job}"}}) > {timing.watch_lag_seconds_max:g}',
        timing.watch_lagging_for_seconds,
        "Changes of balances are checked late.",
        "The watch is {{ $value | humanizeDuration }} behind: a drift is seen that much later, or "
        "only by the next full scan.",
    )
    yield Alert(
        "ReconcilerBypassingWrite",
        "warning",
        f"sum(increase({bypassing}[{window}])) > 0",
        None,
        "Balances were written past the library.",
        f"Within {window} something wrote to a balance collection without a journal entry, whether "
        "or not the copies agree.",
        "findings",
    )


def _on_mongo(timing: Timing, job: str) -> Iterator[Alert]:
    is_up = _last("mongo_up:max", job, timing.mongo_memory_seconds)
    for severity, seconds in (
        ("warning", timing.mongo_down_for_seconds),
        ("critical", timing.mongo_down_critical_for_seconds),
    ):
        yield Alert(
            "ReconcilerMongoDown",
            severity,
            f"{is_up} == 0",
            seconds,
            "MongoDB does not answer any reconciler.",
            "No daemon that is up gets an answer from MongoDB: no balance can be looked at.",
        )


def _on_repairs(timing: Timing, job: str) -> Iterator[Alert]:
    failed = f'reconciler_repairs_total{{job="{job}",outcome="verify_failed"}}'
    window = duration(timing.repair_verify_failed_seconds)
    told = f'reconciler_repair_last_verify_failure_timestamp_seconds{{job="{job}"}}'
    flapped = f'reconciler_repair_refusals_total{{job="{job}",guard="flapping"}}'
    flapped_window = duration(timing.repair_flapping_seconds)
    awaiting = _last("repairs_awaiting_approval:max", job, timing.memory_seconds)
    yield Alert(
        "ReconcilerRepairVerifyFailed",
        "critical",
        # The second is read from the database: repairs by command have no counter.
        f"sum(increase({failed}[{window}])) > 0"
        f" or time() - max(max_over_time({told}[{window}])) < "
        f"{timing.repair_verify_failed_seconds:g}",
        None,
        "A repair was carried out and balances still disagree.",
        "The check after a repair found a mismatch: repairs are switched off until a person has "
        "looked.",
        "repair-audit",
        names_contact=True,
    )
    yield Alert(
        "ReconcilerRepairFlapping",
        "critical",
        f"sum(increase({flapped}[{flapped_window}])) > 0",
        None,
        "An account that was repaired has drifted again.",
        "A repair was refused by the guard `flapping`: something still writes past the library, "
        "and another repair would hide it.",
        "repair-audit",
        names_contact=True,
    )
    yield Alert(
        "ReconcilerRepairAwaitingApproval",
        "warning",
        f"{awaiting} > 0",
        timing.repair_awaiting_for_seconds,
        "Repairs wait for the approval of a second person.",
        "{{ $value | humanize }} plans wait, and the balances that they would put right are wrong.",
        "repair-audit",
    )


def _on_the_trail(timing: Timing, job: str) -> Iterator[Alert]:
    valid = _last("audit_chain_valid:min", job, timing.memory_seconds)
    signed = _last("audit_last_checkpoint_timestamp_seconds:max", job, timing.memory_seconds)
    interval = _last("audit_checkpoint_interval_seconds:max", job, timing.memory_seconds)
    yield Alert(
        "ReconcilerAuditChainBroken",
        "critical",
        f"{valid} == 0",
        None,
        "The audit trail was changed.",
        "A daemon found a record that does not follow, is missing, or was signed otherwise. "
        "Nothing is repaired while this lasts.",
    )
    yield Alert(
        "ReconcilerAuditCheckpointStale",
        "warning",
        f"time() - {signed} > {STALE_INTERVALS} * {interval}",
        timing.audit_checkpoint_stale_for_seconds,
        "The audit trail has not been signed for too long.",
        "The last checkpoint is {{ $value | humanizeDuration }} old: more than twice the interval "
        "of the settings. Nothing can be repaired while none can be signed.",
    )


def _on_the_freeze(job: str) -> Alert:
    """Look at the daemons that run: one that is gone runs no code."""
    return Alert(
        "ReconcilerFreezeBroken",
        "warning",
        f'min(reconciler_freeze_valid{{job="{job}"}}) == 0',
        None,
        "A daemon runs code that was not approved.",
        "Its code is not what was frozen, or the record of freezes was changed. "
        "It repairs nothing.",
    )
