"""The commands of the guarded repair: what can be typed."""

from typing import Annotated

import typer

from reconciler.model.repair import TruthPolicy
from reconciler.surfaces.cli.acting import operating_system_user
from reconciler.surfaces.cli.repair_commands import (
    Applying,
    Consent,
    MakePlan,
    Request,
    run_apply,
    run_approve,
    run_plan,
    run_show,
    run_switch,
)
from reconciler.surfaces.cli.session import Session

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Plan = Annotated[str, typer.Argument(help="The plan's id.", show_default=False)]
Reason = Annotated[str, typer.Option(help="Why, for the record.", show_default=False)]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask; takes --digest as well.")]
Digest = Annotated[str | None, typer.Option(help="The digest of exactly this plan.")]
Policy = Annotated[TruthPolicy, typer.Option(help="What says which balance is right.")]
Override = Annotated[
    str | None, typer.Option(help="Why the policy is right where the journal says otherwise.")
]


def add_repair(app: typer.Typer) -> None:
    """Add the commands."""
    repair = typer.Typer(
        help="Put drifted accounts right: planned, shown, approved, recorded. You act as the "
        "operating system's user.",
        rich_markup_mode=None,
    )
    app.add_typer(repair, name="repair")
    _add_plan(repair)
    _add_show(repair)
    _add_approve(repair)
    _add_apply(repair)
    _add_revert(repair)
    _add_switch(repair, "enable", is_on=True)
    _add_switch(repair, "disable", is_on=False)


def _add_plan(repair: typer.Typer) -> None:
    @repair.command()
    def plan(
        context: typer.Context,
        *,
        reason: Reason,
        user: Annotated[str | None, typer.Option(help="This user's accounts.")] = None,
        currency: Annotated[str | None, typer.Option(help="Of the user, only this.")] = None,
        all_users: Annotated[bool, typer.Option("--all", help="All accounts.")] = False,
        revert: Annotated[str | None, typer.Option(help="Take back this plan.")] = None,
        policy: Policy = TruthPolicy.WALLETS,
        override_reason: Override = None,
        json: Json = False,
    ) -> int:
        """Plan a repair of what is confirmed and show it; nothing is changed.

        Exit 5: no machine can decide it.
        """
        if sum([user is not None, all_users, revert is not None]) != 1:
            raise typer.BadParameter("give one of --user USER, --all and --revert PLAN")
        if currency is not None and user is None:
            raise typer.BadParameter("--currency goes with --user")
        _refuse_blank(reason, "--reason")
        make = (
            Request(user, currency, policy, reason, override_reason).plan
            if revert is None
            else _revert(revert, reason)
        )
        return _session(context).run(lambda running: run_plan(running, make), as_json=json)


def _add_show(repair: typer.Typer) -> None:
    @repair.command()
    def show(context: typer.Context, *, plan: Plan, json: Json = False) -> int:
        """Show a plan as it is now."""
        return _session(context).run(lambda running: run_show(running, plan), as_json=json)


def _add_approve(repair: typer.Typer) -> None:
    @repair.command()
    def approve(
        context: typer.Context,
        *,
        plan: Plan,
        digest: Annotated[str, typer.Option(help="The digest of exactly this plan.")],
        json: Json = False,
    ) -> int:
        """Approve a plan that somebody else made. Exit 5: it is your own, used or expired."""
        return _session(context).run(
            lambda running: run_approve(running, plan, digest), as_json=json
        )


def _add_apply(repair: typer.Typer) -> None:
    @repair.command()
    def apply(
        context: typer.Context,
        *,
        plan: Plan,
        digest: Digest = None,
        yes: Yes = False,
        reason: Annotated[str | None, typer.Option(help="Why; without it the plan's.")] = None,
        json: Json = False,
    ) -> int:
        """Carry a plan out, or go on where it was stopped; then look at the accounts again.

        Exit 5: a guard said no, it waits for approval, an account was stale, or it did not help.
        """
        if reason is not None:
            _refuse_blank(reason, "--reason")
        return _session(context).run(
            lambda running: run_apply(
                running,
                lambda repairs: repairs.show(plan),
                consent=Consent(digest, yes),
                reason=reason,
            ),
            as_json=json,
        )


def _add_revert(repair: typer.Typer) -> None:
    @repair.command()
    def revert(context: typer.Context, *, plan: Plan, reason: Reason, json: Json = False) -> int:
        """Plan what takes an applied plan back, show it, and apply it if you say so."""
        _refuse_blank(reason, "--reason")
        return _session(context).run(
            lambda running: run_apply(
                running, _revert(plan, reason), consent=Consent(None, False), reason=reason
            ),
            as_json=json,
        )


def _add_switch(repair: typer.Typer, name: str, *, is_on: bool) -> None:
    word = "on" if is_on else "off"

    @repair.command(name, help=f"Switch repairs {word} on every daemon at once; that is audited.")
    def switch(context: typer.Context, *, reason: Reason, json: Json = False) -> int:
        _refuse_blank(reason, "--reason")
        return _session(context).run(
            lambda running: run_switch(running, is_on=is_on, reason=reason), as_json=json
        )


def asked_to_apply(
    *, apply: bool, reason: str | None, plan: str | None, consent: Consent
) -> Applying | None:
    """Give what `reconcile --apply` asks for; None without it.

    Raises:
        BadParameter: what was given does not go together.
    """
    if not apply:
        if plan is not None or reason is not None or consent != Consent(None, False):
            raise typer.BadParameter("--plan, --digest, --yes and --reason go with --apply")
        return None
    if reason is None:
        raise typer.BadParameter("--apply takes --reason TEXT")
    _refuse_blank(reason, "--reason")
    if plan is not None:
        return Applying(lambda repairs: repairs.show(plan), consent, reason)
    return Applying(Request(None, None, TruthPolicy.WALLETS, reason, None).plan, consent, reason)


def _revert(plan_id: str, reason: str) -> MakePlan:
    return lambda repairs: repairs.plan_revert(
        plan_id, reason=reason, actor=operating_system_user()
    )


def _refuse_blank(text: str, name: str) -> None:
    if not text.strip():
        raise typer.BadParameter(f"{name} must say why")


def _session(context: typer.Context) -> Session:
    session = context.obj
    assert isinstance(session, Session)
    return session
