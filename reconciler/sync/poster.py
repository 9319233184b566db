"""Turns checked requests into work for a transaction, and tells the observer how each one ended."""

import contextlib
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any
from uuid import uuid4

from reconciler.errors import BalancesOutOfSync, BrokenBalance, OutcomeUnknown, PostingRefused
from reconciler.model.change import Rules, decide_change, decide_replacement
from reconciler.model.copies import Balance, BalanceView
from reconciler.model.identity import Account, checked_op_id, checked_reason
from reconciler.model.mapping import Mappings
from reconciler.model.posting import CheckedLeg, EntryKind, Posting, replacement_fingerprint
from reconciler.sync.carrier import Carrier
from reconciler.sync.journal import Request
from reconciler.sync.observer import SyncObserver
from reconciler.sync.requests import Within
from reconciler.sync.results import PostingResult
from reconciler.sync.work import Decide, PostingWork, WithinFailed

_LOG = logging.getLogger(__name__)

Prepared = tuple[Request, Mapping[Account, Decide]]


@dataclass(frozen=True, slots=True)
class Poster:
    """The core of the library: every change of a balance goes through `_carry`."""

    carrier: Carrier
    rules_of: Callable[[Account], Rules]
    mappings: Mappings
    clock: Callable[[], datetime]
    observer: SyncObserver

    async def post(
        self,
        kind: EntryKind,
        legs: Callable[[], tuple[CheckedLeg, ...]],
        reason: str,
        op_id: str | None,
        within: Within | None,
    ) -> PostingResult:
        """Apply legs; `legs` checks the caller's input, so that its refusals are observed too."""

        def prepare() -> Prepared:
            name = uuid4().hex if op_id is None else checked_op_id(op_id)
            posting = Posting(name, kind, legs(), checked_reason(reason))
            decisions = {
                account: partial(decide_change, delta=delta, rules=self.rules_of(account))
                for account, delta in posting.deltas.items()
            }
            return Request(name, kind, posting.legs, posting.reason, posting.fingerprint), decisions

        return await self._carry(kind, prepare, op_id, within)

    async def replace(
        self,
        before: BalanceView,
        after: Balance,
        reason: str,
        op_id: str,
        within: Within | None,
    ) -> PostingResult:
        """Set all copies of an account to `after` if they are exactly `before`."""

        def prepare() -> Prepared:
            why = checked_reason(reason)
            fingerprint = replacement_fingerprint(before, after, self.mappings, why)
            request = Request(checked_op_id(op_id), EntryKind.REPAIR, (), why, fingerprint)
            rules = self.rules_of(before.account)
            decide = partial(decide_replacement, before=before, after=after, rules=rules)
            return request, {before.account: decide}

        return await self._carry(EntryKind.REPAIR, prepare, op_id, within)

    async def _carry(
        self,
        kind: EntryKind,
        prepare: Callable[[], Prepared],
        op_id: str | None,
        within: Within | None,
    ) -> PostingResult:
        started = time.monotonic()
        try:
            request, decisions = prepare()
            op_id = request.op_id
            work = PostingWork(request, decisions, self.mappings, self.clock, self._retried, within)
            result = await self.carrier.carry(work)
        except (PostingRefused, OutcomeUnknown) as error:
            self._not_done(kind, error, op_id, time.monotonic() - started)
            raise
        except WithinFailed as failed:
            raise failed.error from None
        with _harmless():
            for drift in work.drifts:
                self.observer.drift_seen(drift, op_id=result.op_id)
            self.observer.posting_done(result, duration_seconds=time.monotonic() - started)
        return result

    def _not_done(
        self,
        kind: EntryKind,
        error: PostingRefused | OutcomeUnknown,
        op_id: str | None,
        duration_seconds: float,
    ) -> None:
        told: dict[str, Any] = {"op_id": op_id, "duration_seconds": duration_seconds}
        with _harmless():
            if isinstance(error, OutcomeUnknown):
                self.observer.posting_unknown(kind, error, **told)
                return
            if isinstance(error, BalancesOutOfSync | BrokenBalance):
                self.observer.drift_seen(error.mismatch, op_id=str(op_id))
            self.observer.posting_refused(kind, error, **told)

    def _retried(self, op_id: str, attempt: int, error: Exception) -> None:
        with _harmless():
            self.observer.posting_retried(op_id=op_id, attempt=attempt, error=error)


@contextlib.contextmanager
def _harmless() -> Iterator[None]:
    """Keep an observer's error from changing what the caller is told of its posting."""
    try:
        yield
    except Exception:  # noqa: BLE001 - whatever it is, the posting is done
        _LOG.exception("an observer of the sync library failed")
