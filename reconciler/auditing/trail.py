"""The trail as the rest of the system has it: append, insert, sign, prove, and tell about it."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from reconciler.auditing.checkpoint_file import CheckpointFile, CheckpointMoved
from reconciler.auditing.ports import AuditObserver, TrailStore
from reconciler.auditing.proving import Proof, SignedHeads, prove
from reconciler.auditing.signatures import is_signed_with, signed_with
from reconciler.errors import AuditTrailBroken, CheckpointFailed, ReconcilerError
from reconciler.keys import SigningKey, read_signing_key
from reconciler.model.audit import (
    AuditEvent,
    AuditHead,
    AuditKind,
    AuditRecord,
    ChainProblem,
    Checkpoint,
    body_of,
    contradiction,
)

# Others who sign into the same file can be faster; so often is tried again.
SIGNING_ATTEMPTS_MAX = 10


@dataclass(frozen=True, slots=True)
class SigningPlaces:
    """Where the private key is and where checkpoints go: both outside the database."""

    key_path: Path
    checkpoint_path: Path


class Trail:
    """The audit trail of one database.

    Args:
        store: where records are kept.
        places: where checkpoints are signed and written; None where that is not set up, and then
            there is no checkpoint, and no repair.
        observer: is told what happens to the trail.
        clock: gives the time.
    """

    def __init__(
        self,
        store: TrailStore,
        places: SigningPlaces | None,
        observer: AuditObserver,
        *,
        clock: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._places = places
        self._observer = observer
        self._clock = clock
        self._turn = asyncio.Lock()
        self._proven: AuditHead | None = None
        self._problem: ChainProblem | None = None

    @property
    def can_sign(self) -> bool:
        """Whether there is a place for checkpoints at all."""
        return self._places is not None

    async def append(self, event: AuditEvent) -> AuditRecord:
        """Write one event in a transaction of its own.

        Raises:
            InvalidAuditEvent: it cannot be written down exactly.
            AuditTrailBroken: what is stored is no chain that could be gone on with.
            UnsupportedServer, CannotLook, DatabaseUnavailable, ReadInterrupted: it was not written.
        """
        try:
            record = await self._store.append(body_of(event))
        except ReconcilerError as error:
            self._observer.append_failed(event.kind, reason=str(error))
            raise
        self._observer.appended(record, event.kind)
        return record

    def insertion(self, event: AuditEvent) -> "TrailInsertion":
        """Prepare one event to be written in somebody else's transaction.

        Raises:
            InvalidAuditEvent: it cannot be written down exactly.
        """
        return TrailInsertion(self._store, self._observer, event.kind, body_of(event))

    async def checkpoint(self, why: str) -> Checkpoint:
        """Prove what is new since the last checkpoint, and sign where the trail stands now.

        Raises:
            CheckpointFailed: it could not be: nothing may be repaired.
        """
        async with self._turn:
            try:
                checkpoint = await self._checkpoint(why)
            except (ReconcilerError, OSError) as error:
                self._observer.checkpoint_failed(why, reason=str(error))
                if isinstance(error, CheckpointFailed):
                    raise
                raise CheckpointFailed(f"the audit trail could not be signed: {error}") from error
        self._observer.checkpointed(checkpoint)
        return checkpoint

    async def prove_newest(self) -> Proof:
        """Prove what is new since the last proof; all of it after a problem, and at first.

        Raises:
            ReadInterrupted, CannotLook: it could not be read.
        """
        async with self._turn:
            start = None if self._problem is not None else self._proven
            return self._judged(await prove(self._store, start=start), is_whole=start is None)

    async def prove_all(self) -> Proof:
        """Prove the whole trail, and hold all checkpoints against it that can be read.

        It does not keep checkpoints waiting.

        Raises:
            ReadInterrupted, CannotLook: it could not be read.
            CheckpointFailed, UnusableKey: the checkpoints could not.
        """
        signed = None
        if self._places is not None and self._places.checkpoint_path.exists():
            key = read_signing_key(self._places.key_path).public()
            signed = SignedHeads(self._places.checkpoint_path, key)
        return self._judged(await prove(self._store, signed=signed), is_whole=True)

    def know_last_checkpoint(self) -> None:
        """Tell the observer which checkpoint was the last one, if there was any.

        Raises:
            CheckpointFailed: the file cannot be read.
        """
        last = CheckpointFile(self._places.checkpoint_path).last() if self._places else None
        if last is not None:
            self._observer.checkpointed(last)

    async def _checkpoint(self, why: str) -> Checkpoint:
        if self._places is None:
            raise CheckpointFailed(
                "no checkpoint can be signed: set audit.signing_key_path and "
                "audit.checkpoint_path (`reconciler audit keygen` makes the key)"
            )
        if self._problem is not None:
            raise CheckpointFailed(
                f"the audit trail was changed, at record {self._problem.sequence}: "
                f"{self._problem.problem}"
            )
        key = await asyncio.to_thread(read_signing_key, self._places.key_path)
        file = CheckpointFile(self._places.checkpoint_path)
        for _ in range(SIGNING_ATTEMPTS_MAX):
            last = await asyncio.to_thread(file.last)
            checkpoint = await self._signed(key, why, last)
            try:
                await asyncio.to_thread(file.append, checkpoint, after=last)
            except CheckpointMoved:
                continue
            return checkpoint
        raise CheckpointFailed("others sign into the same file without end")

    async def _signed(self, key: SigningKey, why: str, last: Checkpoint | None) -> Checkpoint:
        """Sign the head, if it goes on from what was signed before."""
        if last is not None and not is_signed_with(key.public(), last):
            raise CheckpointFailed(
                "the last checkpoint was signed with another key: begin another file with this one"
            )
        head = await self._store.begin()
        if last is not None and (said := contradiction([last.head], head)):
            problem = ChainProblem(min(last.size, head.size) + 1, said)
            self._judged(Proof(head, 0, problem=problem), is_whole=False)
            raise CheckpointFailed(f"an earlier checkpoint contradicts the trail: {said}")
        proof = self._judged(
            await prove(self._store, start=last.head if last else None), is_whole=last is None
        )
        if proof.problem is not None or proof.head is None:
            raise CheckpointFailed(f"the audit trail was changed: {proof.problem}")
        signed = proof.head
        checkpoint = Checkpoint(signed.log_id, signed.size, signed.hash, self._clock(), why)
        return signed_with(key, checkpoint)

    def _judged(self, proof: Proof, *, is_whole: bool) -> Proof:
        """Remember a proof and tell of it: what is broken stays so until a whole proof is right."""
        if proof.problem is not None:
            self._problem = proof.problem
            self._observer.chain_broken(proof.problem)
        elif is_whole or self._problem is None:
            self._problem = None
            self._proven = proof.head
            if proof.head is not None:
                self._observer.chain_proven(proof.head)
        return proof


class TrailInsertion:
    """Writes one event in somebody else's transaction, which may be repeated."""

    def __init__(
        self, store: TrailStore, observer: AuditObserver, kind: AuditKind, body: str
    ) -> None:
        self._store = store
        self._observer = observer
        self._kind = kind
        self._body = body
        self._record: AuditRecord | None = None
        self._is_told = False

    async def __call__(self, session: Any) -> None:
        """Write the record and advance the head, with the transaction's session."""
        try:
            self._record = await self._store.insert(self._body, session)
        except AuditTrailBroken as error:
            self._observer.append_failed(self._kind, reason=str(error))
            raise

    @property
    def record(self) -> AuditRecord:
        """What was written; ask once the commit is known, for it is counted then.

        Raises:
            RuntimeError: it never ran.
        """
        if self._record is None:
            raise RuntimeError("the audit record was asked for before it was written")
        if not self._is_told:
            self._is_told = True
            self._observer.appended(self._record, self._kind)
        return self._record


def places_of(key_path: Path | None, checkpoint_path: Path | None) -> SigningPlaces | None:
    """Give the places, if both are set."""
    if key_path is None or checkpoint_path is None:
        return None
    return SigningPlaces(key_path, checkpoint_path)
