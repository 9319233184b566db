"""Which status each error of the library has over HTTP."""

import inspect
from decimal import Decimal

import pytest

import reconciler.errors
from reconciler.errors import (
    AmountTooLong,
    BalancesOutOfSync,
    BrokenBalance,
    CannotLook,
    DatabaseUnavailable,
    DeadlineExceeded,
    Fenced,
    IdempotencyConflict,
    InsufficientFunds,
    InvalidPosting,
    InvalidTrade,
    OperationVoided,
    OutcomeUnknown,
    PostingFailed,
    PostingRefused,
    ReadInterrupted,
    ReconcilerError,
    RefusedByValidator,
    SchemaNotReady,
    SnapshotTooOld,
    StaleBefore,
    TradeConflict,
    TradeNotFound,
    UnsupportedServer,
)
from reconciler.model.identity import Account
from reconciler.surfaces.http.failures import problem_of
from tests.fakes.http import Api
from tests.fakes.service import FakeEscrow, a_copy, a_mismatch

WRONG = a_mismatch("secret", wallets=(a_copy("2"),))
POOR = InsufficientFunds(
    Account.of("secret", "BTC"),
    "available",
    available=Decimal(1),
    locked=Decimal(0),
    needed=Decimal(2),
)
ERRORS: list[tuple[ReconcilerError, int, str]] = [
    (POOR, 409, "Insufficient funds"),
    (BalancesOutOfSync(WRONG), 409, "Balances out of sync"),
    (BrokenBalance(WRONG), 409, "Broken balance"),
    (OperationVoided("secret"), 409, "Operation voided"),
    (StaleBefore("secret"), 409, "Stale"),
    (RefusedByValidator("secret"), 409, "Refused by the database"),
    (TradeConflict("secret", "it was released"), 409, "Trade over"),
    (AmountTooLong("secret"), 409, "Amount not possible"),
    (TradeNotFound("secret"), 404, "Not found"),
    (InvalidTrade("secret"), 422, "Invalid input"),
    (InvalidPosting("secret"), 422, "Invalid input"),
    (IdempotencyConflict("secret"), 422, "Idempotency conflict"),
    (OutcomeUnknown("op-1", "secret"), 503, "Outcome unknown"),
    (DeadlineExceeded("secret"), 503, "Unavailable"),
    (PostingFailed("secret"), 503, "Unavailable"),
    (DatabaseUnavailable("secret"), 503, "Unavailable"),
    (ReadInterrupted("secret"), 503, "Unavailable"),
    (SnapshotTooOld("secret"), 503, "Unavailable"),
    (CannotLook("secret"), 503, "Unavailable"),
    (Fenced("secret"), 503, "Unavailable"),
    (SchemaNotReady("secret"), 503, "Unavailable"),
    (UnsupportedServer("secret"), 503, "Unavailable"),
]


@pytest.mark.parametrize(
    "error, status, title", ERRORS, ids=[type(error).__name__ for error, _, _ in ERRORS]
)
async def test_an_error_has_its_status(error: ReconcilerError, status: int, title: str) -> None:
    """The answer repeats nothing of the error's own message, which names accounts."""
    api = Api(escrow=FakeEscrow(error))
    async with api.client() as client:
        answer = await client.post("/api/p2p/cancel-trade", content='{"trade_id": "t"}')

    assert (answer.status_code, answer.json()["title"]) == (status, title)
    assert "secret" not in answer.text
    # An outcome that is unknown must not be repeated by a machine that knows no key.
    may_repeat = status == 503 and not isinstance(error, OutcomeUnknown)
    assert ("retry-after" in answer.headers) == may_repeat


async def test_an_unknown_outcome_names_its_posting() -> None:
    """Whoever has to find out what became of it has its op_id, and is told what to do."""
    api = Api(escrow=FakeEscrow(OutcomeUnknown("op-1", "the connection was cut")))
    async with api.client() as client:
        answer = await client.post("/api/p2p/cancel-trade", content='{"trade_id": "t"}')

    assert answer.json() == {
        "type": "urn:reconciler:problem:outcome-unknown",
        "title": "Outcome unknown",
        "status": 503,
        "detail": (
            "It may have been done, or may still be. Repeat the same request with the same "
            "Idempotency-Key, under which it is done at most once; without one, look at the "
            "account first. `op_id` names the posting."
        ),
        "outcome": "unknown",
        "op_id": "op-1",
    }


def test_every_refusal_of_a_posting_has_a_status() -> None:
    """A new one is 422 until somebody decides otherwise; none is an unexpected error."""
    refusals = [
        each
        for _, each in inspect.getmembers(reconciler.errors, inspect.isclass)
        if issubclass(each, PostingRefused)
    ]
    problems = [problem_of(each.__new__(each)) for each in refusals]

    assert len(refusals) > 15
    assert None not in problems
    assert {each.status for each in problems if each} == {404, 409, 422, 503}
