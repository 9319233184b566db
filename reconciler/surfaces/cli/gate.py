"""`reconciler gate`: whether the system may be deployed, asked of a database or of a daemon."""

from collections.abc import Mapping
from dataclasses import replace
from functools import reduce
from ipaddress import ip_address
from typing import Annotated, Any

import typer

from reconciler import __version__
from reconciler.control.gating import COULD_NOT_LOOK, seen
from reconciler.model.gate import (
    CheckFacts,
    Checklist,
    FreezeFacts,
    Outcome,
    Unseen,
    check_facts,
    judged_check,
    judged_deployed_code,
    judged_freeze,
    only_record_lines,
    unseen_records,
)
from reconciler.model.report import ScanMode, Verdict
from reconciler.surfaces.answers import timestamp
from reconciler.surfaces.cli.daemon_client import DaemonAddress, DaemonClient, Heard
from reconciler.surfaces.cli.gate_view import gate_view
from reconciler.surfaces.cli.progress import shown_progress
from reconciler.surfaces.cli.session import Running, Session
from reconciler.surfaces.exits import Exit
from reconciler.surfaces.gate_answers import checklist_answer, checklist_of

CHECK_PATH = "/api/integrity/check"
CHECKLIST_PATH = "/api/integrity/checklist"
EXIT_OF_OUTCOME = {
    Outcome.MET: Exit.HEALTHY,
    Outcome.NOT_MET: Exit.NOT_MET,
    Outcome.UNKNOWN: Exit.INCOMPLETE,
}
_TOKEN_IN_CLEAR = "the token went over the network unencrypted: use https (docs/access.md)"


def add_gate(app: typer.Typer) -> None:
    """Add the command."""

    @app.command()
    def gate(
        context: typer.Context,
        *,
        url: Annotated[
            str | None,
            typer.Option(help="Ask a running daemon; its token is RECONCILER_GATE__TOKEN."),
        ] = None,
        json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
    ) -> int:
        """Go through the checklist of deployments: exit 0 all met, 3 not met, 4 not all known."""
        session: Session = context.obj
        address = None if url is None else _address(url, session)
        return session.run(lambda running: run_gate(running, address), as_json=json)


async def run_gate(running: Running, address: DaemonAddress | None) -> int:
    """Gather, judge, show."""
    freeze = running.wiring.freeze_facts(running.settings)
    if address is None:
        asked = f"database {running.settings.mongo.database}"
        checklist = await _of_database(running)
    else:
        asked = str(address)
        checklist = await _of_daemon(running, address, freeze)
    checklist = judged_freeze(freeze).joined(checklist)
    if running.as_json:
        answer = checklist_answer(checklist)
        running.terminal.show_json(
            answer
            | {
                "asked": asked,
                "timestamp": timestamp(running.wiring.clock()),
                "digest": freeze.digest,
                "version": __version__,
            }
        )
    else:
        running.terminal.show(*gate_view(checklist, asked=asked))
    return EXIT_OF_OUTCOME[checklist.outcome]


def _address(url: str, session: Session) -> DaemonAddress:
    if session.options.mongo_uri is not None or session.options.database is not None:
        raise typer.BadParameter("--url asks a daemon, which has a database: leave the other out")
    try:
        return DaemonAddress.of(url)
    except ValueError as error:
        raise typer.BadParameter(f"--url {error}") from None


async def _of_database(running: Running) -> Checklist:
    with shown_progress(running.terminal, "Checking") as progress:
        try:
            async with running.backend() as backend:
                report = await seen(lambda: backend.check(None, None, progress=progress))
                facts = report if isinstance(report, Unseen) else check_facts(report)
                return judged_check(facts).joined(await backend.checklist())
        except COULD_NOT_LOOK as error:
            unseen = Unseen(str(error) or "time ran out")
            return judged_check(unseen).joined(unseen_records(unseen, "reach it, and ask again"))


async def _of_daemon(running: Running, address: DaemonAddress, freeze: FreezeFacts) -> Checklist:
    """Ask for a fresh check first: it also writes down what is wrong and what no longer is."""
    gate = running.settings.gate
    token = gate.token.get_secret_value()
    client = DaemonClient(address, token=token, seconds_max=gate.answer_seconds_max)
    heard = await seen(lambda: client.get(CHECK_PATH))
    check = heard if isinstance(heard, Unseen) else checked(heard)
    told = await seen(lambda: client.get(CHECKLIST_PATH))
    parts = [
        judged_check(check),
        judged_deployed_code(check, freeze),
        unseen_records(told, "see why, and ask again")
        if isinstance(told, Unseen)
        else recorded(told),
    ]
    if token and not address.is_tls and not _is_this_machine(address.host):
        parts.append(Checklist((), (_TOKEN_IN_CLEAR,)))
    return reduce(Checklist.joined, parts)


def checked(heard: Heard) -> CheckFacts | Unseen:
    """Read the answer of a check; healthy is only what says so in every way."""
    document = heard.document
    status, mode = document.get("status"), document.get("mode")
    checksum = document.get("checksum")
    facts = CheckFacts(
        Verdict.INCOMPLETE,
        accounts=_count(document, "checked_balances"),
        mismatch_count=_count(document, "mismatch_count"),
        reasons=(str(document.get("reason") or document.get("detail")),),
        checksum=checksum if isinstance(checksum, str) else None,
    )
    match heard.status, status, mode:
        case 200, Verdict.HEALTHY, ScanMode.FULL:
            return replace(facts, verdict=Verdict.HEALTHY)
        case 500, Verdict.INTEGRITY_FAILURE, _:
            return replace(facts, verdict=Verdict.INTEGRITY_FAILURE)
        case 503, _, _:
            return facts
        case _:
            return Unseen(f"the daemon answers {heard.status} to the check, and no verdict")


def recorded(heard: Heard) -> Checklist:
    """Read a daemon's checklist; what is not in it is unknown."""
    try:
        told = checklist_of(heard.document)
    except ValueError:
        why = str(heard.document.get("detail") or "no checklist")
        unseen = Unseen(f"the daemon answers {heard.status}: {why}")
        return unseen_records(unseen, "see why, and ask again")
    return Checklist(only_record_lines(told.requirements), told.notes)


def _count(document: Mapping[str, Any], key: str) -> int:
    value = document.get(key)
    return value if type(value) is int else 0


def _is_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
