"""Which HTTP problem each error of the library is.

What the state of things forbids is 409, what is wrong in the request 422, what may pass 503. The
errors' own messages name accounts and amounts, and are not repeated. The reasons of a guard are:
whoever may ask for a repair may see what it is about.
"""

from reconciler.errors import (
    BalancesOutOfSync,
    BrokenBalance,
    CannotLook,
    DatabaseUnavailable,
    DeadlineExceeded,
    Fenced,
    IdempotencyConflict,
    InsufficientFunds,
    InvalidAmount,
    InvalidTrade,
    OperationVoided,
    OutcomeUnknown,
    PlanNotFound,
    PlanStale,
    PostingFailed,
    PostingRefused,
    ReadInterrupted,
    ReconcilerError,
    RefusedByValidator,
    RepairRefused,
    SchemaNotReady,
    SelfApproval,
    SnapshotTooOld,
    StaleBefore,
    TradeConflict,
    TradeNotFound,
    UnsupportedServer,
)
from reconciler.model.repair import Guard
from reconciler.surfaces.http.problems import (
    Problem,
    conflict,
    invalid,
    not_found,
    unavailable,
)

_NOTHING = "Nothing was written."
_AGAIN = f"{_NOTHING} Try again."
_SELF_APPROVAL = (
    "Whoever made a plan, or applies it, cannot approve it: that takes a second person with a "
    f"token of their own. {_NOTHING}"
)
_PLAN_STALE = (
    f"The plan was used before, has expired, or has another digest. {_NOTHING} Ask for a new plan; "
    "GET /api/repairs/{plan_id} shows what became of this one."
)
_SEE = "GET /api/integrity/explain/{user_id}/{currency} shows it."

# By class; the first that fits is taken.
_CONFLICTS: tuple[tuple[type[ReconcilerError], str, str], ...] = (
    (InsufficientFunds, "Insufficient funds", f"The account does not hold that much. {_NOTHING}"),
    (
        BalancesOutOfSync,
        "Balances out of sync",
        f"The copies of the account disagree: nothing can be taken from it. {_NOTHING} {_SEE}",
    ),
    (
        BrokenBalance,
        "Broken balance",
        f"A copy of the account is malformed or doubled: a person must act. {_NOTHING} {_SEE}",
    ),
    (
        OperationVoided,
        "Operation voided",
        f"What this Idempotency-Key stood for was settled as void. {_NOTHING} Use a new key.",
    ),
    (
        RefusedByValidator,
        "Refused by the database",
        f"The database's own guard refused it: `reconciler db status` shows it. {_NOTHING}",
    ),
    (StaleBefore, "Stale", f"The balance was changed by somebody else meanwhile. {_AGAIN}"),
    (
        TradeConflict,
        "Trade over",
        f"The trade is over in the other way: it was released, or it was cancelled. {_NOTHING}",
    ),
    (PlanStale, "Plan not usable", _PLAN_STALE),
    # What was sent had been checked: it is what is stored that leaves no room.
    (
        InvalidAmount,
        "Amount not possible",
        f"The new balance has too many digits, or the stored one too many places. {_NOTHING}",
    ),
)
_PASSING: tuple[tuple[type[ReconcilerError], str], ...] = (
    (DeadlineExceeded, f"It took too long and was given up. {_AGAIN}"),
    (PostingFailed, f"The database refused it. {_NOTHING} The service's log says why."),
    (DatabaseUnavailable, "The database does not answer. Try again."),
    (ReadInterrupted, "Reading was interrupted. Try again."),
    (SnapshotTooOld, "Reading took longer than the database keeps a moment. Try again."),
    (CannotLook, "A part of the data cannot be read. The service's log says why."),
    (Fenced, "Another daemon has taken over meanwhile. Try again."),
    (SchemaNotReady, f"A unique index is missing: run `reconciler db init`. {_NOTHING}"),
    (UnsupportedServer, "The database server is no replica set, or older than MongoDB 6.0."),
)


def problem_of(error: ReconcilerError) -> Problem | None:
    """Give the problem that an error is; None for one that nobody foresaw."""
    if isinstance(error, OutcomeUnknown):
        return _unknown(error)
    if isinstance(error, IdempotencyConflict):
        return Problem(
            422,
            "Idempotency conflict",
            f"The Idempotency-Key was used before for something else. {_NOTHING}",
        )
    if isinstance(error, RepairRefused):
        return _refused(error)
    if isinstance(error, SelfApproval):
        return Problem(403, "Self approval", _SELF_APPROVAL)
    if isinstance(error, PlanNotFound | TradeNotFound):
        what = "plan" if isinstance(error, PlanNotFound) else "trade"
        return not_found(f"There is no such {what}. {_NOTHING}")
    if isinstance(error, InvalidTrade):
        return invalid(
            "These terms make no trade: nobody trades with oneself, and the account that takes the "
            f"fees trades without fee_bps. {_NOTHING}"
        )
    return _listed(error)


def _listed(error: ReconcilerError) -> Problem | None:
    for kind, title, detail in _CONFLICTS:
        if isinstance(error, kind):
            return conflict(title, detail)
    for kind, detail in _PASSING:
        if isinstance(error, kind):
            return unavailable(detail)
    if isinstance(error, PostingRefused):
        return invalid(f"The rules for postings forbid it. {_NOTHING}")
    return None


def _refused(error: RepairRefused) -> Problem:
    refusal = error.refusal
    if refusal is None:
        return conflict("Repair refused", f"It cannot be planned: {error}. {_NOTHING}")
    written = "GET /api/repairs/{plan_id} shows which" if error.is_halfway else _NOTHING
    return Problem(
        403 if refusal.guard is Guard.SCOPE else 409,
        "Repair refused",
        f"The guard {refusal.guard.value} forbids it: {refusal.reason}. {written}",
        members={"guard": refusal.guard.value, "reason": refusal.reason},
    )


def _unknown(error: OutcomeUnknown) -> Problem:
    # No Retry-After: without an Idempotency-Key a repetition may be a second posting.
    return Problem(
        503,
        "Outcome unknown",
        "It may have been done, or may still be. Repeat the same request with the same "
        "Idempotency-Key, under which it is done at most once; without one, look at the account "
        "first. `op_id` names the posting.",
        members={"outcome": "unknown", "op_id": error.op_id},
    )
