"""The daemon's watch over the trail, and verdicts that cannot be written down."""

import asyncio
import io
from pathlib import Path

from reconciler.auditing.ports import UnobservedTrail
from reconciler.auditing.verdicts import Verdicts, verdict_event
from reconciler.errors import ReadInterrupted
from reconciler.model.audit import AuditEvent, AuditKind, AuditRecord, ChainProblem
from reconciler.model.scan_record import ScanState
from reconciler.scanning.stopping import cancelled
from reconciler.surfaces.daemon.auditing import AuditWatch
from reconciler.surfaces.daemon.token_watch import TokenWatch
from reconciler.surfaces.logs import open_logs
from tests.integration.auditing.test_tampering import edit
from tests.integration.auditing.test_writing import Told
from tests.integration.auditing.writing import START, Book, Database
from tests.observing.test_metrics import record


class Failures(UnobservedTrail):
    def __init__(self) -> None:
        self.reasons: list[str] = []

    def append_failed(self, kind: AuditKind, *, reason: str) -> None:
        self.reasons.append(reason)


class Announced(Told):
    """Says at once what it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.broken, self.refused = asyncio.Event(), asyncio.Event()

    def chain_broken(self, problem: ChainProblem) -> None:
        super().chain_broken(problem)
        self.broken.set()

    def checkpoint_failed(self, why: str, *, reason: str) -> None:
        super().checkpoint_failed(why, reason=reason)
        self.refused.set()


class Stuck:
    async def append(self, event: AuditEvent) -> AuditRecord:
        await asyncio.Event().wait()
        raise AssertionError


class Refusing:
    async def append(self, event: AuditEvent) -> AuditRecord:
        raise ReadInterrupted("away")


async def test_a_verdict_is_never_held_up_by_the_trail() -> None:
    """No answer and a refusal end alike: nothing is raised, and no answer is told."""
    failures = Failures()

    await Verdicts(Stuck(), failures, seconds_max=0.01).scan_ended(record(ScanState.FAILED))
    await Verdicts(Refusing(), failures).scan_ended(record(ScanState.FAILED))

    assert failures.reasons == ["the database did not answer in time"]


def test_a_scan_without_a_report_has_no_verdict() -> None:
    """What was interrupted is an `ERROR` of everybody's."""
    event = verdict_event(record(ScanState.INTERRUPTED))

    assert (event.kind, event.outcome, event.user) == ("INTEGRITY_CHECK", "ERROR", "all")


async def test_a_watch_finds_an_old_change_and_stops_signing(
    database: Database, tmp_path: Path
) -> None:
    """The whole trail is proven at the start, beside the checkpoints; then none is signed."""
    told = Announced()
    book = Book(database, tmp_path, told)
    await book.write(5)
    await book.trail.checkpoint("test")
    await edit(book)

    async def until_told(_seconds: float) -> None:
        await told.broken.wait()
        told.broken.clear()

    logs = open_logs(level="error", as_text=False, stream=io.StringIO())
    watch = AuditWatch(book.opened(), interval_seconds=lambda: 60, logs=logs, sleep=until_told)
    running = asyncio.create_task(watch.run())
    async with asyncio.timeout(10):
        await told.refused.wait()
    # The driver may swallow a cancellation: so the daemon stops its parts in this way too.
    await cancelled([running], again_seconds=0.1)

    assert told.problems[0].sequence == 4


async def test_tokens_that_could_not_be_written_down_are_tried_again() -> None:
    """A database that is away ends nothing; what was taken is recorded once it answers."""
    attempts: list[AuditKind] = []
    done = asyncio.Event()

    async def recorded(kind: AuditKind) -> list[str]:
        attempts.append(kind)
        if len(attempts) == 1:
            raise ReadInterrupted("away")
        done.set()
        return []

    async def at_once(_seconds: float) -> None:
        await asyncio.sleep(0)

    stream = io.StringIO()
    logs = open_logs(level="warning", as_text=False, stream=stream)
    clock = lambda: START  # noqa: E731 - the shortest clock there is
    watch = TokenWatch(Stuck(), recorded, actor="here", now=clock, logs=logs, sleep=at_once)
    watch.take([])
    running = asyncio.create_task(watch.run())
    async with asyncio.timeout(5):
        await done.wait()
    await cancelled([running], again_seconds=0.1)

    assert attempts == [AuditKind.TOKEN, AuditKind.TOKEN]
    assert stream.getvalue().count("tokens_not_recorded") == 1
