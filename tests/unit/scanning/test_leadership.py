"""A daemon leads only while its lease is surely its own."""

from datetime import UTC, datetime

from reconciler.errors import ReadInterrupted
from reconciler.model.lease import Lease
from reconciler.scanning.leadership import STEP_SHARE, VALID_SHARE, Leadership

TTL_SECONDS = 10.0


class Clock:
    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


class Keeper:
    """Answers as it is told, after as long as it is told."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.answer: tuple[str, int] | None = ("me", 1)
        self.takes_seconds = 0.0
        self.given_back: list[int] = []

    async def take(self, holder: str, *, seconds: float) -> Lease:
        assert seconds == TTL_SECONDS * VALID_SHARE
        self.clock.seconds += self.takes_seconds
        if self.answer is None:
            raise ReadInterrupted("away")
        return Lease(*self.answer, datetime(2026, 1, 1, tzinfo=UTC), has_expired=False)

    async def give_back(self, holder: str, token: int) -> None:
        self.given_back.append(token)

    async def current(self) -> Lease | None:
        return None


class Heard:
    def __init__(self) -> None:
        self.told: list[str] = []

    async def lease_gained(self, token: int) -> None:
        self.told.append(f"gained {token}")

    async def lease_lost(self) -> None:
        self.told.append("lost")

    async def lease_unanswered(self, reason: str) -> None:
        self.told.append(reason)


def held(leadership: Leadership) -> int | None:
    return leadership.token


def parts() -> tuple[Leadership, Keeper, Clock, Heard]:
    clock, heard = Clock(), Heard()
    keeper = Keeper(clock)
    leadership = Leadership(keeper, heard, holder="me", ttl_seconds=TTL_SECONDS, monotonic=clock)
    return leadership, keeper, clock, heard


async def test_it_leads_while_it_holds_the_lease() -> None:
    """Whoever took the lease has its token, is told once, and keeps it while it is prolonged."""
    leadership, _, _, heard = parts()
    assert held(leadership) is None
    await leadership.step()
    await leadership.step()

    assert leadership.token == 1
    assert heard.told == ["gained 1"]


async def test_somebody_elses_lease_gives_no_token() -> None:
    """A daemon that finds another holder follows."""
    leadership, keeper, _, heard = parts()
    keeper.answer = ("other", 7)
    await leadership.step()

    assert (leadership.token, heard.told) == (None, [])


async def test_time_ends_the_lease_without_the_database() -> None:
    """A daemon that cannot ask is leader until its time is over by its own clock."""
    leadership, keeper, clock, heard = parts()
    await leadership.step()
    keeper.answer = None
    clock.seconds += TTL_SECONDS * VALID_SHARE - 0.1
    await leadership.step()
    assert held(leadership) == 1
    clock.seconds += 0.2

    assert held(leadership) is None
    await leadership.step()
    assert heard.told == ["gained 1", "away", "lost"]


async def test_time_counts_from_before_the_question() -> None:
    """An answer that was long under way gives less time, since the database counted from before."""
    leadership, keeper, _, _ = parts()
    keeper.takes_seconds = TTL_SECONDS * VALID_SHARE + 0.1
    await leadership.step()

    assert held(leadership) is None


async def test_a_new_token_is_a_new_lease() -> None:
    """A lease that had lapsed and was taken again ends what ran under the old token."""
    leadership, keeper, _, heard = parts()
    await leadership.step()
    keeper.answer = ("me", 3)
    await leadership.step()

    assert heard.told == ["gained 1", "lost", "gained 3"]


async def test_losing_it_to_another() -> None:
    """A daemon that was frozen past its lease finds the other's name and stops."""
    leadership, keeper, _, heard = parts()
    await leadership.step()
    keeper.answer = ("other", 2)
    await leadership.step()

    assert (leadership.token, heard.told) == (None, ["gained 1", "lost"])


async def test_giving_back() -> None:
    """A daemon that stops gives its own lease back, and nothing if it has none."""
    leadership, keeper, _, _ = parts()
    await leadership.give_back()
    await leadership.step()
    await leadership.give_back()

    assert keeper.given_back == [1]
    assert held(leadership) is None


def test_another_takes_over_within_the_ttl() -> None:
    """A holder that dies right after asking is followed one step after its lease ends, in time."""
    assert VALID_SHARE + STEP_SHARE < 0.9
    assert VALID_SHARE > 3 * STEP_SHARE, "two lost answers do not lose the lease"
