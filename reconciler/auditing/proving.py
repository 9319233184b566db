"""Proves the stored trail: link by link, against its head, and against what was signed of it.

The chain by itself shows an edit, a deletion, an insertion and a changed order by somebody who
did not compute every later hash anew. Whoever did, or cut the end off and set the head back, is
shown by checkpoints alone: they are where the database's administrator cannot write.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from reconciler.auditing.checkpoint_file import Line, read_lines
from reconciler.auditing.ports import TrailReading
from reconciler.auditing.signatures import is_signed_with
from reconciler.errors import AuditTrailBroken
from reconciler.keys import PublicKey
from reconciler.model.audit import (
    GENESIS_HASH,
    AuditHead,
    AuditRecord,
    ChainProblem,
    ChainProof,
    Checkpoint,
    contradiction,
)


@dataclass(frozen=True, slots=True)
class Proof:
    """What came of it: the head of what is right, and the first thing that is not.

    `records` is how many were found right; `checkpoints` how many were held against them.
    """

    head: AuditHead | None
    records: int
    checkpoints: int = 0
    problem: ChainProblem | None = None

    @property
    def is_valid(self) -> bool:
        """Whether nothing was found wrong."""
        return self.problem is None


class SignedHeads:
    """The checkpoints of a file, in their order, each proven as it is reached.

    Args:
        path: the file, as long as it is now.
        key: what proves the signatures.
    """

    def __init__(self, path: Path, key: PublicKey) -> None:
        self._lines = read_lines(path)
        self._key = key
        self._next: Checkpoint | None = None
        self._good = 0
        self.count = 0
        self.problem: ChainProblem | None = None
        self._step()

    @property
    def next(self) -> Checkpoint | None:
        """The checkpoint that is to be held against the chain next."""
        return self._next

    def hold(self, head: AuditHead) -> ChainProblem | None:
        """Hold a head of the chain against all checkpoints of its size."""
        while self.problem is None and self._next is not None and self._next.size <= head.size:
            problem = self._contradicted(self._next, head)
            if problem is not None:
                return problem
            self._good = self._next.size
            self.count += 1
            self._step()
        return self.problem

    def finish(self, head: AuditHead) -> ChainProblem | None:
        """Say whether a checkpoint knew more records than there are."""
        problem = self.hold(head)
        if problem is None and self._next is not None:
            return ChainProblem(
                head.size + 1,
                f"a checkpoint of {self._next.signed_at:%Y-%m-%dT%H:%M:%SZ} signed "
                f"{self._next.size} records: the last are cut off",
            )
        return problem

    def _contradicted(self, signed: Checkpoint, head: AuditHead) -> ChainProblem | None:
        first = min(self._good + 1, max(signed.size, 1))
        if signed.log_id != head.log_id:
            return ChainProblem(1, "another trail was signed: its log id is another one")
        if signed.hash != head.hash:
            return ChainProblem(
                first,
                f"a checkpoint signed another record {signed.size}: the trail was written anew "
                f"from one of the records {first} to {signed.size} on",
            )
        return None

    def _step(self) -> None:
        last, self._next = self._next, _next(self._lines)
        signed = self._next
        if signed is None:
            return
        if not is_signed_with(self._key, signed):
            problem = "a checkpoint has a signature that is not of this key"
        elif last is not None and (said := contradiction([last.head], signed.head)):
            problem = f"the checkpoints contradict each other: {said}"
        else:
            return
        self.problem = ChainProblem(signed.size, problem)


async def prove(
    trail: TrailReading, *, start: AuditHead | None = None, signed: SignedHeads | None = None
) -> Proof:
    """Prove the trail, all of it or what follows a head that was proven before.

    What is appended meanwhile is left out. Memory holds one batch of records. Read `signed` before
    this is called: a checkpoint must not know more than the head that is read here.

    Raises:
        ReadInterrupted, CannotLook: the trail could not be read.
    """
    try:
        stored = await trail.head()
    except AuditTrailBroken as error:
        return Proof(None, 0, problem=ChainProblem(1, str(error)))
    if stored is None:
        return await _headless(trail, start, signed)
    if start is not None and (said := contradiction([start], stored)):
        return Proof(
            start, start.size, problem=ChainProblem(min(start.size, stored.size) + 1, said)
        )
    chain = ChainProof(start or AuditHead(stored.log_id, 0, GENESIS_HASH))
    problem = await _follow(trail, chain, stored, signed)
    problem = problem or chain.finish(stored)
    problem = problem or await _beyond(trail, stored)
    if problem is None and signed is not None:
        problem = signed.finish(chain.head)
    return Proof(chain.head, chain.head.size, signed.count if signed else 0, problem)


async def _follow(
    trail: TrailReading, chain: ChainProof, stored: AuditHead, signed: SignedHeads | None
) -> ChainProblem | None:
    problem = signed.hold(chain.head) if signed else None
    if problem is not None or chain.head.size >= stored.size:
        return problem
    async for batch in trail.batches(chain.head.size, log_id=stored.log_id):
        problem = _batch(batch, chain, stored, signed)
        if problem is not None or chain.head.size >= stored.size:
            return problem
    return None


def _batch(
    batch: Sequence[AuditRecord],
    chain: ChainProof,
    stored: AuditHead,
    signed: SignedHeads | None,
) -> ChainProblem | None:
    for record in batch:
        if chain.head.size >= stored.size:
            return None
        problem = chain.take(record)
        if problem is None and signed is not None:
            problem = signed.hold(chain.head)
        if problem is not None:
            return problem
    return None


async def _beyond(trail: TrailReading, stored: AuditHead) -> ChainProblem | None:
    """Look for what lies after the head, of which the head, read again, knows nothing either."""
    last = await trail.last_id()
    now = await trail.head() or stored
    if last is None or last == now.size or (isinstance(last, int) and last <= now.size):
        return None
    return ChainProblem(now.size + 1, "it lies beyond the head: put in, or the head was set back")


async def _headless(
    trail: TrailReading, start: AuditHead | None, signed: SignedHeads | None
) -> Proof:
    known = start is not None and start.size > 0
    if known or await trail.last_id() is not None:
        return Proof(start, 0, problem=ChainProblem(1, "the head of the trail is gone"))
    if signed is not None and signed.next is not None and (signed.problem or signed.next.size):
        size = signed.next.size
        return Proof(
            None,
            0,
            problem=signed.problem
            or ChainProblem(1, f"a checkpoint signed {size} records: the trail is gone"),
        )
    return Proof(None, 0)


def _next(lines: Iterator[Line]) -> Checkpoint | None:
    """Give the next checkpoint; a line that was cut off when a machine stopped is none."""
    return next((line.checkpoint for line in lines if line.checkpoint is not None), None)
