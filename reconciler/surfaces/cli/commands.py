"""What each command does once it is running: ask the backend, show the answer, give the exit code.

`explain` ends with 3 when the copies disagree, and `db` when an index is missing or cannot be made:
what was asked for is not met.
"""

import asyncio

from reconciler.model.proposal import propose
from reconciler.model.report import Verdict
from reconciler.surfaces.account_answers import explanation_answer, role_answer, schema_answer
from reconciler.surfaces.answers import Answer, check_answer
from reconciler.surfaces.cli.check_view import check_view, nothing_found
from reconciler.surfaces.cli.explain_view import explain_view
from reconciler.surfaces.cli.harden_view import harden_view
from reconciler.surfaces.cli.progress import shown_progress
from reconciler.surfaces.cli.reconcile_view import notes, reconcile_view
from reconciler.surfaces.cli.repair_commands import (
    Applying,
    carry_out,
    exit_of,
    repair_answer,
)
from reconciler.surfaces.cli.schema_view import schema_view
from reconciler.surfaces.cli.session import Running
from reconciler.surfaces.exits import EXIT_OF_VERDICT, Exit
from reconciler.surfaces.guard_answers import hardening_answer
from reconciler.surfaces.json_text import encode, encode_text
from reconciler.surfaces.ports import Backend, Reconciliation
from reconciler.surfaces.record_answers import proposal_answer

# explain and db read little: who waits longer has a server that does not answer.
SHORT_COMMAND_SECONDS_MAX = 60.0


async def run_check(running: Running, *, user_id: str | None, currency: str | None) -> int:
    """Compare the copies of all accounts, or of those asked for."""
    mappings = running.settings.mappings()
    with shown_progress(running.terminal, "Checking") as progress:
        async with running.backend() as backend:
            report = await backend.check(user_id, currency, progress=progress)
    if running.as_json:
        answer = check_answer(report, mappings=mappings, checksum=running.checksum())
        if not report.coverage.accounts and (user_id is not None or currency is not None):
            answer["note"] = nothing_found(user_id, currency)
        running.terminal.show_json(answer)
    else:
        view = check_view(
            report,
            mappings=mappings,
            invocation=running.invocation,
            user_id=user_id,
            currency=currency,
            columns=running.terminal.columns,
        )
        running.terminal.show(*view)
    return EXIT_OF_VERDICT[report.verdict]


async def run_reconcile(running: Running, applying: Applying | None = None) -> int:
    """Compare all accounts as the daemon does, and say what would put right what is wrong.

    With `applying` the repair of what is wrong is planned, shown, consented to and carried out; a
    plan that was made before is carried out instead of a new one. Then all is compared again.
    """
    if applying is not None:
        return await _run_repairing(running, applying)
    mappings = running.settings.mappings()
    with shown_progress(running.terminal, "Reconciling") as progress:
        async with running.backend() as backend:
            done = await backend.reconcile(progress=progress)
    proposals = [propose(mismatch, mappings) for mismatch in done.report.mismatches]
    if running.as_json:
        answer = check_answer(done.report, mappings=mappings, checksum=running.checksum())
        answer["recorded"] = done.unrecorded is None
        answer["plan"] = [proposal_answer(each, mappings) for each in proposals]
        answer["notes"] = notes(done)
        running.terminal.show_json(answer)
    else:
        view = reconcile_view(
            done,
            proposals,
            mappings=mappings,
            invocation=running.invocation,
            columns=running.terminal.columns,
        )
        running.terminal.show(*view)
    return EXIT_OF_VERDICT[done.report.verdict]


async def _run_repairing(running: Running, applying: Applying) -> int:
    checksum, mappings = running.checksum(), running.settings.mappings()
    repaired: Answer | None = None
    exit_code: int = Exit.HEALTHY
    async with running.backend() as backend:
        done = await _reconciled(running, backend)
        if done.report.verdict is Verdict.INTEGRITY_FAILURE:
            plan = await applying.make(backend.repairs)
            result = await carry_out(
                running, backend.repairs, plan, consent=applying.consent, reason=applying.reason
            )
            repaired, exit_code = repair_answer(running, plan, result), exit_of(plan, result)
            if result is not None:
                done = await _reconciled(running, backend)
    if running.as_json:
        answer = check_answer(done.report, mappings=mappings, checksum=checksum)
        running.terminal.show_json(
            answer | {"recorded": done.unrecorded is None, "repair": repaired, "notes": notes(done)}
        )
    return exit_code or EXIT_OF_VERDICT[done.report.verdict]


async def _reconciled(running: Running, backend: Backend) -> Reconciliation:
    """Scan and record; people are shown what was found."""
    with shown_progress(running.terminal, "Reconciling") as progress:
        done = await backend.reconcile(progress=progress)
    if not running.as_json:
        view = reconcile_view(
            done,
            [],
            mappings=running.settings.mappings(),
            invocation=running.invocation,
            columns=running.terminal.columns,
        )
        running.terminal.show(*view)
    return done


async def run_explain(running: Running, *, user_id: str, currency: str) -> int:
    """Show one account's copies side by side, and its last postings."""
    mappings = running.settings.mappings()
    async with asyncio.timeout(SHORT_COMMAND_SECONDS_MAX), running.backend() as backend:
        explanation = await backend.explain(user_id, currency)
    if running.as_json:
        running.terminal.show_json(explanation_answer(explanation, mappings))
    else:
        running.terminal.show(
            *explain_view(explanation, mappings=mappings, invocation=running.invocation)
        )
    if not explanation.is_known:
        return Exit.USAGE
    return Exit.NOT_MET if explanation.mismatch else Exit.HEALTHY


async def run_roles(running: Running, *, applies: bool) -> int:
    """Print the roles with which the audit trail cannot be changed; make them, if asked to."""
    async with asyncio.timeout(SHORT_COMMAND_SECONDS_MAX), running.backend() as backend:
        roles = backend.roles()
        if applies:
            await backend.apply_roles()
    database = running.settings.mongo.database
    answer = [role_answer(role, database=database) for role in roles]
    if running.as_json:
        running.terminal.show_json({"applied": applies, "roles": answer})
        return Exit.HEALTHY
    for role, given in zip(roles, answer, strict=True):
        if applies:
            running.terminal.write(f"{role.name}: made, for {role.purpose}")
        else:
            running.terminal.write(f"// {role.name}: for {role.purpose}")
            target = f"db.getSiblingDB({encode_text(database)})"
            running.terminal.write(f"{target}.createRole({encode(given)})")
    return Exit.HEALTHY


async def run_db(running: Running, *, makes: bool) -> int:
    """Say what the database has of what is needed; make what is missing, if asked to."""
    # Building an index on a large collection takes as long as it takes; its own limit is an hour.
    limit_seconds = None if makes else SHORT_COMMAND_SECONDS_MAX
    async with asyncio.timeout(limit_seconds), running.backend() as backend:
        report = await (backend.init_schema() if makes else backend.schema_status())
    if running.as_json:
        running.terminal.show_json(schema_answer(report))
    else:
        running.terminal.show(*schema_view(report, invocation=running.invocation))
    return Exit.HEALTHY if report.is_ready and not report.is_tampered else Exit.NOT_MET


async def run_harden(running: Running, *, applies: bool, replaces: bool) -> int:
    """Say how the database would guard its balances by itself; have it do so, if asked to."""
    async with running.backend() as backend:
        report = await backend.harden(applies=applies, replaces=replaces)
    if running.as_json:
        running.terminal.show_json(hardening_answer(report))
    else:
        view = harden_view(report, invocation=running.invocation, replaces=replaces)
        running.terminal.show(*view)
    return Exit.HEALTHY if report.is_whole else Exit.NOT_MET
