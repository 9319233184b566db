"""The daemon writes down under which freeze it runs."""

import asyncio
import contextlib
import io
from collections.abc import Sequence
from datetime import UTC, datetime

from reconciler.errors import DatabaseUnavailable
from reconciler.model.audit import AuditEvent, AuditKind, AuditRecord
from reconciler.model.freeze_trail import FreezeStanding
from reconciler.surfaces.daemon.freeze_watch import FreezeWatch
from reconciler.surfaces.logs import open_logs

STANDING = FreezeStanding(1, "d" * 64, "lead", "d" * 64)


class Trail:
    def __init__(self) -> None:
        self.events: list[AuditEvent] = []

    async def append(self, event: AuditEvent) -> AuditRecord:
        self.events.append(event)
        return AuditRecord("log", 1, "0" * 64, "", "1" * 64)


async def test_it_is_tried_again_until_the_trail_can_be_read() -> None:
    """A database that is away when the daemon starts does not lose the record; it is one."""
    trail, stream, asked, waited = Trail(), io.StringIO(), 0, asyncio.Event()

    async def recorded(kind: AuditKind) -> Sequence[str]:
        nonlocal asked
        asked += 1
        assert kind is AuditKind.FREEZE
        if asked == 1:
            raise DatabaseUnavailable("away")
        waited.set()
        return []

    async def sleep(_seconds: float) -> None:
        await asyncio.sleep(0)

    watch = FreezeWatch(
        trail,
        recorded,
        STANDING,
        actor="host:1",
        now=lambda: datetime(2026, 1, 1, tzinfo=UTC),
        logs=open_logs(level="info", as_text=False, stream=stream),
        sleep=sleep,
    )
    running = asyncio.create_task(watch.run())
    await asyncio.wait_for(waited.wait(), 5)
    await asyncio.sleep(0)
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running

    assert [event.outcome for event in trail.events] == ["valid"]
    assert stream.getvalue().count("freeze_not_recorded") == 1
