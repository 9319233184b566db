"""What the commands about the freeze do once they run."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.text import Text

from reconciler.control.approving import approve, moment
from reconciler.control.frozen import EVIDENCE_FOLDER, Place, installed_place, running_code
from reconciler.control.proposing import Draft, Wish, draft, propose
from reconciler.control.record import Freeze, Signer
from reconciler.control.required_plan import run_plan
from reconciler.control.verifying import FreezeReport, verify
from reconciler.keys import read_public_key, read_signing_key
from reconciler.surfaces.cli.acting import operating_system_user
from reconciler.surfaces.cli.session import Running
from reconciler.surfaces.escape import escaped
from reconciler.surfaces.exits import Exit


@dataclass(frozen=True, slots=True)
class Proposing:
    """What `freeze propose` was asked for."""

    reason: str
    changes: str
    by: str | None
    uri: str | None
    new_signers: Sequence[tuple[str, Path]]
    gone_signers: tuple[str, ...]
    self_approval: bool | None

    def wish(self) -> Wish:
        """Read the keys, and name who asks.

        Raises:
            UnusableKey: a file holds none.
        """
        signers = [Signer(name, read_public_key(path).hex) for name, path in self.new_signers]
        return Wish(
            reason=self.reason,
            changes=self.changes,
            proposed_by=operating_system_user() if self.by is None else self.by,
            new_signers=tuple(signers),
            gone_signers=self.gone_signers,
            self_approval=self.self_approval,
        )


async def run_status(running: Running) -> int:
    """Say what is frozen."""
    report = _report(running)
    if running.as_json:
        running.terminal.show_json(report_answer(report))
    else:
        running.terminal.show(*map(Text, _status_lines(report)))
    return _exit_of(report)


async def run_verify(running: Running) -> int:
    """Say what changed."""
    report = _report(running)
    if running.as_json:
        running.terminal.show_json(report_answer(report))
    else:
        running.terminal.show(*map(Text, _verify_lines(report)))
    return _exit_of(report)


async def run_propose(running: Running, wanted: Proposing) -> int:
    """Run the test plan, and write proposal and evidence."""
    place, wish = installed_place(), wanted.wish()
    began = running.wiring.clock()
    drafted = draft(place, running_code(), wish, at=began, trusted_keys=_trusted(running))
    running.terminal.say("Running the test plan: ten transactions, then scripts/e2e.sh")
    async with running.wiring.open_trial(running.settings, running.logs, wanted.uri) as trial:
        evidence = await run_plan(
            trial,
            digest=drafted.freeze.digest,
            now_ms=lambda: round(time.monotonic() * 1000),
            tell=running.terminal.say,
        )
    evidence |= {"began_at": moment(began), "ended_at": moment(running.wiring.clock())}
    freeze = propose(place, drafted, evidence)
    if running.as_json:
        running.terminal.show_json(_proposal_answer(freeze, drafted))
    else:
        running.terminal.show(*map(Text, _proposal_lines(freeze, drafted, running)))
    return Exit.HEALTHY


async def run_approve(running: Running, key_path: Path) -> int:
    """Sign what was proposed."""
    place = installed_place()
    key = read_signing_key(key_path)
    freeze = approve(place, key, at=running.wiring.clock(), trusted_keys=_trusted(running))
    if running.as_json:
        running.terminal.show_json(_freeze_answer(freeze))
    else:
        running.terminal.show(
            Text(f"Freeze {freeze.number} is approved by {freeze.approved_by}: {freeze.digest}"),
            Text(f"Proposed by {freeze.proposed_by}: {freeze.reason}"),
            Text(f"Commit {_shown(place, 'freeze.toml')} and {_shown(place, EVIDENCE_FOLDER)}/."),
        )
    return Exit.HEALTHY


def report_answer(report: FreezeReport) -> dict[str, object]:
    """Write a report as `--json` has it."""
    last = report.record.last
    return {
        "valid": report.is_valid,
        "digest": report.current.digest if report.current else None,
        "frozen_digest": last.digest if last else None,
        "differences": [{"unit": each.unit, "change": each.change} for each in report.differences],
        "problems": report.problems,
        "what_to_do": report.what_to_do,
        "units": len(report.current.units) if report.current else None,
        "signers": _signers_answer(last) if last else [],
        "self_approval": last.self_approval if last else None,
        "freezes": [_freeze_answer(each) for each in report.record.freezes],
    }


def _report(running: Running) -> FreezeReport:
    return verify(installed_place(), trusted_keys=_trusted(running))


def _trusted(running: Running) -> tuple[str, ...]:
    return running.settings.freeze.trusted_keys


def _exit_of(report: FreezeReport) -> int:
    return Exit.HEALTHY if report.is_valid else Exit.NOT_MET


def _status_lines(report: FreezeReport) -> list[str]:
    last = report.record.last
    if last is None:
        return _verify_lines(report)
    pieces, files = len(report.record.units), len({u.split(": ")[0] for u in report.record.units})
    signers = [f"    {each.public_key}  {each.name}" for each in last.signers]
    approves = "may approve what they propose" if last.self_approval else "need another signer"
    return [
        f"Freeze {last.number}: {pieces} pieces of {files} files",
        f"    digest       {last.digest}",
        f"    approved by  {last.approved_by}, {last.approved_at}",
        f"    proposed by  {last.proposed_by}, {last.proposed_at}",
        f"    reason       {escaped(last.reason)}",
        f"    changes      {escaped(last.changes)}",
        f"Who may sign the next one; proposers {approves}:",
        *signers,
        *_verify_lines(report),
    ]


def _verify_lines(report: FreezeReport) -> list[str]:
    if report.is_valid:
        assert report.current is not None, "what cannot be read is not valid"
        return [f"VALID: the code is what was frozen: {report.current.digest}"]
    lines = [f"    {escaped(problem)}" for problem in report.problems]
    return [
        f"BROKEN: what is not as it was frozen ({len(lines)}):",
        *lines,
        report.what_to_do or "",
    ]


def _proposal_lines(freeze: Freeze, drafted: Draft, running: Running) -> list[str]:
    # Of a first freeze everything is new, which is no news.
    differences = drafted.differences if freeze.number > 1 else ()
    return [
        f"Freeze {freeze.number} is proposed by {freeze.proposed_by}: {freeze.digest}",
        *(f"    {escaped(str(each))}" for each in differences),
        f"All of the test plan passed: {EVIDENCE_FOLDER}/{freeze.evidence_path}",
        f"A signer approves it: {running.invocation.command('freeze', 'approve', '--key', 'FILE')}",
    ]


def _proposal_answer(freeze: Freeze, drafted: Draft) -> dict[str, object]:
    answer = _freeze_answer(freeze)
    return {
        **{key: answer[key] for key in answer if not key.startswith("approved")},
        "differences": [{"unit": each.unit, "change": each.change} for each in drafted.differences],
        "proposal_path": f"{EVIDENCE_FOLDER}/{freeze.proposal_path}",
        "evidence_path": f"{EVIDENCE_FOLDER}/{freeze.evidence_path}",
    }


def _freeze_answer(freeze: Freeze) -> dict[str, object]:
    names = (
        "number", "digest", "reason", "changes", "proposed_by", "proposed_at", "approved_by",
        "approved_at", "proposal", "evidence", "self_approval",
    )  # fmt: skip
    return {**{name: getattr(freeze, name) for name in names}, "signers": _signers_answer(freeze)}


def _signers_answer(freeze: Freeze) -> list[dict[str, str]]:
    return [{"name": each.name, "public_key": each.public_key} for each in freeze.signers]


def _shown(place: Place, name: str) -> str:
    return escaped(str(place.documents / name))
