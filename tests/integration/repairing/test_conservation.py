"""Random postings, drifts and repairs against a plain model: money neither appears nor vanishes."""

import asyncio
import contextlib
import uuid
from collections.abc import Coroutine
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from pymongo import AsyncMongoClient

from reconciler.errors import PlanStale, PostingRefused, RepairRefused
from reconciler.model.repair import PlanState, RepairPlan, RepairStep, StepOutcome, TruthPolicy
from reconciler.sync import Leg
from tests.integration.repairing.bookkeeping import (
    ACCOUNTS,
    COLLECTIONS,
    TRUTH,
    UNITS,
    USERS,
    Account,
    Amounts,
    Books,
    Drift,
    UserId,
    raw_amounts,
    write_drift,
)
from tests.integration.repairing.workshop import Workshop, options, without_caps
from tests.integration.sync.stored import Stored, make_indexes

D = Decimal
Posting = dict[Account, Amounts]

EXAMPLES = 8
STEPS = 20
SIMPLE = {"credit": (1, 0), "debit": (-1, 0), "lock": (-1, 1), "unlock": (1, -1)}
WAYS = ("decimal", "double", "int", "long", "dust", "lock", "total", "delete", "broken")
# What happens between a plan and its application.
ENDINGS = ("leave", "apply", "apply", "twice", "post before", "post at once", "drift before")

accounts = st.sampled_from(ACCOUNTS)
numbers = st.integers(0, 1_000)
policies = st.sampled_from(TruthPolicy)
overrides = st.sampled_from([None, "the audit of 3 May"])


@dataclass(frozen=True)
class Ending:
    """What becomes of a plan, and what is posted or drifts before it does or while it does."""

    way: str
    posting: Posting
    drift: Drift


@st.composite
def postings(draw: st.DrawFn, account: Account | None = None) -> Posting:
    """A posting on one account, or a release from one user to another."""
    user, currency = account or draw(accounts)
    amount = draw(st.integers(1, 300)) * UNITS[currency]
    kind = draw(st.sampled_from(["credit", "credit", *SIMPLE, "release"]))
    if kind != "release":
        available, locked = SIMPLE[kind]
        return {(user, currency): (available * amount, locked * amount)}
    other = draw(st.sampled_from([each for each in USERS if each != user]))
    return {(user, currency): (D(0), -amount), (other, currency): (amount, D(0))}


@st.composite
def drifts(draw: st.DrawFn, account: Account | None = None) -> Drift:
    """Something wrong in one copy; nothing that is no number in the source of truth."""
    collection = draw(st.sampled_from(COLLECTIONS))
    way = draw(st.sampled_from(WAYS[:-1] if collection == TRUTH else WAYS))
    return Drift(account or draw(accounts), collection, way, draw(st.integers(-3, 400)))


@st.composite
def endings(draw: st.DrawFn, account: Account | None = None) -> Ending:
    """An ending on one account."""
    on = account or draw(accounts)
    return Ending(draw(st.sampled_from(ENDINGS)), draw(postings(on)), draw(drifts(on)))


emergencies = drifts().flatmap(lambda drift: st.tuples(st.just(drift), endings(drift.account)))


class Emergency(RuleBasedStateMachine):
    """An exchange in which copies drift and are repaired, and the books of it beside it."""

    uri = ""
    directory = Path()

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.books = Books()
        self.plans: list[tuple[RepairPlan, dict[Account, Any]]] = []
        self.posted: list[tuple[str, Posting]] = []
        self.applied_steps = 0

    @initialize()
    def connect(self) -> None:
        self.runner.run(self._connect())

    async def _connect(self) -> None:
        self.client = AsyncMongoClient[dict[str, Any]](self.uri, tz_aware=True)
        database = self.client[f"emergency_{uuid.uuid4().hex}"]
        await make_indexes(database)
        self.stored = Stored(database)
        directory = self.directory / database.name
        directory.mkdir()
        caps = replace(without_caps().caps, owed_rise_allowed=True)
        # Whatever was repaired may drift again here, and a plan holds nobody up for long.
        chosen = options(caps=caps, flapping_days=0, pause_seconds=0.1, settle_seconds=0.001)
        self.shops = [Workshop(database, directory, chosen) for _ in range(2)]
        self.book = self.shops[0].book
        for user in USERS:
            await self._post_and_book({(user, "BTC"): (D("0.00005"), D(0))})

    def teardown(self) -> None:
        try:
            self.runner.run(self._verify())
        finally:
            self.runner.run(self._disconnect())
            self.runner.close()

    async def _verify(self) -> None:
        """The trail is whole, is what was signed, and tells of each step that was applied once."""
        await self.book.trail.checkpoint("at the end")
        proof = await self.book.verified(with_checkpoints=True)
        assert proof.is_valid, proof.problem
        bodies = await self.stored.database["audit_trail"].find().to_list()
        steps = [each for each in bodies if '"REPAIR_STEP"' in each["body"]]
        assert sum('"outcome":"applied"' in each["body"] for each in steps) == self.applied_steps
        entries = self.stored.database["balance_journal"].find({"kind": "repair"})
        assert len(await entries.to_list()) == self.applied_steps

    async def _disconnect(self) -> None:
        for shop in self.shops:
            await shop.sync.close()
        await self.client.drop_database(self.stored.database.name)
        await self.client.close()

    @rule(posting=postings())
    def post(self, posting: Posting) -> None:
        """A posting is applied to all copies, or refused and changes none."""
        self._run(self._post_and_book(posting))

    @rule(number=numbers)
    def post_again(self, number: int) -> None:
        """What was posted before a repair is not posted again after it."""
        op_id, posting = self.posted[number % len(self.posted)]
        assert self._run(self.shops[1].sync.post(_legs(posting), reason="x", op_id=op_id)).replayed

    @rule(drift=drifts())
    def drift(self, drift: Drift) -> None:
        """Somebody writes past the library."""
        self._run(self._drift(drift))

    @rule(emergency=emergencies, policy=policies, override=overrides)
    def emergency(
        self, emergency: tuple[Drift, Ending], policy: TruthPolicy, override: str | None
    ) -> None:
        """The whole of it on one account: drift, scan, plan, apply."""
        drift, ending = emergency
        self._run(self._drift(drift))
        asked = {"policy": policy, "override_reason": override}
        self._run(self._repair(str(drift.account[0]), ending, asked))

    @rule(
        ending=endings(),
        policy=policies,
        override=overrides,
        user=st.sampled_from([None, *USERS]),
        currency=st.sampled_from([None, *UNITS]),
    )
    def repair(
        self,
        ending: Ending,
        policy: TruthPolicy,
        override: str | None,
        user: UserId | None,
        currency: str | None,
    ) -> None:
        """A plan for everybody, or for one user, in all currencies or in one."""
        asked = {"policy": policy, "override_reason": override, "currency": currency}
        self._run(self._repair(None if user is None else str(user), ending, asked))

    @rule(number=numbers)
    def apply_an_old_plan(self, number: int) -> None:
        """One that was left, or that was applied already."""
        if self.plans:
            plan, seen = self.plans[number % len(self.plans)]
            self._run(self._apply_and_book(plan, seen))

    @rule(number=numbers, ending=endings())
    def revert(self, number: int, ending: Ending) -> None:
        """A plan that takes an applied plan back, as a plan like any other."""
        if self.plans:
            plan, _ = self.plans[number % len(self.plans)]
            self._run(self._revert(plan, ending))

    @invariant()
    def agrees(self) -> None:
        """Each copy holds what it must; what is owed changed as postings, drifts, plans say."""
        self._run(self.books.check(self.stored))

    def _run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        return self.runner.run(coroutine)

    async def _repair(self, user: str | None, ending: Ending, asked: dict[str, Any]) -> None:
        await self.shops[0].scan()
        with contextlib.suppress(RepairRefused):
            plan = await self.shops[0].plan(user, **asked)
            await self._end(plan, ending)

    async def _revert(self, plan: RepairPlan, ending: Ending) -> None:
        service = self.shops[0].service
        with contextlib.suppress(PlanStale, RepairRefused):
            made = await service.plan_revert(plan.plan_id, reason="undo", actor="ann")
            await self._end(made, ending)

    async def _end(self, plan: RepairPlan, ending: Ending) -> None:
        seen = {_account(step): await self._raw(_account(step)) for step in plan.steps}
        self.plans.append((plan, seen))
        if ending.way == "leave":
            return
        if ending.way == "post before":
            await self._post_and_book(ending.posting)
        if ending.way == "drift before":
            await self._drift(ending.drift)
        if ending.way == "twice":
            both = await asyncio.gather(*(self._apply(plan, seen, shop=shop) for shop in (0, 1)))
            assert not all(both), "one plan was applied by two"
            self._book([*both[0], *both[1]])
        elif ending.way == "post at once":
            op_id = f"op-{len(self.posted)}"
            steps, is_posted = await asyncio.gather(
                self._apply(plan, seen, is_alone=False), self._post(ending.posting, op_id, shop=1)
            )
            # A posting that came before the step would have made it stale.
            self._book(steps)
            self._book_posting(ending.posting, op_id, is_posted=is_posted)
        else:
            await self._apply_and_book(plan, seen)

    async def _apply_and_book(self, plan: RepairPlan, seen: dict[Account, Any]) -> None:
        self._book(await self._apply(plan, seen))

    async def _apply(
        self,
        plan: RepairPlan,
        seen: dict[Account, Any],
        *,
        shop: int = 0,
        is_alone: bool = True,
    ) -> list[RepairStep]:
        """Apply a plan, approved if need be; a step is applied exactly if nothing has changed."""
        service = self.shops[shop].service
        same = {each: await self._raw(each) == raw for each, raw in seen.items()}
        try:
            shown = await service.show(plan.plan_id)
            if shown.needs_approval and shown.state is PlanState.PLANNED:
                await service.approve(plan.plan_id, digest=plan.digest, actor="bob")
            result = await self.shops[shop].apply(plan)
        except (PlanStale, RepairRefused):
            return []
        steps = [step for step in result.plan.steps if step.after is not None]
        applied = [step for step in steps if step.outcome is StepOutcome.APPLIED]
        for step in steps:
            assert step.outcome in {StepOutcome.APPLIED, StepOutcome.STALE}
            if is_alone or not same[_account(step)]:
                assert (step in applied) is same[_account(step)]
        return applied

    def _book(self, steps: list[RepairStep]) -> None:
        """Enter applied steps in the books: each copy is the after-image."""
        for step in steps:
            assert step.after is not None
            after = (step.after.available, step.after.locked)
            assert step.owed_change == sum(after) - sum(self.books.standing(_account(step)))
            self.books.repair(_account(step), after, step.owed_change)
            self.applied_steps += 1

    async def _raw(self, account: Account) -> Any:
        return raw_amounts(await self.stored.documents(*account))

    async def _post_and_book(self, posting: Posting) -> None:
        op_id = f"op-{len(self.posted)}"
        self._book_posting(posting, op_id, is_posted=await self._post(posting, op_id))

    async def _post(self, posting: Posting, op_id: str, *, shop: int = 0) -> bool:
        try:
            await self.shops[shop].sync.post(_legs(posting), reason="x", op_id=op_id)
        except PostingRefused:
            return False
        return True

    def _book_posting(self, posting: Posting, op_id: str, *, is_posted: bool) -> None:
        if is_posted:
            self.posted.append((op_id, posting))
            for account, change in posting.items():
                self.books.post(account, change)

    async def _drift(self, drift: Drift) -> None:
        is_broken = (drift.account, drift.collection) in self.books.broken
        is_there = self.books.copies[drift.account][drift.collection] is not None
        if (drift.way == "total" and not is_there) or (
            drift.way in {"total", "lock"} and is_broken
        ):
            return  # there is nothing that it could be wrong beside
        await write_drift(self.stored, drift)
        self.books.drift(drift)


def _account(step: RepairStep) -> Account:
    (user,) = [each for each in USERS if str(each) == step.account.user_id.text]
    return user, step.account.currency.text


def _legs(posting: Posting) -> list[Leg]:
    return [Leg(user, currency, *change) for (user, currency), change in posting.items()]


def test_owed_changes_by_what_is_declared(mongo_uri: str, tmp_path: Path) -> None:
    """Whatever is posted, drifts and is repaired, what is owed changes by declared deltas alone."""
    machine = type("EmergencyHere", (Emergency,), {"uri": mongo_uri, "directory": tmp_path})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            # A failure is told at once: to look for a smaller one takes minutes on a real server.
            phases=(Phase.reuse, Phase.generate),
            suppress_health_check=list(HealthCheck),
        ),
    )
