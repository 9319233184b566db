"""Random postings, alone and at once, against a plain model of what accounts hold."""

import asyncio
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from pymongo import AsyncMongoClient

from reconciler.errors import InsufficientFunds
from reconciler.sync import BalanceSync, Leg, PostingResult
from tests.integration.sync.stored import Stored, make_indexes

D = Decimal
Account = tuple[str, str]

USERS = ("alice", "bob", "admin_wallet")
PLACES = {"BTC": 8, "GBP": 2}
ACCOUNTS: tuple[Account, ...] = tuple((user, currency) for user in USERS for currency in PLACES)


@dataclass(frozen=True)
class Wish:
    """A posting to be tried: its legs, and which of two libraries tries it."""

    legs: tuple[Leg, ...]
    library: int

    def net(self) -> dict[Account, tuple[Decimal, Decimal]]:
        """The change of each account."""
        sums: dict[Account, tuple[Decimal, Decimal]] = {}
        for leg in self.legs:
            key = (str(leg.user_id), leg.currency)
            available, locked = sums.get(key, (D(0), D(0)))
            sums[key] = (available + D(leg.available_delta), locked + D(leg.locked_delta))
        return sums


@st.composite
def legs(draw: st.DrawFn) -> Leg:
    """A leg on any account, mostly taking less than a credit gives."""
    user, currency = draw(st.sampled_from(ACCOUNTS))
    units = draw(st.integers(1, 500))
    amount = D(units).scaleb(-PLACES[currency])
    pattern = draw(st.sampled_from([(1, 0), (1, 0), (-1, 0), (-1, 1), (1, -1), (0, -1)]))
    return Leg(user, currency, amount * pattern[0], amount * pattern[1])


wishes = st.builds(
    Wish, st.lists(legs(), min_size=1, max_size=3).map(tuple), library=st.integers(0, 1)
)


class Exchange(RuleBasedStateMachine):
    """Two libraries on one database, as in two processes, and the model beside them."""

    uri = ""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.held: dict[Account, tuple[Decimal, Decimal]] = dict.fromkeys(ACCOUNTS, (D(0), D(0)))
        self.done: list[tuple[Wish, PostingResult]] = []
        self.count = 0

    @initialize()
    def connect(self) -> None:
        self.runner.run(self._connect())

    async def _connect(self) -> None:
        self.client = AsyncMongoClient[dict[str, Any]](self.uri)
        database = self.client[f"random_{uuid.uuid4().hex}"]
        await make_indexes(database)
        self.stored = Stored(database)
        self.libraries = [BalanceSync(database), BalanceSync(database)]

    def teardown(self) -> None:
        self.runner.run(self._disconnect())
        self.runner.close()

    async def _disconnect(self) -> None:
        for library in self.libraries:
            await library.close()
        await self.client.drop_database(self.stored.database.name)
        await self.client.close()

    @rule(wish=wishes)
    def post_one(self, wish: Wish) -> None:
        """Alone, a posting is applied exactly when the model has the funds."""
        covered = all(
            self.held[account][0] + available >= 0 and self.held[account][1] + locked >= 0
            for account, (available, locked) in wish.net().items()
        )
        (result,) = self._try([wish])
        assert (result is not None) is covered

    @rule(several=st.lists(wishes, min_size=2, max_size=6))
    def post_at_once(self, several: list[Wish]) -> None:
        """At once, each is applied or refused; one is refused only if all takings were too many."""
        before = dict(self.held)
        for wish, result in zip(several, self._try(several), strict=True):
            if result is None:
                assert any(
                    before[account][part] + _least(several, account, part) < 0
                    for account in wish.net()
                    for part in (0, 1)
                )

    @rule(number=st.integers(0, 99))
    def repeat(self, number: int) -> None:
        """An earlier posting, asked for again, changes nothing and gives the first outcome."""
        if not self.done:
            return
        # How many were done is for the races to say: what is drawn must not depend on it.
        wish, first = self.done[number % len(self.done)]
        again = self.runner.run(
            self.libraries[1 - wish.library].post(wish.legs, reason="random", op_id=first.op_id)
        )
        assert again.replayed
        assert (again.accounts, again.time) == (first.accounts, first.time)

    @invariant()
    def agrees(self) -> None:
        """The four collections, their totals, the journal and the model agree on every account."""
        for (user, currency), (available, locked) in self.held.items():
            replayed = self.runner.run(self.stored.replayed(user, currency))
            assert replayed == (available, locked)
            documents = self.runner.run(self.stored.documents(user, currency))
            if any(documents.values()):
                amounts = self.runner.run(self.stored.amounts(user, currency))
                assert amounts == {(available, locked, available + locked)}

    def _try(self, several: Sequence[Wish]) -> list[PostingResult | None]:
        results = self.runner.run(self._post(several))
        for wish, result in zip(several, results, strict=True):
            if result is None:
                continue
            self.done.append((wish, result))
            for account, (available, locked) in wish.net().items():
                held = self.held[account]
                self.held[account] = (held[0] + available, held[1] + locked)
        return results

    async def _post(self, several: Sequence[Wish]) -> list[PostingResult | None]:
        return list(await asyncio.gather(*(self._post_one(wish) for wish in several)))

    async def _post_one(self, wish: Wish) -> PostingResult | None:
        self.count += 1
        try:
            return await self.libraries[wish.library].post(
                wish.legs, reason="random", op_id=f"op-{self.count}"
            )
        except InsufficientFunds:
            return None


def _least(several: Sequence[Wish], account: Account, part: int) -> Decimal:
    """The lowest that all takings of some postings together could bring an account to."""
    changes = [wish.net().get(account, (D(0), D(0)))[part] for wish in several]
    return sum((change for change in changes if change < 0), D(0))


def test_random_postings(mongo_uri: str) -> None:
    """Whatever is posted, in whatever order and however many at once, nothing ever disagrees."""
    machine = type("ExchangeHere", (Exchange,), {"uri": mongo_uri})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=15,
            stateful_step_count=15,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
