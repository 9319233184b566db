"""`reconciler freeze status|verify|propose|approve`: what can be typed."""

from pathlib import Path
from typing import Annotated

import typer

from reconciler.surfaces.cli.freeze_commands import (
    Proposing,
    run_approve,
    run_propose,
    run_status,
    run_verify,
)
from reconciler.surfaces.cli.session import Session

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


def add_freeze(app: typer.Typer) -> None:
    """Add the commands about the freeze."""
    freeze = typer.Typer(
        help="Hold the sync library to what was approved, or have a change approved.",
        rich_markup_mode=None,
    )
    app.add_typer(freeze, name="freeze")
    _add_looking(freeze)
    _add_propose(freeze)
    _add_approve(freeze)


def _add_looking(freeze: typer.Typer) -> None:
    @freeze.command()
    def status(context: typer.Context, *, json: Json = False) -> int:
        """Say what is frozen, its digest, who signed it, since when. Exit 3 when it is broken."""
        return _session(context).run(run_status, as_json=json)

    @freeze.command()
    def verify(context: typer.Context, *, json: Json = False) -> int:
        """Hold the code against its freeze, and the record against its signatures: exit 0 or 3."""
        return _session(context).run(run_verify, as_json=json)


def _add_propose(freeze: typer.Typer) -> None:
    @freeze.command()
    def propose(
        context: typer.Context,
        *,
        reason: Annotated[str, typer.Option(help="Why the frozen code changes, on one line.")],
        changes: Annotated[str, typer.Option(help="What changes, on one line.")],
        by: Annotated[
            str | None, typer.Option(help="Who proposes; else the system's user.")
        ] = None,
        uri: Annotated[
            str | None, typer.Option(help="Replica set for the test plan; else an embedded one.")
        ] = None,
        add_signer: Annotated[
            list[str] | None, typer.Option(help="NAME=FILE of a public key; can be repeated.")
        ] = None,
        remove_signer: Annotated[
            list[str] | None, typer.Option(help="NAME who signs no more; can be repeated.")
        ] = None,
        self_approval: Annotated[
            bool | None,
            typer.Option(
                "--self-approval/--no-self-approval",
                help="Whether a signer may approve what they propose; else as it was.",
            ),
        ] = None,
        json: Json = False,
    ) -> int:
        """Run the test plan and, if all of it passes, write proposal and evidence to be signed."""
        wanted = Proposing(
            reason=reason,
            changes=changes,
            by=by,
            uri=uri,
            new_signers=tuple(map(_signer, add_signer or ())),
            gone_signers=tuple(remove_signer or ()),
            self_approval=self_approval,
        )
        return _session(context).run(lambda running: run_propose(running, wanted), as_json=json)


def _add_approve(freeze: typer.Typer) -> None:
    @freeze.command()
    def approve(
        context: typer.Context,
        *,
        key: Annotated[Path, typer.Option(help="The signer's private key (Ed25519, PEM).")],
        json: Json = False,
    ) -> int:
        """Sign the proposal and its evidence: from then on the code is frozen as it is now."""
        return _session(context).run(lambda running: run_approve(running, key), as_json=json)


def _signer(text: str) -> tuple[str, Path]:
    name, equals, path = text.partition("=")
    if not (name and equals and path):
        raise typer.BadParameter("--add-signer takes NAME=FILE, FILE being a public key in PEM")
    return name, Path(path)


def _session(context: typer.Context) -> Session:
    session = context.obj
    assert isinstance(session, Session)
    return session
