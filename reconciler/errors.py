"""Every exception that may cross a layer; those that the model raises are re-exported.

`ReconcilerError` catches them all. A `PostingRefused` means that nothing was written.
`OutcomeUnknown` means exactly that, and is neither a success nor a failure.
"""

from reconciler.model.audit import InvalidAuditEvent
from reconciler.model.faults import (
    AmountNotANumber,
    AmountNotPositive,
    AmountTooFine,
    AmountTooLong,
    BalancesOutOfSync,
    BrokenBalance,
    FloatRefused,
    InsufficientFunds,
    InvalidAmount,
    InvalidCurrency,
    InvalidMapping,
    InvalidPosting,
    InvalidTrade,
    InvalidUserId,
    PostingRefused,
    ReconcilerError,
    StaleBefore,
    TradeConflict,
)
from reconciler.model.repair import GuardRefusal

__all__ = [
    "AccountPaused",
    "AmountNotANumber",
    "AmountNotPositive",
    "AmountTooFine",
    "AmountTooLong",
    "AuditTrailBroken",
    "BalancesOutOfSync",
    "BrokenBalance",
    "CannotLook",
    "CheckpointFailed",
    "DatabaseUnavailable",
    "DeadlineExceeded",
    "EmbeddedMongoFailed",
    "Fenced",
    "FloatRefused",
    "IdempotencyConflict",
    "InsufficientFunds",
    "InvalidAmount",
    "InvalidAuditEvent",
    "InvalidCurrency",
    "InvalidMapping",
    "InvalidPosting",
    "InvalidTrade",
    "InvalidUserId",
    "MongodNotFound",
    "NotBound",
    "OperationVoided",
    "OutcomeUnknown",
    "PlanNotFound",
    "PlanStale",
    "PositionLost",
    "PostingFailed",
    "PostingRefused",
    "ReadInterrupted",
    "ReconcilerError",
    "RefusedByValidator",
    "RepairRefused",
    "SchemaNotReady",
    "SelfApproval",
    "SnapshotTooOld",
    "StaleBefore",
    "TradeConflict",
    "TradeNotFound",
    "UnsupportedServer",
]


class IdempotencyConflict(PostingRefused):
    """The `op_id` was used before for a posting with other content; nothing was written now."""

    def __init__(self, op_id: str) -> None:
        super().__init__(
            f"op_id {op_id!r} was used before for a posting with other content; use a new op_id "
            "for a new posting"
        )
        self.op_id = op_id


class OperationVoided(PostingRefused):
    """The `op_id` was settled as void: it was never applied and never can be."""

    def __init__(self, op_id: str) -> None:
        super().__init__(
            f"op_id {op_id!r} was settled as void and can never be applied; use a new op_id"
        )
        self.op_id = op_id


class AccountPaused(PostingRefused):
    """A repair of the account took longer than a posting waits for it; nothing was written."""

    def __init__(self, account: str) -> None:
        super().__init__(
            f"account {account} is being repaired; nothing was written. Try again in a few seconds"
        )
        self.account = account


class DeadlineExceeded(PostingRefused):
    """The posting was given up before its commit began; nothing was written."""


class PostingFailed(PostingRefused):
    """The server refused a posting before its commit began; nothing was written."""


class RefusedByValidator(PostingRefused):
    """A collection's validator refused what a posting would have written; nothing was written."""

    def __init__(self, collection: str) -> None:
        super().__init__(
            f"the validator of {collection} refused what the posting would have written; nothing "
            "was written, and trying again does not help. `reconciler db status` says whether the "
            "validator is ours and fits the mapping; if it does, the document's ids are not sane"
        )
        self.collection = collection


class TradeNotFound(PostingRefused):
    """There is no trade with this id; nothing was written."""

    def __init__(self, trade_id: str) -> None:
        super().__init__(f"there is no trade {trade_id!r}: use the trade_id that its creation gave")
        self.trade_id = trade_id


class OutcomeUnknown(ReconcilerError):
    """Whether a posting was applied is not known: its commit had begun and was not answered.

    `op_id` names the posting. Ask `outcome(op_id)` later, or `outcome(op_id, settle=True)` to have
    it decided now; calling again with the same `op_id` and content is safe as well.
    """

    def __init__(self, op_id: str, why: str) -> None:
        super().__init__(
            f"the outcome of op_id {op_id!r} is unknown ({why}): it may have been applied, or "
            "may still be. Ask outcome(op_id), or repeat the call with the same op_id"
        )
        self.op_id = op_id


class NotBound(ReconcilerError):
    """A module-level function was called before `reconciler.sync.bind`."""


class UnsupportedServer(ReconcilerError):
    """The server cannot keep the promises: it is no replica set or too old."""


class SchemaNotReady(ReconcilerError):
    """A unique index is missing (run `reconciler db init` first), or a right to read."""


class DatabaseUnavailable(ReconcilerError):
    """The database could not be reached, or did not answer in time."""


class CannotLook(ReconcilerError):
    """A part of the data could not be read; a scan that meets this is incomplete."""


class SnapshotTooOld(ReconcilerError):
    """The moment that was being read is too far back for the server; a new one can be."""


class ReadInterrupted(ReconcilerError):
    """A read failed in a way that may pass: the network, an election, a lost cursor."""


class MongodNotFound(ReconcilerError):
    """No MongoDB server binary can be run here; the message says how to get one."""


class EmbeddedMongoFailed(ReconcilerError):
    """A server of our own did not start, or is gone; the message ends with its last log lines."""


class Fenced(ReconcilerError):
    """Another daemon has taken the lease over since: what this one wanted to write was refused."""


class PositionLost(ReconcilerError):
    """The stream of changes cannot go on where it was: what was written meanwhile is not known.

    `reason` is one of the words by which such losses are counted.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class AuditTrailBroken(ReconcilerError):
    """What is stored of the audit trail is no chain that can be gone on with: it was changed."""


class CheckpointFailed(ReconcilerError):
    """The audit trail could not be signed outside the database: nothing may be repaired."""


class RepairRefused(ReconcilerError):
    """A guard said no, or the request cannot be planned; no balance was written after that.

    `refusal` holds which guard it was, why, and what to do; None where no guard was asked.
    `is_halfway` if the plan had begun to be carried out: some of its accounts may be put right.
    """

    def __init__(
        self, reason: str, refusal: GuardRefusal | None = None, *, is_halfway: bool = False
    ) -> None:
        super().__init__(reason)
        self.refusal = refusal
        self.is_halfway = is_halfway


class PlanNotFound(ReconcilerError):
    """There is no plan with this id."""

    def __init__(self, plan_id: str) -> None:
        super().__init__(f"there is no plan {plan_id!r}: use the plan_id that planning gave")
        self.plan_id = plan_id


class PlanStale(ReconcilerError):
    """The plan was used, has expired, is another one than the digest says, or is being applied."""

    def __init__(self, plan_id: str, why: str) -> None:
        super().__init__(f"plan {plan_id!r} cannot be used: {why}")
        self.plan_id = plan_id


class SelfApproval(ReconcilerError):
    """Who approves a plan must neither have planned it nor apply it."""

    def __init__(self, plan_id: str, why: str) -> None:
        super().__init__(f"plan {plan_id!r} needs somebody else: {why}")
        self.plan_id = plan_id
