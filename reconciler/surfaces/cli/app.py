"""The command line: what can be typed. What it does is in `commands`."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer
from typer.exceptions import TyperException

from reconciler import __version__
from reconciler.settings import LogLevel
from reconciler.surfaces.cli.audit import add_audit
from reconciler.surfaces.cli.commands import (
    run_check,
    run_db,
    run_explain,
    run_harden,
    run_reconcile,
    run_roles,
)
from reconciler.surfaces.cli.daemon import run_daemon
from reconciler.surfaces.cli.demo import run_demo
from reconciler.surfaces.cli.failures import Failure
from reconciler.surfaces.cli.freeze import add_freeze
from reconciler.surfaces.cli.gate import add_gate
from reconciler.surfaces.cli.lint import add_lint
from reconciler.surfaces.cli.repair import Digest, Yes, add_repair, asked_to_apply
from reconciler.surfaces.cli.repair_commands import Consent
from reconciler.surfaces.cli.session import GlobalOptions, Session, Wiring, standard_terminal
from reconciler.surfaces.cli.tokens import add_token
from reconciler.surfaces.exits import Exit

NAME = "reconciler"
LIMIT_MAX = 1_000_000
_GLOBAL_OPTIONS = ("--config", "--mongo-uri", "--database", "--log-level")

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


def run(argv: Sequence[str], *, wiring: Wiring, environment: Mapping[str, str]) -> int:
    """Run the command line and give the exit code."""
    session = Session(wiring, standard_terminal(environment), environment)
    command = typer.main.get_command(build_app())
    try:
        result = command.main(
            args=_global_options_first(argv), prog_name=NAME, standalone_mode=False, obj=session
        )
    except TyperException as error:
        context = getattr(error, "ctx", None)
        path = NAME if context is None else context.command_path
        message = f"{error.format_message()}\nTry {path} --help."
        failure = Failure("usage", message, Exit.USAGE)
        session.end_with(failure, as_json=_wants_json(argv))
        return Exit.USAGE
    return int(result or 0)


def build_app() -> typer.Typer:
    """Make the commands."""
    app = typer.Typer(
        name=NAME,
        help="Prove that the four balance collections agree, or name every account where not.",
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    _add_global_options(app)
    _add_check(app)
    _add_run(app)
    _add_reconcile(app)
    _add_explain(app)
    _add_db(app)
    _add_demo(app)
    add_repair(app)
    add_token(app)
    add_audit(app)
    add_gate(app)
    add_freeze(app)
    add_lint(app)
    return app


def _add_global_options(app: typer.Typer) -> None:
    @app.callback(invoke_without_command=True)
    def reconciler(
        context: typer.Context,
        *,
        config: Annotated[
            Path | None, typer.Option(help="Settings file (TOML); also RECONCILER_CONFIG.")
        ] = None,
        mongo_uri: Annotated[
            str | None,
            typer.Option(help="Connection string; better in RECONCILER_MONGO__URI, unseen by ps."),
        ] = None,
        database: Annotated[str | None, typer.Option(help="Database of the balances.")] = None,
        log_level: Annotated[
            LogLevel | None, typer.Option(help="Least level to log to standard error.")
        ] = None,
        version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
    ) -> int:
        session = _session(context)
        session.options = GlobalOptions(config, mongo_uri, database, log_level)
        if version:
            session.terminal.show(f"{NAME} {__version__}")
            raise typer.Exit(Exit.HEALTHY)
        if context.invoked_subcommand is None:
            session.terminal.say(context.get_help())
            raise typer.Exit(Exit.USAGE)
        return 0


def _add_check(app: typer.Typer) -> None:
    @app.command()
    def check(
        context: typer.Context,
        *,
        user: Annotated[str | None, typer.Option(help="Only this user's accounts.")] = None,
        currency: Annotated[str | None, typer.Option(help="Only accounts in it.")] = None,
        json: Json = False,
        limit: Annotated[
            int | None,
            typer.Option(min=1, max=LIMIT_MAX, help="Most mismatches to list; all are counted."),
        ] = None,
    ) -> int:
        """Compare the copies of every account: exit 0 healthy, 3 mismatch, 4 incomplete."""
        user = None if user is None else _text(user, "--user")
        currency = None if currency is None else _text(currency, "--currency")
        return _session(context).run(
            lambda running: run_check(running, user_id=user, currency=currency),
            as_json=json,
            is_check=True,
            overrides={"--limit": ("scan.mismatches_max", limit)},
        )


def _add_run(app: typer.Typer) -> None:
    @app.command()
    def run(context: typer.Context) -> int:
        """Run the daemon in the foreground: scan on a schedule, serve HTTP and metrics."""
        session = _session(context)
        return session.run(lambda running: run_daemon(running, reload=session.reloaded))


def _add_reconcile(app: typer.Typer) -> None:
    @app.command()
    def reconcile(
        context: typer.Context,
        *,
        json: Json = False,
        apply: Annotated[
            bool, typer.Option("--apply", help="Put right what is wrong; takes --reason.")
        ] = False,
        reason: Annotated[str | None, typer.Option(help="Why, for the record.")] = None,
        plan: Annotated[
            str | None, typer.Option(help="Apply this plan instead of a new one.")
        ] = None,
        digest: Digest = None,
        yes: Yes = False,
        limit: Annotated[
            int | None,
            typer.Option(min=1, max=LIMIT_MAX, help="Most mismatches to list; all are counted."),
        ] = None,
    ) -> int:
        """Check all accounts as the daemon does, record it, and show what would repair them.

        With --apply the plan is shown and carried out: asked at a terminal, else by --yes.
        """
        applying = asked_to_apply(
            apply=apply, reason=reason, plan=plan, consent=Consent(digest, yes)
        )
        return _session(context).run(
            lambda running: run_reconcile(running, applying),
            as_json=json,
            is_check=True,
            overrides={"--limit": ("scan.mismatches_max", limit)},
        )


def _add_explain(app: typer.Typer) -> None:
    @app.command()
    def explain(
        context: typer.Context,
        *,
        user: Annotated[str, typer.Argument(help="The user's id.", show_default=False)],
        currency: Annotated[str, typer.Argument(help="The currency.", show_default=False)],
        json: Json = False,
    ) -> int:
        """Show one account's copies side by side, what differs, and its last postings."""
        user, currency = _text(user, "USER"), _text(currency, "CURRENCY")
        return _session(context).run(
            lambda running: run_explain(running, user_id=user, currency=currency), as_json=json
        )


def _add_db(app: typer.Typer) -> None:
    db = typer.Typer(
        help="Make the indexes that postings need, have the database guard itself, or look.",
        rich_markup_mode=None,
    )
    app.add_typer(db, name="db")

    @db.command()
    def init(
        context: typer.Context,
        *,
        roles: Annotated[
            bool, typer.Option("--roles", help="Print MongoDB roles instead of making indexes.")
        ] = False,
        apply: Annotated[
            bool, typer.Option("--apply", help="With --roles: make them, as an administrator.")
        ] = False,
        json: Json = False,
    ) -> int:
        """Make what is missing; safe to repeat. Exit 3 when duplicates keep an index from being."""
        if apply and not roles:
            raise typer.BadParameter("--apply goes with --roles")
        if roles:
            return _session(context).run(
                lambda running: run_roles(running, applies=apply), as_json=json
            )
        return _session(context).run(lambda running: run_db(running, makes=True), as_json=json)

    @db.command()
    def status(context: typer.Context, *, json: Json = False) -> int:
        """Say what is there. Exit 3 when something is missing, or a validator was tampered with."""
        return _session(context).run(lambda running: run_db(running, makes=False), as_json=json)

    @db.command()
    def harden(
        context: typer.Context,
        *,
        apply: Annotated[
            bool, typer.Option("--apply", help="Do it, as an administrator of the database.")
        ] = False,
        replace: Annotated[
            bool,
            typer.Option(
                "--replace", help="Replace validators that are not ours, or were changed."
            ),
        ] = False,
        json: Json = False,
    ) -> int:
        """Show which validators and roles would guard the database; --apply sets them.

        Exit 3: something is left alone, and the output says why.
        """
        return _session(context).run(
            lambda running: run_harden(running, applies=apply, replaces=replace), as_json=json
        )


def _add_demo(app: typer.Typer) -> None:
    @app.command()
    def demo(
        context: typer.Context,
        *,
        once: Annotated[
            bool, typer.Option("--once", help="End by itself instead of at Ctrl-C.")
        ] = False,
    ) -> int:
        """Run the whole story on a MongoDB of its own: postings, check, drift, check, explain."""
        return _session(context).run(lambda running: run_demo(running, stays=not once))


def _session(context: typer.Context) -> Session:
    session = context.obj
    if not isinstance(session, Session):
        raise TypeError("the command line was started without a session")
    return session


def _text(value: str, name: str) -> str:
    """Refuse what no id can be: nothing at all, or bytes that are no UTF-8."""
    if not value:
        raise typer.BadParameter(f"{name} is empty")
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        raise typer.BadParameter(f"{name} is not UTF-8 text") from None
    return value


def _wants_json(argv: Sequence[str]) -> bool:
    before_dashes = argv[: list(argv).index("--")] if "--" in argv else argv
    return "--json" in before_dashes


def _global_options_first(argv: Sequence[str]) -> list[str]:
    """Move the options of the program before the command: people put them anywhere."""
    end = argv.index("--") if "--" in argv else len(argv)
    moved: list[str] = []
    kept: list[str] = []
    words = iter(argv[:end])
    for word in words:
        name, equals, _ = word.partition("=")
        if name not in _GLOBAL_OPTIONS:
            kept.append(word)
            continue
        moved.append(word)
        if not equals:
            moved += [value for value in (next(words, None),) if value is not None]
    return [*moved, *kept, *argv[end:]]
