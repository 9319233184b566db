"""Mutants of what a posting reads, decides and writes."""

from tests.mutants.mutant import Edit, Mutant

_ACCOUNTS = "reconciler/sync/accounts.py"
_JOURNAL = "reconciler/sync/journal.py"
_WORK = "reconciler/sync/work.py"
_READINESS = "reconciler/sync/readiness.py"
_CHANGE = "reconciler/model/change.py"
_LEGS = "reconciler/model/posting.py"
_CONVERSION = "tests/integration/sync/test_conversion.py"
_FAULTS = "tests/integration/sync/test_faults.py"
_GUARDS = "tests/integration/sync/test_guards.py"
_POSTING = "tests/integration/sync/test_posting.py"

POSTING_MUTANTS = (
    Mutant(
        "journal-outside-the-transaction",
        "an entry stays of a posting that was never applied",
        (
            Edit(
                _JOURNAL,
                "await transaction.write(JOURNAL, "
                "[InsertOne(document) for document in (*entries, entry)])",
                "await transaction.session.client[transaction._database.name][JOURNAL]"
                ".insert_many([*entries, entry])",
            ),
        ),
        (f"{_FAULTS}::test_a_conflict_is_tried_again",),
    ),
    Mutant(
        "one-collection-forgotten",
        "the last collection keeps its old balance",
        (
            Edit(
                _ACCOUNTS,
                "for mapping in mappings:\n        is_truth",
                "for mapping in tuple(mappings)[:-1]:\n        is_truth",
            ),
        ),
        (_POSTING,),
    ),
    Mutant(
        "total-not-set",
        "the total field keeps its old value",
        (Edit(_ACCOUNTS, "if mapping.total is not None:", "if False:"),),
        (_POSTING,),
    ),
    Mutant(
        "no-funds-guard",
        "an account goes below zero",
        (Edit(_CHANGE, "if getattr(after, field) < 0:", "if False:"),),
        (f"{_GUARDS}::test_spending_more_than_there_is",),
    ),
    Mutant(
        "funds-guard-on-available-only",
        "the locked amount goes below zero",
        (
            Edit(
                _CHANGE,
                'for field in ("available", "locked"):\n        if getattr(after',
                'for field in ("available",):\n        if getattr(after',
            ),
        ),
        (f"{_GUARDS}::test_spending_more_than_there_is",),
    ),
    Mutant(
        "no-out-of-sync-guard",
        "money is spent from copies that disagree",
        (
            Edit(
                _CHANGE,
                "if delta.is_spending or isinstance(refusal, BrokenBalance):",
                "if isinstance(refusal, BrokenBalance):",
            ),
        ),
        (f"{_GUARDS}::test_spending_from_copies_that_disagree",),
    ),
    Mutant(
        "broken-values-credited",
        "a credit writes over a value that is no number",
        (
            Edit(
                _CHANGE,
                "if delta.is_spending or isinstance(refusal, BrokenBalance):",
                "if delta.is_spending:",
            ),
        ),
        (f"{_GUARDS}::test_a_broken_value_refuses_everything",),
    ),
    Mutant(
        "new-op-id-on-retry",
        "a repeated attempt goes by another name, and could be applied twice",
        (
            Edit(
                _WORK,
                "self.tell_retried(self.op_id, attempt, error)",
                "self.tell_retried(self.op_id, attempt, error)\n"
                "        self.request = type(self.request)(\n"
                '            self.op_id + "+", self.request.kind, self.request.legs,\n'
                "            self.request.reason, self.request.fingerprint)",
            ),
        ),
        (f"{_FAULTS}::test_a_conflict_is_tried_again",),
    ),
    Mutant(
        "no-void-check",
        "a posting settled as void is answered as if it were another one",
        (Edit(_WORK, "if is_void(entry):", "if False:"),),
        (f"{_FAULTS}::test_a_settled_void_is_for_ever",),
    ),
    Mutant(
        "replay-without-a-comparison",
        "an op_id used for something else returns the other posting's outcome",
        (Edit(_WORK, 'if entry.get("fingerprint") != self.request.fingerprint:', "if False:"),),
        (f"{_GUARDS}::test_an_op_id_with_other_content",),
    ),
    Mutant(
        "fingerprint-without-the-reason",
        "two postings with different reasons pass for one",
        (
            Edit(
                _LEGS,
                "_digest([self.kind.value, legs, self.reason])",
                "_digest([self.kind.value, legs])",
            ),
        ),
        (f"{_GUARDS}::test_an_op_id_with_other_content",),
    ),
    Mutant(
        "sequence-not-continued-after-a-lost-copy",
        "numbering starts again where the copy with the number was deleted",
        (
            Edit(
                _WORK,
                "return await last_sequence(transaction, found.view.account)",
                "return found.sequence or 0",
            ),
        ),
        (f"{_POSTING}::test_the_sequence_survives_a_lost_copy",),
    ),
    Mutant(
        "wrong-sequence-trusted",
        "an account whose number was set back can never be posted on again",
        (Edit(_WORK, "found.sequence is not None and not distrustful", "found.sequence"),),
        (f"{_POSTING}::test_a_wrong_sequence_is_looked_up",),
    ),
    Mutant(
        "no-opening-entry",
        "the journal does not explain balances from before it",
        (Edit(_ACCOUNTS, "return self.last_sequence == 0 and", "return False and"),),
        (f"{_POSTING}::test_the_first_posting_opens_the_journal",),
    ),
    Mutant(
        "own-writes-run-on-a-replay",
        "a caller's own write is made again with each repetition",
        (
            Edit(
                _WORK,
                "return self._replay(entry), False",
                "await self._callers_own(self.within, transaction) if self.within else None\n"
                "            return self._replay(entry), False",
            ),
        ),
        (f"{_POSTING}::test_own_writes_do_not_run_on_a_replay",),
    ),
    Mutant(
        "drifted-copies-levelled",
        "a credit on copies that disagree hides the drift",
        (
            Edit(
                _CHANGE,
                "_each_its_own(view, rules) if mismatch else _all_the_truth(view, rules)",
                "_all_the_truth(view, rules)",
            ),
        ),
        (f"{_GUARDS}::test_a_credit_keeps_the_drift",),
    ),
    Mutant(
        "conversion-makes-drift",
        "copies in sync within tolerance drift apart when they become decimals",
        (
            Edit(
                _CHANGE,
                "_each_its_own(view, rules) if mismatch else _all_the_truth(view, rules)",
                "_each_its_own(view, rules)",
            ),
        ),
        (f"{_CONVERSION}::test_doubles_become_the_truth",),
    ),
    Mutant(
        "fee-made-of-nothing",
        "a release gives the buyer the whole amount and the fee account the fee",
        (Edit(_LEGS, "((target, rest),", "((target, amount),"),),
        (f"{_POSTING}::test_release_conserves_the_amount",),
    ),
    Mutant(
        "any-index-will-do",
        "the library opens without the indexes that keep documents from doubling",
        (Edit(_READINESS, 'bool(index.get("unique"))', "True"),),
        (f"{_GUARDS}::test_an_index_that_does_not_keep_documents_from_doubling",),
    ),
)
