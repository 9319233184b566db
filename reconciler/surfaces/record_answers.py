"""The answers that list what is kept: findings, scans, and what would put an account right."""

from reconciler.model.bypassing import BypassingWrite
from reconciler.model.finding import Finding
from reconciler.model.mapping import Mappings
from reconciler.model.proposal import Proposal
from reconciler.model.scan_record import ScanRecord
from reconciler.surfaces.answers import Answer, identity_answer, mismatch_answer, timestamp
from reconciler.surfaces.json_text import number


def finding_answer(finding: Finding, mappings: Mappings) -> Answer:
    """Show a finding: the mismatch as it was seen last, and its life."""
    return mismatch_answer(finding.mismatch, mappings) | {
        "finding_id": finding.finding_id,
        "state": finding.state.value,
        "drift": number(finding.drift),
        "first_seen": timestamp(finding.first_seen),
        "last_seen": timestamp(finding.last_seen),
        "confirmed_at": finding.confirmed_at and timestamp(finding.confirmed_at),
        "resolved_at": finding.resolved_at and timestamp(finding.resolved_at),
        "scan_id": finding.scan_id,
    }


def scan_answer(scan: ScanRecord) -> Answer:
    """Show a scan: who made it and why, how it ended, and its counts if it has a report."""
    answer: Answer = {
        "scan_id": scan.scan_id,
        "sequence": scan.sequence,
        "mode": scan.mode.value,
        "user_id": scan.user_id,
        "currency": scan.currency,
        "trigger": scan.trigger.value,
        "holder": scan.holder,
        "token": scan.token,
        "state": scan.state.value,
        "started_at": timestamp(scan.started_at),
        "ended_at": scan.ended_at and timestamp(scan.ended_at),
        "reason": scan.reason,
        "result": None,
    }
    if scan.report is None:
        return answer
    return answer | {
        "result": scan.report.verdict.value,
        "duration_seconds": round(scan.report.duration_seconds, 3),
        "consistency": scan.report.consistency.value,
        "checked_users": scan.report.coverage.users,
        "checked_currencies": scan.report.coverage.currencies,
        "checked_balances": scan.report.coverage.accounts,
        "mismatch_count": scan.report.mismatch_count,
        "mismatched_users": scan.report.mismatched_users,
        "by_kind": {kind.value: count for kind, count in scan.report.by_kind.items()},
        "incomplete": list(scan.report.incomplete),
    }


def bypassing_answer(write: BypassingWrite) -> Answer:
    """Show a write past the library; without an account if that is not known any more."""
    account: Answer = {"user_id": None, "currency": None}
    return {
        "write_id": write.write_id,
        "collection": write.collection,
        "operation": write.operation.value,
        "document_id": write.document_id,
        "time": timestamp(write.time),
        "seen_at": timestamp(write.seen_at),
        **(account if write.account is None else identity_answer(write.account)),
    }


def proposal_answer(proposal: Proposal, mappings: Mappings) -> Answer:
    """Show what is proposed for an account: available amounts before and after, or why none."""
    seen = mismatch_answer(proposal.mismatch, mappings)
    answer = identity_answer(proposal.account) | {
        "kind": proposal.mismatch.kind.value,
        "outcome": "refused" if proposal.after is None else "planned",
        "before": {name: seen[name] for name in mappings.names},
        "after": proposal.after
        and {name: number(proposal.after.available) for name in mappings.names},
    }
    return answer | ({"reason": proposal.refusal} if proposal.refusal is not None else {})
