"""The demo: the main job from end to end, told step by step, on a MongoDB of its own.

Drift is made on purpose here, so that a reader sees what it looks like.
"""

import asyncio
import time

from rich.text import Text

from reconciler.errors import ReconcilerError
from reconciler.model.report import ScanReport, Verdict
from reconciler.settings import Settings
from reconciler.surfaces.cli.check_view import check_view
from reconciler.surfaces.cli.explain_view import explain_view
from reconciler.surfaces.cli.hints import Invocation, program_name
from reconciler.surfaces.cli.schema_view import schema_view
from reconciler.surfaces.cli.session import Running
from reconciler.surfaces.cli.terminal import Terminal
from reconciler.surfaces.escape import shell_quoted
from reconciler.surfaces.exits import Exit
from reconciler.surfaces.ports import RunningDaemon, Stage

FIRST_SCAN_SECONDS_MAX = 30.0


class NotAsTold(ReconcilerError):
    """A step of the story came out otherwise than it must."""


async def run_demo(running: Running, *, stays: bool) -> int:
    """Tell the story; then leave the server running until Ctrl-C, if `stays`."""
    terminal = running.terminal
    _step(terminal, "Starting a MongoDB replica set of its own on loopback")
    started = time.monotonic()
    async with running.wiring.open_stage(running.settings, running.logs) as stage:
        terminal.show(f"It is up after {time.monotonic() - started:.1f} s: {stage.uri}")
        story = _Story(terminal, stage)
        try:
            await story.tell()
            _step(terminal, "reconciler run: the daemon, on loopback")
            settings = stage.settings if stays else _on_any_port(stage.settings)
            async with running.wiring.open_daemon(settings, running.logs) as daemon:
                await _serve(daemon, story, stays=stays)
        except NotAsTold as error:
            terminal.say(f"reconciler demo: the story did not go as told: {error}")
            return Exit.UNEXPECTED
        if not stays:
            terminal.show("", "The story went as told. Daemon and server are stopped (--once).")
        return Exit.HEALTHY


def _on_any_port(settings: Settings) -> Settings:
    """Take a port that nobody can take first: nobody needs to know it."""
    return settings.model_copy(update={"api": settings.api.model_copy(update={"port": 0})})


async def _serve(daemon: RunningDaemon, story: "_Story", *, stays: bool) -> None:
    """Serve until Ctrl-C, or only until it is seen to."""
    stop = asyncio.Event()
    serving = asyncio.create_task(daemon.run(stop))
    listening = asyncio.create_task(daemon.url())
    try:
        await asyncio.wait({serving, listening}, return_when=asyncio.FIRST_COMPLETED)
        if listening.done():
            await story.found_the_same(daemon, listening.result())
        if stays:
            if listening.done():
                story.say_what_next(listening.result())
            await asyncio.wait({serving})
    except asyncio.CancelledError:
        # This is how the demo is meant to end.
        story.say_goodbye()
    finally:
        listening.cancel()
        stop.set()
        await serving


class _Story:
    """The steps, each of which must come out as told."""

    def __init__(self, terminal: Terminal, stage: Stage) -> None:
        self._terminal = terminal
        self._stage = stage
        variables = {
            "RECONCILER_MONGO__URI": stage.uri,
            "RECONCILER_MONGO__DATABASE": stage.database,
        }
        self._settings = " ".join(
            f"{name}={shell_quoted(text)}" for name, text in variables.items()
        )
        self._invocation = Invocation(f"{self._settings} {program_name()}")

    async def tell(self) -> None:
        await self._found()
        await self._indexes()
        await self._ordinary_day()
        await self._checked("the first check", Verdict.HEALTHY)
        await self._bypassed()
        report = await self._checked("the second check", Verdict.INTEGRITY_FAILURE)
        self._expect_the_drifted(report)
        await self._explained()

    async def found_the_same(self, daemon: RunningDaemon, url: str) -> None:
        async with asyncio.timeout(FIRST_SCAN_SECONDS_MAX):
            verdict = await daemon.verdict()
        _expect(
            verdict is Verdict.INTEGRITY_FAILURE, f"the daemon's first scan said {verdict.value}"
        )

        self._terminal.show(
            f"It listens on {url}, scans every "
            f"{self._stage.settings.scan.interval_seconds:g} s, and has found the same."
        )

    def say_what_next(self, url: str) -> None:
        account = self._stage.drifted[-1]
        # With what is exported first: the commands that these print are true then, too.
        plain = Invocation(program_name())
        user_id = account.user_id.text
        credit = '{"user_id": "erin", "currency": "BTC", "amount": "0.001"}'
        repairs = [
            f"  curl -X POST {url}/api/integrity/sync-all -d "
            f'\'{{"user_id": "{each.user_id.text}", "reason": "trying it out"}}\''
            for each in self._stage.drifted
        ]
        _step(self._terminal, "Your turn: server and daemon run until Ctrl-C")
        self._terminal.show(
            "In another terminal:",
            "",
            f"  curl {url}/api/integrity/check",
            f"  curl {url}/api/integrity/findings",
            f"  curl {url}/api/integrity/explain/{user_id}/{account.currency.text}",
            *repairs,
            f"  curl -X POST {url}/api/test/credit -d '{credit}'",
            f"  curl {url}/metrics",
            "",
            "docs/monitoring.md leads from there to the alert in Prometheus. From this directory:",
            "",
            f"  export {self._settings} {self._signing()}",
            f"  {plain.command('reconcile')}",
            f"  {plain.command('check', '--json')}",
            f"  {plain.explain(account)}",
            f"  {plain.command('repair', 'enable', '--reason', 'trying it out')}",
            f"  {plain.command('repair', 'plan', '--all', '--reason', 'trying it out')}",
            f"  {plain.command('audit', 'verify')}",
            f"  {plain.command('gate')}",
            f"  {plain.command('db', 'status')}",
        )

    def _signing(self) -> str:
        """Give what a command needs to repair: where the daemon signs the audit trail."""
        audit = self._stage.settings.audit
        places = {"SIGNING_KEY": audit.signing_key_path, "CHECKPOINT": audit.checkpoint_path}
        return " ".join(
            f"RECONCILER_AUDIT__{name}_PATH={shell_quoted(str(path))}"
            for name, path in places.items()
            if path is not None
        )

    def say_goodbye(self) -> None:
        self._terminal.show("", "Stopping daemon and server. Nothing of them is left behind.")

    async def _found(self) -> None:
        _step(self._terminal, "An exchange as found in the field")
        accounts = await self._stage.seed()
        self._terminal.show(
            f"{accounts} accounts, each in {len(self._stage.mappings.names)} collections: doubles, "
            "integers and decimals, some without a locked amount or a total, all in sync."
        )

    async def _indexes(self) -> None:
        _step(self._terminal, "reconciler db init")
        report = await self._stage.backend.init_schema()
        self._terminal.show(*schema_view(report, invocation=self._invocation))
        _expect(report.is_ready, "the indexes could not be made")

    async def _ordinary_day(self) -> None:
        _step(self._terminal, "An ordinary day, through the sync library")
        started = time.monotonic()
        try:
            postings = await self._stage.make_postings()
        except ReconcilerError as error:
            raise NotAsTold(f"a posting was refused: {error}") from error
        self._terminal.show(
            f"{postings} postings in {time.monotonic() - started:.1f} s: credits, debits, locks, "
            "unlocks, and releases with a fee; all four collections and the journal in one "
            "transaction each."
        )

    async def _bypassed(self) -> None:
        _step(self._terminal, "Old code writes past the library")
        for clause in await self._stage.bypass():
            self._terminal.show(f"- {clause}")

    async def _checked(self, what: str, expected: Verdict) -> ScanReport:
        _step(self._terminal, "reconciler check")
        report = await self._stage.backend.check(None, None, progress=lambda _done, _total: None)
        self._terminal.show(
            *check_view(
                report,
                mappings=self._stage.mappings,
                invocation=self._invocation,
                columns=self._terminal.columns,
            )
        )
        _expect(
            report.verdict is expected,
            f"{what} said {report.verdict.value} instead of {expected.value}",
        )
        return report

    def _expect_the_drifted(self, report: ScanReport) -> None:
        named = {mismatch.account for mismatch in report.mismatches}
        _expect(
            named == set(self._stage.drifted),
            "the second check did not name exactly the accounts that were drifted",
        )

    async def _explained(self) -> None:
        account = self._stage.drifted[0]
        user_id, currency = account.user_id.text, account.currency.text
        _step(self._terminal, f"reconciler explain {user_id} {currency}")
        explanation = await self._stage.backend.explain(user_id, currency)
        self._terminal.show(
            *explain_view(explanation, mappings=self._stage.mappings, invocation=self._invocation)
        )
        _expect(explanation.mismatch is not None, f"{account} was explained as in sync")
        _expect(bool(explanation.journal), f"the journal has no posting of {account}")


def _step(terminal: Terminal, title: str) -> None:
    terminal.show(Text(), Text(f"== {title}", style="bold"))


def _expect(holds: bool, otherwise: str) -> None:  # noqa: FBT001 - reads as an assertion
    if not holds:
        raise NotAsTold(otherwise)
