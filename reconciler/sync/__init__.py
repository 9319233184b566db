"""The core sync library: the only code that may change a balance. Under change control.

It changes all copies of every account of a posting, and the journal, in one transaction, or
nothing. It imports the model, the errors and PyMongo, and nothing else of ours.
"""

from reconciler.sync.bound import (
    bind,
    sync_balance_update,
    sync_credit_balance,
    sync_debit_balance,
    sync_lock_balance,
)
from reconciler.sync.observer import SilentObserver, SyncObserver
from reconciler.sync.requests import Leg
from reconciler.sync.results import AccountResult, Outcome, PostingResult
from reconciler.sync.service import BalanceSync

__all__ = [
    "AccountResult",
    "BalanceSync",
    "Leg",
    "Outcome",
    "PostingResult",
    "SilentObserver",
    "SyncObserver",
    "bind",
    "sync_balance_update",
    "sync_credit_balance",
    "sync_debit_balance",
    "sync_lock_balance",
]
