"""What is logged of the audit trail."""

from reconciler.model.audit import AuditHead, AuditKind, AuditRecord, ChainProblem, Checkpoint
from reconciler.surfaces.logs import Logs


class AuditLog:
    """Logs what happens to the trail; what goes on being wrong has one line, until it is right."""

    def __init__(self, logs: Logs) -> None:
        self._logs = logs
        self._failure: str | None = None
        self._problem: ChainProblem | None = None

    def appended(self, record: AuditRecord, kind: AuditKind) -> None:
        """A record was written."""
        self._logs.info(
            "audit_appended", kind=kind.value, audit_sequence=record.sequence, hash=record.hash
        )

    def append_failed(self, kind: AuditKind, *, reason: str) -> None:
        """What happened could not be written down."""
        self._logs.error("audit_append_failed", kind=kind.value, reason=reason)

    def checkpointed(self, checkpoint: Checkpoint) -> None:
        """The head was signed."""
        self._failure = None
        self._logs.info(
            "audit_checkpointed", why=checkpoint.why, size=checkpoint.size, hash=checkpoint.hash
        )

    def checkpoint_failed(self, why: str, *, reason: str) -> None:
        """The head could not be signed."""
        if reason != self._failure:
            self._failure = reason
            self._logs.error("audit_checkpoint_failed", why=why, reason=reason)

    def chain_proven(self, head: AuditHead) -> None:
        """All that was read of the trail is right."""
        if self._problem is not None:
            self._problem = None
            self._logs.info("audit_chain_valid_again", size=head.size)
        self._logs.debug("audit_chain_proven", size=head.size)

    def chain_broken(self, problem: ChainProblem) -> None:
        """The trail was changed."""
        if problem != self._problem:
            self._problem = problem
            self._logs.error(
                "audit_chain_broken", first_bad=problem.sequence, reason=problem.problem
            )
