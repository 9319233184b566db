"""The four functions that the exchange's code calls, on the instance that `bind` was given."""

from reconciler.errors import NotBound
from reconciler.sync.requests import Amount, UserId
from reconciler.sync.results import PostingResult
from reconciler.sync.service import BalanceSync

_bound: list[BalanceSync] = []


def bind(sync: BalanceSync | None) -> None:
    """Have the module-level functions use this instance from now on; None unbinds."""
    _bound[:] = [] if sync is None else [sync]


def _sync() -> BalanceSync:
    if not _bound:
        raise NotBound(
            "no BalanceSync is bound: call reconciler.sync.bind(BalanceSync(database)) at start"
        )
    return _bound[0]


async def sync_credit_balance(
    user_id: UserId, currency: str, amount: Amount, reason: str, *, op_id: str | None = None
) -> PostingResult:
    """Credit an account; see `BalanceSync.credit`.

    Raises:
        NotBound: `bind` was not called; and all that `credit` raises.
    """
    return await _sync().credit(user_id, currency, amount, reason, op_id=op_id)


async def sync_debit_balance(
    user_id: UserId, currency: str, amount: Amount, reason: str, *, op_id: str | None = None
) -> PostingResult:
    """Debit an account; see `BalanceSync.debit`.

    Raises:
        NotBound: `bind` was not called; and all that `debit` raises.
    """
    return await _sync().debit(user_id, currency, amount, reason, op_id=op_id)


async def sync_lock_balance(
    user_id: UserId, currency: str, amount: Amount, reason: str, *, op_id: str | None = None
) -> PostingResult:
    """Lock a part of an account; see `BalanceSync.lock`.

    Raises:
        NotBound: `bind` was not called; and all that `lock` raises.
    """
    return await _sync().lock(user_id, currency, amount, reason, op_id=op_id)


async def sync_balance_update(
    user_id: UserId,
    currency: str,
    available_delta: Amount,
    locked_delta: Amount,
    reason: str,
    *,
    op_id: str | None = None,
) -> PostingResult:
    """Change both amounts of an account; see `BalanceSync.update`.

    Raises:
        NotBound: `bind` was not called; and all that `update` raises.
    """
    return await _sync().update(
        user_id, currency, available_delta, locked_delta, reason, op_id=op_id
    )
