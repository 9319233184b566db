"""Mutants of how a posting is carried: sessions, transactions, commits, deadlines."""

from tests.mutants.mutant import Edit, Mutant

_CARRIER = "reconciler/sync/carrier.py"
_TRANSACTION = "reconciler/sync/transaction.py"
_SETTLEMENT = "reconciler/sync/settlement.py"
_FAULTS = "tests/integration/sync/test_faults.py"
_POSTING = "tests/integration/sync/test_posting.py"
_WIRE = "tests/integration/sync/test_wire.py"

_SHIELDED = """commit = self._spawn(self._commit(session, work.op_id), contextvars.Context())
            await self._end_of(commit, session, work.op_id, watch)"""

CARRYING_MUTANTS = (
    Mutant(
        "forgotten-session-write",
        "writes land outside the transaction, one by one",
        (
            Edit(
                _TRANSACTION,
                "bulk_write(operations, session=self._session)",
                "bulk_write(operations)",
            ),
        ),
        (f"{_FAULTS}::test_a_conflict_is_tried_again", _POSTING),
    ),
    Mutant(
        "forgotten-session-read",
        "the decision is made on copies read outside the transaction",
        (
            Edit(
                _TRANSACTION,
                "source.aggregate(pipeline, session=self._session, collation=BINARY_ORDER)",
                "source.aggregate(pipeline, collation=BINARY_ORDER)",
            ),
        ),
        (_WIRE, _POSTING),
    ),
    Mutant(
        "no-transaction",
        "four copies and the journal are written one after the other",
        (
            Edit(
                _CARRIER,
                "transaction = await begin(session, self._database)",
                "transaction = Transaction(session, self._database)",
            ),
            Edit(
                _CARRIER,
                "await session.commit_transaction()",
                "await asyncio.sleep(0)",
            ),
        ),
        (f"{_FAULTS}::test_a_conflict_is_tried_again", _POSTING),
    ),
    Mutant(
        "commit-on-one-member",
        "an acknowledged posting can be lost with the primary",
        (Edit(_TRANSACTION, 'WriteConcern("majority"),', "WriteConcern(1),"),),
        (_WIRE,),
    ),
    Mutant(
        "no-snapshot-in-the-transaction",
        "the copies of one account may be of different moments on a sharded cluster",
        (Edit(_TRANSACTION, 'ReadConcern("snapshot")', 'ReadConcern("local")'),),
        (_WIRE,),
    ),
    Mutant(
        "commit-not-retried",
        "a connection lost at the commit fails a posting that may have been applied",
        (Edit(_CARRIER, "if error.has_error_label(_NOT_COMMITTED):", "if error:"),),
        (f"{_FAULTS}::test_a_commit_of_unknown_result_is_asked_again",),
    ),
    Mutant(
        "transient-errors-not-retried",
        "two callers meeting on an account cost one of them the posting",
        (
            Edit(
                _CARRIER,
                "isinstance(error, PyMongoError) and error.has_error_label(_NOT_COMMITTED)",
                "False",
            ),
        ),
        (f"{_FAULTS}::test_a_conflict_is_tried_again",),
    ),
    Mutant(
        "cancelled-commit-not-shielded",
        "a caller's cancellation cuts the commit itself",
        (
            Edit(_CARRIER, _SHIELDED, "await self._commit(session, work.op_id)"),
            Edit(
                _CARRIER,
                'raise OutcomeUnknown(work.op_id, "cancelled while',
                'flight.cancel()\n            raise OutcomeUnknown(work.op_id, "cancelled while',
            ),
        ),
        (f"{_FAULTS}::test_a_cancelled_commit_is_carried_on",),
    ),
    Mutant(
        "cancelled-commit-called-undone",
        "a caller cancelled at the commit is told that nothing was written",
        (Edit(_CARRIER, "return not self.committing", "return True"),),
        (f"{_FAULTS}::test_a_cancellation_at_the_commit",),
    ),
    Mutant(
        "commit-in-the-callers-time",
        "a caller's `pymongo.timeout` ends the commit",
        (Edit(_CARRIER, _SHIELDED, "await self._commit(session, work.op_id)"),),
        (f"{_FAULTS}::test_the_callers_own_timeout",),
    ),
    Mutant(
        "abandoned-transaction-not-killed",
        "a posting that was given up blocks its accounts until the server ends it",
        (
            Edit(
                _CARRIER, "if wait:\n            await asyncio.shield(killing)", "killing.cancel()"
            ),
        ),
        (f"{_FAULTS}::test_the_deadline_before_the_commit",),
    ),
    Mutant(
        "deadline-not-enforced",
        "a call waits as long as the server likes",
        (Edit(_CARRIER, "{flight}, timeout=self._deadline_seconds)", "{flight})"),),
        (f"{_FAULTS}::test_the_deadline_before_the_commit",),
    ),
    Mutant(
        "close-waits-for-nothing",
        "the loop ends while commits are under way",
        (Edit(_CARRIER, "while self._tasks:", "while False:"),),
        (f"{_FAULTS}::test_the_deadline_at_the_commit",),
    ),
    Mutant(
        "settled-without-a-fence",
        "a posting called void is applied after all",
        (Edit(_SETTLEMENT, "await self._journal.insert_one(void_entry(op_id, now))", "pass"),),
        (
            f"{_FAULTS}::test_a_settled_void_is_for_ever",
            f"{_FAULTS}::test_settling_waits_for_a_posting_under_way",
        ),
    ),
)
