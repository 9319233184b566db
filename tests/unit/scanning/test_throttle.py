"""A scan waits while the server is busy, within a bound, and never silently."""

import asyncio

import pytest

from reconciler.errors import CannotLook
from reconciler.model.throttle import Busy, ServerLoad, ThrottleLimits, ThrottleReason
from reconciler.scanning.deadline import Deadline
from reconciler.scanning.observer import Unobserved
from reconciler.scanning.throttle import LOOK_SECONDS, PAUSE_SECONDS, Throttle

CALM = ServerLoad(lag_seconds=0, queued=0)
LAGS = ServerLoad(lag_seconds=30, queued=0)
QUEUES = ServerLoad(lag_seconds=0, queued=500)
BLIND = ServerLoad(unknown=("may not ask",))
LIMITS = ThrottleLimits(lag_seconds_max=10, queue_max=100, wait_seconds_max=5)


class Server:
    """Is as busy as it is told to be, the last load for ever, and has the clock."""

    def __init__(self, *loads: ServerLoad) -> None:
        self._loads = list(loads)
        self.now = 0.0
        self.looks = 0

    async def load(self) -> ServerLoad:
        self.looks += 1
        await asyncio.sleep(0)
        return self._loads.pop(0) if len(self._loads) > 1 else self._loads[0]

    async def sleep(self, seconds: float) -> None:
        self.now += seconds
        await asyncio.sleep(0)


class Told(Unobserved):
    """Keeps what it is told of waits."""

    def __init__(self) -> None:
        self.waits: list[tuple[ThrottleReason, float]] = []
        self.resumed: list[float] = []
        self.unknown: list[str] = []

    def scan_throttled(self, scan_id: str, busy: Busy, *, seconds: float) -> None:
        self.waits.append((busy.reason, seconds))

    def scan_resumed(self, scan_id: str, *, seconds: float) -> None:
        self.resumed.append(seconds)

    def load_unknown(self, scan_id: str, *, why: str) -> None:
        self.unknown.append(why)


def throttle(
    server: Server | None,
    told: Told,
    limits: ThrottleLimits = LIMITS,
    *,
    deadline_seconds: float = 600,
    known: set[str] | None = None,
) -> Throttle:
    clock = server or Server(CALM)
    return Throttle(
        server,
        limits,
        Deadline(deadline_seconds, lambda: clock.now),
        scan_id="s",
        observer=told,
        told=set() if known is None else known,
        monotonic=lambda: clock.now,
        sleep=clock.sleep,
    )


async def test_a_calm_server_lets_everything_through() -> None:
    """Nobody waits, and nobody is told anything."""
    server, told = Server(CALM), Told()

    await throttle(server, told).pass_through("a range")

    assert (server.now, told.waits, told.resumed) == (0, [], [])


@pytest.mark.parametrize(
    "load, reason", [(LAGS, ThrottleReason.LAG), (QUEUES, ThrottleReason.QUEUE)]
)
async def test_a_busy_server_is_waited_for(load: ServerLoad, reason: ThrottleReason) -> None:
    """The wait begins with a word, is counted while it lasts, and ends with a word."""
    server, told = Server(load, load, CALM), Told()

    await throttle(server, told).pass_through("a range")

    assert server.now == 2 * PAUSE_SECONDS
    assert told.waits == [(reason, 0), (reason, PAUSE_SECONDS), (reason, PAUSE_SECONDS)]
    assert told.resumed == [2 * PAUSE_SECONDS]


async def test_the_wait_has_a_bound_in_all() -> None:
    """Waits of one scan add up; past the bound nothing more is read, and the reason says so."""
    server, told = Server(LAGS, LAGS, CALM, LAGS), Told()
    gate = throttle(server, told)
    await gate.pass_through("the first range")
    server.now += LOOK_SECONDS

    with pytest.raises(CannotLook) as caught:
        await gate.pass_through("the second range")

    assert str(caught.value) == (
        "the second range could not be read: replication lags by 30 seconds, above "
        "scan.throttle_lag_seconds_max (10), for longer than scan.throttle_wait_seconds_max (5) "
        "in all"
    )
    assert server.now == LOOK_SECONDS + 5
    assert sum(seconds for _, seconds in told.waits) == 5


async def test_the_wait_ends_at_the_deadline() -> None:
    """No wait outlives the scan."""
    server = Server(LAGS)

    with pytest.raises(CannotLook, match=r"until the deadline of 1\.2 seconds passed"):
        await throttle(server, Told(), deadline_seconds=1.2).pass_through("a range")

    assert server.now == 1.2


async def test_those_who_come_together_wait_together() -> None:
    """One asks the server for all, and their wait counts once."""
    server, told = Server(LAGS, CALM), Told()
    gate = throttle(server, told)

    await asyncio.gather(*[gate.pass_through(number) for number in range(10)])

    assert server.looks == 2
    assert sum(seconds for _, seconds in told.waits) == PAUSE_SECONDS


async def test_what_cannot_be_asked_is_told_once() -> None:
    """A scan goes on without, and neither it nor the next one says so again."""
    told, known = Told(), set[str]()
    for _ in range(2):
        server = Server(BLIND)
        gate = throttle(server, told, known=known)
        await gate.pass_through("a range")
        server.now += LOOK_SECONDS
        await gate.pass_through("a range")

        assert server.looks == 2

    assert told.unknown == ["may not ask"]


async def test_nothing_is_asked_when_it_is_off() -> None:
    """Without limits, or without a server to ask, nothing happens."""
    server = Server(LAGS)
    off = ThrottleLimits(lag_seconds_max=0, queue_max=0)

    await throttle(server, Told(), off).pass_through("a range")
    await throttle(None, Told()).pass_through("a range")

    assert server.looks == 0
