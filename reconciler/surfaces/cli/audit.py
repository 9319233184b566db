"""`reconciler audit verify|show|keygen`: prove the audit trail, read it, and make its key."""

import json as json_text
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from reconciler.auditing.proving import Proof
from reconciler.keys import make_keys
from reconciler.model.audit import AuditKind, AuditRecord
from reconciler.surfaces.cli.session import Running, Session
from reconciler.surfaces.escape import escaped
from reconciler.surfaces.exits import Exit
from reconciler.surfaces.json_text import encode_line

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


@dataclass(frozen=True, slots=True)
class RecordFilter:
    """Which records are shown; None: all."""

    kind: AuditKind | None = None
    user: str | None = None
    since: datetime | None = None

    def takes(self, body: Mapping[str, Any]) -> bool:
        """Whether a record with this body is shown; what cannot be read always is."""
        if not body:
            return True
        return (
            (self.kind is None or body.get("kind") == self.kind)
            and (self.user is None or body.get("user") == self.user)
            and (self.since is None or _is_since(body.get("at"), self.since))
        )


def add_audit(app: typer.Typer) -> None:
    """Add the commands about the audit trail."""
    audit = typer.Typer(
        help="Prove the audit trail, read it, or make its signing key.", rich_markup_mode=None
    )
    app.add_typer(audit, name="audit")
    _add_verify(audit)
    _add_show(audit)
    _add_keygen(audit)


def _add_verify(audit: typer.Typer) -> None:
    @audit.command()
    def verify(
        context: typer.Context,
        *,
        checkpoints: Annotated[
            Path | None, typer.Option(help="Signed checkpoints; else audit.checkpoint_path.")
        ] = None,
        public_key: Annotated[
            Path | None, typer.Option(help="Proves them; else the one of audit.signing_key_path.")
        ] = None,
        json: Json = False,
    ) -> int:
        """Prove every record: exit 0 valid, 3 changed, 4 when it could not be read."""
        return _session(context).run(
            lambda running: _run_verify(running, checkpoints, public_key), as_json=json
        )


def _add_show(audit: typer.Typer) -> None:
    @audit.command()
    def show(
        context: typer.Context,
        *,
        kind: Annotated[AuditKind | None, typer.Option(help="Only this kind.")] = None,
        user: Annotated[str | None, typer.Option(help="Only of this user, or `all`.")] = None,
        since: Annotated[
            datetime | None, typer.Option(help="Only since then, in UTC (2026-01-31T12:00:00).")
        ] = None,
        json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")] = False,
    ) -> int:
        """Print records in their order. It proves nothing: that is `audit verify`."""
        moment = None if since is None else since.replace(tzinfo=since.tzinfo or UTC)
        wanted = RecordFilter(kind, user, moment)
        return _session(context).run(lambda running: _run_show(running, wanted), as_json=json)


def _add_keygen(audit: typer.Typer) -> None:
    @audit.command()
    def keygen(
        context: typer.Context,
        *,
        signing_key: Annotated[Path, typer.Option(help="Where the private key is written.")],
        public_key: Annotated[Path, typer.Option(help="Where the public key is written.")],
        json: Json = False,
    ) -> int:
        """Make a key that signs checkpoints, or freezes, and the one that proves them."""
        return _session(context).run(
            lambda running: _run_keygen(running, signing_key, public_key), as_json=json
        )


async def _run_verify(running: Running, checkpoints: Path | None, public_key: Path | None) -> int:
    async with running.backend() as backend:
        proof = await backend.audit.verify(checkpoints, public_key)
    if running.as_json:
        running.terminal.show_json(proof_answer(proof))
    else:
        running.terminal.show(Text(_sentence(proof)))
    return Exit.HEALTHY if proof.is_valid else Exit.NOT_MET


async def _run_show(running: Running, wanted: RecordFilter) -> int:
    async with running.backend() as backend:
        async for record in backend.audit.records():
            body = _body(record)
            if wanted.takes(body):
                shown = encode_line(_line(record, body)) if running.as_json else _text(record, body)
                running.terminal.write(shown)
    return Exit.HEALTHY


async def _run_keygen(running: Running, signing_key: Path, public_key: Path) -> int:
    make_keys(signing_key, public_key)
    if running.as_json:
        running.terminal.show_json({"signing_key": str(signing_key), "public_key": str(public_key)})
    else:
        running.terminal.show(
            Text(f"The private key is in {escaped(str(signing_key))}: keep it from the database's"),
            Text(f"administrator. The public one, for auditors: {escaped(str(public_key))}"),
        )
    return Exit.HEALTHY


def proof_answer(proof: Proof) -> dict[str, object]:
    """Write a proof as `--json` has it."""
    problem = proof.problem
    return {
        "valid": proof.is_valid,
        "records": proof.records,
        "checkpoints": proof.checkpoints,
        "first_bad": None if problem is None else problem.sequence,
        "problem": None if problem is None else problem.problem,
    }


def _sentence(proof: Proof) -> str:
    if proof.problem is not None:
        return f"CHANGED at record {proof.problem.sequence}: {escaped(proof.problem.problem)}"
    if not proof.checkpoints:
        return (
            f"VALID: {proof.records:,} records follow from each other. No checkpoint was held "
            "against them: a cut end or a trail written anew would not show."
        )
    return f"VALID: {proof.records:,} records, held against {proof.checkpoints:,} checkpoints."


def _body(record: AuditRecord) -> Mapping[str, Any]:
    try:
        body = json_text.loads(record.body)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _line(record: AuditRecord, body: Mapping[str, Any]) -> dict[str, object]:
    shown = body or {"unreadable": record.body}
    return {"sequence": record.sequence, **shown, "hash": record.hash}


def _text(record: AuditRecord, body: Mapping[str, Any]) -> str:
    if not body:
        return f"{record.sequence}  (no body that could be read)"
    names = ("at", "kind", "outcome", "user", "actor")
    words = "  ".join(escaped(str(body.get(name))) for name in names)
    return f"{record.sequence}  {words}  {escaped(encode_line(body.get('details') or {}))}"


def _is_since(at: object, since: datetime) -> bool:
    try:
        return datetime.fromisoformat(str(at).replace("Z", "+00:00")) >= since
    except (ValueError, TypeError):
        return True


def _session(context: typer.Context) -> Session:
    session = context.obj
    assert isinstance(session, Session)
    return session
