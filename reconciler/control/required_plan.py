"""The test plan that a freeze must pass: ten consecutive transactions, and what comes of each."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from reconciler.control.documents import EVIDENCE_KIND, TRANSACTIONS, step_problem

APPLIED = "applied"
INSUFFICIENT = "InsufficientFunds"
CURRENCY = "BTC"


@dataclass(frozen=True, slots=True)
class Operation:
    """One transaction: on which of the two users, with which amounts, and what must come of it.

    `amounts` are as the operation takes them; `balances` what both users then have, available and
    locked, the first one's first.
    """

    name: str
    user: str
    amounts: tuple[str, ...]
    expected: str
    balances: tuple[str, str, str, str]


OPERATIONS: Sequence[Operation] = (
    Operation("credit", "a", ("1",), APPLIED, ("1", "0", "0", "0")),
    Operation("credit", "b", ("0.5",), APPLIED, ("1", "0", "0.5", "0")),
    Operation("debit", "a", ("0.25",), APPLIED, ("0.75", "0", "0.5", "0")),
    Operation("debit", "a", ("100",), INSUFFICIENT, ("0.75", "0", "0.5", "0")),
    Operation("lock", "a", ("0.4",), APPLIED, ("0.35", "0.4", "0.5", "0")),
    Operation("lock", "a", ("10",), INSUFFICIENT, ("0.35", "0.4", "0.5", "0")),
    Operation("unlock", "a", ("0.1",), APPLIED, ("0.45", "0.3", "0.5", "0")),
    Operation("release", "a", ("0.2",), APPLIED, ("0.45", "0.1", "0.7", "0")),
    Operation("update", "a", ("-0.05", "0.05"), APPLIED, ("0.4", "0.15", "0.7", "0")),
    Operation("release", "a", ("5",), INSUFFICIENT, ("0.4", "0.15", "0.7", "0")),
)
assert len(OPERATIONS) == TRANSACTIONS


@dataclass(frozen=True, slots=True)
class Check:
    """What a full integrity check said, in the words of its answer."""

    status: str
    details: str
    checked_users: int
    checked_balances: int
    duration_ms: int


@dataclass(frozen=True, slots=True)
class EndToEnd:
    """How the end-to-end sequence ended, and what it said, line by line."""

    exit_code: int
    lines: tuple[str, ...]
    duration_ms: int


class Trial(Protocol):
    """An empty exchange on a real replica set, in the hands of the code that is to be frozen."""

    @property
    def versions(self) -> dict[str, str]:
        """What it runs on: Python, the driver, the server, this package."""

    async def carry_out(self, operation: Operation) -> str:
        """Make one transaction; give `applied`, or the name of the error that refused it."""

    async def balances(self) -> tuple[str, str, str, str]:
        """Give what both users have, available and locked."""

    async def check(self) -> Check:
        """Check all accounts."""

    async def end_to_end(self) -> EndToEnd:
        """Run `scripts/e2e.sh` against a daemon."""


Told = Callable[[str], None]
Milliseconds = Callable[[], int]


async def run_plan(
    trial: Trial, *, digest: str, now_ms: Milliseconds, tell: Told
) -> dict[str, Any]:
    """Carry the plan out to its end or to the first step that fails; give the evidence.

    Args:
        trial: where it is carried out.
        digest: of the code that is running.
        now_ms: a clock that only goes forward.
        tell: is told each step as it is done.
    """
    operations: list[dict[str, Any]] = []
    evidence: dict[str, Any] = {
        "kind": EVIDENCE_KIND,
        "digest": digest,
        "versions": trial.versions,
        "operations": operations,
        "end_to_end": None,
    }
    for operation in OPERATIONS:
        step = await _step(trial, operation, now_ms)
        operations.append(step)
        tell(f"{operation.name} {' '.join(operation.amounts)}: {step['outcome']}")
        if step_problem(len(operations), step) is not None:
            return evidence
    evidence["end_to_end"] = asdict(await trial.end_to_end())
    tell(f"scripts/e2e.sh: exit {evidence['end_to_end']['exit_code']}")
    return evidence


async def _step(trial: Trial, operation: Operation, now_ms: Milliseconds) -> dict[str, Any]:
    started = now_ms()
    outcome = await trial.carry_out(operation)
    duration = now_ms() - started
    return {
        "operation": operation.name,
        "user": operation.user,
        "amounts": [f"{amount} {CURRENCY}" for amount in operation.amounts],
        "expected": operation.expected,
        "outcome": outcome,
        "balances_expected": list(operation.balances),
        "balances": list(await trial.balances()),
        "duration_ms": duration,
        "check": asdict(await trial.check()),
    }
