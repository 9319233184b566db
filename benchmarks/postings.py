"""Postings per second of the library, against the bare four-update transaction."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from benchmarks.figures import Section, Spread, Table, ratios
from benchmarks.peers.bare import BareTransactions
from benchmarks.population import Database, connect, make_indexes
from reconciler.embedded import EmbeddedMongo
from reconciler.sync import BalanceSync, Leg

CURRENCY = "BTC"
AMOUNT = Decimal("0.001")
_SEED_AMOUNT = 1_000_000
_LEGS_EACH = 50

# One call by caller number n; it is made again and again.
Call = Callable[[int], Awaitable[object]]


@dataclass(frozen=True)
class Contest:
    """One operation as the library makes it and as the bare peer does, by so many callers."""

    name: str
    callers: int
    library: Call
    bare: Call


async def measure(*, callers: Sequence[int], rounds: int, seconds: float) -> Section:
    """Run all contests on a server of their own; the two sides take turns within each round."""
    async with EmbeddedMongo(cache_gb=1.0) as server, connect(server.uri) as client:
        database = client["postings"]
        await make_indexes(database)
        sync = BalanceSync(database)
        await _seed(sync, max(callers))
        contests = _contests(sync, BareTransactions(database, CURRENCY), callers)
        figures = [await _run(contest, rounds=rounds, seconds=seconds) for contest in contests]
        await sync.close()
        await _check_totals(database)
    return _section(contests, figures)


def _contests(sync: BalanceSync, bare: BareTransactions, callers: Sequence[int]) -> list[Contest]:
    async def credit(number: int) -> object:
        return await sync.credit(f"seller-{number}", CURRENCY, AMOUNT, "bench")

    async def bare_credit(number: int) -> None:
        await bare.post([(f"seller-{number}", AMOUNT, Decimal(0))])

    async def release(number: int) -> object:
        return await sync.release(f"seller-{number}", CURRENCY, AMOUNT, f"buyer-{number}", "bench")

    async def bare_release(number: int) -> None:
        legs = [(f"seller-{number}", Decimal(0), -AMOUNT), (f"buyer-{number}", AMOUNT, Decimal(0))]
        await bare.post(legs)

    return [
        *(Contest("credit, an account each", n, credit, bare_credit) for n in callers),
        *(Contest("release, two accounts each", n, release, bare_release) for n in callers),
        Contest(
            "credit, all on one account",
            max(callers),
            lambda _: credit(0),
            lambda _: bare_credit(0),
        ),
    ]


async def _seed(sync: BalanceSync, callers: int) -> None:
    """Give every account its copies, and the sellers something locked."""
    legs = [
        leg
        for number in range(callers)
        for leg in (
            Leg(f"seller-{number}", CURRENCY, _SEED_AMOUNT, _SEED_AMOUNT),
            Leg(f"buyer-{number}", CURRENCY, _SEED_AMOUNT),
        )
    ]
    for start in range(0, len(legs), _LEGS_EACH):
        await sync.post(legs[start : start + _LEGS_EACH], reason="seed")


async def _run(contest: Contest, *, rounds: int, seconds: float) -> tuple[list[float], list[float]]:
    """Give the postings per second of each round, of the library and of the peer."""
    rates: dict[bool, list[float]] = {True: [], False: []}
    for number in range(rounds):
        for is_library in (True, False) if number % 2 == 0 else (False, True):
            call = contest.library if is_library else contest.bare
            rates[is_library].append(await _rate(call, contest.callers, seconds))
    return rates[True], rates[False]


async def _rate(call: Call, callers: int, seconds: float) -> float:
    """Have callers call until time is up, and count what was done to its end."""
    await asyncio.gather(*(call(number) for number in range(callers)))
    ends_at = time.perf_counter() + seconds

    async def caller(number: int) -> int:
        count = 0
        while time.perf_counter() < ends_at:
            await call(number)
            count += 1
        return count

    started = time.perf_counter()
    counts = await asyncio.gather(*(caller(number) for number in range(callers)))
    return sum(counts) / (time.perf_counter() - started)


async def _check_totals(database: Database) -> None:
    """See that both sides did the same work: the four collections hold the same sums.

    Raises:
        RuntimeError: they do not; the figures are worth nothing.
    """
    sums = []
    for name in ("wallets", "crypto_balances", "trader_balances", "internal_balances"):
        total = {"$sum": {"$add": ["$available_balance", "$locked_balance"]}}
        cursor = await database[name].aggregate([{"$group": {"_id": None, "total": total}}])
        sums += [row["total"].to_decimal() for row in await cursor.to_list()]
    if len(set(sums)) != 1 or len(sums) != 4:
        raise RuntimeError(f"the collections hold different sums: {sums}")


def _section(
    contests: Sequence[Contest], figures: Sequence[tuple[list[float], list[float]]]
) -> Section:
    rows = []
    data = []
    for contest, (library, bare) in zip(contests, figures, strict=True):
        of_library, of_bare = Spread(tuple(library)), Spread(tuple(bare))
        ratio = ratios(library, bare)
        name = f"{contest.name}, {contest.callers} caller{'s' if contest.callers > 1 else ''}"
        rows.append((name, of_library.shown(), of_bare.shown(), ratio.shown(2)))
        data.append(
            {
                "operation": contest.name,
                "callers": contest.callers,
                "library_per_second": of_library.as_json(),
                "bare_per_second": of_bare.as_json(),
                "ratio": ratio.as_json(),
            }
        )
    columns = ("operation", "library", "bare transaction", "library / bare")
    table = Table("Postings per second: median (least to most)", columns, tuple(rows))
    return Section("postings", (table,), {"contests": data})
